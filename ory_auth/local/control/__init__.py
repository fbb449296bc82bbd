"""The Python API of the local Ory: start and stop it, create people and sessions, switch on faults.

`local_ory` has the class `LocalOry`, whose other methods come from `direct_access` and `fault_injection`.
"""
