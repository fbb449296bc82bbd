"""Which modules are changed, and the tests that have to notice: those about the module's subject.

mutmut runs of these, for each change, the ones that came through the changed function.
"""

from __future__ import annotations

_SUBJECTS = {
    "authentication": (
        "events sign_in django_session sign_out credentials guards outage rest_framework memory users answers"
    ),
    "cache": "cache_entries cache_trouble caching flood memory ready sign_out",
    "credentials": "credentials secrets types",
}
TESTS = {module: tuple(f"tests/test_{one}.py" for one in subjects.split()) for module, subjects in _SUBJECTS.items()}
