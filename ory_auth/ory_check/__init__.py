"""The parts of ``manage.py ory_check``, which tests whether this project can work with this Ory.

:mod:`.probes` call Ory and look at the project, and return :mod:`.facts`. :mod:`.rules` turn facts into findings
without any I/O. :mod:`.report` shows the findings in a terminal or as JSON.
"""
