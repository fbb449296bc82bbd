"""Which groups of nodes go into one form.

A submit must carry what its method needs, and the required fields of another method must not block it. So each group
of nodes becomes a form, with these exceptions:

* The nodes of the group ``default`` (the CSRF token, the identifier, the traits at registration) are *shared*, and so
  are those of any group without a button. Their hidden fields go with every form.
* Shared fields that a person fills in can be in one form only. The groups that need them are *joined* into that form:
  those with a button named ``method``, a script's trigger or their own fields. The others (``provider=github``,
  ``screen=previous``) only carry a value, and get a *separate* form with the hidden fields alone.
* If a group has a ``method`` button or a trigger, its other buttons ("send the code again") get a second form without
  fields. So Enter never presses them, and an empty code does not block them. Passkeys and linked accounts are rows of
  another form.
* What the passkey script reads and fills in goes with one form only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .arrays import join_arrays
from .groups import DEFAULT_GROUP, Group
from .order import mark_primary, sort_groups, sort_nodes, sort_sections
from .page import Form, Hidden, Part, Section

FIRST_SCREEN_GROUPS = frozenset({"identifier_first", "profile"})  # with fields, they belong to the first screen only


@dataclass(frozen=True, slots=True)
class Layout:
    """Which groups share a form, and which do not."""

    shared: Group
    joined: Sequence[Group]
    separate: Sequence[Group]

    @property
    def has_shared_form(self) -> bool:
        return bool(self.joined or self.shared.fields or self.shared.buttons)


def build_sections(groups: Sequence[Group], *, kind: str, sets_password: bool = False) -> list[Section]:
    """The groups of a flow as the sections of a page, in the order of the page."""
    groups = sort_groups(groups, kind, password_first=sets_password)
    groups = [sort_nodes(_without_needless_questions(join_arrays(group))) for group in groups]
    is_settings = kind == "settings"
    sections = list(_build(arrange(groups)))
    is_first_screen = any(group.fields for group in groups if group.is_shared or group.name in FIRST_SCREEN_GROUPS)
    sections = sort_sections(sections, social_first=is_first_screen and not is_settings)
    return mark_primary(sections, in_each=is_settings)


def _without_needless_questions(group: Group) -> Group:
    """The first backup codes end no others, so there is no question to ask."""
    if not group.replaces_codes:
        group.buttons = [
            replace(button, danger=False, confirm="") if button.name == "lookup_secret_regenerate" else button
            for button in group.buttons
        ]
    return group


def arrange(groups: Sequence[Group]) -> Layout:
    """Decide which groups are shared, joined and separate."""
    shared = Group(DEFAULT_GROUP)
    others = []
    for group in groups:
        if group.is_shared:
            shared.extend(group)
        else:
            others.append(group)
    with_buttons = [group for group in others if group.has_buttons]
    joined: list[Group] = []
    if shared.fields or shared.buttons:
        joined = [group for group in with_buttons if group.needs_shared_fields]
    if shared.nodes and not joined and not shared.buttons:
        joined = with_buttons[:1]  # a text goes with the first form
    names = {group.name for group in joined}
    return Layout(shared, joined, [group for group in others if group.name not in names])


def _build(layout: Layout) -> Iterator[Section]:
    keys = layout.shared.key_hidden  # without a button, for autofill only: they go with the first form with fields
    if layout.has_shared_form:
        yield _shared_section(layout)
        keys = []
    elif layout.shared.nodes:
        yield Section(DEFAULT_GROUP, nodes=tuple(layout.shared.nodes))
    for group in layout.separate:
        if group.has_buttons:
            takes_keys = bool(group.fields) or group is layout.separate[-1]
            yield _separate_section(group, layout.shared, keys if takes_keys else [])
            keys = [] if takes_keys else keys
        elif group.nodes:
            yield Section(group.name, nodes=tuple(group.nodes))


def _shared_section(layout: Layout) -> Section:
    """The form with the shared fields. Groups with fields come first, because Enter presses the first button."""
    shared, joined = layout.shared, layout.joined
    parts = []
    if shared.nodes or shared.buttons:
        parts.append(Part(shared.name, tuple(shared.nodes), tuple(shared.buttons)))
    for group in sorted(joined, key=lambda group: not group.fields):
        fields_of_others = [field for other in joined if other is not group for field in other.fields]
        is_blocked = any(field.required for field in fields_of_others)
        buttons = tuple(replace(button, skip_validation=is_blocked) for button in group.main_buttons)
        parts.append(Part(group.name, tuple(group.nodes), buttons))
    hidden = [node for group in (shared, *joined) for node in group.hidden]
    action = next((group.action for group in joined if group.action), "")
    form = Form(tuple(hidden), tuple(parts), action=action)
    name = joined[0].name if len(joined) == 1 else shared.name
    return Section(name, (form, *_secondary_forms(joined, shared)))


def _separate_section(group: Group, shared: Group, keys: Sequence[Hidden]) -> Section:
    forms = []
    if group.buttons:
        part = Part(group.name, tuple(group.nodes), tuple(group.main_buttons))
        forms.append(Form((*shared.shared_hidden, *keys, *group.hidden), (part,), action=group.action))
    forms += _secondary_forms([group], shared)
    return Section(group.name, tuple(forms), () if group.buttons else tuple(group.nodes))


def _secondary_forms(groups: Sequence[Group], shared: Group) -> Iterator[Form]:
    for group in groups:
        hidden = (*shared.shared_hidden, *group.shared_hidden)
        if group.credentials:
            yield Form(hidden, secondary=True, credentials=tuple(group.credentials))
        if group.other_buttons:
            yield Form(hidden, (Part(group.name, (), tuple(group.other_buttons)),), secondary=True)
