"""Self-service flows: login, registration, settings and logout.

`handler` has what the flows share; each flow that has a form is a subclass.
"""
