"""The values of Jsonnet, and the part of its standard library that the bodies of web hooks need.

https://jsonnet.org/ref/stdlib.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class JsonnetError(Exception):
    """The template cannot be evaluated. The text is that of Jsonnet, or of `error` in the template."""


KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}


def kind_of(value: Any) -> str:
    """The type of a value in Jsonnet's words."""
    return KINDS.get(type(value), "function")


def to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def plus(left: Any, right: Any) -> Any:
    """`left + right`: numbers, texts, lists and objects."""
    if isinstance(left, str) or isinstance(right, str):
        return to_text(left) + to_text(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if kind_of(left) == kind_of(right) and isinstance(left, int | float | list):
        return left + right
    raise JsonnetError(f"Binary operator + does not operate on {kind_of(left)} and {kind_of(right)}")


def _prune(value: Any) -> Any:
    """Without null, empty lists and empty objects, at any depth."""
    if isinstance(value, dict):
        pruned = {name: _prune(item) for name, item in value.items()}
        return {name: item for name, item in pruned.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [item for item in map(_prune, value) if item not in (None, [], {})]
    return value


def library() -> dict[str, Callable[..., Any]]:
    """The value of `std`."""
    return {
        "objectHas": lambda o, f: f in o,
        "objectHasAll": lambda o, f: f in o,
        "get": lambda o, f, default=None, inc_hidden=True: o.get(f, default),
        "objectFields": sorted,
        "objectValues": lambda o: [o[name] for name in sorted(o)],
        "length": len,
        "type": kind_of,
        "isString": lambda v: kind_of(v) == "string",
        "isObject": lambda v: kind_of(v) == "object",
        "isArray": lambda v: kind_of(v) == "array",
        "isNumber": lambda v: kind_of(v) == "number",
        "isBoolean": lambda v: kind_of(v) == "boolean",
        "toString": to_text,
        "asciiLower": str.lower,
        "asciiUpper": str.upper,
        "startsWith": str.startswith,
        "endsWith": str.endswith,
        "split": str.split,
        "join": lambda sep, arr: sep.join(arr) if isinstance(sep, str) else [item for one in arr for item in one],
        "strReplace": str.replace,
        "member": lambda arr, x: x in arr,
        "map": lambda func, arr: [func(item) for item in arr],
        "filter": lambda func, arr: [item for item in arr if func(item)],
        "prune": _prune,
    }
