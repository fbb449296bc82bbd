"""Calls to Ory: credentials, HTTP, addresses, flows and cookies.

Nothing here decides who the user is.
"""
