"""Whether this project can work with this Ory: what ``manage.py ory_check`` looks at, and what that means.

Data goes one way: probes (:mod:`.probes`: the network, the cache, the database) → facts (:mod:`.facts`) → findings
(the ``rules_…`` modules: pure functions) → a terminal or JSON (:mod:`.terminal`, :mod:`.report`).
"""
