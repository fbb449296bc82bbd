"""``manage.py ory_webhooks``: print the configuration with which Ory calls this site."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from ory_auth.conf import conf
from ory_auth.management.output import count
from ory_auth.webhooks.audit import find_problems
from ory_auth.webhooks.configuration import PLACEHOLDER, build_hooks
from ory_auth.webhooks.decisions import DECIDABLE
from ory_auth.webhooks.formats import as_cli_command, as_yaml

DEFAULT_BLOCKING = ("registration", "settings")


class Command(BaseCommand):
    help = (
        "Prints the web hooks for Ory's configuration: YAML for Kratos, or a command of Ory's CLI for Ory Network. "
        "Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", metavar="URL", help="This site as Ory reaches it, such as https://example.org.")
        parser.add_argument("--format", choices=["kratos", "json", "network"], default="kratos", help="What to print.")
        parser.add_argument(
            "--blocking",
            nargs="*",
            choices=sorted(DECIDABLE),
            metavar="FLOW",
            help="Also ask BLOCKING_HOOK, in these flows. Without a name: " + " and ".join(DEFAULT_BLOCKING) + ".",
        )
        parser.add_argument(
            "--config", metavar="FILE", help="Ory's present configuration (YAML or JSON), whose other hooks stay."
        )
        parser.add_argument("--project", default="${ORY_PROJECT_ID}", help="The ID of the project at Ory Network.")
        parser.add_argument(
            "--show-secret",
            action="store_true",
            help=f"Print the first of WEBHOOK_SECRETS instead of {PLACEHOLDER}.",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="Print nothing but the hooks in --config that Kratos ignores, or that are missing.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = _read_config(options["config"]) if options["config"] else None
        if options["check"]:
            self._check(config)
            return
        hooks = build_hooks(
            _find_view(options["site"]),
            self._secret(show=options["show_secret"]),
            blocking=self._blocking_flows(options["blocking"]),
            config=config,
        )
        self.stdout.write(self._render(hooks, options), ending="")
        if config is None:
            text = "Pass --config with Ory's present configuration, so that its other hooks stay."
            self.stderr.write(self.style.WARNING(text))

    def _check(self, config: Mapping[str, Any] | None) -> None:
        if config is None:
            raise CommandError("--check needs --config with Ory's configuration.")
        problems = list(find_problems(config))
        for problem in problems:
            self.stdout.write(problem)
        if problems:
            raise CommandError(f"{count(len(problems), 'problem')} found.")
        self.stdout.write(self.style.SUCCESS("Kratos calls this site after every flow."))

    def _secret(self, *, show: bool) -> str:
        secrets = conf().webhook_secrets
        if not secrets:
            raise CommandError(
                "ORY_AUTH['WEBHOOK_SECRETS'] is not set. Create a secret with `openssl rand -hex 32`, and set it to a "
                "list with that secret, from the environment."
            )
        return secrets[0].reveal() if show else PLACEHOLDER

    def _blocking_flows(self, names: list[str] | None) -> frozenset[str]:
        if names is None:
            return frozenset()
        if conf().blocking_hook is None:
            raise CommandError("--blocking needs ORY_AUTH['BLOCKING_HOOK'], the dotted path of your function.")
        return frozenset(names or DEFAULT_BLOCKING)

    def _render(self, hooks: dict[str, Any], options: dict[str, Any]) -> str:
        if options["format"] == "json":
            return json.dumps(hooks, indent=2) + "\n"
        if options["format"] == "network":
            return as_cli_command(hooks, options["project"])
        return as_yaml(hooks)


def _find_view(site: str | None) -> str:
    """The URL of ``ory_auth:webhook``."""
    parts = urlsplit(site or "")
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise CommandError("Pass --site with this site as Ory reaches it, such as --site https://example.org.")
    try:
        return f"{parts.scheme}://{parts.netloc}{reverse('ory_auth:webhook')}"
    except NoReverseMatch:
        raise CommandError('Add path("auth/", include("ory_auth.urls")) to the URLs of this project.') from None


def _read_config(name: str) -> dict[str, Any]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {type(error).__name__}.") from None
    config = _parse(name, text)
    if not isinstance(config, dict):
        raise CommandError(f"{name} is not Ory's configuration: it must be an object with the key selfservice.")
    return config


def _parse(name: str, text: str) -> Any:
    """Parse JSON, or YAML if PyYAML is installed. The file has secrets, so no error quotes it."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise CommandError(f"To read {name}, install PyYAML, or convert the file to JSON.") from None
    try:
        return yaml.safe_load(text)
    except Exception:  # of PyYAML, which has its own hierarchy
        problem = CommandError(f"{name} is neither YAML nor JSON.")
    raise problem
