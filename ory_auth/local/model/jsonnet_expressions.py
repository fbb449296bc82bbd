"""The expressions of Jsonnet: functions that find a value in an environment, made by the parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .jsonnet_library import JsonnetError, kind_of, plus, to_text

Environment = dict[str, Callable[[], Any]]  # name → how to find its value
Expression = Callable[[Environment], Any]
Function = Callable[..., Any]


def identity(value: Any) -> Any:
    return value


def constant(value: Any) -> Expression:
    return lambda env: value


def variable(name: str) -> Expression:
    def find(env: Environment) -> Any:
        if name not in env:
            raise JsonnetError(f"Unknown variable: {name}")
        return env[name]()

    return find


def bind(env: Environment, bindings: list[tuple[str, Expression]]) -> Environment:
    inner = dict(env)
    inner.update({name: partial(value, inner) for name, value in bindings})
    return inner


def make_function(parameters: list[tuple[str, Expression | None]], body: Expression) -> Expression:
    def make(env: Environment) -> Function:
        def function(*positional: Any, **named: Any) -> Any:
            given = {**dict(zip((name for name, _ in parameters), positional, strict=False)), **named}
            inner: Environment = {**env, **{name: partial(identity, value) for name, value in given.items()}}
            for name, default in parameters:
                if name not in given:
                    if default is None:
                        raise JsonnetError(f"function parameter {name} not bound in call")
                    inner = bind(inner, [(name, default)])
            return body(inner)

        return function

    return make


def apply(function: Any, positional: list[Any], named: dict[str, Any]) -> Any:
    if not callable(function):
        raise JsonnetError(f"only functions can be called, got {kind_of(function)}")
    try:
        return function(*positional, **named)
    except (TypeError, AttributeError, KeyError) as error:
        raise JsonnetError(f"wrong arguments of a function: {error}") from None


def member(value: Expression, key: Expression) -> Expression:
    def find(env: Environment) -> Any:
        container, name = value(env), key(env)
        if isinstance(container, dict):
            if name not in container:
                raise JsonnetError(f"Field does not exist: {name}")
            return container[name]
        if isinstance(container, list | str) and isinstance(name, int | float):
            if not 0 <= name < len(container):
                raise JsonnetError(f"array bounds error: {name} not within [0, {len(container)})")
            return container[int(name)]
        raise JsonnetError(f"Unexpected type {kind_of(container)}, expected object")

    return find


def make_object(
    env: Environment, bindings: list[tuple[str, Expression]], fields: list[tuple[Expression, Expression]]
) -> dict[str, Any]:
    inner = bind(env, bindings)
    named = ((name(env), value) for name, value in fields)
    return {name: value(inner) for name, value in named if name is not None}


def merge(objects: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for one in objects for name, value in one.items()}


def operation(operator: str, left: Expression, right: Expression) -> Expression:
    if operator == "&&":
        return lambda env: boolean(left(env)) and boolean(right(env))
    if operator == "||":
        return lambda env: boolean(left(env)) or boolean(right(env))
    function = OPERATIONS[operator]
    return lambda env: function(left(env), right(env))


def _whole_if_possible(number: float) -> float:
    """Jsonnet writes whole numbers without a decimal point."""
    return int(number) if number == int(number) else number


OPERATIONS: dict[str, Function] = {
    "+": plus,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: _whole_if_possible(left / right),
    "%": lambda left, right: to_text(left) % right if isinstance(left, str) else left % right,
    "==": lambda left, right: left == right and kind_of(left) == kind_of(right),
    "!=": lambda left, right: left != right or kind_of(left) != kind_of(right),
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
}


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise JsonnetError(f"Unexpected type {kind_of(value)}, expected boolean")
    return value


def fail(text: Any) -> Any:
    raise JsonnetError(to_text(text))
