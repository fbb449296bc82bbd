"""How the local Ory is reached: sockets, connections, cookies, and what each response has in common.

`api_app` is the ASGI application of one port; `exchange` is one request with what is needed to respond to it.
"""
