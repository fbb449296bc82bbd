"""Other packages and servers, each tried with django-ory in a small project: ``make compatibility``.

`package` says how a package is described, `packages` has them, `project` makes the settings, `try_package` tries one in
a process and `try_server` a server. ``python -m compatibility`` tries them all and prints the table of
``docs/compatibility.md``.
"""
