"""A window and a map → the padding where none is written, and how often the window fits."""

from __future__ import annotations

from fractions import Fraction

from .base import Edge, ShapeError, Window, shape_text, sides, sizes_text


def same_padding(
    kernel: tuple[int, ...], dilation: tuple[int, ...] = (1,)
) -> tuple[int, ...]:
    """The padding where none is written: d(k-1)/2 for odd k, which keeps the size; 0 for even k."""
    return tuple(
        dilation[axis % len(dilation)] * (k - 1) // 2 if k % 2 else 0
        for axis, k in enumerate(kernel)
    )


def cubic(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """Sizes as torch takes them: one number where all are equal."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def slid(
    size: tuple[int, ...], window: Window, *, ceil: bool = False
) -> tuple[int, ...]:
    """How often a window fits along each axis. Raises `ShapeError` (E043) where it does not fit
    once.

    With `ceil` a last window may hang over the edge, if it starts on the map or on the padding
    before it."""
    fits = []
    for axis, n in enumerate(size):
        k, stride, d, edge = window.along(axis)
        s, (before, after) = int(stride), sides(edge)
        spare = before + n + after - d * (k - 1) - 1
        fit = (spare + (s - 1) * ceil) // s + 1
        fits.append(fit - (ceil and (fit - 1) * s >= before + n))
    if min(fits) < 1:
        kernel, _, dilation, padding = window
        padded = f" padded by {sizes_text(padding)}" if any(padding) else ""
        dilated = (
            f" of dilation {sizes_text(dilation)}"
            if max(dilation) > 1
            else ""
        )
        raise ShapeError(
            f"a {map_text(size)}{padded} is too small for a {shape_text(kernel)}"
            f" kernel{dilated}",
            "use a smaller kernel, more `pad`, fewer strides before it, or a larger input",
            "E043",
        )
    return tuple(fits)


def map_text(size: tuple[int, ...]) -> str:
    """What a map without its channels is called: `sequence of 12`, `8x8 map`."""
    return (
        f"sequence of {size[0]}"
        if len(size) == 1
        else f"{shape_text(size)} map"
    )


def derive_slid(
    size: tuple[int, ...], window: Window, *, ceil: bool = False
) -> tuple[str, ...]:
    """How `slid` counts: Dumoulin and Visin 2016, "A guide to convolution arithmetic", relationship
    6 (15 with dilation)."""
    fits = slid(size, window, ceil=ceil)
    return tuple(
        _derive_axis(n, window.along(axis), fits[axis])
        for axis, n in enumerate(size)
    )


def _derive_axis(
    n: int, along: tuple[int, int | Fraction, int, Edge], fit: int
) -> str:
    k, s, d, edge = along
    reach = str(k) if d == 1 else f"({d}*({k} - 1) + 1)"
    spare = f"{derive_edge(n, edge)} - {reach}"
    if s == 1:
        return f"{spare} + 1"
    floor = (n + sum(sides(edge)) - d * (k - 1) - 1) // s + 1
    return f"{'floor' if fit == floor else 'ceil'}(({spare})/{s}) + 1"


def derive_edge(n: int, edge: Edge) -> str:
    """The cells of an axis with those around it: `8`, `8 + 2*1`, `8 - 1 + 1`."""
    if isinstance(edge, tuple):
        return " ".join(
            [str(n), *(f"{_sign(cells)} {abs(cells)}" for cells in edge)]
        )
    return f"{n} {_sign(edge)} 2*{abs(edge)}" if edge else str(n)


def _sign(number: int) -> str:
    return "-" if number < 0 else "+"
