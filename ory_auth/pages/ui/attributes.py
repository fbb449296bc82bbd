"""The HTML attributes of fields and buttons, escaped. Templates would take five times as long to write them."""

from __future__ import annotations

from html import escape  # what Django's escape() calls, which is slow because it also takes lazy texts
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .page import Button, Checkbox, DateTime, Field, Hidden, Select

SECONDS_UNTIL_RESEND = 30


def write(**attributes: str | int | bool | None) -> SafeString:
    """The attributes with a space before each. ``True`` writes only the name; ``None`` and ``False`` write nothing.

    An underscore in a name stands for a hyphen.
    """
    written = []
    for name, value in attributes.items():
        if value is True:
            written.append(f" {name.replace('_', '-')}")
        elif value is not None and value is not False:
            written.append(f' {name.replace("_", "-")}="{escape(str(value))}"')
    return mark_safe("".join(written))  # noqa: S308  (names are written above, values are escaped)


def write_field(field: Field) -> SafeString:
    """What an ``<input>``, ``<textarea>`` or ``<select>`` of any kind has."""
    described_by = [f"{field.id}-{part}" for part in ("hint", "messages") if getattr(field, part)]
    return write(
        id=field.id,
        name=field.name,
        required=field.required,
        disabled=field.disabled or field.needs_script,
        data_ory_enable=field.needs_script,
        aria_invalid="true" if field.invalid else None,
        aria_describedby=" ".join(described_by) or None,
    )


def write_text_field(field: Field) -> SafeString:
    is_plain = field.type == "text" and not field.is_code
    of_any_text = write_field(field) + write(
        maxlength=field.maxlength,
        autocomplete=field.autocomplete or None,
        autocapitalize="none" if field.autocomplete else None,
        spellcheck="false" if field.autocomplete else None,
        dir="auto" if is_plain else "ltr",
    )
    if field.is_multiline:
        return of_any_text + write(rows=4)
    return of_any_text + write(
        type=field.type,
        value=field.value or None,
        step="any" if field.type == "number" else None,
        **{"class": "ory-code" if field.is_code else None},
        pattern=field.pattern or None,
        placeholder=field.placeholder or None,
        inputmode=field.inputmode or None,
    )


def write_checkbox(field: Checkbox) -> SafeString:
    return write_field(field) + write(type="checkbox", value=field.value, checked=field.checked)


def write_date_time(field: DateTime) -> SafeString:
    return write_text_field(field) + write(data_ory_datetime=True)


def write_select(field: Select) -> SafeString:
    return write_field(field) + write(autocomplete=field.autocomplete or None)


def write_button(button: Button) -> SafeString:
    return write(
        type=button.type,
        name=button.name,
        value=button.value,
        disabled=button.disabled,
        formnovalidate=button.skip_validation,
        data_ory_click=button.trigger or None,
        data_ory_resend=SECONDS_UNTIL_RESEND if button.resend else None,
    )


def write_hidden_inputs(nodes: Iterable[Hidden]) -> SafeString:
    """The ``<input>`` elements of hidden fields."""
    inputs = (
        f"<input{write(type='hidden', name=node.name, value=node.value, data_ory_load=node.onload or None)}>"
        for node in nodes
    )
    return mark_safe("\n  ".join(inputs))  # noqa: S308  (the attributes are escaped)
