"""The order of groups and nodes on a page, and the primary button.

Ory's order changes after an error. It is not used here, except among the traits, whose order is that of the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .buttons import CHOICES
from .groups import DEFAULT_GROUP, Group
from .page import Button, Part, Section
from .unknown import report_unknown

SOCIAL = ("oidc", "saml")
SIGN_IN_ORDER = (
    *(DEFAULT_GROUP, "identifier_first", "profile", "password", "totp", "passkey", "webauthn"),
    *("code", "link", "lookup_secret"),
)
# Ways to sign in come first, then second factors.
SETTINGS_ORDER = (
    *("profile", DEFAULT_GROUP, "password", "passkey", *SOCIAL),
    *("totp", "webauthn", "lookup_secret", "code", "link"),
)
PASSWORD_FIRST = ("password", "passkey")
KNOWN_GROUPS = frozenset({*SIGN_IN_ORDER, *SETTINGS_ORDER, "captcha"})
AFTER_ALL = 100
NODE_ORDER = {"identifier": -1, "password": 1}  # other nodes: 0


def sort_groups(groups: Iterable[Group], kind: str, *, password_first: bool = False) -> list[Group]:
    """The groups in the order of the page. Unknown groups come after the others, by name."""
    order = SETTINGS_ORDER if kind == "settings" else (*SIGN_IN_ORDER, *SOCIAL)
    if password_first:
        order = tuple(dict.fromkeys((*PASSWORD_FIRST, *order)))

    def rank(group: Group) -> tuple[int, str]:
        if group.name in order:
            return order.index(group.name), ""
        if group.name not in KNOWN_GROUPS:
            report_unknown("group", group.name)
        return AFTER_ALL, group.name

    return sorted(groups, key=rank)


def sort_nodes(group: Group) -> Group:
    """The group with its nodes and buttons in the order of the page."""
    group.nodes.sort(key=lambda node: NODE_ORDER.get(getattr(node, "name", ""), 0))
    group.buttons.sort(key=lambda button: (not button.sends_fields, button.goes_back))
    group.credentials.sort(
        key=lambda credential: (not credential.connected, credential.added_at.timestamp() if credential.added_at else 0)
    )
    return group


def sort_sections(sections: Sequence[Section], *, social_first: bool) -> list[Section]:
    """The sections with backup codes first, which the person asked for. The way back comes last."""

    def rank(section: Section) -> int:
        if section.shows_codes:
            return 0
        if section.group in SOCIAL and social_first:
            return 1
        return 3 if section.goes_back else 2

    return sorted(sections, key=rank)


def mark_primary(sections: Sequence[Section], *, in_each: bool) -> list[Section]:
    """The sections with one primary button, or with one ``in_each``.

    Social sign-in is primary only if there is nothing else. Of several equal choices, such as addresses to which Ory
    can send a code, none is primary.
    """
    if in_each:
        return [_mark(section, _find_primary([section])) for section in sections]
    primary = _find_primary([section for section in sections if section.group not in SOCIAL] or sections)
    return [_mark(section, primary) for section in sections]


def _find_primary(sections: Sequence[Section]) -> Button | None:
    buttons = [button for section in sections for button in section.buttons]
    for button in buttons:
        if button.danger or button.resend or button.goes_back or button.disabled:
            continue
        is_choice = button.name in CHOICES and sum(other.name == button.name for other in buttons) > 1
        return None if is_choice else button
    return None


def _mark(section: Section, primary: Button | None) -> Section:
    if primary is None or not any(button is primary for button in section.buttons):
        return section
    forms = (replace(form, parts=tuple(_mark_in_part(part, primary) for part in form.parts)) for form in section.forms)
    return replace(section, forms=tuple(forms))


def _mark_in_part(part: Part, primary: Button) -> Part:
    buttons = (replace(button, primary=True) if button is primary else button for button in part.buttons)
    return replace(part, buttons=tuple(buttons))
