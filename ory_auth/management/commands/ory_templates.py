"""``manage.py ory_templates``: copy templates of this package into a project, and follow their changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from ory_auth.management.template_copies import State, TemplateCopy, find_copies, package_templates

NEEDS_WORK = {State.BEHIND, State.CONFLICT, State.REMOVED}


class Command(BaseCommand):
    help = (
        "Lists the templates of django-ory, and your copies of them in the template folder DIR. "
        "With names, copies these templates to DIR."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="A template folder of your project.")
        parser.add_argument("names", metavar="NAME", nargs="*", help="Templates, such as login or nodes/field.")
        actions = parser.add_mutually_exclusive_group()
        actions.add_argument(
            "--diff", action="store_true", help="Show what has changed in django-ory, and what you have changed."
        )
        actions.add_argument(
            "--update", action="store_true", help="Put the changes of django-ory into your copies, and keep yours."
        )
        actions.add_argument("--check", action="store_true", help="Fail if a copy is not up to date.")
        parser.add_argument("--force", action="store_true", help="Replace copies that exist already.")

    def handle(self, *, folder: Path, names: Sequence[str], **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(
                f"{folder} is not a folder. Name a template folder of your project, and create it first."
            )
        copies = [_find_template(folder, name) for name in names]
        if options["diff"]:
            self._show_changes(copies or list(find_copies(folder)))
        elif options["update"]:
            self._update(copies or [copy for copy in find_copies(folder) if copy.state is State.BEHIND])
        elif options["check"]:
            self._check(copies or list(find_copies(folder)))
        elif copies:
            self._copy(copies, force=options["force"])
        else:
            self._list(folder)

    def _list(self, folder: Path) -> None:
        existing = {copy.name for copy in find_copies(folder)}
        for name in sorted({*package_templates(), *existing}):
            copy = TemplateCopy(folder, name)
            line = f"  {name:<32} {_describe(copy)}".rstrip()
            self.stdout.write(self.style.WARNING(line) if copy.state in NEEDS_WORK else line)
            self._warn_if_not_loaded(copy)

    def _copy(self, copies: Sequence[TemplateCopy], *, force: bool) -> None:
        existing = [copy.name for copy in copies if copy.path.exists()]
        if existing and not force:
            raise CommandError(
                f"{', '.join(existing)}: you have this already. Nothing was copied. --force replaces it."
            )
        for copy in copies:
            if copy.present is None:
                raise CommandError(f"django-ory has no template {copy.name!r}.")
            copy.copy()
            self.stdout.write(f"{copy.path} is yours to change. Add it and {copy.originals} to Git.")
            self._warn_if_not_loaded(copy)

    def _show_changes(self, copies: Sequence[TemplateCopy]) -> None:
        for copy in copies:
            self.stdout.write(self.style.MIGRATE_HEADING(f"{copy.name}: {_describe(copy)}"))
            if copy.original is None:
                continue
            if copy.state is State.BEHIND:
                self.stdout.write(f"\nWhat has changed in django-ory:\n{copy.upstream_diff()}\n")
            if copy.is_changed:
                self.stdout.write(f"\nWhat you have changed:\n{copy.own_diff()}\n")

    def _update(self, copies: Sequence[TemplateCopy]) -> None:
        conflicts = 0
        for copy in copies:
            if copy.state is not State.BEHIND or copy.original is None:
                self.stdout.write(f"{copy.name}: {_describe(copy)}")
                continue
            merged = copy.update()
            conflicts += merged.conflicts
            places = f", {merged.conflicts} conflicts" if merged.conflicts else ""
            self.stdout.write(f"{copy.name}: updated{places}")
        if conflicts:
            raise CommandError("Both you and django-ory have changed some lines. Look for <<<<<<< in these files.")

    def _check(self, copies: Sequence[TemplateCopy]) -> None:
        outdated = [copy for copy in copies if copy.state in NEEDS_WORK]
        for copy in outdated:
            self.stdout.write(f"{copy.name}: {_describe(copy)}")
        if outdated:
            raise CommandError("Some templates are not up to date. See --diff, then --update.")

    def _warn_if_not_loaded(self, copy: TemplateCopy) -> None:
        """A copy has no effect in a folder that Django does not search, or searches after this package's."""
        if not copy.path.exists():
            return
        try:
            template: Any = get_template(f"ory_auth/{copy.name}")
        except TemplateDoesNotExist:
            return
        loaded = Path(template.origin.name)
        if loaded.resolve() != copy.path.resolve():
            advice = "Add the folder to DIRS in TEMPLATES, or move its app above ory_auth in INSTALLED_APPS."
            self.stderr.write(self.style.WARNING(f"Django does not use {copy.path}, but {loaded}. {advice}"))


def _find_template(folder: Path, name: str) -> TemplateCopy:
    """The template of this name, with or without ``ory_auth/`` and ``.html``."""
    known = {*package_templates(), *(copy.name for copy in find_copies(folder))}
    full = f"{name.removeprefix('ory_auth/').removesuffix('.html')}.html"
    if full not in known:
        raise CommandError(f"django-ory has no template {name!r}. Without a name, this command lists them.")
    return TemplateCopy(folder, full)


def _describe(copy: TemplateCopy) -> str:
    state = copy.state
    if state is State.NOT_COPIED:
        return ""
    changed = ", changed by you" if copy.is_changed else ""
    text = f"{state.value} (from {copy.copied_version}){changed}" if copy.copied_version else state.value
    is_lost = state is State.BEHIND and copy.original is None
    return f"{text}; the original is lost, so compare it by hand and copy it again" if is_lost else text
