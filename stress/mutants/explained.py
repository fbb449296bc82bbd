"""Changes that no test notices, and why that is right.

A change is named by its function and by the line as it became, as a regular expression: one that stands for several
changes is to fit no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .mutmut import Survivor


@dataclass(frozen=True, slots=True)
class Rule:
    """``after`` fits the whole line as it was changed; ``why`` goes into the docs."""

    function: str
    after: str
    why: str


RULES = (
    Rule(
        "RequestState._key",
        r'return self\.credential\.key\(self\.conf\.sdk_url\) if self\.credential else "XXXX"',
        "where no credential came, nothing is looked up under its key",
    ),
    Rule(
        "RequestState._end",
        r'log\(answer\.event, status=answer\.status, (error=None, )?at="logout"\)',
        "the cause of an outage is the type of an error that nobody foresaw, which no test can bring about here",
    ),
    Rule(
        "Credential.key",
        r'key = hasher\(b"(XXcacheXX|CACHE)", 20\)',
        "another key for the hash, just as secret: only what was kept before the change is not found any more",
    ),
    Rule("Credential.key", r'key = hasher\(b"cache", 21\)', "a name of 21 bytes instead of 20"),
    Rule(
        "RequestState._end",
        r"self\._outcome, self\._user, self\.refused, self\._signed_out = SignedOut\(None\), None, None, True",
        "nobody asks again whose request it is: Django's `logout()` has put an anonymous user there",
    ),
    Rule(
        "SessionCache.answers",
        r"return self\._do\(lambda cache: \(cache\.get\(.*\), (True|False)\), whatever=True\) is not None",
        "whether the cache answers at all is the question: any key will do, and any answer",
    ),
    Rule(
        "SessionCache.sign_out",
        r"life = min\(max\(int\(left\) \+ MAX_SKEW, 2\), YEAR\)",
        "where the session ended more than five minutes ago by this clock: two seconds instead of one",
    ),
    Rule(
        "SessionCache.__init__",
        r"self\._resume_at = 1\.0",
        "on a machine that has been running for less than a second",
    ),
    Rule(
        "SessionCache._do",
        r"if (started <= self\._resume_at and not whatever|time\.monotonic\(\) - started >= SLOW):",
        "at the very moment, which no clock hits twice",
    ),
    Rule(
        "SessionCache.keep",
        r"life = min\(max\(int\(remaining\(entry\.facts, entry\.offset\)\), 2\), WEEK\)",
        "where the session ends within two seconds: known for two seconds instead of one",
    ),
    Rule(
        "SessionCache.keep",
        r'self\._do\(lambda cache: cache\.add\(_name\("k", key\), 2, life\)\)',
        "that it is there counts, not what it holds",
    ),
    Rule(
        "SessionCache.recall",
        r"return None if entry is None else self\._unless_ended\(None, entry\)",
        "a sign-out takes the entry out of memory, and no answer is kept there after it: there is none to refuse",
    ),
    Rule(
        "SessionCache.sign_out",
        r'cache\.set_many\(\{\*\*dict\.fromkeys\(tombstones, (None|2)?\), _name\("s", key\): ENDED\}, life\)',
        "that a tombstone is there counts, not what it holds",
    ),
)


def why(survivor: Survivor) -> str:
    """Why it may survive; empty where nobody has said so."""
    fitting = (r for r in RULES if r.function == survivor.function and re.fullmatch(r.after, survivor.after, re.DOTALL))
    return next((rule.why for rule in fitting), "")
