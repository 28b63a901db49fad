"""Numbers of equations → as people write them: of few digits, or one over a root."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from ...ops.base import number_text

_ROUNDING = 2e-15
"""What a few operations may have added to a number, relative to it."""
_NEAR = 1e-13
"""The same of a root, whose number of few digits is no chance."""
_DIGITS, _FEW = 12, 6
"""Digits of a number that says no rounding, and of one that people write."""


def written(number: float) -> float:
    """A number without what rounding added to it: 0.3 for 0.30000000000000004."""
    short = float(f"{number:.{_DIGITS}g}")
    return (
        short if abs(short - number) <= _ROUNDING * abs(number) else number
    )


def divisors(factors: Sequence[float | None]) -> list[float]:
    """Numbers of few digits, by whose roots one divides in place of multiplying with factors of
    many; none where there are none, or something is no factor.

    Norm-free nets multiply by one over a root of the variance (Brock et al. 2021, section 3)."""
    known = [factor for factor in factors if factor and factor > 0]
    found = [*map(_divisor, known)]
    whole = 0.0 not in found and len(known) == len(factors)
    return found if whole and _long(known) else []


def _long(factors: Sequence[float]) -> bool:
    """Whether they are of many digits, and so is what one divides by for them."""
    sides = factors, [1 / factor for factor in factors]
    return all(
        any(_digits(written(n)) > _DIGITS for n in side) for side in sides
    )


def _divisor(factor: float) -> float:
    """0 where there is none of few digits."""
    short = float(f"{1 / factor / factor:.{_FEW}g}")
    return short if abs(factor * sqrt(short) - 1) <= _NEAR else 0.0


def _digits(number: float) -> int:
    return len(number_text(number).strip("-0.").replace(".", ""))
