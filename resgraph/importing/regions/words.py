"""What blocks are called that have no module's name: by their equation and their layers."""

from __future__ import annotations

from itertools import chain

from ...ops import Add, Concat, Mul
from ..numbers.factors import number_of
from .structure import Region, StepTree, head

_MERGED = {Mul: ("gated", "product"), Concat: ("dense", "join")}
"""What blocks that merge so are called: with their input among the terms, and without."""
BLOCK_WORDS = (
    *(*_MERGED[Mul], *_MERGED[Concat], "scaled", "down", "residual", "stack"),
    *("self-attention", "mlp"),
)
"""What blocks are called, but for the words of the library's."""


_FEW = 2
"""So many layers with weights are on the way to a block, and none themselves."""


def block_word(block: Region) -> str:
    """A name for what a block is, from its equation."""
    op, _ = head(block.merge)
    for kind, (of_input, of_paths) in _MERGED.items():
        if isinstance(op, kind):
            return of_input if block.entry in _terms(block) else of_paths
    if isinstance(op, Add):
        return _of_sequences(block) or _of_layers(block)
    if op is None and block.branches:
        return _of_layers(block) if _weight(block) > _FEW else "down"
    return "scaled" if _only_multiplies(block.merge) else "block"


def _weight(block: Region) -> int:
    """The most layers with weights that a path has."""
    return max((branch.weighted for branch in block.branches), default=0)


def _of_layers(block: Region) -> str:
    if _pointwise(block):
        return "bottleneck"
    if _weight(block) > 3:
        return "residual" if block.summed else "stack"
    return "basic"


def _only_multiplies(merge: StepTree) -> bool:
    return isinstance(merge, tuple) and number_of(merge[0].op) is not None


def _of_sequences(block: Region) -> str:
    """What the blocks of a transformer are called, in which cells meet by attention alone."""
    ops = [step.op for step in block.steps()]
    if any(op.op == "attention" for op in ops):
        return "self-attention"
    kernels = (getattr(op, "kernel", (0,)) for op in ops if op.weighted)
    return "mlp" if {*chain(*kernels)} == {1} else ""


def _terms(block: Region) -> tuple[object, ...]:
    return block.merge[1] if isinstance(block.merge, tuple) else ()


def _pointwise(block: Region) -> bool:
    """Whether the body begins or ends with a 1x1 convolution, as bottlenecks do."""
    kernels = [
        getattr(step.op, "kernel", ())
        for branch in block.branches
        for step in branch.steps()
        if step.op.weighted
    ]
    return len(kernels) > 2 and set(kernels[0] or (0,)) == {1}
