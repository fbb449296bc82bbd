"""The data of the local Ory: identities, sessions, flows with their forms, and the configuration.

Nothing here handles a request. Errors have the HTTP status that Kratos responds with.
"""
