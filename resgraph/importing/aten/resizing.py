"""Maps that get cells or channels around them, or lose some, and maps that are enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from ...collecting import flatten
from ...ops import Pad, Pool, Upsample, ZeroPad
from ..program import AtenCall
from .convolutions import EDGES
from .pools import LowPadded
from .reader import Arguments, ForeignValue, Reader, reads


@reads("pad", "constant_pad_nd")
def pad(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    pads, x = list(given["pad"]), reader.value(given["self"])
    if not any(pads):  # as a U-Net where its maps are alike
        return x
    if len(x.axes) > len(reader.shape(x)) > 2 and not x.axes[0]:
        raise reader.no(
            "beside channels, as a local response norm does, which the language has not"
        )
    order = _own_order(reader, x)
    if order is None:
        return _padded(reader, reader.plain(x), given, pads)
    edges = _edges(pads, len(order))
    own = [edges[order.index(axis)] for axis in range(len(order))]
    ours = [*flatten(reversed(own))]
    made = _padded(reader, x.step, given, ours)
    if not isinstance(made, ForeignValue):
        raise reader.no("it reads a tensor whose axes were moved")
    return replace(made, axes=tuple(made.axes[axis] for axis in order))


def _own_order(reader: Reader, x: ForeignValue) -> list[int] | None:
    """Which of its step's axes stands at each place; None where they lie as ours, or in parts."""
    own = reader.own_axes(x)
    if (
        x.axes == own
        or sorted(x.axes) != sorted(own)
        or len({*own}) < len(own)
    ):
        return None
    return [*map(own.index, x.axes)]


def _padded(
    reader: Reader, step: str, given: Arguments, pads: list[int]
) -> Any:
    """The cells or channels around what a step gives, as torch counts them."""
    while len(pads) > 2 and not any(pads[-2:]):
        del pads[-2:]
    axes = 2 * len(reader.steps[step].shape)
    if 0 < len(pads) < axes:
        return _more_cells(reader, step, given, pads)
    if given.get("value"):
        raise reader.no(_OTHERWISE.format(f"the value {given['value']}"))
    if len(pads) != axes or any(pads[:-2]) or min(pads) < 0:
        raise reader.no(
            "it cuts channels off, or pads both channels and cells"
        )
    return more_channels(reader, step, *pads[-2:])


_OTHERWISE = "with {}, which the language has not: around a map are zeros, `reflect` or `replicate`"


def _more_cells(
    reader: Reader, step: str, given: Arguments, pads: list[int]
) -> Any:
    mode, value = given.get("mode", "constant"), given.get("value") or 0
    edges = _edges(pads, len(reader.steps[step].shape) - 1)
    if (mode, value) == ("constant", -inf) and min(pads) >= 0:
        return LowPadded(step, Pad(cells=edges).cells)
    if value or mode not in EDGES:
        other = f"the value {value}" if value else f"mode `{mode}`"
        raise reader.no(_OTHERWISE.format(other))
    return reader.add(Pad(cells=edges, **EDGES[mode]), step)


def _edges(pads: Sequence[int], count: int) -> tuple[tuple[int, int], ...]:
    """Cells before and after a map along each axis; torch has the last axis first, and leaves out
    those that have none."""
    whole = [*pads, *[0] * (2 * count - len(pads))]
    return tuple(zip(whole[::2], whole[1::2], strict=True))[::-1]


def more_channels(
    reader: Reader, step: str, first: int, last: int
) -> ForeignValue:
    """Zero channels behind those of a map, or around them: option A."""
    before = reader.steps[step]
    width = before.shape[0] + first + last
    centered = first > 0
    if centered and first != (first + last) // 2:
        raise reader.no(
            "it puts other than all or half of the channels at the end"
        )
    # option A takes every second cell by a slice, or by a pool of one cell
    strided = (
        isinstance(before.op, ZeroPad)
        and before.op.width == before.shape[0]
    )
    pooled = isinstance(before.op, Pool) and set(before.op.kernel) == {1}
    # a vector has no axis of cells
    stride: tuple[int, ...] = (1,) * (len(before.shape) - 1) or (1, 1)
    inputs: tuple[str, ...] = (step,)
    if (strided or pooled) and isinstance(before.op, ZeroPad | Pool):
        stride, inputs = before.op.stride, before.inputs
    op = ZeroPad(width=width, stride=stride, centered=centered)
    return reader.add(op, *inputs)


@reads("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
@reads(*(f"upsample_nearest{axes}d" for axes in (1, 2, 3)))
def upsample(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    step, bilinear = reader.as_map(given["input"]), "linear" in call.word
    _, *size = reader.steps[step].shape
    factors = {
        new // old if new % old == 0 else 0
        for new, old in zip(call.axes[2:], size, strict=True)
    }
    if factors == {1}:
        return reader.lying(step)
    whole = len(factors) == 1 and 0 not in factors
    to = {"factor": factors.pop()} if whole else {"to": call.axes[2:]}
    corners = bool(given.get("align_corners"))
    op = Upsample(**to, bilinear=bilinear, align_corners=corners)
    return reader.add(op, step)
