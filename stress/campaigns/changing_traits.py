"""Two devices have cached sessions of different ages, while the person's traits change at Ory.

Every change writes its number into the e-mail address and the first name, so a response or a row that goes back to an
older state is noticed. A trigger in the database checks each write.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stress.background import repeating
from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, for_seconds, send_all
from stress.oracle import Expected, Tally, Verdict
from stress.servers import CreatedSession, Site

PEOPLE = 40
CLIENTS = 24
CACHED = 3  # seconds
LOCALLY = 1  # seconds
SEED = 7
MODELS = (("auth.User", "auth_user"), ("members.Member", "members_member"))  # the second's e-mail is unique
WATCH = """
CREATE TABLE went_back (was text, now text);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.first_name > NEW.first_name OR split_part(OLD.email, '.', 1) > split_part(NEW.email, '.', 1) THEN
    INSERT INTO went_back VALUES (OLD.first_name || ' ' || OLD.email, NEW.first_name || ' ' || NEW.email);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER watch BEFORE UPDATE OF email, first_name ON {table} FOR EACH ROW EXECUTE FUNCTION watch();
"""


@campaign("changing-traits", 7, "two devices with differently old answers, traits changed under way: 0 fields go back")
def changing_traits(env: Environment) -> Result:
    total, back, behind, changes = Tally(), 0, 0, 0
    for model, table in MODELS[-1:] if env.short else MODELS:
        people = _people(env, env.scaled(PEOPLE, 20))
        settings = {"SESSION_CACHE_SECONDS": CACHED, "LOCAL_CACHE_SECONDS": LOCALLY}
        variables = env.site_variables(ory_auth=settings, SITE_USER_MODEL=model)
        database = urlsplit(variables["SITE_DATABASE_URL"]).path.lstrip("/")
        env.postgresql.run(WATCH.format(table=table), database)
        with env.sites(variables) as sites:
            with _changes(env, people):
                total.merge(
                    send_all(for_seconds(env.scaled(8.0, 4.0), _requests(people, sites, random.Random(SEED))), CLIENTS)
                )
            time.sleep(CACHED + LOCALLY)
            total.merge(send_all(_last_requests(people, sites), CLIENTS))
        torn = f"SELECT count(*) FROM {table} WHERE split_part(email, '.', 1) <> first_name"
        back += int(env.postgresql.run("SELECT count(*) FROM went_back", database))
        behind += sum(one.seen < one.version for one in people) + int(env.postgresql.run(torn, database))
        changes += sum(one.version for one in people)
    measured = [
        Figure("changes", changes),
        Figure("rows that went back", back, 0),
        Figure("people not up to date in the end", behind, 0),
    ]
    return Result([*common_figures(total), *measured], total.examples)


@dataclass
class _Changing:
    """A person with two devices. ``version`` is the latest change at Ory, ``seen`` the newest one that was shown."""

    devices: Sequence[CreatedSession]
    version: int = 0
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def identity(self) -> str:
        return self.devices[0].identity


def _people(env: Environment, count: int) -> list[_Changing]:
    rows = env.people(count, sessions=2)
    people = [_Changing(rows[number : number + 2]) for number in range(0, len(rows), 2)]
    for one in people:
        _change(env, one)
    return people


def _change(env: Environment, one: _Changing) -> None:
    version = f"{one.version + 1:06}"
    traits = {"email": f"{version}.{one.identity}@example.org", "name": {"first": version}}
    body = [{"op": "replace", "path": "/traits", "value": traits}]
    reply = env.ory.http.admin("PATCH", f"/admin/identities/{one.identity}", body=body)
    assert reply.status == 200, reply.body
    one.version += 1


def _changes(env: Environment, people: Sequence[_Changing]) -> AbstractContextManager[None]:
    """In a ``with`` block, people's traits keep changing."""
    chance = random.Random(SEED)
    return repeating(lambda: _change(env, chance.choice(people)), 0.02)


def _requests(people: Sequence[_Changing], sites: tuple[Site, Site], chance: random.Random) -> Iterator[Request]:
    while True:
        one, which = chance.choice(people), chance.randrange(2)
        yield _request(one, one.devices[chance.randrange(2)], sites, which)


def _last_requests(people: Sequence[_Changing], sites: tuple[Site, Site]) -> Iterator[Request]:
    for which in range(2):
        for one in people:
            yield _request(one, one.devices[which], sites, which)


def _request(one: _Changing, device: CreatedSession, sites: tuple[Site, Site], which: int) -> Request:
    page = f"{sites[which].url}/{('who', 'awho')[which]}"
    return Request(page, device.by_token, _NotOlder(one.identity, person=one, floor=one.seen))


@dataclass(frozen=True, slots=True)
class _NotOlder(Expected):
    """The person, at least as new (``floor``) as any response that came before this request."""

    person: _Changing | None = None
    floor: int = 0

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        assert self.person
        seen = json.loads(body) if status == 200 else {}
        email = seen.get("email", "")
        verdict = Expected(self.identity, email).judge(status, headers, body)
        if verdict is not Verdict.RIGHT:
            return verdict
        version = int(email.partition(".")[0])
        if version < self.floor:
            return Verdict.UNEXPECTED
        self.person.seen = max(self.person.seen, version)
        return Verdict.RIGHT
