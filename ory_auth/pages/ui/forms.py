"""Which groups of nodes go into one form.

A submit must carry what its method needs, and the required fields of another method must not block it. So each group
of nodes becomes a form, with these exceptions:

* The nodes of the group ``default`` (the CSRF token, the identifier, the traits at registration) are *shared*, and so
  are those of any group without a button. Their hidden fields go with every form.
* Shared fields that a person fills in can be in one form only. The groups that need them are *joined* into that form:
  those with a button named ``method``, a script's trigger or their own fields. The others (``provider=github``,
  ``screen=previous``) only carry a value, and get a *separate* form with the hidden fields alone.
* If a group has a ``method`` button or a trigger, its other buttons ("send the code again", "remove this key") get a
  second form without fields. So Enter never presses them, and an empty code does not block them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .arrays import join_arrays
from .groups import DEFAULT_GROUP, Group
from .page import Form, Part, Section


@dataclass(frozen=True, slots=True)
class Layout:
    """Which groups share a form, and which do not."""

    shared: Group
    joined: Sequence[Group]
    separate: Sequence[Group]

    @property
    def has_shared_form(self) -> bool:
        return bool(self.joined or self.shared.fields or self.shared.buttons)


def build_sections(groups: Sequence[Group]) -> Iterator[Section]:
    """The groups of a flow, in Ory's order, as the sections of a page. The form with the shared fields comes first."""
    layout = arrange([join_arrays(group) for group in groups])
    if layout.has_shared_form:
        yield _shared_section(layout)
    elif layout.shared.nodes:
        yield Section(DEFAULT_GROUP, nodes=tuple(layout.shared.nodes))
    for group in layout.separate:
        if group.buttons:
            yield _separate_section(group, layout.shared)
        elif group.nodes:
            yield Section(group.name, nodes=tuple(group.nodes))


def arrange(groups: Sequence[Group]) -> Layout:
    """Decide which groups are shared, joined and separate."""
    shared = Group(DEFAULT_GROUP)
    others = []
    for group in groups:
        if group.is_shared:
            shared.extend(group)
        else:
            others.append(group)
    with_buttons = [group for group in others if group.buttons]
    joined: list[Group] = []
    if shared.fields or shared.buttons:
        joined = [group for group in with_buttons if group.needs_shared_fields]
    if shared.nodes and not joined and not shared.buttons:
        joined = with_buttons[:1]  # a text or a captcha goes with the first form
    names = {group.name for group in joined}
    return Layout(shared, joined, [group for group in others if group.name not in names])


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


def _separate_section(group: Group, shared: Group) -> Section:
    part = Part(group.name, tuple(group.nodes), tuple(group.main_buttons))
    form = Form((*shared.hidden, *group.hidden), (part,), action=group.action)
    return Section(group.name, (form, *_secondary_forms([group], shared)))


def _secondary_forms(groups: Sequence[Group], shared: Group) -> Iterator[Form]:
    for group in groups:
        if group.other_buttons:
            part = Part(group.name, (), tuple(group.other_buttons))
            yield Form((*shared.hidden, *group.hidden), (part,), secondary=True)
