"""What the local Ory answers, one function for each path.

`routes` lists the paths of the public and of the admin port.
"""
