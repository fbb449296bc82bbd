"""Evaluates Jsonnet, as far as the bodies of web hooks need it. https://jsonnet.org/ref/spec.html

A template is a function of one argument, `ctx`. Not supported are `self`, `$`, imports, hidden fields and text blocks.
Fields of objects are evaluated at once, and variables only when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from .jsonnet_library import JsonnetError, kind_of, library, plus, to_text
from .jsonnet_tokens import Token, tokenize

Environment = dict[str, Callable[[], Any]]  # name → how to find its value
Expression = Callable[[Environment], Any]
Function = Callable[..., Any]

PRECEDENCE = ({"||"}, {"&&"}, {"==", "!="}, {"<", ">", "<=", ">=", "in"}, {"+", "-"}, {"*", "/", "%"})


def evaluate(template: str, ctx: dict[str, Any]) -> Any:
    """The JSON value that the template makes. Raises `JsonnetError`."""
    function = _compile(template)({"std": library})
    if not callable(function):
        raise JsonnetError("the template is not a function")
    try:
        return function(ctx)
    except RecursionError:
        raise JsonnetError("max stack frames exceeded") from None
    except (TypeError, ZeroDivisionError) as error:
        raise JsonnetError(f"wrong operands: {error}") from None


@lru_cache(64)
def _compile(template: str) -> Expression:
    parser = _Parser(tokenize(template))
    expression = parser.expression()
    parser.expect("end", "")
    return expression


class _Parser:
    """Turns tokens into functions that evaluate them in an environment."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.position = tokens, 0

    # ---- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def accept(self, *texts: str) -> str:
        """Skip the token if it is one of these. Returns it, or ""."""
        if self.token.kind == "symbol" and self.token.text in texts:
            self.position += 1
            return self.tokens[self.position - 1].text
        return ""

    def expect(self, kind: str, text: str) -> str:
        token = self.token
        if token.kind != kind or (text and token.text != text):
            raise JsonnetError(f"unexpected {token.text!r} at character {token.start}; expected {text or kind}")
        self.position += 1
        return token.text

    # ---- expressions

    def expression(self) -> Expression:
        if self.accept("local"):
            return self._local()
        if self.accept("if"):
            return self._condition()
        if self.accept("function"):
            return self._function()
        if self.accept("error"):
            text = self.expression()
            return lambda env: _fail(text(env))
        return self._binary(0)

    def _local(self) -> Expression:
        bindings = [self._binding()]
        while self.accept(","):
            bindings.append(self._binding())
        self.expect("symbol", ";")
        body = self.expression()
        return lambda env: body(_bind(env, bindings))

    def _binding(self) -> tuple[str, Expression]:
        """`name = value`, or `name(parameters) = value`."""
        name = self.expect("name", "")
        parameters = self._parameters() if self.accept("(") else None
        self.expect("symbol", "=")
        value = self.expression()
        return name, value if parameters is None else _make_function(parameters, value)

    def _condition(self) -> Expression:
        test = self.expression()
        self.expect("symbol", "then")
        then = self.expression()
        otherwise = self.expression() if self.accept("else") else _constant(None)
        return lambda env: then(env) if _boolean(test(env)) else otherwise(env)

    def _function(self) -> Expression:
        self.expect("symbol", "(")
        parameters = self._parameters()
        return _make_function(parameters, self.expression())

    def _parameters(self) -> list[tuple[str, Expression | None]]:
        parameters: list[tuple[str, Expression | None]] = []
        while not self.accept(")"):
            name = self.expect("name", "")
            parameters.append((name, self.expression() if self.accept("=") else None))
            self.accept(",")
        return parameters

    def _binary(self, level: int) -> Expression:
        if level == len(PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self.accept(*PRECEDENCE[level]):
            left = _operation(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        operator = self.accept("!", "-", "+")
        if not operator:
            return self._postfix()
        value = self._unary()
        if operator == "!":
            return lambda env: not _boolean(value(env))
        return (lambda env: -value(env)) if operator == "-" else value

    def _postfix(self) -> Expression:
        value = self._primary()
        while symbol := self.accept(".", "[", "("):
            if symbol == ".":
                value = _member(value, _constant(self.expect("name", "")))
            elif symbol == "[":
                value = _member(value, self.expression())
                self.expect("symbol", "]")
            else:
                value = self._call(value)
        return value

    def _call(self, function: Expression) -> Expression:
        positional: list[Expression] = []
        named: dict[str, Expression] = {}
        while not self.accept(")"):
            following = self.tokens[self.position + 1]
            if self.token.kind == "name" and (following.kind, following.text) == ("symbol", "="):
                name = self.expect("name", "")
                self.expect("symbol", "=")
                named[name] = self.expression()
            else:
                positional.append(self.expression())
            self.accept(",")
        return lambda env: _apply(
            function(env), [one(env) for one in positional], {k: v(env) for k, v in named.items()}
        )

    def _primary(self) -> Expression:
        token = self.token
        if token.kind in ("text", "number"):
            self.position += 1
            return _constant(token.value)
        if token.kind == "name":
            self.position += 1
            return _variable(token.text)
        for text, value in (("null", None), ("true", True), ("false", False)):
            if self.accept(text):
                return _constant(value)
        if self.accept("("):
            inner = self.expression()
            self.expect("symbol", ")")
            return inner
        if self.accept("["):
            return self._array()
        self.expect("symbol", "{")
        return self._object()

    def _array(self) -> Expression:
        items: list[Expression] = []
        while not self.accept("]"):
            items.append(self.expression())
            if self.accept("for"):
                environments = self._comprehension()
                self.expect("symbol", "]")
                return lambda env: [items[0](inner) for inner in environments(env)]
            self.accept(",")
        return lambda env: [item(env) for item in items]

    def _object(self) -> Expression:
        bindings: list[tuple[str, Expression]] = []
        fields: list[tuple[Expression, Expression]] = []
        while not self.accept("}"):
            if self.accept("local"):
                bindings.append(self._binding())
            else:
                fields.append(self._field())
            if self.accept("for"):
                environments = self._comprehension()
                self.expect("symbol", "}")
                return lambda env: _merge(_make_object(inner, bindings, fields) for inner in environments(env))
            self.accept(",")
        return lambda env: _make_object(env, bindings, fields)

    def _field(self) -> tuple[Expression, Expression]:
        if self.accept("["):
            name = self.expression()
            self.expect("symbol", "]")
        else:
            kind = "text" if self.token.kind == "text" else "name"
            name = _constant(self.expect(kind, ""))
        self.expect("symbol", ":")
        return name, self.expression()

    def _comprehension(self) -> Callable[[Environment], Iterator[Environment]]:
        """The rest of `for x in items if test`, after `for`."""
        name = self.expect("name", "")
        self.expect("symbol", "in")
        items = self._binary(0)
        tests: list[Expression] = []
        while self.accept("if"):
            tests.append(self._binary(0))

        def environments(env: Environment) -> Iterator[Environment]:
            for item in items(env):
                inner: Environment = {**env, name: partial(_identity, item)}
                if all(_boolean(test(inner)) for test in tests):
                    yield inner

        return environments


# ---- evaluation


def _identity(value: Any) -> Any:
    return value


def _constant(value: Any) -> Expression:
    return lambda env: value


def _variable(name: str) -> Expression:
    def find(env: Environment) -> Any:
        if name not in env:
            raise JsonnetError(f"Unknown variable: {name}")
        return env[name]()

    return find


def _bind(env: Environment, bindings: list[tuple[str, Expression]]) -> Environment:
    inner = dict(env)
    inner.update({name: partial(value, inner) for name, value in bindings})
    return inner


def _make_function(parameters: list[tuple[str, Expression | None]], body: Expression) -> Expression:
    def make(env: Environment) -> Function:
        def function(*positional: Any, **named: Any) -> Any:
            given = {**dict(zip((name for name, _ in parameters), positional, strict=False)), **named}
            inner: Environment = {**env, **{name: partial(_identity, value) for name, value in given.items()}}
            for name, default in parameters:
                if name not in given:
                    if default is None:
                        raise JsonnetError(f"function parameter {name} not bound in call")
                    inner = _bind(inner, [(name, default)])
            return body(inner)

        return function

    return make


def _apply(function: Any, positional: list[Any], named: dict[str, Any]) -> Any:
    if not callable(function):
        raise JsonnetError(f"only functions can be called, got {kind_of(function)}")
    try:
        return function(*positional, **named)
    except (TypeError, AttributeError, KeyError) as error:
        raise JsonnetError(f"wrong arguments of a function: {error}") from None


def _member(value: Expression, key: Expression) -> Expression:
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


def _make_object(
    env: Environment, bindings: list[tuple[str, Expression]], fields: list[tuple[Expression, Expression]]
) -> dict[str, Any]:
    inner = _bind(env, bindings)
    named = ((name(env), value) for name, value in fields)
    return {name: value(inner) for name, value in named if name is not None}


def _merge(objects: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for one in objects for name, value in one.items()}


def _operation(operator: str, left: Expression, right: Expression) -> Expression:
    if operator == "&&":
        return lambda env: _boolean(left(env)) and _boolean(right(env))
    if operator == "||":
        return lambda env: _boolean(left(env)) or _boolean(right(env))
    function = OPERATIONS[operator]
    return lambda env: function(left(env), right(env))


OPERATIONS: dict[str, Function] = {
    "+": plus,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: to_text(left) % right if isinstance(left, str) else left % right,
    "==": lambda left, right: left == right and kind_of(left) == kind_of(right),
    "!=": lambda left, right: left != right or kind_of(left) != kind_of(right),
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
}


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise JsonnetError(f"Unexpected type {kind_of(value)}, expected boolean")
    return value


def _fail(text: Any) -> Any:
    raise JsonnetError(to_text(text))
