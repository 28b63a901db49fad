"""Spaces of nets: `16..64 step 8` → choices, `macs < 1e8` → a condition, and seeded draws."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from ..language.grammar.arithmetic import evaluate
from ..language.grammar.expression import (
    ExpressionError,
    Name,
    parse_expression,
)
from ..structs import Frozen

# no larger and no finer than what the language and a float can hold
_NUMBER = r"[-+]?\d[\d_]{0,24}(?:\.\d{1,24})?(?:e[-+]?\d{1,2})?"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?: (?:step (?P<step>{_NUMBER})|(?P<log>log)))?"
)
_COMPARISON = re.compile(r"(.+?)(<=|>=|==|<|>)(.+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_EXPONENT = re.compile(
    r"(?<![\w.])(\d[\d_]*(?:\.\d+)?)[eE]\+?(\d{1,2})(?!\w)"
)
FACTS = ("params", "macs", "activations", "depth")
"""What a condition may ask of a net."""
_OF_VALUES = ("E004", "E032")
"""The codes of what other facts may make good."""
_MOST = 100_000  # values of one range


class Choices(Frozen):
    """The values of one path: those listed, or a stretch of numbers (`values` is then empty)."""

    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    @property
    def lowest(self) -> Any:
        """The first of them."""
        return self.values[0] if self.values else self.low

    def draw(self, generator: random.Random) -> Any:
        """One of them, each as likely; of a `log` stretch each order of magnitude is."""
        if self.values:
            return self.values[generator.randrange(len(self.values))]
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return float(f"{math.exp(generator.uniform(low, high)):.4g}")
        return float(f"{generator.uniform(self.low, self.high):.4g}")


def parse_choices(written: Any) -> Choices:
    """`[a, b]`, `16..64` (whole numbers), `16..64 step 8`, `0.1..0.9` or `1e-4..1e-1 log`. Raises
    `ValueError`."""
    if isinstance(written, list) and written:
        return Choices(tuple(written))
    found = _RANGE.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError(f"`{written}` is no list and no range of numbers")
    low, high = _exact(found["low"]), _exact(found["high"])
    if high <= low:
        raise ValueError(f"`{written}` ends before it begins")
    if found["log"] and low <= 0:
        raise ValueError(f"`{written}`: a logarithm has no value at {low}")
    whole = low.denominator == high.denominator == 1
    if found["log"] or not (found["step"] or whole):
        return Choices((), float(low), float(high), bool(found["log"]))
    return Choices(_steps(low, high, _exact(found["step"] or "1"), written))


def _steps(
    low: Fraction, high: Fraction, step: Fraction, written: str
) -> tuple[Any, ...]:
    if step <= 0 or (high - low) / step > _MOST:
        raise ValueError(f"`{written}` has no usable step")
    return tuple(
        _plain(low + i * step)
        for i in range(math.floor((high - low) / step) + 1)
    )


def _exact(text: str) -> Fraction:
    return Fraction(text.replace("_", ""))


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


Condition = Callable[[Mapping[str, int]], bool]


def parse_condition(text: str) -> Condition:
    """`macs < 1e8 and depth >= 20` → whether it holds for a net's facts. Raises `ValueError`."""
    tests = [*map(_comparison, re.split(r"\band\b", text))]
    return lambda facts: all(test(facts) for test in tests)


def _comparison(text: str) -> Condition:
    found = _COMPARISON.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text.strip()}` is no comparison")
    left, right = _side(found[1]), _side(found[3])
    compare = _COMPARE[found[2]]
    return lambda facts: compare(left(facts), right(facts))


def _side(text: str) -> Callable[[Mapping[str, int]], Fraction]:
    """An expression of the language over a net's facts; it has no exponents, so `1e8` is spelled
    out. It is tried at once, so that what is wrong is told before a net is drawn; but for what
    has no value only of these facts, as `log2(params - 50)`."""
    plain = _EXPONENT.sub(
        lambda m: str(_plain(_exact(f"{m[1]}e{m[2]}"))), text.strip()
    )

    def value(
        facts: Mapping[str, int], passed: Collection[str] = ()
    ) -> Fraction:
        try:
            return _evaluated(parse_expression(plain), facts)
        except ExpressionError as error:
            if error.code in passed:
                return Fraction(0)
            raise ValueError(f"`{text.strip()}`: {error}") from None

    value(dict.fromkeys(FACTS, 1), _OF_VALUES)
    return value


def _evaluated(tree: Any, facts: Mapping[str, int]) -> Fraction:
    def lookup(name: Name) -> Fraction:
        if name.name not in facts or name.index:
            raise ValueError(f"`{name.name}` is none of {', '.join(FACTS)}")
        return Fraction(facts[name.name])

    value = evaluate(tree, lookup)
    if not isinstance(value, Fraction):
        raise ValueError("a condition compares numbers")
    return value
