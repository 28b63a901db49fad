"""All ops: `VOCABULARY` finds a label's op by its words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

from .activation import Activation, LeakyRelu, Softmax
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
    pair_text,
    shape_text,
)
from .dense import Fc
from .extension import installed_ops
from .learned import Gain, Scale
from .merge import Add, Binary, Concat, Div, Mul, Sub
from .norm import BatchNorm, GroupNorm, LayerNorm
from .pool import BlurPool, GlobalPool, Pool
from .rearrange import DepthToSpace, Shuffle, SpaceToDepth
from .regularize import Dropout, DropPath
from .shape import Flatten, Input, Pad, Part, Upsample, ZeroPad
from .window import ChannelConv, Conv, DepthwiseConv, UpConv

__all__ = [
    "ACTIVATIONS",
    "NORMS",
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
    "Concat",
    "Conv",
    "Cost",
    "DepthToSpace",
    "DepthwiseConv",
    "Derivation",
    "Div",
    "DropPath",
    "Dropout",
    "Family",
    "Fc",
    "Flatten",
    "Gain",
    "GlobalPool",
    "GroupNorm",
    "Input",
    "LayerNorm",
    "LeakyRelu",
    "Mul",
    "Op",
    "Pad",
    "Part",
    "Pool",
    "Ref",
    "Role",
    "Scale",
    "Shape",
    "ShapeError",
    "Shuffle",
    "Softmax",
    "SpaceToDepth",
    "Sub",
    "TorchExpr",
    "UpConv",
    "Upsample",
    "Window",
    "ZeroPad",
    "pair_text",
    "shape_text",
]  # fmt: skip

for _module in iter_modules(__path__):  # each file here brings its ops by being there
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
    for op in sorted(_in_labels(Op), key=lambda op: _FAMILIES.index(op.family))
    for phrase in op.phrases()
}
VOCABULARY: dict[str, type[Op]] = _OWN | installed_ops(_OWN)
"""The words of a label, `global avg pool`, and the op that they name."""

ACTIVATIONS: frozenset[str] = frozenset(
    phrase for phrase, op in VOCABULARY.items() if op.role == "activation"
)
"""What can stand in a unit as its nonlinearity, and in a label as its mode."""

NORMS: frozenset[str] = frozenset(
    phrase for phrase, op in VOCABULARY.items() if op.role == "norm"
)
"""What can stand in a unit as its norm."""

SYMBOLS: dict[str, type[Binary]] = {op.symbol: op for op in (Add, Sub, Mul, Div)}
"""The signs of an equation over tensors, and their ops."""
