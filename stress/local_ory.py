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

NUMBERED = "person-"


def main() -> None:
    with LocalOry(Config(public_port=0, admin_port=0, **json.loads(sys.argv[1]))) as ory:
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
