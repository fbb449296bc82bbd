"""The HTML attributes of fields and buttons, escaped. Templates would take five times as long to write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.forms.utils import flatatt
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from .page import Button, Checkbox, DateTime, Field, Select

SECONDS_UNTIL_RESEND = 30


def write_field(field: Field) -> SafeString:
    """What an ``<input>``, ``<textarea>`` or ``<select>`` of any kind has."""
    described_by = [f"{field.id}-{part}" for part in ("hint", "messages") if getattr(field, part)]
    return flatatt(
        {
            "id": field.id,
            "name": field.name,
            "required": field.required,
            "disabled": field.disabled or field.needs_script,
            "data-ory-enable": field.needs_script,
            "aria-invalid": "true" if field.invalid else None,
            "aria-describedby": " ".join(described_by) or None,
        }
    )


def write_text_field(field: Field) -> SafeString:
    is_plain = field.type == "text" and not field.is_code
    attributes: dict[str, str | int | bool | None] = {
        "maxlength": field.maxlength,
        "autocomplete": field.autocomplete or None,
        "autocapitalize": "none" if field.autocomplete else None,
        "spellcheck": "false" if field.autocomplete else None,
        "dir": "auto" if is_plain else "ltr",
    }
    if field.is_multiline:
        attributes["rows"] = 4
    else:
        attributes |= {
            "type": field.type,
            "value": field.value or None,
            "step": "any" if field.type == "number" else None,
            "class": "ory-code" if field.is_code else None,
            "pattern": field.pattern or None,
            "placeholder": field.placeholder or None,
            "inputmode": field.inputmode or None,
        }
    return write_field(field) + flatatt(attributes)


def write_checkbox(field: Checkbox) -> SafeString:
    return write_field(field) + flatatt({"type": "checkbox", "value": field.value, "checked": field.checked})


def write_date_time(field: DateTime) -> SafeString:
    return write_text_field(field) + flatatt({"data-ory-datetime": True})


def write_select(field: Select) -> SafeString:
    return write_field(field) + flatatt({"autocomplete": field.autocomplete or None})


def write_button(button: Button) -> SafeString:
    return flatatt(
        {
            "type": button.type,
            "name": button.name,
            "value": button.value,
            "disabled": button.disabled,
            "formnovalidate": button.skip_validation,
            "data-ory-click": button.trigger or None,
            "data-ory-resend": SECONDS_UNTIL_RESEND if button.resend else None,
        }
    )
