"""Which modules are changed, and the tests that have to notice: those about the module's subject.

mutmut runs of these, for each change, the ones that came through the changed function.
"""

from __future__ import annotations

TESTS = {
    "authentication": (
        "tests/test_answers.py",
        "tests/test_credentials.py",
        "tests/test_django_session.py",
        "tests/test_guards.py",
        "tests/test_outage.py",
        "tests/test_rest_framework.py",
        "tests/test_sign_in.py",
        "tests/test_sign_out.py",
        "tests/test_users.py",
    ),
    "cache": ("tests/test_caching.py", "tests/test_sign_out.py", "tests/test_secrets.py", "tests/test_types.py"),
    "credentials": ("tests/test_credentials.py", "tests/test_secrets.py", "tests/test_types.py"),
}
