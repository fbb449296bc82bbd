"""``manage.py ory_link``: say by hand which user is which identity at Ory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router, transaction

from ory_auth.models import OryIdentity
from ory_auth.users import EPOCH


class Command(BaseCommand):
    help = (
        "Link a user of this project to an identity at Ory, by hand: one pair, or a file of them. "
        "With --superuser it is the way to the first superuser."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", nargs="?", metavar="USER", help="The user's name, as the user model names it.")
        parser.add_argument("identity", nargs="?", metavar="IDENTITY", help="The identity's id at Ory (a UUID).")
        parser.add_argument("--file", metavar="CSV", help="A CSV file with USER,IDENTITY in each line; all or none.")
        parser.add_argument("--superuser", action="store_true", help="Make them staff and superuser as well.")
        parser.add_argument("--create", action="store_true", help="Create a user, without a password, who is missing.")
        parser.add_argument("--move", action="store_true", help="Take the identity away from the user who has it now.")

    def handle(self, *args: Any, **options: Any) -> None:
        pairs = list(self._pairs(options))
        with transaction.atomic(using=router.db_for_write(OryIdentity)):
            for place, name, identity in pairs:
                try:
                    self._link(name, identity, options)
                except CommandError as error:
                    raise CommandError(f"{place}{error}") from None

    def _pairs(self, options: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        if bool(options["file"]) == bool(options["user"] or options["identity"]):
            raise CommandError("Give USER and IDENTITY, or --file with a CSV file of them.")
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
            raise CommandError(f"{identity!r} is not the id of an identity: those are UUIDs.") from None
        user = self._user(name, create=options["create"])
        self._make_room(user, identity_id, move=options["move"])
        # "Never seen": the first sign-in brings the user's fields up to date and is announced.
        never = {"user": user, "updated_at": EPOCH, "authenticated_at": EPOCH}
        OryIdentity.objects.update_or_create(id=identity_id, defaults={"user": user}, create_defaults=never)
        if options["superuser"]:
            self._promote(user)
        role = " as a superuser" if options["superuser"] else ""
        self.stdout.write(self.style.SUCCESS(f"{user.get_username()} is {identity_id}{role}."))

    def _user(self, name: str, *, create: bool) -> Any:
        model = get_user_model()
        try:
            return model._default_manager.get_by_natural_key(name)
        except model.DoesNotExist:
            if not create:
                raise CommandError(
                    f"There is no user named {name!r} ({model.USERNAME_FIELD}). Correct it, or add --create."
                ) from None
        user = model(**{model.USERNAME_FIELD: name})
        user.set_unusable_password()
        user.save()
        return user

    def _make_room(self, user: Any, identity_id: UUID, *, move: bool) -> None:
        other = OryIdentity.objects.filter(user=user).exclude(pk=identity_id).first()
        if other is not None:
            raise CommandError(
                f"{user.get_username()} is linked to {other.pk} already. Delete that link in the admin first."
            )
        taken = OryIdentity.objects.filter(pk=identity_id).exclude(user=user).select_related("user").first()
        if taken is not None and not move:
            raise CommandError(
                f"{identity_id} is linked to {taken.user.get_username()} already. Add --move to take it from them."
            )

    def _promote(self, user: Any) -> None:
        for field in ("is_staff", "is_superuser"):
            try:
                user._meta.get_field(field)
            except FieldDoesNotExist:
                raise CommandError(f"--superuser: the user model has no field {field!r}.") from None
            setattr(user, field, True)
        user.save(update_fields=["is_staff", "is_superuser"])
