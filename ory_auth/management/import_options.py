"""The options of ``ory_import_users``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ory_auth.conf import Conf
from ory_auth.management.arguments import positive
from ory_auth.moving.options import MoveOptions, read_options
from ory_auth.moving.selection import Selection, WrongSelection, select_users
from ory_auth.ory.admin_client import uses_ory_network

BATCH_SIZE, MAX_BATCH_SIZE = 200, 1000  # Ory refuses more
PARALLEL = 2
NETWORK_RATE = 60.0  # calls per minute: below the limit of Ory Network's smallest plan


def add_import_arguments(parser: CommandParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="Show what would happen. Change nothing.")
    _add_arguments_for_users(parser)
    _add_arguments_for_people(parser)
    _add_arguments_for_run(parser)


def _add_arguments_for_users(parser: CommandParser) -> None:
    group = parser.add_argument_group("which users")
    group.add_argument(
        "--user", action="append", default=[], metavar="PK", help="Only this user. You can repeat this option."
    )
    group.add_argument(
        "--queryset", default="", metavar="PATH", help="Only the users of the queryset that this function returns."
    )
    group.add_argument("--limit", type=positive(int), metavar="N", help="At most this many users.")


def _add_arguments_for_people(parser: CommandParser) -> None:
    group = parser.add_argument_group("what moves")
    group.add_argument(
        "--traits",
        default="",
        metavar="PATH",
        help="A function that returns the traits of a user. Otherwise they follow from ORY_AUTH['USER_FIELDS'].",
    )
    for name in ("metadata-public", "metadata-admin"):
        group.add_argument(
            f"--{name}",
            default="",
            metavar="PATH",
            help=f"A function that returns the {name.replace('-', '_')} of a user.",
        )
    group.add_argument(
        "--verified",
        default="",
        metavar="PATH",
        help="A function, or a field of the user, that says whether the e-mail address is verified. Otherwise "
        "as django-allauth says, if it is installed.",
    )
    group.add_argument(
        "--second-factors",
        default="",
        metavar="PATH",
        help="A function that returns the second factors of a user. Otherwise those of django-otp and django-allauth.",
    )
    group.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="NAME=ID",
        help="The ID at Ory of a social provider, such as google=google-eu. You can repeat this option.",
    )
    group.add_argument("--schema", default="", metavar="ID", help="The ID of the identity schema, if Ory has several.")
    group.add_argument(
        "--without-migration-hook",
        action="store_true",
        help="Import people without a password if Ory cannot check its hash. Otherwise this site checks it at their "
        "first sign-in, if ORY_AUTH['PASSWORD_MIGRATION_SECRETS'] is set.",
    )
    group.add_argument(
        "--allow-lost-second-factors",
        action="store_true",
        help="Also import people whose second factor Ory cannot take. Their password alone is then enough.",
    )
    group.add_argument(
        "--forget-passwords",
        action="store_true",
        help="The last step of a move: make the Django passwords of all users who are at Ory unusable.",
    )


def _add_arguments_for_run(parser: CommandParser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--report",
        type=Path,
        metavar="CSV",
        help="Write the users who were not imported, or not with everything, and why.",
    )
    group.add_argument(
        "--parallel",
        type=positive(int),
        metavar="N",
        help=f"Batches at the same time. The default is {PARALLEL}, and 1 at Ory Network, which allows no more.",
    )
    group.add_argument(
        "--rate",
        type=positive(float),
        metavar="N",
        help=f"Calls per minute at most. The default is {NETWORK_RATE:g} at Ory Network, and no limit at Kratos.",
    )
    group.add_argument(
        "--batch-size",
        type=positive(int),
        default=BATCH_SIZE,
        metavar="N",
        help=f"Users in one call to Ory. The default is {BATCH_SIZE}.",
    )


def read_move_options(options: dict[str, Any]) -> MoveOptions:
    try:
        return read_options(
            traits=options["traits"],
            metadata_public=options["metadata_public"],
            metadata_admin=options["metadata_admin"],
            verified=options["verified"],
            second_factors=options["second_factors"],
            providers=options["provider"],
            schema_id=options["schema"],
            migration_hook=False if options["without_migration_hook"] else None,
            allow_lost_second_factors=options["allow_lost_second_factors"],
        )
    except ValueError as error:
        raise CommandError(str(error)) from None


def read_selection(options: dict[str, Any]) -> Selection:
    try:
        return select_users(options["user"], options["queryset"], options["limit"])
    except WrongSelection as error:
        raise CommandError(str(error)) from None


def read_pace(options: dict[str, Any], conf: Conf) -> tuple[int, float | None]:
    """How many batches at the same time, and how many calls per minute."""
    is_network = uses_ory_network(conf)
    parallel = options["parallel"] or (1 if is_network else PARALLEL)
    rate = options["rate"] or (NETWORK_RATE if is_network else None)
    return parallel, rate


def read_batch_size(options: dict[str, Any]) -> int:
    if options["batch_size"] > MAX_BATCH_SIZE:
        raise CommandError(f"--batch-size: Ory takes at most {MAX_BATCH_SIZE:,} people in one call.")
    return int(options["batch_size"])
