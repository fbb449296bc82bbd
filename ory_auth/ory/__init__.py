"""What is sent to Ory and how: credentials, HTTP, addresses, flows and cookies.

Nothing here decides who somebody is.
"""
