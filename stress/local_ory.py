"""The local Ory as a process, so that it does not share Python's lock with the measured site.

It prints its two addresses as one line of JSON. Then it runs commands, lines of JSON on its standard input, and answers
each with one line: ``{"do": "people", "count": 3}``, ``{"do": "down"}``, ``{"do": "up"}``,
``{"do": "database", "down": true}``, ``{"do": "configure", …}``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ory_auth.local import Config, LocalOry
from ory_auth.local.model.identity import Identity
from ory_auth.local.model.session import Session
from ory_auth.local.model.state import State


class IndexedState(State):
    """Finds a session by its token without looking at all of them, which would take too long with 100,000 sessions."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.by_token: dict[str, Session] = {}

    def store_session(self, session: Session) -> None:
        super().store_session(session)
        self.by_token[session.token] = session

    def find_session_by_token(self, token: str) -> Session | None:
        session = self.by_token.get(token) if self.database_is_up else None
        known = session is not None and session.id in self.sessions and session.is_active(self.clock.now())
        return session if known else None

    def has_conflict(self, identity: Identity) -> bool:
        """Those of ``people`` differ by their number; only others are compared, one by one."""
        numbered = (identity.identifiers or [""])[0].startswith(NUMBERED)
        return not numbered and super().has_conflict(identity)


NUMBERED = "person-"


def main() -> None:
    ory = LocalOry(Config(public_port=0, admin_port=0, **json.loads(sys.argv[1])))
    ory.state = IndexedState(ory.state.config)
    with ory:
        _say({"public_url": ory.public_url, "admin_url": ory.admin_url})
        for line in sys.stdin:
            order = json.loads(line)
            _say(COMMANDS[order.pop("do")](ory, **order))


def people(ory: LocalOry, count: int, sessions: int = 1) -> list[dict[str, Any]]:
    """So many new people with ``sessions`` sessions each; a row for each session with both credentials."""
    rows = []
    for _ in range(count):
        email = f"{NUMBERED}{len(ory.state.identities)}@example.org"
        identity = ory.create_identity(email=email)["id"]
        for _ in range(sessions):
            given = ory.create_session(identity)
            rows.append(
                {
                    "identity": identity,
                    "email": email,
                    "session": given.id,
                    "token": given.token,
                    "cookie": given.cookie,
                }
            )
    return rows


def down(ory: LocalOry) -> None:
    """Close the ports. No data is lost."""
    ory.stop()


def up(ory: LocalOry) -> None:
    ory.start()


def database(ory: LocalOry, down: bool) -> None:
    """Without its database, whoami answers 401 to everyone, and the readiness path 503."""
    ory.state.database_is_up, ory.state.ready_status = not down, 503 if down else 200


def configure(ory: LocalOry, **changes: Any) -> None:
    ory.configure(**changes)


COMMANDS = {each.__name__: each for each in (people, down, up, database, configure)}


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
