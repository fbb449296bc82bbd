"""Which modules are changed, and the tests that have to notice: those about the module's subject.

mutmut runs of these, for each change, the ones that came through the changed function.
"""

from __future__ import annotations

_SUBJECTS = {
    "authentication": (
        "answers credentials django_session events flood guards memory outage rest_framework sign_in sign_out users"
    ),
    "cache": "cache_entries cache_trouble caching flood memory ready sign_out",
    "credentials": "credentials secrets types",
}
TESTS = {module: tuple(f"tests/test_{one}.py" for one in subjects.split()) for module, subjects in _SUBJECTS.items()}
