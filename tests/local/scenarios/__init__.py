"""The recorded scenarios. Each function has the name of its recording."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType

from ..replay import CONTRACT
from . import (
    addresses,
    admin,
    hooks,
    imports,
    login,
    page_addresses,
    page_keys,
    page_login,
    page_registration,
    page_settings,
    page_social,
    registration,
    settings,
    whoami,
)

MODULES = (
    addresses,
    admin,
    hooks,
    imports,
    login,
    page_addresses,
    page_keys,
    page_login,
    page_registration,
    page_settings,
    page_social,
    registration,
    settings,
    whoami,
)


def _scenarios(module: ModuleType) -> dict[str, Callable[..., None]]:
    functions = dict(inspect.getmembers(module, inspect.isfunction))
    return {name: function for name, function in functions.items() if (CONTRACT / f"{name}.json").exists()}


SCENARIOS = {name: function for module in MODULES for name, function in _scenarios(module).items()}
