"""The data of the local Ory: identities, sessions, flows with their forms, and the configuration.

Nothing here handles a request. Only `errors` knows HTTP: each error has a status code.
"""
