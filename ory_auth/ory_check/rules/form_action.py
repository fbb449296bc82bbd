"""Whether the Content-Security-Policy of this site lets forms lead to Ory and to providers for social sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...ory.addresses import Origin
from ...ory.source_lists import allows
from ..facts.model import Facts
from .findings import Check, Finding, Problem, failure, ok, unknown


def evaluate_form_action(facts: Facts) -> Iterator[Finding]:
    conf = facts.project.conf
    if conf is None or not facts.form_action:
        return
    targets: dict[Origin, list[str]] = {}
    if not conf.uses_gateway and (ory := Origin.of(conf.browser_url)):
        targets[ory] = ["Ory"]
    not_named = []
    for provider, response in facts.providers:
        origin = Origin.of(str(response.json.get("redirect_browser_to", "")))
        if origin is None:
            not_named.append(provider)
        else:
            targets.setdefault(origin, []).append(repr(provider))
    blocked = {str(origin): names for origin, names in targets.items() if not _is_allowed(origin, facts)}
    if blocked:
        where = " and ".join(f"{origin} ({', '.join(names)})" for origin, names in blocked.items())
        found = f"The Content-Security-Policy of this site stops forms that lead to {where}."
        yield failure(Check.FORM_ACTION, Problem.FORM_ACTION_BLOCKS, found, f"Add {' '.join(blocked)} to form-action.")
    elif targets:
        yield ok(Check.FORM_ACTION, f"forms may lead to {', '.join(chain.from_iterable(targets.values()))}")
    if not_named:
        yield unknown(Check.FORM_ACTION, f"Ory did not say where the provider {', '.join(map(repr, not_named))} is")


def _is_allowed(origin: Origin, facts: Facts) -> bool:
    """Whether every policy allows it: browsers obey all of them."""
    return all(any(_matches(source, origin, facts) for source in sources) for sources in facts.form_action)


def _matches(source: str, origin: Origin, facts: Facts) -> bool:
    return origin in facts.sites if source.lower() == "'self'" else allows(source, str(origin))
