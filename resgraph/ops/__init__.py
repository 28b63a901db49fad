"""All ops: `VOCABULARY` finds a label's op by its words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

from .activation import (
    Activation,
    GeluTanh,
    LeakyRelu,
    LogSoftmax,
    PRelu,
    QuickGelu,
    Softmax,
)
from .base import (
    Autocast,
    Call,
    Cost,
    Derivation,
    Family,
    Op,
    Ref,
    Role,
    Shape,
    ShapeError,
    TorchExpr,
    Window,
    is_cell,
    shape_text,
    sizes_text,
)
from .dense import Fc
from .extension import installed_ops
from .function import AMONG, POINTWISE, REDUCTIONS, Over, Total, reduction
from .learned import Gain, Grn, Scale
from .merge import Add, Binary, Concat, Div, Mul, Sub
from .norm import (
    BatchNorm,
    EvoNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    RmsNorm,
)
from .pool import BlurPool, GlobalPool, Pool
from .rearrange import (
    DepthToSpace,
    PixelShuffle,
    PixelUnshuffle,
    Shuffle,
    SpaceToDepth,
)
from .regularize import (
    ChannelDropout,
    DropBlock,
    Dropout,
    DropPath,
    Thinning,
)
from .shape import Flatten, Input, Pad, Part, Upsample, ZeroPad
from .window import ChannelConv, Conv, DepthwiseConv, UpConv

__all__ = [
    "ACTIVATIONS",
    "AMONG",
    "LATER",
    "NORMS",
    "POINTWISE",
    "REDUCTIONS",
    "SYMBOLS",
    "VOCABULARY",
    "Activation",
    "Add",
    "Autocast",
    "BatchNorm",
    "Binary",
    "BlurPool",
    "Call",
    "ChannelConv",
    "ChannelDropout",
    "Concat",
    "Conv",
    "Cost",
    "DepthToSpace",
    "DepthwiseConv",
    "Derivation",
    "Div",
    "DropBlock",
    "DropPath",
    "Dropout",
    "EvoNorm",
    "Family",
    "Fc",
    "Flatten",
    "Gain",
    "GeluTanh",
    "GlobalPool",
    "Grn",
    "GroupNorm",
    "Input",
    "InstanceNorm",
    "LayerNorm",
    "LeakyRelu",
    "LogSoftmax",
    "Mul",
    "Op",
    "Over",
    "PRelu",
    "Pad",
    "Part",
    "PixelShuffle",
    "PixelUnshuffle",
    "Pool",
    "QuickGelu",
    "Ref",
    "RmsNorm",
    "Role",
    "Scale",
    "Shape",
    "ShapeError",
    "Shuffle",
    "Softmax",
    "SpaceToDepth",
    "Sub",
    "Thinning",
    "TorchExpr",
    "Total",
    "UpConv",
    "Upsample",
    "Window",
    "ZeroPad",
    "is_cell",
    "reduction",
    "shape_text",
    "sizes_text",
]  # fmt: skip

# each file here brings its ops by being there
for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def _in_labels(base: type[Op]) -> Iterator[type[Op]]:
    """Every op below a class that a label can name."""
    for op in base.__subclasses__():
        if op.in_label and op.phrases():
            yield op
        yield from _in_labels(op)


_FAMILIES = get_args(Family)
_OWN: dict[str, type[Op]] = {
    phrase: op
    for op in sorted(
        _in_labels(Op), key=lambda op: _FAMILIES.index(op.family)
    )
    for phrase in op.phrases()
}
_FIRST = [phrase for phrase, op in _OWN.items() if op.since == "0.1"]
VOCABULARY: dict[str, type[Op]] = _OWN | installed_ops(_FIRST)
"""The words of a label, `global avg pool`, and the op that they name. A package that had a later
word keeps it."""

LATER: frozenset[str] = frozenset(
    phrase for phrase, op in VOCABULARY.items() if op.since != "0.1"
)
"""Words that came after the first version: a file that has one as a name means its own thing."""

ACTIVATIONS: frozenset[str] = frozenset(
    phrase for phrase, op in VOCABULARY.items() if op.role == "activation"
)
"""What can stand in a unit as its nonlinearity, and in a label as its mode."""

NORMS: frozenset[str] = frozenset(
    phrase for phrase, op in VOCABULARY.items() if op.role == "norm"
)
"""What can stand in a unit as its norm."""

SYMBOLS: dict[str, type[Binary]] = {
    op.symbol: op for op in (Add, Sub, Mul, Div)
}
"""The signs of an equation over tensors, and their ops."""
