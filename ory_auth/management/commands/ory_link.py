"""``manage.py ory_link``: link existing users to identities at Ory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from ory_auth.events import Event, log
from ory_auth.models import OryIdentity
from ory_auth.ory.same_text import is_same_text
from ory_auth.users.database import EPOCH, stored_time, writing_alias


class Command(BaseCommand):
    help = (
        "Links a user of this project to an identity at Ory, or all pairs in a file. "
        "With --superuser, the user also becomes a superuser."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", nargs="?", metavar="USER", help="The username: the value of USERNAME_FIELD.")
        parser.add_argument("identity", nargs="?", metavar="IDENTITY", help="The ID of the identity at Ory (a UUID).")
        parser.add_argument(
            "--file",
            metavar="CSV",
            help="A CSV file with USER,IDENTITY in each line. If one pair cannot be linked, none is.",
        )
        parser.add_argument("--superuser", action="store_true", help="Also make that user a superuser (and staff).")
        parser.add_argument("--create", action="store_true", help="Create missing users, without a password.")
        parser.add_argument(
            "--keep-password",
            action="store_true",
            help="Keep the user's Django password. Otherwise it becomes unusable.",
        )
        parser.add_argument(
            "--move", action="store_true", help="Take the identity from the user who is linked to it now."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pairs = list(self._pairs(options))
        with transaction.atomic(using=writing_alias()):
            for place, name, identity in pairs:
                try:
                    self._link(name, identity, options)
                except CommandError as error:
                    raise CommandError(f"{place}{error}") from None

    def _pairs(self, options: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        if bool(options["file"]) == bool(options["user"] or options["identity"]):
            raise CommandError("Give USER and IDENTITY, or --file with a CSV file.")
        if not options["file"]:
            if not (options["user"] and options["identity"]):
                raise CommandError("Give both USER and IDENTITY.")
            yield "", options["user"], options["identity"]
            return
        try:
            lines = Path(options["file"]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}.") from None
        for number, row in enumerate(csv.reader(lines), 1):
            if not row or row[0].startswith("#"):
                continue
            if len(row) != 2:
                raise CommandError(f"{options['file']}, line {number}: expected USER,IDENTITY.")
            yield f"{options['file']}, line {number}: ", row[0].strip(), row[1].strip()

    def _link(self, name: str, identity: str, options: dict[str, Any]) -> None:
        try:
            identity_id = UUID(identity)
        except ValueError:
            raise CommandError(f"{identity!r} is not an identity ID (a UUID).") from None
        user = self._get_or_create_user(name, create=options["create"])
        self._check_existing_links(user, identity_id, move=options["move"])
        self._save_link(user, identity_id)
        if options["superuser"]:
            self._promote(user)
        if not options["keep_password"] and user.has_usable_password():
            user.set_unusable_password()
            user.save(update_fields=["password"])
        self._log(user, identity_id)
        role = " and is now a superuser" if options["superuser"] else ""
        self.stdout.write(self.style.SUCCESS(f"{user.get_username()} is linked to {identity_id}{role}."))

    def _get_or_create_user(self, name: str, *, create: bool) -> Any:
        model = get_user_model()
        try:
            user = model._default_manager.get_by_natural_key(name)
        except model.DoesNotExist:
            user = None
        except model.MultipleObjectsReturned:
            raise CommandError(f"Several users are named {name!r} ({model.USERNAME_FIELD}).") from None
        # A database may return a user with a similar name, such as one with other accents.
        if user is not None and is_same_text(str(user.get_username()), _as_stored(name)):
            return user
        if not create:
            raise CommandError(
                f"There is no user named {name!r} ({model.USERNAME_FIELD}). "
                "Check the name, or add --create to create the user."
            )
        user = model(**{model.USERNAME_FIELD: name})
        user.set_unusable_password()
        user.save()
        return user

    def _check_existing_links(self, user: Any, identity_id: UUID, *, move: bool) -> None:
        links = OryIdentity.objects.using(writing_alias())
        other = links.filter(user_id=user.pk).exclude(pk=identity_id).first()
        if other is not None:
            raise CommandError(
                f"{user.get_username()} is already linked to {other.pk}. Delete that link in the admin first."
            )
        taken = links.filter(pk=identity_id).exclude(user_id=user.pk).select_related("user").first()
        if taken is not None and taken.user is not None and not move:
            raise CommandError(
                f"{identity_id} is already linked to {taken.user.get_username()}. To move the link, add --move."
            )

    def _save_link(self, user: Any, identity_id: UUID) -> None:
        """Link the two as if they had never been seen: the next visit updates the fields and counts as a sign-in."""
        using = writing_alias()
        never = stored_time(EPOCH, using)
        if not OryIdentity.objects.using(using).filter(pk=identity_id, user_id=user.pk).exists():
            link = OryIdentity(id=identity_id, user_id=user.pk, updated_at=never, authenticated_at=never)
            link.save(using=using)

    def _log(self, user: Any, identity_id: UUID) -> None:
        facts = {"identity": str(identity_id), "user": str(user.pk), "by": "ory_link"}
        events = [Event.IDENTITY_LINKED]
        if getattr(user, "is_superuser", False):
            events.append(Event.SUPERUSER_LINKED)
        for event in events:
            transaction.on_commit(partial(log, event, **facts), using=writing_alias())

    def _promote(self, user: Any) -> None:
        for field in ("is_staff", "is_superuser"):
            try:
                user._meta.get_field(field)
            except FieldDoesNotExist:
                raise CommandError(f"--superuser: the user model has no field {field!r}.") from None
            setattr(user, field, True)
        user.save(update_fields=["is_staff", "is_superuser"])


def _as_stored(name: str) -> str:
    """The name as its field stores it. A UUID, for example, is stored in lower case with hyphens."""
    model: Any = get_user_model()
    try:
        return str(model._meta.get_field(model.USERNAME_FIELD).to_python(name))
    except ValidationError:
        return name
