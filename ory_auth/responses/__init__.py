"""What a request gets: guards, refusals in a form that the client can use, and what the middleware adds.

Built on :mod:`ory_auth.request`.
"""
