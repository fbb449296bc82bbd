"""Self-service flows: login, registration, settings and logout.

`handler` contains the endpoints of a flow with a form. Login, registration and settings are subclasses.
"""
