"""``UserHandler``: how a project decides who is admitted, and how identities become users."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, models
from django.utils.module_loading import import_string

from ..conf import Conf
from ..types import Identity, OrySession
from .conflicts import address_placeholders
from .database import writing_alias
from .emptying import empty_value
from .fields import PRIVILEGES, email_field, has_field, is_missing, read_values, user_fields, user_model
from .linking import is_privileged, revoke_other_credentials
from .saving import FieldSaver
from .uniqueness import allows_duplicates


class UserHandler:
    """How identities become users. Put the dotted path of a subclass into ``ORY_AUTH["USER_HANDLER"]``."""

    _excluded_fields: frozenset[str] = frozenset()  # create() does not fill these: the database refused a value

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    def admit(self, session: OrySession, user: Any) -> bool:
        """Whether this person is admitted. ``user`` is ``None`` if there is none yet. Called at every request."""
        return user is None or user.is_active

    def create(self, identity: Identity) -> Any:
        """Create and save a user for an identity that has none. ``IntegrityError`` means that a value is taken."""
        user = self._build_user(identity)
        for name in (email_field(), user.USERNAME_FIELD):
            value = getattr(user, name) if has_field(name) else name
            if not value and not allows_duplicates(user, name, value, writing_alias()):
                raise EmailMissing
        user.save(force_insert=True)
        return user

    def _build_user(self, identity: Identity) -> Any:
        """A new user with the identity's values, not saved yet."""
        model = user_model()
        values = {
            name: value for name, value in self._checked_values(identity).items() if name not in self._excluded_fields
        }
        user = model(**values)
        name = model._meta.get_field(model.USERNAME_FIELD)
        takes_id = isinstance(name, (models.CharField, models.UUIDField)) and not isinstance(name, models.EmailField)
        if name.attname not in values and takes_id:
            setattr(user, name.attname, name.to_python(str(identity.id)))
        user.set_unusable_password()
        return user

    def update(self, user: Any, identity: Identity) -> bool:
        """Copy the identity's values to the user and save them; returns whether anything has changed.

        If another user has an address or username, this user keeps the old one. If a value cannot be stored,
        :meth:`replacement` decides. Both are logged with the name of the field.
        """
        values, fields = self._checked_values(identity), self.fields()
        primary_key = user_model()._meta.pk.name
        new = {name: value for name, value in values.items() if name != primary_key and getattr(user, name) != value}
        for name in [name for name, value in new.items() if is_empty_and_unique_address(user, name, value)]:
            del new[name], values[name]  # the model does not allow this empty address, so it counts as missing
        saver = FieldSaver(user, identity, self.replacement)
        changed = saver.save(new)
        for name, path in fields.items():
            if name not in values and name != primary_key:
                why = "missing" if is_missing(identity, path) else "invalid"
                changed = saver.save_replacement(name, why) or changed
        return changed

    def replacement(self, user: Any, field: str, identity: Identity) -> Any:
        """The value to store in ``field`` of ``user`` if the identity's value is missing or cannot be stored.

        By default an e-mail address is cleared, since the old one may belong to another person by now. It becomes
        ``None`` or ``""`` if the model allows that, otherwise a placeholder that no mail can reach. ``is_staff`` and
        ``is_superuser`` become ``False``. Every other field keeps its value.
        """
        if field == email_field():
            return next(address_placeholders(user, field, identity.id, writing_alias()), getattr(user, field))
        return False if field in PRIVILEGES else getattr(user, field)

    def fields(self) -> Mapping[str, str]:
        """User field → path in the identity: ``USER_FIELDS`` without fields that the user model does not have."""
        return dict(self._default_fields)

    @cached_property
    def _default_fields(self) -> dict[str, str]:
        return user_fields(self.conf)

    def values(self, identity: Identity) -> dict[str, Any]:
        """The identity's values for the fields of the user, converted for each field.

        Values that their field cannot hold are left out.
        """
        values, name = read_values(identity, self.fields()), user_model().USERNAME_FIELD
        return {field: value for field, value in values.items() if value or field != name}  # no empty username

    def _checked_values(self, identity: Identity) -> dict[str, Any]:
        """:meth:`values`, if the user model can hold them.

        When this raises, no variable of its frame holds a value, because error reports show these variables.
        """
        values = self.values(identity)
        unknown = sorted(name for name in values if not _can_hold(name))
        if not unknown:
            return values
        del values
        label = user_model()._meta.label
        names = ", ".join(map(repr, unknown))
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] values() returned {names}, which {label} cannot hold.")

    def may_link(self, identity: Identity, user: Any) -> bool:
        """Whether ``LINK_BY_VERIFIED_EMAIL`` may link this identity to this user, who has the same address.

        Ory has verified the address for the identity. Only you know whether *your site* has verified it for the user.
        If it has not, another person may have created the account, so return ``False``. By default the user must be
        active and have no privileges (staff, superuser, any group, any permission). A user who is linked already is
        never linked again.
        """
        return bool(user.is_active) and not is_privileged(user)

    def revoke_credentials(self, user: Any) -> None:
        """End all other ways to sign in as this user. Called in the transaction that links the user.

        The password is already unusable, which ends Django's sessions. By default this ends the credentials of Django
        REST framework, django-rest-knox, django-oauth-toolkit, simplejwt (with its blacklist), django-allauth and
        social-auth, if they are installed. Extend it for credentials of your own project.
        """
        name = email_field()
        revoke_other_credentials(user, [getattr(user, name)] if has_field(name) else [])

    def export(self, user: Any, identity: Identity) -> Mapping[str, Any]:
        """What this site stores about a person, for the JSON that they download (``ory_auth:download_data``).

        By default the user's name, the fields that Ory fills, and when they joined and last signed in. Extend it with
        the data of your project. Values are anything that ``DjangoJSONEncoder`` takes.
        """
        names = (user_model().USERNAME_FIELD, *self.fields(), "date_joined", "last_login")
        return {name: getattr(user, name) for name in dict.fromkeys(names) if has_field(name)}

    def refuse_deletion(self, user: Any, identity: Identity) -> str:
        """Why this person may not delete their account now, as a text for them; empty if they may.

        Called only with ``ACCOUNT_DELETION``. An example of a text: "You are the only owner of a team. Please choose
        another owner first."
        """
        return ""

    def refuse_impersonation(self, actor: Any, user: Any) -> str:
        """Why this staff member may not impersonate this user, as a text for them; empty if they may.

        Called when an impersonation starts and at each of its requests, after the rules of this package: so it can only
        refuse more. Both are users. An example of a text: "Please ask the customer for consent first."
        """
        return ""

    def delete(self, user: Any, identity: Identity) -> None:
        """The person deletes their account (``ACCOUNT_DELETION``). By default the user is deactivated and emptied.

        Called in a transaction, which is committed only if Ory then deletes the identity. So do what cannot be rolled
        back in ``transaction.on_commit()``. By default the fields that Ory fills are cleared, and all other ways to
        sign in as this user end. To delete the row instead, call ``ory_auth.users.delete_user(user)``.
        """
        for name in self.fields():
            setattr(user, name, empty_value(user, name, identity.id, writing_alias()))
        if has_field("is_active"):
            user.is_active = False
        user.set_unusable_password()
        user.save(using=writing_alias())
        revoke_other_credentials(user, [])

    def cache_scope(self) -> Hashable:
        """What a cached row of a user depends on, besides the identity and the database (``USER_CACHE_SECONDS``).

        With a schema per tenant: ``return connection.schema_name``. Called at every request.
        """
        return None


class EmailMissing(IntegrityError):
    """The user model requires an e-mail address (perhaps as the username), and the identity has none."""


def _can_hold(name: str) -> bool:
    """Whether a user can be created with a value of this name: that of a field or of a property."""
    return has_field(name) or isinstance(getattr(user_model(), name, None), property)


def is_empty_and_unique_address(user: Any, name: str, value: Any) -> bool:
    """Whether this is an empty address that only one user can have, so that it counts as missing."""
    return name == email_field() and not value and not allows_duplicates(user, name, value, writing_alias())


@lru_cache(maxsize=8)
def import_handler_class(path: str) -> type[UserHandler]:
    """The class at this path; raises ``ImproperlyConfigured`` if it is not a handler."""
    try:
        handler = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] {path!r} cannot be imported: {error}.") from None
    if not (isinstance(handler, type) and issubclass(handler, UserHandler)):
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] {path!r} must be a subclass of UserHandler.")
    return handler
