"""The text of a number or an equation → a tree, by a small precedence parser.

    equation = product { ("+" | "-") product }        product = unary { ("*" | "/") unary }
    unary    = [ "-" ] ( NUMBER | name | FUNC "(" equation { [","] equation } ")" | "(" equation ")"
    )
    name     = NAME { "." INT } | NAME "." NAME

One grammar serves widths (`2*out/4`) and merges (`relu(body + shortcut)`); nothing here is ever
evaluated as Python."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from msgspec.structs import replace

from ...collecting import flatten, of_type
from ...errors import Fault, Hint, Span, fault
from ...ops import REDUCTIONS
from ...structs import Frozen
from ..yaml.characters import LOOK_ALIKES, described, look_alikes

# tokens in one expression, and brackets and signs in one another: the tree is walked by recursion
_PARTS = 200
_NESTED = 30

_POWER = "a power is a product: `e*e`"
_LIKE = {
    "⊕": "+",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "⊙": "*",
    "⊗": "*",
    "÷": "/",
    "–": "-",
    "⊖": "-",
}

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?|(?<![\w)])\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>[-+*/(),.])|(?P<space>[ \t\n]+)"
)


class ExpressionError(Exception):
    """A number or an equation that cannot be read or worked out; becomes a diagnostic at its
    characters."""

    def __init__(
        self,
        code: str,
        said: str,
        start: int,
        end: int,
        hint: str | Hint = "",
    ) -> None:
        super().__init__(said)
        self.code, self.said, self.start, self.end, self.hint = (
            code,
            said,
            start,
            end,
            hint,
        )

    def at(self, span: Span) -> Fault:
        """This error within the text that `span` covers."""
        return fault(
            self.code, self.said, span.part(self.start, self.end), self.hint
        )


class NumberLiteral(Frozen):
    """A literal."""

    value: Fraction
    start: int
    end: int


class Name(Frozen):
    """A name, and the elements taken of it: `reps.0` is `Name("reps", (0,))`; or one of the streams
    that it gives: `stage2.a`."""

    name: str
    index: tuple[int, ...]
    start: int
    end: int
    stream: str = ""


class Negative(Frozen):
    """`- operand`."""

    operand: Expression
    start: int
    end: int


class BinaryOp(Frozen):
    """`left symbol right`, symbol one of `+ - * /`."""

    symbol: str
    left: Expression
    right: Expression
    start: int
    end: int


class Apply(Frozen):
    """`function(arguments)`."""

    function: str
    arguments: tuple[Expression, ...]
    start: int
    end: int


Expression = NumberLiteral | Name | Negative | BinaryOp | Apply
Axes = Literal["cells", "channels"]
OVER = "over"
"""Stands before axes: `mean(x over cells)`."""


def axes_of(tree: Apply) -> Axes | None:
    """What a function goes over, None where its arguments do not end so."""
    axes = _behind_over(tree)
    return _AXES.get(axes.name) if axes else None


def other_axes(tree: Apply) -> Name | None:
    """What stands behind `over` and is neither cells nor channels."""
    axes = _behind_over(tree)
    return axes if axes and axes.name not in _AXES else None


def _behind_over(tree: Apply) -> Name | None:
    *_, word, axes = (None, None, *tree.arguments)
    over = isinstance(word, Name) and word.name == OVER
    known = tree.function in REDUCTIONS
    return axes if over and known and isinstance(axes, Name) else None


_AXES: dict[str, Axes] = {"cells": "cells", "channels": "channels"}


def tensors_in(tree: Expression) -> Iterator[Name]:
    """Every name that an equation reads, without the axes that functions go over."""
    parts = [*parts_of(tree)]
    axes = {
        id(word)
        for part in of_type(Apply, parts)
        if _behind_over(part)
        for word in part.arguments[-2:]
    }
    return (p for p in of_type(Name, parts) if id(p) not in axes)


@lru_cache(4_096)  # a file's variants and rows say the same
def parse_expression(text: str) -> Expression:
    """The tree of one expression. Raises `ExpressionError` (E010) where the text is not one."""
    return _Parser(text).whole()


def parts_of(tree: Expression) -> Iterator[Expression]:
    """An expression and every one within it, in reading order."""
    yield tree
    yield from flatten(map(parts_of, _INNER[type(tree)](tree)))


_INNER: dict[type, Callable[[Any], Sequence[Expression]]] = {
    NumberLiteral: lambda tree: (),
    Name: lambda tree: (),
    Negative: lambda tree: (tree.operand,),
    BinaryOp: lambda tree: (tree.left, tree.right),
    Apply: lambda tree: tree.arguments,
}


def names_in(tree: Expression) -> Iterator[Name]:
    """Every name that an expression reads, in reading order."""
    return of_type(Name, parts_of(tree))


def functions_in(tree: Expression) -> Iterator[str]:
    """Every function that an expression calls, in reading order."""
    return (part.function for part in of_type(Apply, parts_of(tree)))


class _Token(Frozen):
    kind: str
    text: str  # "" of the end
    start: int
    end: int


def wrong_at(
    part: Expression | _Token, code: str, said: str, hint: str | Hint = ""
) -> ExpressionError:
    """The error that all of a part of an expression is."""
    return ExpressionError(code, said, part.start, part.end, hint)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        parts = list(self._tokens())
        self.tokens = [*parts, _Token("end", "", len(text), len(text))]
        self.position = 0
        self.depth = 0
        if len(parts) > _PARTS:
            raise ExpressionError(
                "E004",
                f"an expression of more than {_PARTS} parts",
                0,
                len(text),
            )

    def _tokens(self) -> Iterator[_Token]:
        position = 0
        while position < len(self.text):
            found = _TOKEN.match(self.text, position)
            if found is None:
                alike = LOOK_ALIKES.match(self.text, position)
                wrong = alike[0] if alike else self.text[position]
                said, hint = (
                    look_alikes(wrong) if alike else _no_token(wrong)
                )
                raise ExpressionError(
                    "E010", said, position, position + len(wrong), hint
                )
            if found.lastgroup != "space":
                yield _Token(
                    str(found.lastgroup),
                    found.group(),
                    position,
                    found.end(),
                )
            position = found.end()

    def whole(self) -> Expression:
        if not self.peek().text:
            raise ExpressionError(
                "E010",
                "an expression is missing here",
                0,
                max(1, len(self.text)),
            )
        tree = self.sum()
        if (rest := self.peek()).text:
            said = f"`{rest.text}` is not expected here"
            raise wrong_at(rest, "E010", said, self.missing(rest))
        return tree

    def missing(self, rest: _Token) -> str:
        """What to write where `rest` follows a whole expression."""
        before = self.tokens[self.position - 1]
        if (
            before.kind == "number"
            and rest.kind == "name"
            and before.end == rest.start
        ):
            if rest.text == "x":
                return (
                    f"a repeat stands apart, `{before.text} x`; a product has its sign,"
                    f" `{before.text}*x`"
                )
            return f"a product has its sign: `{before.text}*{rest.text.removeprefix('x')}`"
        if rest.kind == "name" and rest.end == len(self.text):
            return (
                "a function stands before its brackets:"
                f" `{rest.text}({self.text[: rest.start].strip()})`"
            )
        return ""

    def peek(self) -> _Token:
        return self.tokens[self.position]

    def take(self, *symbols: str) -> _Token | None:
        token = self.peek()
        if token.text in symbols:
            self.position += 1
            return token
        return None

    def sum(self) -> Expression:
        if self.depth > _NESTED:
            raise ExpressionError(
                "E004",
                f"more than {_NESTED} brackets in one another",
                0,
                len(self.text),
            )
        self.depth += 1
        left = self.product()
        while token := self.take("+", "-"):
            right = self.product()
            left = BinaryOp(token.text, left, right, left.start, right.end)
        self.depth -= 1
        return left

    def product(self) -> Expression:
        left = self.unary()
        while token := self.take("*", "/"):
            right = self.unary()
            left = BinaryOp(token.text, left, right, left.start, right.end)
        return left

    def unary(self) -> Expression:
        if minus := self.take("-"):
            if (again := self.peek()).text == "-":
                said = "one `-` too many"
                raise wrong_at(again, "E010", said, "take it out")
            operand = self.atom()
            return Negative(operand, minus.start, operand.end)
        return self.atom()

    def atom(self) -> Expression:
        token = self.peek()
        if not token.text:
            end = len(self.text)
            sign = self.tokens[-2].text
            said = "the expression ends where a value is expected"
            raise ExpressionError(
                "E010",
                said,
                max(0, end - 1),
                end,
                f"a value is missing after `{sign}`",
            )
        self.position += 1
        if token.kind == "number":
            return _number(token)
        if token.kind == "name":
            if self.calls(token):
                self.position += 1
                return self.apply(token)
            return self.name(token)
        if token.text == "(":
            inner = self.sum()
            return replace(inner, start=token.start, end=self.close(token))
        said = f"`{token.text}` is not expected here"
        raise wrong_at(token, "E010", said, self.doubled(token))

    def doubled(self, token: _Token) -> str | Hint:
        """What to do about a sign that stands where a value is expected."""
        before = self.text[: token.start]
        if token.text == "*" and before.endswith("*"):
            return _POWER
        if token.text == "/" and before.endswith("/"):
            return Hint(
                f"write `{before.strip()}{self.text[token.end :].strip()}`",
                "",
            )
        return (
            f"a value is missing before this `{token.text}`"
            if token.text in "+*/"
            else ""
        )

    def apply(self, function: _Token) -> Apply:
        arguments: list[Expression] = []
        while not (closing := self.take(")")):
            if not self.peek().text:
                raise self.unclosed(function.end)
            arguments.append(self.sum())
            if (comma := self.take(",")) and self.peek().text == ")":
                said = "a value is missing after this comma"
                raise wrong_at(comma, "E010", said)
        return Apply(
            function.text, tuple(arguments), function.start, closing.end
        )

    def name(self, token: _Token) -> Name:
        index: list[int] = []
        end = token.end
        while (dot := self.peek()).text == "." and dot.start == end:
            self.position += 1
            element = self.peek()
            named = element.kind == "name"
            if named and not self.calls(element):
                self.position += 1
                return Name(
                    token.text, (), token.start, element.end, element.text
                )
            if not re.fullmatch(r"\d+(\.\d+)*", element.text):
                raise ExpressionError(
                    "E010",
                    f"an element's number is expected after `{token.text}.`",
                    token.start,
                    dot.end,
                    _element_meant(token.text, method=named),
                )
            self.position += 1
            index += [*map(int, element.text.split("."))]
            end = element.end
        return Name(token.text, tuple(index), token.start, end)

    def calls(self, name: _Token) -> bool:
        """Whether a bracket follows a name."""
        return self.text[name.end : name.end + 1] == "("

    def close(self, opening: _Token) -> int:
        """Take the bracket that closes; its end."""
        if closing := self.take(")"):
            return closing.end
        raise self.unclosed(opening.start)

    def unclosed(self, start: int) -> ExpressionError:
        """The bracket at `start` misses its end: there, or before what stands in its way."""
        rest = self.peek()
        help_ = (
            f"a `)` is expected before `{rest.text}`"
            if rest.text
            else "put a `)` at its end"
        )
        return ExpressionError(
            "E010",
            "a bracket is opened here and never closed",
            start,
            start + 1,
            help_,
        )


def _element_meant(name: str, *, method: bool) -> str:
    """What to write for `x.relu()`, and for `x.`."""
    if method:
        return f"nothing here has methods: a function stands before its value, as in `relu({name})`"
    return f"the first element is `{name}.0`"


def _no_token(character: str) -> tuple[str, str | Hint]:
    """What is wrong with a character that no expression has, and what to write for it."""
    if character == "[":
        return (
            "`[` has no meaning here",
            "an element of a list is written `reps.0`",
        )
    if character.isascii():
        return f"`{character}` has no meaning here", ""
    said = f"`{character}` is {described(character)}, which has no meaning here"
    if unicodedata.decomposition(character).startswith("<super>"):
        return said, _POWER
    like = _LIKE.get(character, "")
    return said, Hint(f"did you mean `{like}`?", like) if like else ""


def _number(token: _Token) -> NumberLiteral:
    if re.match(r"0[^.eE]", token.text):
        said = f"`{token.text}` is base 8 to some, base 10 to others"
        raise wrong_at(token, "E007", said, "leave the zeros in front out")
    if len(token.text) > 40:
        said = "a number of more than 40 characters"
        raise wrong_at(token, "E004", said)
    _, _, exponent = token.text.lower().partition("e")
    if exponent and abs(int(exponent)) > 99:
        raise wrong_at(token, "E004", "an exponent beyond 99")
    return NumberLiteral(
        Fraction(token.text.replace("_", "")), token.start, token.end
    )
