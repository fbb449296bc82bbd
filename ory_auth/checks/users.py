"""``USER_FIELDS``, ``USER_HANDLER`` and ``LINK_BY_VERIFIED_EMAIL``, compared with the user model."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.signals import pre_save
from django.utils.module_loading import import_string

from ..conf import DEFAULT_USER_HANDLER, Conf
from ..users.fields import (
    ADDRESS_FIELDS,
    LIST_INDEX,
    PATH_ROOTS,
    PATH_ROOTS_WITH_PARTS,
    PRIVILEGES,
    VERIFIED_EMAIL,
    email_field,
    has_field,
    is_forbidden,
    user_fields,
    user_model,
)
from .message import make_message

ID_LENGTH = 36  # characters of an identity's id
ARGUMENT_COUNTS = {  # method of a handler → how many arguments it is called with
    "admit": 2,
    "create": 1,
    "update": 2,
    "replacement": 3,
    "fields": 0,
    "values": 1,
    "may_link": 2,
    "revoke_credentials": 1,
    "cache_scope": 0,
}
# Fields with these names usually decide what people may do or see.
RIGHTS_FIELDS = re.compile(r"(^|_)(roles?|permissions?|admin|tenant|tenant_id|organi[sz]ation)$")
TENANT_ENGINES = ("django_tenants", "tenant_schemas", "django_pgschemas")  # packages with a schema per tenant
HANDLER_HINT = "Set ORY_AUTH['USER_HANDLER'] to the dotted path of a subclass of ory_auth.users.UserHandler."


def check_handler(conf: Conf) -> Iterator[CheckMessage]:
    if conf.user_handler == DEFAULT_USER_HANDLER:
        return
    try:
        handler = import_string("ory_auth.users.handler.import_handler_class")(conf.user_handler)
    except ImproperlyConfigured as error:
        yield make_message("E007", str(error), HANDLER_HINT)
        return
    except Exception as error:  # the project's module may raise any error
        text = f"ORY_AUTH['USER_HANDLER'] {conf.user_handler!r} cannot be imported: {type(error).__name__}."
        yield make_message("E007", text, HANDLER_HINT)
        return
    for name, count in ARGUMENT_COUNTS.items():
        if problem := _call_problem(getattr(handler, name), count):
            yield make_message(
                "E014",
                f"ORY_AUTH['USER_HANDLER'] {conf.user_handler!r}: {name}() {problem}.",
                f"Define {name} as ory_auth.users.UserHandler does.",
            )


def _call_problem(method: Any, count: int) -> str:
    if inspect.iscoroutinefunction(method):
        return "is a coroutine function, whose result would always count as true"
    try:
        inspect.signature(method).bind("self", *range(count))
    except TypeError:
        arguments = {0: "a call without arguments", 1: "the argument that it is called with"}
        return f"does not accept {arguments.get(count, f'the {count} arguments that it is called with')}"
    return ""


def check_mapping(conf: Conf) -> Iterator[CheckMessage]:
    for name, path in (conf.user_fields or {}).items():
        yield from _check_field(name, path)
        yield from _check_path(name, path)


def _check_field(name: str, path: str) -> Iterator[CheckMessage]:
    text = f"ORY_AUTH['USER_FIELDS'] maps {name!r} from {path!r}"
    if is_forbidden(name, path):
        hint = f"Remove {name!r} from ORY_AUTH['USER_FIELDS']: "
        hint += "people edit their own traits." if name in PRIVILEGES else "only your project may set it."
        if name in PRIVILEGES and has_field(name):
            hint += " You can map it from metadata_public, which only admins of Ory write."
        yield make_message("E005", f"{text}, which is not allowed.", hint)
    elif not has_field(name):
        hint = f"Use a field of {_model_label()} in ORY_AUTH['USER_FIELDS']."
        yield make_message("E006", f"{text}, but the user model has no such field.", hint)
    elif not _is_plain(name):
        field = user_model()._meta.get_field(name)
        hint = "Remove it from ORY_AUTH['USER_FIELDS'], and set it in create() of a handler (ORY_AUTH['USER_HANDLER'])."
        if field.attname != name:
            hint = (
                f"Map its column {field.attname!r} in ORY_AUTH['USER_FIELDS'] from metadata_public, which only admins "
                "of Ory write. The value is the primary key of the related object."
            )
        yield make_message("E012", f"{text}, but that field cannot hold a plain value.", hint)
    elif path.startswith(("traits", "verifiable_addresses")) and (
        user_model()._meta.get_field(name).is_relation or RIGHTS_FIELDS.search(name)
    ):
        yield make_message(
            "W025",
            f"{text}: people edit their traits, and could give themselves rights.",
            f"Map {name!r} from metadata_public, which only admins of Ory write, or set it in a handler "
            "(ORY_AUTH['USER_HANDLER']).",
        )


def _is_plain(name: str) -> bool:
    field = user_model()._meta.get_field(name)
    return not getattr(field, "generated", False) and not (field.is_relation and name == field.name)


def _check_path(name: str, path: str) -> Iterator[CheckMessage]:
    text = f"ORY_AUTH['USER_FIELDS'] maps {name!r} from {path!r}"
    root, *parts = path.split(".")
    if root not in PATH_ROOTS and path != VERIFIED_EMAIL:
        yield make_message("E015", f"{text}, which is not part of an identity.", f"{_root_hint(path)} {CORRECT_HINT}")
    elif hint := _parts_hint(root, parts):
        yield make_message("E015", f"{text}, which is not part of an identity.", f"{hint} {CORRECT_HINT}")


CORRECT_HINT = "Correct ORY_AUTH['USER_FIELDS']."


def _root_hint(path: str) -> str:
    root, _, rest = path.partition(".")
    if root == VERIFIED_EMAIL:
        return f"Write only {VERIFIED_EMAIL!r}: it is a single address."
    if near := difflib.get_close_matches(root, [*PATH_ROOTS, VERIFIED_EMAIL], n=1):
        return f"Did you mean {near[0] + path[len(root) :]!r}?"
    if path.startswith("identity."):
        return f"Did you mean {rest!r}?"
    if path.isidentifier():
        return f"Did you mean 'traits.{path}'?"
    return f"A path begins with one of {', '.join(sorted(PATH_ROOTS))}, or is {VERIFIED_EMAIL!r}."


def _parts_hint(root: str, parts: list[str]) -> str:
    """What to write instead of a path that can never lead to a value; empty if it can. The schema is not known here."""
    if root not in PATH_ROOTS_WITH_PARTS:
        return f"{root!r} has no parts." if parts else ""
    if "" in parts:
        return "The path has two dots in a row, or one at the end."
    if any(re.fullmatch(r"-[0-9]+|\[.*\]", part) for part in parts):
        return "The elements of a list are numbered from 0, as in 'traits.emails.0'."
    if root == "verifiable_addresses" and parts:
        index, *rest = parts
        if not LIST_INDEX.fullmatch(index) or (rest and (len(rest) > 1 or rest[0] not in ADDRESS_FIELDS)):
            return "Name one address and one of its fields, as in 'verifiable_addresses.0.value'."
    return ""


def check_email_field(conf: Conf) -> Iterator[CheckMessage]:
    if conf.link_by_verified_email and not has_field(email_field()):
        yield make_message(
            "E013",
            f"ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] is on, but {_model_label()} has no e-mail field.",
            f"Set EMAIL_FIELD in {_model_label()}, or remove ORY_AUTH['LINK_BY_VERIFIED_EMAIL'].",
        )


def check_user_cache(conf: Conf) -> Iterator[CheckMessage]:
    """One identity may have a different user in each database or schema, which only the project knows."""
    if not conf.user_cache_seconds:
        return
    by_tenant = [name for name, db in settings.DATABASES.items() if str(db.get("ENGINE")).startswith(TENANT_ENGINES)]
    cause = f"DATABASES[{by_tenant[0]!r}] has a schema per tenant" if by_tenant else "DATABASE_ROUTERS is set"
    if not by_tenant and not settings.DATABASE_ROUTERS:
        return
    try:
        handler, base = import_string(conf.user_handler), import_string(DEFAULT_USER_HANDLER)
    except Exception:
        return  # check_handler reports it
    if getattr(handler, "cache_scope", None) is base.cache_scope:
        yield make_message(
            "E017",
            f"ORY_AUTH['USER_CACHE_SECONDS'] caches users, but {cause}: a tenant may get users of another one.",
            "Define cache_scope() in a handler (ORY_AUTH['USER_HANDLER']). It returns a different value for each "
            "tenant, such as connection.schema_name, and None without a tenant. Or remove "
            "ORY_AUTH['USER_CACHE_SECONDS'].",
        )


def check_new_users(conf: Conf) -> Iterator[CheckMessage]:
    """Fields that prevent new users. Silent if the project's own code creates or saves users."""
    if not _creates_users_by_default(conf):
        return
    mapped, model = user_fields(conf), user_model()
    name = model._meta.get_field(model.USERNAME_FIELD)
    if not {name.name, name.attname} & mapped.keys() and (problem := _username_problem(name)):
        yield make_message(
            "W017",
            f"{_model_label()}.{name.name}, the username field, {problem}: identity IDs ({ID_LENGTH} characters) do "
            "not fit.",
            f"Map it in ORY_AUTH['USER_FIELDS'], such as {{{name.name!r}: 'traits.email'}}, or make the field longer.",
        )
    for field in model._meta.concrete_fields if not _has_code_before_save(model) else ():
        is_set = field is name or {field.name, field.attname} & mapped.keys()
        if not is_set and (problem := _value_problem(field)):
            yield make_message(
                "W018",
                f"{_model_label()}.{field.name} {problem}, but nothing sets it: new people cannot sign in.",
                f"Map {field.attname!r} in ORY_AUTH['USER_FIELDS'], give the field a default, "
                "or set it in create() of a handler (ORY_AUTH['USER_HANDLER']).",
            )


