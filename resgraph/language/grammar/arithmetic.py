"""The tree of an expression → its exact value: rationals, words and lists; functions are a
table."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from ...errors import Hint
from .expression import (
    Apply,
    BinaryOp,
    Expression,
    ExpressionError,
    Name,
    Negative,
    NumberLiteral,
    wrong_at,
)

NameValue = Fraction | str | tuple["NameValue", ...]
"""What a name can stand for: an exact number, a word (a block, an activation), or a list of
values."""


def _round_down(value: Fraction, divisor: Fraction) -> Fraction:
    """The nearest multiple of `divisor`, never under it nor under 0.9 of the value (MobileNet's
    rule)."""
    near = max(
        divisor, divisor * math.floor(value / divisor + Fraction(1, 2))
    )
    return near + divisor if near < Fraction(9, 10) * value else near


def _log2(value: Fraction) -> Fraction:
    whole = value.numerator.bit_length() - 1
    return (
        Fraction(whole) if value == 2**whole else Fraction(math.log2(value))
    )


def _sqrt(value: Fraction) -> Fraction:
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = (
        top * top == value.numerator
        and bottom * bottom == value.denominator
    )
    return Fraction(top, bottom) if exact else Fraction(math.sqrt(value))


_Function = Callable[..., Fraction]
FUNCTIONS: dict[str, tuple[int, int, _Function]] = {
    "floor": (1, 1, lambda v: Fraction(math.floor(v))),
    "ceil": (1, 1, lambda v: Fraction(math.ceil(v))),
    "round": (1, 1, lambda v: Fraction(round(v))),
    "min": (1, 99, lambda *v: min(v)),
    "max": (1, 99, lambda *v: max(v)),
    "log2": (1, 1, _log2),
    "sqrt": (1, 1, _sqrt),
    "make_divisible": (2, 2, _round_down),
}
"""The functions of numbers: fewest and most arguments, and what they do. `round` goes half to
even."""


class UndefinedFunction(ExpressionError):
    """A function that is none of `FUNCTIONS`."""

    def __init__(self, tree: Apply) -> None:
        self.name = tree.function
        listed = f"the functions are {', '.join(FUNCTIONS)}"
        end = tree.start + len(self.name)
        super().__init__(
            "E030", f"no function `{self.name}`", tree.start, end, listed
        )


def evaluate(
    tree: Expression, lookup: Callable[[Name], NameValue]
) -> NameValue:
    """The exact value of an expression; `lookup` says what a name stands for.

    Raises `ExpressionError`: E030 for an unknown function, E031 for a word or a list where a number
    is needed, E032 for a division by zero, E004 for numbers beyond 10^30."""
    if isinstance(tree, NumberLiteral):
        return tree.value
    if isinstance(tree, Name):
        if tree.stream:
            raise no_element(tree)
        return _element(tree, lookup(tree))
    if isinstance(tree, Negative):
        return -_numeric(tree.operand, lookup)
    if isinstance(tree, Apply):
        return _apply(tree, lookup)
    return _binary(tree, lookup)


def no_element(tree: Name) -> ExpressionError:
    """What is wrong with `reps.first`: a number has no streams."""
    said = f"an element's number is expected after `{tree.name}.`"
    hint = f"the first element is `{tree.name}.0`"
    return wrong_at(tree, "E010", said, hint)


def _element(tree: Name, value: NameValue) -> NameValue:
    for place in tree.index:
        if not isinstance(value, tuple):
            hint = Hint(
                f"it is {spec_text(value)}: write `{tree.name}`",
                tree.name,
                True,
            )
            said = f"`{tree.name}` is not a list"
            raise wrong_at(tree, "E031", said, hint)
        if place >= len(value):
            text = (
                f"`{tree.name}` has {len(value)} element{'s' * (len(value) != 1)}, and this asks"
                f" for number {place}"
            )
            help_ = (
                f"they count from 0: the last is `{tree.name}.{len(value) - 1}`"
                if value
                else ""
            )
            raise wrong_at(tree, "E031", text, help_)
        value = value[place]
    return value


def _numeric(
    tree: Expression, lookup: Callable[[Name], NameValue]
) -> Fraction:
    value = evaluate(tree, lookup)
    if isinstance(value, Fraction):
        return value
    what = (
        f"the list {spec_text(value)}"
        if isinstance(value, tuple)
        else f"the word `{value}`"
    )
    help_ = (
        f"its first element is `{tree.name}.0`"
        if isinstance(value, tuple) and isinstance(tree, Name)
        else ""
    )
    said = f"a number is needed here, and this is {what}"
    raise wrong_at(tree, "E031", said, help_)


def _apply(tree: Apply, lookup: Callable[[Name], NameValue]) -> Fraction:
    if tree.function not in FUNCTIONS:
        raise UndefinedFunction(tree)
    fewest, most, function = FUNCTIONS[tree.function]
    if not fewest <= len(tree.arguments) <= most:
        least = "at least " * (most > fewest)
        text = (
            f"`{tree.function}` takes {least}{fewest} value{'s' * (fewest > 1)}, not"
            f" {len(tree.arguments)}"
        )
        raise wrong_at(tree, "E010", text)
    values = [_numeric(argument, lookup) for argument in tree.arguments]
    if (tree.function == "sqrt" and values[0] < 0) or (
        tree.function == "log2" and values[0] <= 0
    ):
        raise wrong_at(tree, "E032", f"`{tree.function}` of {values[0]}")
    if tree.function == "make_divisible" and values[1] <= 0:
        raise wrong_at(tree, "E032", "a multiple of what is not positive")
    return function(*values)


def _binary(
    tree: BinaryOp, lookup: Callable[[Name], NameValue]
) -> Fraction:
    left, right = _numeric(tree.left, lookup), _numeric(tree.right, lookup)
    if tree.symbol == "/" and right == 0:
        help_ = (
            ""
            if isinstance(tree.right, NumberLiteral)
            else "this comes to 0; `max(1 …)` keeps a divisor from it"
        )
        raise wrong_at(tree.right, "E032", "division by zero", help_)
    value = {
        "+": left.__add__,
        "-": left.__sub__,
        "*": left.__mul__,
        "/": left.__truediv__,
    }[tree.symbol](right)
    if abs(value) > 10**30 or value.denominator > 10**40:
        raise wrong_at(tree, "E004", "a value beyond 10^30")
    return value


def spec_text(value: NameValue) -> str:
    """A value as a spec would write it: `64`, `0.1`, `510/4`, `[3, 4]`."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(spec_text, value)) + "]"
    if isinstance(value, str) or value.denominator == 1:
        return str(value)
    number = float(value)
    return repr(number) if Fraction(repr(number)) == value else str(value)
