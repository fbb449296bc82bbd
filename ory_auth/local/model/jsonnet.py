"""Evaluates the templates of web hooks. https://jsonnet.org/ref/spec.html"""

from __future__ import annotations

import json
from typing import Any

import rjsonnet


class JsonnetError(Exception):
    """The template cannot be evaluated. The text is the first line of what the evaluator says."""


def evaluate(template: str, ctx: dict[str, Any]) -> Any:
    """The JSON value that the template makes of `ctx`, its only argument. Raises `JsonnetError`."""
    try:
        return json.loads(rjsonnet.evaluate_snippet("body", template, tla_codes={"ctx": json.dumps(ctx)}))
    except RuntimeError as error:
        text = str(error).partition("\n")[0]
    raise JsonnetError(text.removeprefix("runtime error: "))