def _creates_users_by_default(conf: Conf) -> bool:
    if conf.user_handler == DEFAULT_USER_HANDLER:
        return True
    try:
        handler, base = import_string(conf.user_handler), import_string(DEFAULT_USER_HANDLER)
    except Exception:
        return False  # check_handler reports it
    return all(getattr(handler, name, None) is getattr(base, name) for name in ("create", "fields", "values"))


def _username_problem(field: Any) -> str:
    if isinstance(field, (models.UUIDField, models.AutoField)) or field.has_default():
        return ""
    if not isinstance(field, models.CharField):
        return "is not a text field"
    if isinstance(field, models.EmailField):
        return "is an e-mail field"
    return f"has a max_length of {field.max_length}" if field.max_length and field.max_length < ID_LENGTH else ""


def _has_code_before_save(model: Any) -> bool:
    """Whether code of the project runs before a user is saved, and may set missing values."""
    return model.save not in {models.Model.save, AbstractBaseUser.save} or bool(pre_save.has_listeners(model))


def _value_problem(field: Any) -> str:
    is_custom_field = not type(field).__module__.startswith("django.")
    sets_value = is_custom_field and type(field).pre_save is not models.Field.pre_save
    is_automatic = any(getattr(field, name, False) for name in ("auto_now", "auto_now_add", "generated", "primary_key"))
    has_db_default = getattr(field, "db_default", models.NOT_PROVIDED) is not models.NOT_PROVIDED
    has_new_default = field.has_default() and callable(field.default)
    if sets_value or is_automatic or has_db_default or field.null or has_new_default:
        return ""
    if not field.has_default() and not field.empty_strings_allowed:
        return "is required"
    return "is unique" if field.unique else ""


def _model_label() -> str:
    return str(user_model()._meta.label)
