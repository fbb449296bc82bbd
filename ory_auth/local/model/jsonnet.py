"""Evaluates Jsonnet, as far as the bodies of web hooks need it. https://jsonnet.org/ref/spec.html

A template is a function of one argument, `ctx`. Not supported are `self`, `$`, imports, hidden fields and text blocks.
Fields of objects are evaluated at once, and variables only when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from .jsonnet_expressions import (
    Environment,
    Expression,
    apply,
    bind,
    boolean,
    constant,
    fail,
    identity,
    make_function,
    make_object,
    member,
    merge,
    operation,
    variable,
)
from .jsonnet_library import JsonnetError, library
from .jsonnet_tokens import Token, tokenize

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
            return lambda env: fail(text(env))
        return self._binary(0)

    def _local(self) -> Expression:
        bindings = [self._binding()]
        while self.accept(","):
            bindings.append(self._binding())
        self.expect("symbol", ";")
        body = self.expression()
        return lambda env: body(bind(env, bindings))

    def _binding(self) -> tuple[str, Expression]:
        """`name = value`, or `name(parameters) = value`."""
        name = self.expect("name", "")
        parameters = self._parameters() if self.accept("(") else None
        self.expect("symbol", "=")
        value = self.expression()
        return name, value if parameters is None else make_function(parameters, value)

    def _condition(self) -> Expression:
        test = self.expression()
        self.expect("symbol", "then")
        then = self.expression()
        otherwise = self.expression() if self.accept("else") else constant(None)
        return lambda env: then(env) if boolean(test(env)) else otherwise(env)

    def _function(self) -> Expression:
        self.expect("symbol", "(")
        parameters = self._parameters()
        return make_function(parameters, self.expression())

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
            left = operation(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        operator = self.accept("!", "-", "+")
        if not operator:
            return self._postfix()
        value = self._unary()
        if operator == "!":
            return lambda env: not boolean(value(env))
        return (lambda env: -value(env)) if operator == "-" else value

    def _postfix(self) -> Expression:
        value = self._primary()
        while symbol := self.accept(".", "[", "("):
            if symbol == ".":
                value = member(value, constant(self.expect("name", "")))
            elif symbol == "[":
                value = member(value, self.expression())
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
        return lambda env: apply(function(env), [one(env) for one in positional], {k: v(env) for k, v in named.items()})

    def _primary(self) -> Expression:
        token = self.token
        if token.kind in ("text", "number"):
            self.position += 1
            return constant(token.value)
        if token.kind == "name":
            self.position += 1
            return variable(token.text)
        for text, value in (("null", None), ("true", True), ("false", False)):
            if self.accept(text):
                return constant(value)
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
                return lambda env: merge(make_object(inner, bindings, fields) for inner in environments(env))
            self.accept(",")
        return lambda env: make_object(env, bindings, fields)

    def _field(self) -> tuple[Expression, Expression]:
        if self.accept("["):
            name = self.expression()
            self.expect("symbol", "]")
        else:
            kind = "text" if self.token.kind == "text" else "name"
            name = constant(self.expect(kind, ""))
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
                inner: Environment = {**env, name: partial(identity, item)}
                if all(boolean(test(inner)) for test in tests):
                    yield inner

        return environments
