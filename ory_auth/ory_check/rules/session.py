"""A session that was given, judged; without one, what cannot be known."""

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

GIVE = "sign in and give --token or --cookie"
RECENT = timedelta(minutes=15)


def judge_session(facts: Facts) -> Iterator[Finding]:
    conf, session = facts.project.conf, facts.session
    if conf is None or not facts.answers:
        return
    if session is None:
        yield unknown(Check.COOKIE_NAME, f"{conf.session_cookie_name!r} is expected; {GIVE}")
        yield unknown(Check.CACHE_TIME, f"Ory says with each session how long it may be kept; {GIVE}")
        yield skipped(Check.SESSION, f"not asked for: {GIVE}")
        return
    yield from _cookie_name(session, conf)
    if not isinstance(session.outcome, SignedIn):
        yield _not_signed_in(session)
        return
    yield _signed_in(session, session.outcome)
    yield _cache_time(session, conf)
    if session.user is not None:
        yield _user(session.user)
        yield _guards(session.outcome, session.user)


def _cookie_name(session: SessionFacts, conf: Conf) -> Iterator[Finding]:
    name = session.given.cookie_name
    if session.given.kind is not Kind.COOKIE or session.given.credential is None:
        yield unknown(Check.COOKIE_NAME, f"{conf.session_cookie_name!r} is expected; give --cookie NAME=VALUE")
    elif name and name != conf.session_cookie_name:
        found = f"The cookie is named {name!r}, and {conf.session_cookie_name!r} is looked for: nobody is signed in."
        fix = f"Set ORY_AUTH['SESSION_COOKIE_NAME'] to {name!r}."
        yield failure(Check.COOKIE_NAME, Problem.COOKIE_NAME_DIFFERS, found, fix)
    elif isinstance(session.outcome, (SignedIn, SecondFactorMissing)):
        yield ok(Check.COOKIE_NAME, f"{conf.session_cookie_name!r}, as expected")
    else:
        yield unknown(
            Check.COOKIE_NAME, f"{conf.session_cookie_name!r} is expected, and Ory took this one for nobody's"
        )


def _not_signed_in(session: SessionFacts) -> Finding:
    check, seconds, what = Check.SESSION, session.reply.seconds, session.given.kind.value
    if session.given.credential is None:
        found = f"What was given cannot be a session's {what}: it is empty, over 8 KiB, or has control characters."
        return failure(check, Problem.CREDENTIAL_MALFORMED, found, "Copy it once more, as a whole.")
    if isinstance(session.outcome, SecondFactorMissing):
        found = "Ory knows whose session it is, and asks for a second factor: guards lead to the step-up."
        fix = "Sign in with the second factor, or set session.whoami.required_aal to aal1 in Kratos' configuration."
        return warning(check, Problem.SECOND_FACTOR_MISSING, found, fix, seconds)
    if isinstance(session.outcome, SignedOut):
        found = f"Ory takes this {what} for nobody's: it has ended, is another Ory's, or is not the whole of it."
        return failure(check, Problem.SESSION_REFUSED, found, "Sign in again, and copy it as it stands.", seconds)
    found = f"Ory did not say whose session it is ({session.reply.told}): a request with it would be a 503."
    fix = "See Ory's own log for why; a session cookie that Ory cannot read makes it answer 500."
    return failure(check, Problem.SESSION_UNAVAILABLE, found, fix, seconds)


def _signed_in(session: SessionFacts, outcome: SignedIn) -> Finding:
    ory = outcome.session
    found = f"identity {ory.identity.id}, {ory.aal.value}, until {ory.expires_at:%Y-%m-%d %H:%M} UTC"
    return ok(Check.SESSION, found, session.reply.seconds)


def _cache_time(session: SessionFacts, conf: Conf) -> Finding:
    allowed = session.reply.header.get("ory-session-cache-for", "")
    seconds = int(allowed) if allowed.isascii() and allowed.isdigit() and len(allowed) < 10 else None
    if conf.session_cache_seconds is not None:
        says = f"Ory allows {seconds} seconds" if seconds else "Ory allows none"
        return ok(Check.CACHE_TIME, f"{conf.session_cache_seconds:g} seconds, as SESSION_CACHE_SECONDS says; {says}")
    if seconds:
        kept = min(seconds, MAX_CACHE_SECONDS)
        return ok(Check.CACHE_TIME, f"Ory allows {seconds} seconds, and {kept} are used")
    found = "Ory does not allow this answer to be kept: each request of this session costs a call."
    return warning(Check.CACHE_TIME, Problem.CACHE_TIME_NONE, found, ALLOW_CACHING)


def _user(user: UserFacts) -> Finding:
    if user.trouble:
        return unknown(Check.USER, f"looking for the user failed ({user.trouble})")
    who = f"user {user.pk}" if user.pk else "a user"
    if not user.admitted:
        why = "is inactive here" if user.known and not user.active else "is refused by ORY_AUTH['USER_HANDLER']"
        found = f"{who if user.known else 'This identity'} {why}: 403 on guarded pages, anonymous elsewhere."
        fix = "Set is_active on the user." if user.known and not user.active else "Change what its admit() decides."
        return warning(Check.USER, Problem.NOT_ADMITTED, found[0].upper() + found[1:], fix)
    if not user.known:
        return ok(
            Check.USER, "none is linked yet; one is made, or linked where that is asked for, at the first request"
        )
    rights = [name for name, has in (("staff", user.staff), ("superuser", user.superuser)) if has]
    return ok(Check.USER, f"linked to {who}, active{''.join(f', {right}' for right in rights)}")


def _guards(outcome: SignedIn, user: UserFacts) -> Finding:
    allowed = {
        "ory_required": user.admitted,
        "aal='aal2'": user.admitted and outcome.satisfies(AAL.AAL2, None),
        "max_age of 15 minutes": user.admitted and outcome.satisfies(None, RECENT),
        "the admin": user.admitted and user.staff,
    }
    yes, no = ([name for name, lets in allowed.items() if lets is wanted] for wanted in (True, False))
    told = [f"{words}: {', '.join(names)}" for words, names in (("let in by", yes), ("not by", no)) if names]
    return ok(Check.GUARDS, "; ".join(told))
