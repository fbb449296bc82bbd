"""What the admin API answered, judged."""

from __future__ import annotations

from collections.abc import Iterator

from ...conf import Conf
from ...ory.addresses import redact
from ..facts.connection import Trouble
from ..facts.model import AdminFacts, Facts
from .connection import is_network
from .findings import Check, Finding, Problem, failure, ok, skipped

KEY_PLACE = "Create a project API key in the Ory Console, and set ORY_AUTH['API_KEY'] to it."


def judge_admin(facts: Facts) -> Iterator[Finding]:
    conf = facts.project.conf
    if conf is None:
        return
    if facts.admin is None:
        yield skipped(Check.ADMIN, "not asked for: neither ADMIN_URL nor API_KEY is set, and signing in needs neither")
    else:
        yield _admin(facts.admin, conf)
    yield from _in_public(facts)


def _admin(admin: AdminFacts, conf: Conf) -> Finding:
    check, url, reply = Check.ADMIN, redact(admin.url), admin.reply
    where = "Set ORY_AUTH['ADMIN_URL'] to Ory's admin API (Kratos: serve.admin.port, 4434 unless changed)."
    if admin.reached.trouble or reply.answer is None:
        how = "plain http is spoken there" if admin.reached.trouble is Trouble.SPEAKS_HTTP else admin.reached.detail
        found = f"Nobody answers at ORY_AUTH['ADMIN_URL'] {url} ({how or reply.trouble})."
        return failure(check, Problem.ADMIN_UNREACHABLE, found, where, admin.reached.connect_seconds)
    if reply.says(404):
        key = ", and Ory takes the API key" if conf.api_key and is_network(admin.url) else ""
        return ok(check, f"Ory's admin API is at {url}{key}", reply.seconds)
    if reply.status in {401, 403} and conf.api_key:
        found = (
            f"Ory refuses ORY_AUTH['API_KEY'] ({reply.status}): it has expired, was revoked or is another project's."
        )
        return failure(check, Problem.API_KEY_REFUSED, found, KEY_PLACE, reply.seconds)
    if reply.status in {401, 403}:
        found = f"Ory's admin API at {url} asks for a key ({reply.status}), and there is none."
        return failure(check, Problem.API_KEY_MISSING, found, KEY_PLACE, reply.seconds)
    if 300 <= reply.status < 400:
        found = f"ORY_AUTH['ADMIN_URL'] {url} is Ory's public API, which sends to the admin API elsewhere."
        return failure(check, Problem.ADMIN_IS_PUBLIC, found, where, reply.seconds)
    found = f"What answers at ORY_AUTH['ADMIN_URL'] {url} is not Ory's admin API ({reply.status})."
    return failure(check, Problem.ADMIN_NOT_ORY, found, where, reply.seconds)


def _in_public(facts: Facts) -> Iterator[Finding]:
    """Kratos' admin API asks nobody who they are: it must not be where browsers get to."""
    entrance = facts.entrance
    if entrance is None or not facts.answers:
        return
    if entrance.admin.says(404):
        found = (
            f"Ory's admin API answers at {redact(entrance.url)} without a key: anyone who gets there may do everything."
        )
        fix = "Let only Ory's public port be reached at BROWSER_URL and SDK_URL, and the admin port by servers alone."
        yield failure(Check.ADMIN_IN_PUBLIC, Problem.ADMIN_OPEN, found, fix, entrance.admin.seconds)
    else:
        found = f"the admin API does not answer at {redact(entrance.url)} without a key"
        yield ok(Check.ADMIN_IN_PUBLIC, found, entrance.admin.seconds)
