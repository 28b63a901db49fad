"""A window and a map → the padding where none is written, and how often the window fits."""

from __future__ import annotations

from .base import ShapeError, pair_text


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
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    *,
    ceil: bool = False,
) -> tuple[int, int]:
    """How often a window fits, down and across. Raises `ShapeError` (E043) where it does not fit
    once.

    With `ceil` a last window may hang over the edge, if it starts on the map or on the padding
    before it."""
    fits = [0, 0]
    for axis, (n, k, s, p, d) in enumerate(
        zip(size, kernel, stride, padding, dilation, strict=True)
    ):
        spare = n + 2 * p - d * (k - 1) - 1
        fits[axis] = (spare + (s - 1) * ceil) // s + 1
        fits[axis] -= ceil and (fits[axis] - 1) * s >= n + p
    if min(fits) < 1:
        padded = f" padded by {pair_text(padding)}" if max(padding) else ""
        dilated = f" of dilation {pair_text(dilation)}" if max(dilation) > 1 else ""
        raise ShapeError(
            f"a {size[0]}x{size[1]} map{padded} is too small for a {kernel[0]}x{kernel[1]}"
            f" kernel{dilated}",
            "use a smaller kernel, more `pad`, fewer strides before it, or a larger input",
            "E043",
        )
    return fits[0], fits[1]
