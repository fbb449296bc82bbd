"""The packages and servers that people have beside django-ory, each tried in a small project: ``make neighbours``.

`neighbour` says what is written down for a package, `project` makes its settings, `one` tries it in a process of its
own, `servers` tries a server, and ``python -m compatibility`` runs them all and prints the table of
``docs/neighbours.md``.
"""
