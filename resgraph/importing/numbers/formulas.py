"""Numbers of calls of one block → the simplest formula of `in`, `out` that gives all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from ...structs import Frozen

_DIVISORS = (2, 4, 8, 16, 32, 3, 6, 12, 24, 64)
_FACTORS = (2, 3, 4, 6, 8, 16)
_LEAST = (8, 16, 32, 64)


class CallSizes(Frozen):
    """What a call's constants are: channels in and out, and its stride."""

    into: int
    out: int
    stride: tuple[int, ...]


class Formula(Frozen):
    """A text of the language, and what it gives a call; one of two numbers says little of fewer
    than `least` different values."""

    text: str
    of: Callable[[CallSizes], float | None]
    least: int = 1

    def fits(
        self, values: Sequence[Any], calls: Sequence[CallSizes]
    ) -> bool:
        pairs = zip(values, calls, strict=True)
        enough = len({*values}) >= self.least
        return enough and all(
            self.of(call) == value for value, call in pairs
        )


_BASES: dict[str, Callable[[CallSizes], int]] = {
    "out": lambda sizes: sizes.out,
    "in": lambda sizes: sizes.into,
}


def divisible(value: float, divisor: int) -> int:
    """The language's `make_divisible`: the nearest multiple, never under 0.9 of the value."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


def _simple() -> Iterator[Formula]:
    for base, of in _BASES.items():
        yield Formula(base, of)
    for base, of in _BASES.items():
        for n in _DIVISORS:
            yield Formula(f"{base}/{n}", _over(of, n))
        for n in _FACTORS:
            yield Formula(f"{n}*{base}", _times(of, n))
    for base, of in _BASES.items():  # queries, keys and values
        for n in _DIVISORS[:3]:
            yield Formula(f"3*{base}/{n}", _thirds(of, n))


def _thirds(
    of: Callable[[CallSizes], int], n: int
) -> Callable[[CallSizes], int | None]:
    return _over(lambda sizes: 3 * of(sizes), n)


def _over(
    of: Callable[[CallSizes], int], n: int
) -> Callable[[CallSizes], int | None]:
    return lambda sizes: None if of(sizes) % n else of(sizes) // n


def _times(
    of: Callable[[CallSizes], int], n: int
) -> Callable[[CallSizes], int | None]:
    """Of one channel, as a grey image has it, any number is a multiple."""
    return lambda sizes: None if of(sizes) == 1 else n * of(sizes)


def _rounded() -> Iterator[Formula]:
    shares = (16, 8, 4, 2, 12, 24, 32, 3, 6)
    for base, of in _BASES.items():
        for n in shares:
            for d in (8, 4):
                yield _with(
                    f"make_divisible({base}/{n} {d})", of, n, _to(d)
                )
            yield _with(f"floor({base}/{n})", of, n, int)
            yield _with(f"round({base}/{n})", of, n, round)
    for base, of in _BASES.items():
        for n in _DIVISORS[:4]:
            for m in _LEAST:
                least = _with(f"max({base}/{n} {m})", of, n, _at_least(m))
                yield replace(least, least=3)
    # ECA's kernel (Wang et al. 2020, section 3.2.3)
    yield Formula(
        "max(3 2*floor((log2(in) + 1)/4) + 1)",
        lambda sizes: max(3, sizes.into.bit_length() // 4 * 2 + 1),
    )


def _to(divisor: int) -> Callable[[float], float]:
    return lambda value: divisible(value, divisor)


def _at_least(least: int) -> Callable[[float], float]:
    return lambda value: max(value, least)


def _with(
    text: str,
    of: Callable[[CallSizes], int],
    n: int,
    to: Callable[[float], float],
) -> Formula:
    return Formula(text, lambda sizes: to(of(sizes) / n))


def _multiples() -> Iterator[Formula]:
    """Of what comes in, as bottlenecks that widen have them (RegNet's inverted ones)."""
    for quarters in range(5, 33):
        yield _with(
            f"make_divisible({quarters / 4:g}*in 8)",
            _quarters(quarters),
            4,
            _to(8),
        )


def _quarters(n: int) -> Callable[[CallSizes], int]:
    return lambda sizes: n * sizes.into


_SIMPLE, _ROUNDED = list(_simple()), list(_rounded())
SHARES = (*_SIMPLE, *_multiples(), *_ROUNDED)
"""Formulas that may give most of the numbers that calls set."""


def formula(
    values: Sequence[Any], calls: Sequence[CallSizes], *, width: bool
) -> str | None:
    """The text of a formula that gives each call's value; None where none does.

    A width is a share of the block's own before it is a number, another value the other way
    round."""
    if {*map(type, values)} != {int}:
        return None
    if {*values} == {1}:  # no share of another width
        return "1"
    constant = str(values[0]) if len(set(values)) == 1 else None
    varied = len({call.out for call in calls}) > 1
    fits = _first(_SIMPLE, values, calls)
    if constant and not (width and fits and (fits in _BASES or not varied)):
        return constant
    return fits or _first(_ROUNDED, values, calls) or _share(values, calls)


def _share(values: Sequence[int], calls: Sequence[CallSizes]) -> str | None:
    """One share of all widths, whichever: the channels of a group."""
    for base, of in _BASES.items():
        pairs = [
            divmod(of(c), v)
            for v, c in zip(values, calls, strict=True)
            if v
        ]
        if (
            len(pairs) == len(values)
            and len({*pairs}) == 1
            and pairs[0][1] == 0
        ):
            return f"{base}/{pairs[0][0]}" if pairs[0][0] > 1 else None
    return None


def _first(
    formulas: Sequence[Formula],
    values: Sequence[int],
    calls: Sequence[CallSizes],
) -> str | None:
    fits = [each.text for each in formulas if each.fits(values, calls)]
    # such a call says no width
    if all(call.into == call.out for call in calls):
        fits.sort(key=lambda text: "out" in text)
    return next(iter(fits), None)
