"""The gateway: browsers reach Ory on this site's own origin.

``path(".ory/", include("ory_auth.gateway.urls"))``, and ``BROWSER_URL`` is ``"/.ory"``. `routes`, `request`, `response`
and `urls_in_responses` decide without I/O; `views` carries out what they decide.
"""
