"""What blocks are called that have no module's name: by their equation and their layers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from ...collecting import each_op
from ...ops import Add, Concat, Mul
from .structure import Region, head, product_of

_MERGED: Mapping[type, tuple[str, str]] = {
    Mul: ("gated", "product"), Concat: ("dense", "join"),
}  # fmt: skip
"""What blocks that merge so are called: with their input among the terms, and without."""
BLOCK_WORDS = (
    *(
        *_MERGED[Mul],
        *_MERGED[Concat],
        "scaled",
        "down",
        "residual",
        "stack",
        "up",
    ),
    *("self-attention", "mlp"),
)
"""What blocks are called, but for the words of the library's."""
_FEW = 2
"""A path without a sum that has no more layers with weights than these is a transition."""


def block_word(block: Region) -> str:
    """A name for what a block is, from its equation."""
    op, terms = head(block.merge)
    if words := _MERGED.get(type(op)):
        return words[block.entry not in terms]
    if isinstance(op, Add):
        return _of_sequences(block) or _of_layers(block)
    if op is None and block.branches:
        return (
            _of_layers(block) if _weight(block) > _FEW else _turned(block)
        )
    return "scaled" if product_of(block) else "block"


def _turned(block: Region) -> str:
    """Which way a transition leads."""
    sides = zip(block.into[1:], block.out[1:], strict=False)
    return "up" if any(out > into for into, out in sides) else "down"


def _weight(block: Region) -> int:
    """The most layers with weights that a path has."""
    return max((branch.weighted for branch in block.branches), default=0)


def _of_layers(block: Region) -> str:
    if _pointwise(block):
        return "bottleneck"
    if _weight(block) > 3:
        return "residual" if block.summed else "stack"
    return "basic"


def _of_sequences(block: Region) -> str:
    """What the blocks of a transformer are called, in which cells meet by attention alone."""
    ops = each_op(block.steps)
    if any(op.op == "attention" for op in ops):
        return "self-attention"
    kernels = (getattr(op, "kernel", (0,)) for op in ops if op.weighted)
    return "mlp" if {*chain(*kernels)} == {1} else ""


def _pointwise(block: Region) -> bool:
    """Whether the body of three layers or more begins with a 1x1 convolution, as bottlenecks do."""
    ops = (step.op for step in block.steps if step.op.weighted)
    kernels = [getattr(op, "kernel", ()) for op in ops]
    return len(kernels) > 2 and set(kernels[0] or (0,)) == {1}
