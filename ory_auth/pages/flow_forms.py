"""The forms of a flow with Django's form API, for layouts that a project makes by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict, flatatt
from django.forms.widgets import Input
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .ui.page import Button, Checkbox, Credential, Field, FlowPage, Form, Hidden, Select, Visible

INPUTS: dict[str, type[Input]] = {
    "email": forms.EmailInput,
    "number": forms.NumberInput,
    "password": forms.PasswordInput,
    "url": forms.URLInput,
}


class CheckboxInput(forms.CheckboxInput):
    """A checkbox that sends a value also if it is not checked: Ory takes the last value of a name."""

    def __init__(self, unchecked: str, attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.unchecked = unchecked

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        attributes: dict[str, Any] = {"type": "hidden", "name": name, "value": self.unchecked}
        if self.attrs.get("disabled") or (attrs or {}).get("disabled"):
            attributes["disabled"] = True
        return format_html("<input{}>{}", flatatt(attributes), super().render(name, value, attrs, renderer))


class HiddenInputs(forms.MultipleHiddenInput):
    """Hidden inputs of one name, in Ory's order: Ory takes the first value, or the last one that is true."""

    def __init__(self, inputs: Sequence[Hidden]) -> None:
        super().__init__({"data-ory-load": inputs[0].onload} if inputs[0].onload else None)

    def id_for_label(self, id_: str | None, index: str | None = None) -> str:
        return ""


class FlowButton:
    """A button of a form. ``{{ button }}`` renders it; ``attrs`` are the attributes for a ``<button>`` made by hand."""

    def __init__(self, button: Button) -> None:
        self.node = button

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)

    @property
    def attrs(self) -> SafeString:
        node = self.node
        attributes = {
            "type": node.type,
            "name": node.name,
            "value": node.value,
            "disabled": node.disabled,
            "formnovalidate": node.skip_validation,
            "data-ory-click": node.trigger or None,
            "data-ory-confirm": node.confirm or None,
        }
        return flatatt({name: value for name, value in attributes.items() if value is not None})

    def __html__(self) -> SafeString:
        return format_html("<button{}>{}</button>", self.attrs, self.node.label)

    def __str__(self) -> str:
        return self.__html__()


