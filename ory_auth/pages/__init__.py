"""The pages that browsers see: the views of ory_auth.urls, which start flows at Ory and show them.

``views`` has the table of all pages. ``ui`` reads the JSON of a flow as values that the templates render.
"""
