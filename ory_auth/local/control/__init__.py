"""How Python code runs and changes a local Ory: start and stop it, create people and sessions, inject faults.

These are the methods of `LocalOry`, and the file of identities to begin with.
"""
