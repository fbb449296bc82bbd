"""Which hooks of a configuration Kratos never calls, or calls without the effect that they seem to have. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .configuration import (
    METHODS,
    NOT_PARSED_FOR_FLOW,
    WHOLE_FLOWS,
    Hook,
    details_of,
    effective_hooks,
    is_own,
    is_parsed,
    read_hooks,
)

ENABLED_BY_DEFAULT = frozenset({"password", "profile", "code"})


def find_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each problem, with the place and what to do."""
    for flow, methods in METHODS.items():
        yield from _problems_of_lists(config, flow, methods)
    for flow in WHOLE_FLOWS:
        yield from _problems_of_whole_flow(config, flow)
    for place, hook in _all_hooks(config):
        yield from _problems_of_hook(place, hook)


def _problems_of_lists(config: Mapping[str, Any], flow: str, methods: tuple[str, ...]) -> Iterator[str]:
    whole, place = read_hooks(config, flow), f"selfservice.flows.{flow}.after"
    with_list = [method for method in methods if read_hooks(config, flow, method)]
    if whole and with_list:
        names = ", ".join(with_list)
        yield f"{place}.hooks is not used for {names}: these have their own list, so add its hooks there."
    if flow in NOT_PARSED_FOR_FLOW and any(map(is_parsed, whole)):
        yield f"{place}.hooks has a hook with response.parse, which is never called there: add it to each method."
    for method in methods:
        if _is_enabled(config, method) and not any(map(is_own, effective_hooks(config, flow, method))):
            yield f"{place}.{method} does not call this site: add the hooks that this command prints."


def _problems_of_whole_flow(config: Mapping[str, Any], flow: str) -> Iterator[str]:
    hooks, place = read_hooks(config, flow), f"selfservice.flows.{flow}.after.hooks"
    if not any(map(is_own, hooks)):
        yield f"{place} does not call this site: add the hook that this command prints."
    if any(map(is_parsed, hooks)):
        yield f"{place} has a hook with response.parse: it can change nothing, because the {flow} has been done."


def _problems_of_hook(place: str, hook: Hook) -> Iterator[str]:
    if hook.get("hook") != "web_hook":
        return
    details = details_of(hook)
    response = details.get("response")
    if not details.get("body"):
        yield f"{place} has a web hook without a body: the flow fails. Add a Jsonnet template."
    if isinstance(response, Mapping) and response.get("ignore") and is_parsed(hook):
        yield f"{place} has a web hook with both response.ignore and response.parse: the flow fails. Keep one."
    if details.get("can_interrupt"):
        yield f"{place} has a web hook with can_interrupt, which is deprecated: use response.parse."


def _all_hooks(config: Mapping[str, Any]) -> Iterator[tuple[str, Hook]]:
    for flow, methods in [*METHODS.items(), *((flow, ()) for flow in WHOLE_FLOWS)]:
        for method in ("", *methods):
            place = f"selfservice.flows.{flow}.after.{f'{method}.' if method else ''}hooks"
            for hook in read_hooks(config, flow, method):
                yield place, hook


def _is_enabled(config: Mapping[str, Any], method: str) -> bool:
    value: Any = config
    for name in ("selfservice", "methods", method, "enabled"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return method in ENABLED_BY_DEFAULT if value is None else value is True
