"""The supplied session: its credential, user and rights. Without one, what cannot be known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ...conf import MAX_CACHE_SECONDS, Conf
from ...ory.credentials import Kind
from ...sessions.outcomes import SecondFactorMissing, SignedIn, SignedOut
from ...types import AAL
from ..facts.model import Facts, SessionFacts, UserFacts
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning
from .ory import ALLOW_CACHING

RECENT = timedelta(minutes=15)


def evaluate_session(facts: Facts) -> Iterator[Finding]:
    conf, session = facts.project.conf, facts.session
    if conf is None or not facts.ory_responds:
        return
    if session is None:
        yield skipped(Check.SESSION, "not tested: sign in, and run ory_check with --token or --cookie")
        yield unknown(Check.COOKIE_NAME, f"{conf.session_cookie_name!r} is expected; --cookie tests it")
        yield unknown(Check.CACHE_TIME, "Ory decides it for each session; --token or --cookie shows it")
        return
    yield _evaluate_cookie_name(session, conf)
    if not isinstance(session.outcome, SignedIn):
        yield _describe_failed_sign_in(session)
        return
    yield _describe_session(session, session.outcome)
    yield _evaluate_cache_time(session, conf)
    if session.user is not None:
        yield _evaluate_user(session.user)
        yield _evaluate_guards(session.outcome, session.user)


def _evaluate_cookie_name(session: SessionFacts, conf: Conf) -> Finding:
    check, name, expected = Check.COOKIE_NAME, session.supplied.cookie_name, conf.session_cookie_name
    if session.supplied.kind is not Kind.COOKIE or session.supplied.credential is None:
        return unknown(check, f"{expected!r} is expected; --cookie NAME=VALUE tests it")
    if name and name != expected:
        found = f"The cookie is named {name!r}, but ory_auth expects {expected!r}: nobody is signed in."
        fix = f"Set ORY_AUTH['SESSION_COOKIE_NAME'] to {name!r}."
        return failure(check, Problem.COOKIE_NAME_DIFFERS, found, fix)
    if isinstance(session.outcome, (SignedIn, SecondFactorMissing)):
        return ok(check, f"{expected!r}, as expected")
    return unknown(check, f"{expected!r} is expected; Ory did not accept this cookie")


def _describe_failed_sign_in(session: SessionFacts) -> Finding:
    check, seconds, kind = Check.SESSION, session.result.seconds, session.supplied.kind.value
    if session.supplied.credential is None:
        found = f"This is not a session {kind}: it is empty, longer than 8 KiB, or has control characters."
        return failure(check, Problem.CREDENTIAL_MALFORMED, found, f"Copy the whole {kind} again.")
    if isinstance(session.outcome, SecondFactorMissing):
        found = "The session lacks a second factor, which Ory requires: guards redirect to the step-up."
        fix = "Sign in with the second factor, or set session.whoami.required_aal to aal1 in Kratos' configuration."
        return warning(check, Problem.SECOND_FACTOR_MISSING, found, fix, seconds)
    if isinstance(session.outcome, SignedOut):
        found = f"Ory does not accept this {kind}: its session has ended, it is from another Ory, or it is incomplete."
        return failure(check, Problem.SESSION_REFUSED, found, f"Sign in again, and copy the whole {kind}.", seconds)
    found = f"Ory did not say whose session it is ({session.result.summary}): a request with it gets a 503."
    fix = "Find the cause in Ory's log. If Ory cannot read a session cookie, it responds with 500."
    return failure(check, Problem.SESSION_UNAVAILABLE, found, fix, seconds)


def _describe_session(session: SessionFacts, outcome: SignedIn) -> Finding:
    ory = outcome.session
    found = f"identity {ory.identity.id}, {ory.aal.value}, until {ory.expires_at:%Y-%m-%d %H:%M} UTC"
    return ok(Check.SESSION, found, session.result.seconds)


def _evaluate_cache_time(session: SessionFacts, conf: Conf) -> Finding:
    header = session.result.headers.get("ory-session-cache-for", "")
    allowed = int(header) if header.isascii() and header.isdigit() and len(header) < 10 else 0
    if conf.session_cache_seconds is not None:
        ory = f"{allowed} seconds" if allowed else "no caching"
        found = f"{conf.session_cache_seconds:g} seconds (SESSION_CACHE_SECONDS); Ory allows {ory}"
        return ok(Check.CACHE_TIME, found)
    if allowed:
        used = min(allowed, MAX_CACHE_SECONDS)
        return ok(Check.CACHE_TIME, f"{used} seconds; Ory allows {allowed}")
    found = "Ory does not allow this session to be cached: every request with it calls Ory."
    return warning(Check.CACHE_TIME, Problem.CACHE_TIME_NONE, found, ALLOW_CACHING)


def _evaluate_user(user: UserFacts) -> Finding:
    if user.error:
        return unknown(Check.USER, f"looking for the user failed ({user.error})")
    name = f"user {user.pk}" if user.pk else "a user"
    if not user.admitted:
        return _describe_not_admitted(user, name)
    if not user.exists:
        found = "not linked yet; the first request creates a user, or links one if LINK_BY_VERIFIED_EMAIL allows it"
        return ok(Check.USER, found)
    rights = [right for right, has in (("staff", user.staff), ("superuser", user.superuser)) if has]
    return ok(Check.USER, ", ".join([f"linked to {name}", "active", *rights]))


def _describe_not_admitted(user: UserFacts, name: str) -> Finding:
    subject = name[0].upper() + name[1:] if user.exists else "This identity"
    if user.exists and not user.active:
        reason, fix = "is inactive in Django", "Set is_active on the user."
    else:
        reason, fix = "is rejected by ORY_AUTH['USER_HANDLER']", "Change its admit() method."
    found = f"{subject} {reason}: guarded pages respond with 403, and other pages see an anonymous user."
    return warning(Check.USER, Problem.NOT_ADMITTED, found, fix)


def _evaluate_guards(outcome: SignedIn, user: UserFacts) -> Finding:
    guards = {
        "ory_required": user.admitted,
        "aal='aal2'": user.admitted and outcome.satisfies(AAL.AAL2, None),
        "max_age of 15 minutes": user.admitted and outcome.satisfies(None, RECENT),
        "the admin": user.admitted and user.staff,
    }
    allowed = [name for name, allows in guards.items() if allows]
    denied = [name for name, allows in guards.items() if not allows]
    lists = (("allowed by", allowed), ("denied by", denied))
    return ok(Check.GUARDS, "; ".join(f"{words}: {', '.join(names)}" for words, names in lists if names))
