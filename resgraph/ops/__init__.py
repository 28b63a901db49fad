"""The closed list of ops: `AnyOp` is what a label can say, `VOCABULARY` finds a label's op by its
words."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from .activation import Activation, LeakyRelu, Softmax
from .base import (
    Call,
    Cost,
    Family,
    Op,
    Ref,
    Role,
    Shape,
    ShapeError,
    TorchExpr,
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
    "AnyOp",
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
    "ZeroPad",
    "pair_text",
    "shape_text",
]  # fmt: skip

_Ops = (
    Conv | DepthwiseConv | UpConv | ChannelConv | Fc
    | Pool | BlurPool | GlobalPool
    | Flatten | Upsample | Pad | Part | Shuffle | SpaceToDepth | DepthToSpace
    | BatchNorm | LayerNorm | GroupNorm
    | Activation | LeakyRelu | Softmax
    | Dropout | DropPath | Scale | Gain
)  # fmt: skip
AnyOp = Annotated[_Ops, Field(discriminator="op")]
"""What a label can say, as a closed union that pydantic tells apart by `op`."""


_OWN: dict[str, type[Op]] = {
    phrase: op for op in get_args(_Ops) for phrase in op.phrases()
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