class FlowForm(forms.Form):
    """One form of a flow, for Django's form API: fields, errors, ``as_p``, crispy-forms.

    Ory validates what is sent, so this form is never bound: the values that Ory sent are its initial values, and Ory's
    messages are its errors. Override :meth:`build_field` to change fields or widgets.
    """

    method: ClassVar[str] = "post"

    def __init__(self, form: Form, page: FlowPage, group: str, errors: Sequence[str] = (), **options: Any) -> None:
        """``group`` is Ory's name of the method; ``errors`` are messages about the whole form."""
        super().__init__(**options)
        self.node, self.page, self.group = form, page, group
        self.others: tuple[FlowForm, ...] = ()
        for name, inputs in _by_name(form.hidden).items():
            self.fields[name] = self._build_hidden(inputs)
        nodes = [node for part in form.parts for node in part.nodes]
        fields = [node for node in nodes if isinstance(node, Field)]
        for node in fields:
            self.fields[node.name] = self.build_field(node)
        self.contents: tuple[Visible, ...] = tuple(node for node in nodes if not isinstance(node, Field))
        self._set_errors(fields, errors)

    def _set_errors(self, fields: Sequence[Field], errors: Sequence[str]) -> None:
        self.cleaned_data: dict[str, Any] = {}
        self._errors = ErrorDict()
        for node in fields:
            for message in node.messages:
                if message.kind == "error":
                    self.add_error(node.name, ValidationError(message.text))
        for text in errors:
            self.add_error(None, ValidationError(text))

    @property
    def action(self) -> str:
        """The URL to which the form goes: Ory's, or one of this site (:attr:`goes_to_site`)."""
        return self.node.action or self.page.submit_url

    @property
    def goes_to_site(self) -> bool:
        """Whether the form goes to this site first, so that it needs Django's CSRF token. Others must not have it."""
        return bool(self.node.action)

    @property
    def attrs(self) -> SafeString:
        """The attributes of the ``<form>`` element."""
        return flatatt({"method": self.method, "action": self.action, "data-ory-own": self.goes_to_site})

    @property
    def buttons(self) -> tuple[FlowButton, ...]:
        """The buttons, in the order in which Enter should find them. One of them must be pressed."""
        return tuple(FlowButton(button) for part in self.node.parts for button in part.buttons)

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The rows of a list in settings, each with a button: passkeys, security keys, linked accounts."""
        return self.node.credentials

    @property
    def traits(self) -> FieldPath:
        """The fields of the profile, for templates: ``{{ form.traits.name.first }}``."""
        return FieldPath(self, "traits")

    def build_field(self, node: Field) -> forms.Field:
        """The Django field for a field of Ory's flow."""
        options: dict[str, Any] = {
            "label": node.label,
            "required": node.required,
            "disabled": node.disabled or node.needs_script,
            "help_text": node.hint,
            "widget": self._build_widget(node),
        }
        match node:
            case Checkbox():
                return forms.BooleanField(initial=node.checked, **options)
            case Select():
                choices = [(option.value, option.label) for option in node.options]
                return forms.ChoiceField(choices=choices, initial=node.value, **options)
            case _:
                return forms.CharField(initial=node.value, strip=False, **options)

    def _build_widget(self, node: Field) -> forms.Widget:
        attributes: dict[str, Any] = {
            "id": node.id,
            "pattern": node.pattern or None,
            "maxlength": node.maxlength,
            "autocomplete": node.autocomplete or None,
            "inputmode": node.inputmode or None,
            "placeholder": node.placeholder or None,
            "autofocus": node.id == self.page.focus or None,
            "data-ory-enable": node.needs_script or None,
        }
        attributes = {name: value for name, value in attributes.items() if value is not None}
        match node:
            case Checkbox():
                return CheckboxInput(node.unchecked, {**attributes, "value": node.value})
            case Select():
                return forms.Select(attributes)
            case _ if node.is_multiline:
                return forms.Textarea(attributes)
            case _ if node.type == "number":
                return forms.NumberInput({**attributes, "step": "any"})
            case _:
                widget: Input = INPUTS.get(node.type, forms.TextInput)(attributes)
                widget.input_type = node.type
                return widget

    def _build_hidden(self, inputs: Sequence[Hidden]) -> forms.Field:
        values = [hidden.value for hidden in inputs]
        return forms.Field(required=False, initial=values, widget=HiddenInputs(inputs))


class FlowForms:
    """The forms of a page. ``forms["password"]`` (in templates ``forms.password``) is the one for that method.

    Iterating goes over all forms in the order of the page, except the ``others`` of each.
    """

    def __init__(self, page: FlowPage, form_class: type[FlowForm] = FlowForm) -> None:
        errors = [message.text for message in page.messages if message.kind == "error"]
        main = _main_form(page)
        self._forms: list[FlowForm] = []
        self._by_group: dict[str, FlowForm] = {}
        for section in page.sections:
            made = [form_class(form, page, section.group, errors if form is main else ()) for form in section.forms]
            if not made:
                continue
            first, *others = made
            first.others = tuple(others)
            self._forms.append(first)
            for group in (section.group, *(part.group for form in section.forms for part in form.parts)):
                self._by_group.setdefault(group, first)

    def __getitem__(self, group: str) -> FlowForm:
        return self._by_group[group]

    def __contains__(self, group: object) -> bool:
        return group in self._by_group

    def __iter__(self) -> Iterator[FlowForm]:
        return iter(self._forms)

    def __len__(self) -> int:
        return len(self._forms)


class FieldPath:
    """Fields whose names have dots, for templates: the fields below one name."""

    def __init__(self, form: FlowForm, path: str) -> None:
        self._form, self._path = form, path

    def __getitem__(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        if path in self._form.fields:
            return self._form[path]
        if any(field.startswith(f"{path}.") for field in self._form.fields):
            return FieldPath(self._form, path)
        raise KeyError(path)


def _main_form(page: FlowPage) -> Form | None:
    """The form that shows the messages of the page: the one that was sent last, or that of the primary button."""
    sections = [section for section in page.sections if section.forms]
    sent = [s for s in sections if page.active in {s.group, *(part.group for form in s.forms for part in form.parts)}]
    main = [section for section in sections if section.is_main]
    return next((section.forms[0] for section in (*sent, *main, *sections)), None)


def _by_name(hidden: Sequence[Hidden]) -> dict[str, list[Hidden]]:
    named: dict[str, list[Hidden]] = {}
    for node in hidden:
        named.setdefault(node.name, []).append(node)
    return named
