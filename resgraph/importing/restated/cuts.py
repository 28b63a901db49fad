"""A convolution whose first or last cells are cut off → one that puts fewer cells around its map: a
causal one (Bai et al. 2018, TCN), which torch's layer cannot say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import add

from msgspec.structs import replace

from ...ops import Conv, DepthwiseConv, Pad
from ...ops.base import Edge, sides
from ..captured import CapturedOp, readers


def without_cuts(
    steps: Mapping[str, CapturedOp], outputs: Collection[str]
) -> Mapping[str, CapturedOp]:
    """Steps that give the same, where nothing else reads what is cut."""
    read, found = readers(steps.values()), dict(steps)
    for name, step in steps.items():
        before = found.get(next(iter(step.inputs), ""))
        if before and read[before.name] == [name]:
            made = _causal(step, before)
            if made and before.name not in outputs:
                found[name] = made
                del found[before.name]
    return found


def _causal(cut: CapturedOp, conv: CapturedOp) -> CapturedOp | None:
    """A convolution that puts as few cells as are left where some of what it gives is cut off; None
    of other steps, and where more is cut than stands on those."""
    pad, op = cut.op, conv.op
    if not isinstance(pad, Pad) or not isinstance(op, Conv | DepthwiseConv):
        return None
    left = tuple(map(_less, op.padding, pad.cells))
    if not _slides(op, pad) or min(map(min, map(sides, left))) < 0:
        return None
    usual = left == op.usual_padding
    op = replace(op, pad=None if usual else left)
    return replace(conv, name=cut.name, op=op, shape=cut.shape)


def _slides(op: Conv | DepthwiseConv, pad: Pad) -> bool:
    """Whether fewer zeros around a map are as many cells fewer behind a convolution."""
    return pad.cuts and max(op.stride) == 1 and op.mode == "constant"


def _less(own: Edge, cut: Edge) -> Edge:
    before, after = map(add, sides(own), sides(cut))
    return before if before == after else (before, after)
