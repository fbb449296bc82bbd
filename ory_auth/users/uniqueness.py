"""Which values two users may not share, according to the fields and constraints of the user model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldError
from django.db import connections, models

from .fields import user_model


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """Two users may not be equal in all of these fields if ``condition`` holds for both."""

    fields: tuple[str, ...]
    condition: models.Q | None = None
    nulls_distinct: bool = True


def unique_rules() -> Iterator[UniqueRule]:
    """The rules of the user model: unique fields, ``unique_together`` and unique constraints."""
    meta = user_model()._meta
    for field in meta.concrete_fields:
        if field.unique:
            yield UniqueRule((field.name,))
    for names in meta.unique_together:
        yield UniqueRule(tuple(names))
    for constraint in meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            names = constraint.fields or dict.fromkeys(_field_names_in(constraint.expressions))
            yield UniqueRule(tuple(names), constraint.condition, constraint.nulls_distinct is not False)


def _field_names_in(expressions: Any) -> Iterator[str]:
    for expression in expressions:
        if isinstance(expression, models.F):
            yield str(expression.name)  # type: ignore[attr-defined]  # django-stubs does not know it
        elif expression is not None:
            yield from _field_names_in(expression.get_source_expressions())


def is_unique(name: str) -> bool:
    """Whether a value of this field may be refused because another user has it."""
    return any(name in rule.fields for rule in unique_rules())


def allows_duplicates(user: Any, name: str, value: Any, using: str) -> bool:
    """Whether several users may have this value in this field.

    Constraints on several fields are not checked here, since they also depend on the other fields.
    """
    if value == "" and connections[using].features.interprets_empty_strings_as_nulls:
        value = None
    for rule in unique_rules():
        if rule.fields != (name,) or (value is None and rule.nulls_distinct):
            continue
        if rule.condition is None or _condition_holds(rule.condition, user, {name: value}, using):
            return False
    return True


def _condition_holds(condition: models.Q, user: Any, changes: Mapping[str, Any], using: str) -> bool:
    """Whether the condition holds for this user with these changes. Only the database can evaluate it."""
    values = {
        field.name: models.Value(changes.get(field.name, getattr(user, field.attname)), output_field=field)
        for field in user._meta.concrete_fields
        if not getattr(field, "generated", False)
    }
    try:
        return condition.check(values, using=using)
    except FieldError:  # it refers to something other than the fields of the model
        return True
