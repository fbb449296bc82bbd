"""One Django request: its credential, the outcome of the lookup, its user, and Django's own session beside it.

``state`` has them all.
"""
