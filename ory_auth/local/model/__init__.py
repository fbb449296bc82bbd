"""What the local Ory knows: identities, sessions, flows and their forms, and its configuration.

Plain data and rules about it; nothing here knows HTTP requests, except that an `OryError` has a status code.
"""
