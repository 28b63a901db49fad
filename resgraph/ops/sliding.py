"""A window and a map → the padding where none is written, and how often the window fits."""

from __future__ import annotations

from .base import ShapeError, Window, pair_text


def same_padding(
    kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> tuple[int, int]:
    """The padding where none is written: d(k-1)/2 for odd k, which keeps the size; 0 for even k."""
    return (
        dilation[0] * (kernel[0] - 1) // 2 if kernel[0] % 2 else 0,
        dilation[1] * (kernel[1] - 1) // 2 if kernel[1] % 2 else 0,
    )


def square(pair: tuple[int, int]) -> int | tuple[int, int]:
    """A pair as torch takes it: one number where both are equal."""
    return pair[0] if pair[0] == pair[1] else pair


def slid(
    size: tuple[int, int], window: Window, *, ceil: bool = False
) -> tuple[int, int]:
    """How often a window fits, down and across. Raises `ShapeError` (E043) where it does not fit
    once.

    With `ceil` a last window may hang over the edge, if it starts on the map or on the padding
    before it."""
    fits = []
    for n, k, s, d, p in zip(size, *window, strict=True):
        spare = n + 2 * p - d * (k - 1) - 1
        fit = (spare + (s - 1) * ceil) // s + 1
        fits.append(fit - (ceil and (fit - 1) * s >= n + p))
    if min(fits) < 1:
        kernel, _, dilation, padding = window
        padded = f" padded by {pair_text(padding)}" if max(padding) else ""
        dilated = f" of dilation {pair_text(dilation)}" if max(dilation) > 1 else ""
        raise ShapeError(
            f"a {size[0]}x{size[1]} map{padded} is too small for a {kernel[0]}x{kernel[1]}"
            f" kernel{dilated}",
            "use a smaller kernel, more `pad`, fewer strides before it, or a larger input",
            "E043",
        )
    return fits[0], fits[1]


def derive_slid(
    size: tuple[int, int], window: Window, *, ceil: bool = False
) -> tuple[str, ...]:
    """How `slid` counts: Dumoulin and Visin 2016, "A guide to convolution arithmetic", relationship
    6 (15 with dilation)."""
    return tuple(
        _derive_axis(*axis)
        for axis in zip(size, *window, slid(size, window, ceil=ceil), strict=True)
    )


def _derive_axis(n: int, k: int, s: int, d: int, p: int, fit: int) -> str:
    reach = str(k) if d == 1 else f"({d}*({k} - 1) + 1)"
    spare = f"{n} + 2*{p} - {reach}" if p else f"{n} - {reach}"
    if s == 1:
        return f"{spare} + 1"
    floor = (n + 2 * p - d * (k - 1) - 1) // s + 1
    return f"{'floor' if fit == floor else 'ceil'}(({spare})/{s}) + 1"
