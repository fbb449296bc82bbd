"""The endpoints of the local Ory, one function for each method and path.

`routes` lists the paths of the public and the admin port.
"""
