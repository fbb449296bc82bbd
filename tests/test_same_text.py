"""Which texts are the same address or name, whatever a database says."""

from __future__ import annotations

import pytest
from django.db import connection

from ory_auth.ory.same_text import is_same_text

LOOKALIKES = [
    "m\u0131ke@example.org",  # dotless i: PostgreSQL's UPPER() makes an I of it
    "mi\u212ae@example.org",  # the sign for Kelvin: LOWER() makes a k of it
    "m\u00edke@example.org",  # an accent, which MySQL's usual collations ignore
    "mike@example.org ",
    "\uff4dike@example.org",
]


@pytest.mark.parametrize("other", ["mike@example.org", "Mike@Example.ORG", "MIKE@EXAMPLE.ORG"])
def test_the_case_of_ascii_letters_is_ignored(other: str) -> None:
    assert is_same_text("mike@example.org", other)


@pytest.mark.parametrize("other", [*LOOKALIKES, "", None, b"mike@example.org", 5], ids=ascii)
def test_lookalike_texts_differ(other: object) -> None:
    assert not is_same_text("mike@example.org", other)


def test_other_letters_are_compared_exactly() -> None:
    assert is_same_text("K\u00fcm@example.org", "k\u00fcm@example.org")
    assert not is_same_text("k\u00fcm@example.org", "k\u00dcm@example.org")


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="other databases compare in other ways")
def test_postgresql_calls_two_people_equal() -> None:
    """Why the comparison is made in Python."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT UPPER('m\u0131ke') = UPPER('mike')")
        assert cursor.fetchone() == (True,)
