"""The HTTP server of the local Ory: sockets, connections, cookies and faults.

`api_app` is the ASGI application of one port. `exchange` is one request, with methods that make its response.
"""
