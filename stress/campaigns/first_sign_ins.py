"""Many connections bring the same new person at once; some have an address or a name that is taken.

gunicorn runs with ``ATOMIC_REQUESTS``, uvicorn (whose async views cannot) without, both on one database. First with
Django's user model, then with one that has a unique e-mail address and user names that people choose.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, send_all
from stress.oracle import Expected, Tally, Verdict
from stress.servers import CreatedSession, Site

CONNECTIONS = 64
PEOPLE = 300
RIGHTS = {"is_staff": True, "is_superuser": True, "groups": ["admin"]}


@campaign("first-sign-ins", 6, "64 connections × 300 people: one user each or 403, 0 linked, 0 staff, 0 errors")
def first_sign_ins(env: Environment) -> Result:
    total, wrong = Tally(), Counter[str]()
    for model in (UNIQUE_EMAIL,) if env.short else (DJANGOS, UNIQUE_EMAIL):
        people = _cast(env, env.scaled(PEOPLE, 48), model)
        variables = {"SITE_USER_MODEL": model.name, "SITE_ATOMIC": "1"}
        wsgi = env.site_variables(ory_auth={"USER_FIELDS": model.fields, "SESSION_CACHE_SECONDS": 60}, **variables)
        _local_users(env, wsgi["SITE_DATABASE_URL"], model, people)
        with env.site("gunicorn", wsgi) as first, env.site("uvicorn", {**wsgi, "SITE_ATOMIC": ""}) as second:
            tally = send_all(_requests(people, (first, second), env.scaled(CONNECTIONS // 2, 16)), CONNECTIONS)
        total.merge(tally)
        wrong += _what_is_wrong(env, wsgi["SITE_DATABASE_URL"], model, people)
    measured = [Figure(name, wrong[name], 0) for name in ("not one user each", "linked", "staff")]
    return Result([*common_figures(total), *measured], total.examples)


@dataclass(frozen=True)
class _Model:
    """A user model, its table, and ``USER_FIELDS`` for it."""

    name: str
    table: str
    fields: dict[str, str]
    unique_email: bool


DJANGOS = _Model("auth.User", "auth_user", {"email": "traits.email", "first_name": "traits.name.first"}, False)
UNIQUE_EMAIL = _Model(
    "members.Member", "members_member", {"email": "traits.email", "username": "traits.username"}, True
)


@dataclass
class _Newcomer:
    """A person who comes for the first time. ``taken`` is the field whose value a local user already has."""

    given: CreatedSession
    email: str
    taken: str = ""
    refusals: frozenset[str] = frozenset()  # events with which they may be refused
    must_be_refused: bool = False
    username: str = ""
    users: set[object] = field(default_factory=set)
    refused: int = 0


def _cast(env: Environment, count: int, model: _Model) -> list[_Newcomer]:
    """Of twelve people, three have the address of a local user, one the user name, and three share a name."""
    people = [_Newcomer(given, given.email) for given in env.people(count)]
    for number, one in enumerate(people):
        role, traits = number % 12, {"email": one.email}
        if role in TAKEN_ADDRESSES:
            one.taken, one.must_be_refused = "email", model.unique_email
            one.refusals = frozenset({"email_conflict"} if model.unique_email else ())
        elif role == 3 and model is DJANGOS:
            one.taken, one.refusals, one.must_be_refused = "username", frozenset({"username_conflict"}), True
        elif role in {4, 5, 6}:
            one.username = traits["username"] = (
                f"same-{one.given.email[:-15]}" if role == 4 else people[number - 1].username
            )
            one.refusals = frozenset({"username_conflict"} if model is UNIQUE_EMAIL else ())
        changes = [
            {"op": "replace", "path": "/traits", "value": traits},
            {"op": "replace", "path": "/metadata_public", "value": RIGHTS},
        ]
        reply = env.ory.http.admin("PATCH", f"/admin/identities/{one.given.identity}", body=changes)
        assert reply.status == 200, reply.body
    return people


TAKEN_ADDRESSES = {0: "staff", 1: "inactive", 2: "plain"}


def _local_users(env: Environment, database: str, model: _Model, people: Sequence[_Newcomer]) -> None:
    """Create the users that existed before Ory."""
    rows = []
    for number, one in enumerate(people):
        if one.taken:
            kind = TAKEN_ADDRESSES.get(number % 12, "plain")
            name = one.given.identity if one.taken == "username" else f"local-{number}"
            email = one.email if one.taken == "email" else f"{name}@example.org"
            staff, active = kind == "staff", kind != "inactive"
            rows.append(f"('local', {staff}, '{name}', '', '', '{email}', {staff}, {active}, now())")
    columns = "password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined"
    _sql(env, database, f"INSERT INTO {model.table} ({columns}) VALUES {', '.join(rows)}")


def _requests(people: Sequence[_Newcomer], sites: tuple[Site, Site], times: int) -> Iterator[Request]:
    """Each person comes so many times at once, and the three who share a name come together."""
    pages = (f"{sites[0].url}/guarded", f"{sites[1].url}/aguarded")
    for start in range(0, len(people), 3):
        for number in range(times):
            for one in people[start : start + 3]:
                headers = one.given.by_cookie if number % 4 > 1 else one.given.by_token
                expected = _OneUser(one.given.identity, one.email, newcomer=one)
                yield Request(pages[number % 2], {**headers, "Accept": "application/json"}, expected)


@dataclass(frozen=True, slots=True)
class _OneUser(Expected):
    """The page with the same user each time, or a 403 that says what is taken."""

    newcomer: _Newcomer | None = None

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        one = self.newcomer
        assert one
        if status == 403 and json.loads(body).get("reason") in one.refusals:
            one.refused += 1
            return Verdict.RIGHT
        verdict = Expected.judge(self, status, headers, body)
        if verdict is Verdict.RIGHT:
            seen = json.loads(body)
            one.users.add(seen["user"])
            return Verdict.ACCEPTED if one.must_be_refused or seen["staff"] else Verdict.RIGHT
        return verdict


def _what_is_wrong(env: Environment, database: str, model: _Model, people: Sequence[_Newcomer]) -> Counter[str]:
    """Compare the database with the responses."""
    links: dict[str, list[str]] = defaultdict(list)
    for row in _sql(env, database, "SELECT id, user_id FROM ory_auth_oryidentity").split():
        links[row.split("|")[0]].append(row.split("|")[1])
    users = int(_sql(env, database, f"SELECT count(*) FROM {model.table} WHERE password <> 'local'"))
    changed = "password = 'local' AND id IN (SELECT user_id FROM ory_auth_oryidentity)"
    staff = "password <> 'local' AND (is_staff OR is_superuser)"
    known = [[str(user) for user in one.users] == links.get(one.given.identity, []) for one in people]
    alone = sum(len({n.given.identity for n in group if n.users}) != 1 for group in _namesakes(people, model))
    return Counter(
        {
            "not one user each": known.count(False) + abs(users - sum(map(len, links.values()))) + alone,
            "linked": int(_sql(env, database, f"SELECT count(*) FROM {model.table} WHERE {changed}")),
            "staff": int(_sql(env, database, f"SELECT count(*) FROM {model.table} WHERE {staff}")),
        }
    )


def _namesakes(people: Sequence[_Newcomer], model: _Model) -> list[list[_Newcomer]]:
    groups: dict[str, list[_Newcomer]] = defaultdict(list)
    for one in people if model is UNIQUE_EMAIL else ():
        if one.username:
            groups[one.username].append(one)
    return list(groups.values())


def _sql(env: Environment, database: str, statement: str) -> str:
    return env.postgresql.run(statement, urlsplit(database).path.lstrip("/"))
