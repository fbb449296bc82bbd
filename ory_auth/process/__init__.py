"""The process that runs this code: forks and event loops.

Nothing here knows about Ory or about requests.
"""
