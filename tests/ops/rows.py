"""One row per op, and more where options change the rule: the op, what comes in, its least label, its multiply-adds."""

from __future__ import annotations

from typing import NamedTuple

from resgraph.ops import (
    Activation,
    BatchNorm,
    BlurPool,
    ChannelConv,
    Conv,
    DepthToSpace,
    DepthwiseConv,
    DropBlock,
    Dropout,
    DropPath,
    Fc,
    Flatten,
    Gain,
    GeluTanh,
    GlobalPool,
    Grn,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyRelu,
    Op,
    Pad,
    Part,
    PixelShuffle,
    PixelUnshuffle,
    Pool,
    PRelu,
    QuickGelu,
    RmsNorm,
    Scale,
    Shape,
    Shuffle,
    Softmax,
    SpaceToDepth,
    UpConv,
    Upsample,
)
from resgraph.ops.activation import ACTIVATION_WORDS, Softplus

from .small.ops import Closed, Frn, Snake


class Row(NamedTuple):
    op: Op
    x: Shape
    label: str
    macs: int = 0

    def name(self) -> str:
        return f"{self.label} on {'map' if len(self.x) == 3 else 'vector'}"


MAP, VECTOR = (8, 11, 14), (8,)

ROWS = [
    Row(Shuffle(groups=4), MAP, "shuffle 4"),
    Row(SpaceToDepth(factor=2), (8, 12, 14), "space to depth 2"),
    Row(SpaceToDepth(factor=3, blockwise=True), (8, 12, 15), "space to depth 3 blockwise"),
    Row(DepthToSpace(factor=2), MAP, "depth to space 2"),
    Row(DepthToSpace(factor=2, blockwise=True), MAP, "depth to space 2 blockwise"),
    Row(PixelUnshuffle(factor=2), (8, 12, 14), "pixel unshuffle 2"),
    Row(PixelShuffle(factor=2), MAP, "pixel shuffle 2"),
    Row(Conv(width=6, kernel=3), MAP, "3x3 conv 6", 6 * 8 * 9 * 11 * 14),
    Row(Conv(width=6, kernel=(1, 7), stride=2), MAP, "1x7 conv 6 /2", 6 * 8 * 7 * 6 * 7),
    Row(Conv(width=6, kernel=(5, 2), stride=(2, 1)), MAP, "5x2 conv 6 /2x1", 6 * 8 * 10 * 6 * 13),
    Row(Conv(width=4, kernel=3, groups=4), MAP, "3x3 conv 4 groups 4", 4 * 2 * 9 * 11 * 14),
    Row(Conv(width=4, kernel=3, dilation=2), MAP, "3x3 conv 4 dilation 2", 4 * 8 * 9 * 11 * 14),
    Row(Conv(width=4, kernel=3, pad=0), MAP, "3x3 conv 4 pad 0", 4 * 8 * 9 * 9 * 12),
    Row(Conv(width=4, kernel=2, pad=(0, 3)), MAP, "2x2 conv 4 pad 0x3", 4 * 8 * 4 * 10 * 19),
    Row(Conv(width=4, kernel=1, bias="default"), MAP, "1x1 conv 4", 4 * 8 * 11 * 14),
    Row(Conv(width=4, kernel=1, bias=-2), MAP, "1x1 conv 4 bias -2", 4 * 8 * 11 * 14),
    Row(Conv(width=4, kernel=3, standardize="weight"), MAP, "3x3 conv 4", 4 * 8 * 9 * 11 * 14),
    Row(Conv(width=4, kernel=3, standardize="scaled", gamma=1.7, eps=1e-5), MAP, "3x3 conv 4", 4 * 8 * 9 * 11 * 14),
    Row(DepthwiseConv(kernel=7), MAP, "7x7 depthwise conv", 8 * 49 * 11 * 14),
    Row(DepthwiseConv(kernel=3, stride=2, bias="default"), MAP, "3x3 depthwise conv /2", 8 * 9 * 6 * 7),
    Row(DepthwiseConv(kernel=3, dilation=3, bias=0), MAP, "3x3 depthwise conv dilation 3 bias 0", 8 * 9 * 11 * 14),
    Row(UpConv(width=6, kernel=2, stride=2), MAP, "2x2 up conv 6 /2", 6 * 8 * 4 * 11 * 14),
    Row(UpConv(width=6, kernel=3, stride=2), MAP, "3x3 up conv 6 /2", 6 * 8 * 9 * 11 * 14),
    Row(UpConv(width=6, kernel=(4, 5), stride=(2, 3)), MAP, "4x5 up conv 6 /2x3", 6 * 8 * 20 * 11 * 14),
    Row(UpConv(width=4, kernel=1, stride=2, groups=2), MAP, "1x1 up conv 4 /2 groups 2", 4 * 4 * 11 * 14),
    Row(ChannelConv(kernel=3), VECTOR, "channel conv kernel 3", 8 * 3),
    Row(ChannelConv(kernel=5, bias="default"), VECTOR, "channel conv kernel 5 bias default", 8 * 5),
    Row(Fc(width=10), VECTOR, "fc 10", 80),
    Row(Fc(width=10, bias="none"), VECTOR, "fc 10 bias none", 80),
    Row(Pool(op="max pool", kernel=3, stride=2), MAP, "3x3 max pool /2"),
    Row(Pool(op="max pool", kernel=1, stride=2), MAP, "1x1 max pool /2"),
    Row(Pool(op="max pool", stride=3), MAP, "max pool /3"),
    Row(Pool(op="max pool", kernel=(3, 2), pad=1), MAP, "3x2 max pool pad 1"),
    Row(Pool(op="avg pool", stride=2), MAP, "avg pool /2"),
    Row(Pool(op="avg pool", kernel=2, stride=2), MAP, "avg pool /2"),
    Row(Pool(op="avg pool", stride=2, ceil=True), MAP, "avg pool /2 ceil"),
    Row(Pool(op="avg pool", kernel=3, stride=2, ceil=True), MAP, "3x3 avg pool /2 ceil"),
    Row(Pool(op="avg pool", kernel=3, stride=2, ceil=True, inner=True), MAP, "3x3 avg pool /2 ceil inner"),
    Row(Pool(op="avg pool", to=(7, 5)), MAP, "avg pool to 7x5"),
    Row(Pool(op="max pool", to=20), MAP, "max pool to 20"),
    Row(BlurPool(stride=2), MAP, "blur pool /2"),
    Row(BlurPool(kernel=5, stride=(1, 2)), MAP, "5x5 blur pool /1x2"),
    Row(BlurPool(kernel=3, stride=3, pad=0), MAP, "3x3 blur pool /3 pad 0"),
    Row(BlurPool(stride=2, zeros=True), MAP, "blur pool /2 zeros"),
    Row(BlurPool(kernel=5, stride=2, zeros=True), (8, 2, 9), "5x5 blur pool /2 zeros"),
    Row(GlobalPool(op="global avg pool"), MAP, "global avg pool"),
    Row(GlobalPool(op="global max pool"), MAP, "global max pool"),
    Row(Flatten(), MAP, "flatten"),
    Row(Upsample(factor=2), MAP, "upsample 2"),
    Row(Upsample(factor=3, bilinear=True), MAP, "upsample 3 bilinear"),
    Row(Pad(cells=2), MAP, "pad 2"),
    Row(Part(which=0, of=2), MAP, "part 0 of 2"),
    Row(Part(which=3, of=4), VECTOR, "part 3 of 4"),
    Row(BatchNorm(), MAP, "bn"),
    Row(BatchNorm(eps=1e-3, momentum=0.01), VECTOR, "bn"),
    Row(LayerNorm(eps=1e-6), MAP, "ln"),
    Row(LayerNorm(), VECTOR, "ln"),
    Row(GroupNorm(groups=4), MAP, "gn 4"),
    Row(GroupNorm(), (64, 3, 3), "gn"),
    Row(GroupNorm(groups=2), VECTOR, "gn 2"),
    Row(InstanceNorm(), MAP, "instance norm"),
    Row(InstanceNorm(affine=True, eps=1e-3), MAP, "instance norm affine"),
    Row(RmsNorm(), MAP, "rms norm"),
    Row(RmsNorm(eps=1e-5), VECTOR, "rms norm"),
    Row(Grn(), MAP, "grn"),
    *(Row(Activation(op=word), MAP, word) for word in ACTIVATION_WORDS),
    Row(Softplus(), MAP, "softplus"),
    Row(LeakyRelu(), MAP, "leaky relu"),
    Row(LeakyRelu(slope=0.2), VECTOR, "leaky relu 0.2"),
    Row(GeluTanh(), MAP, "gelu tanh"),
    Row(QuickGelu(), VECTOR, "quick gelu"),
    Row(PRelu(), MAP, "prelu"),
    Row(PRelu(start=0.1), VECTOR, "prelu 0.1"),
    Row(PRelu(shared=True), MAP, "prelu shared"),
    Row(Softmax(), MAP, "softmax"),
    Row(Softmax(parts=2), MAP, "softmax parts 2"),
    Row(Softmax(parts=4), VECTOR, "softmax parts 4"),
    Row(Dropout(rate=0.5), MAP, "dropout 0.5"),
    Row(DropPath(rate=0.1), VECTOR, "drop path 0.1"),
    Row(DropBlock(rate=0.1), MAP, "drop block 0.1"),
    Row(DropBlock(rate=0.2, size=4), MAP, "drop block 0.2 size 4"),
    Row(Scale(start=1e-6), MAP, "scale 1e-6"),
    Row(Scale(), VECTOR, "scale"),
    Row(Gain(start=0), MAP, "gain 0"),
]  # fmt: skip
OWN = [
    Row(Frn(), MAP, "frn"),
    Row(Snake(), MAP, "snake"),
    Row(Closed(), VECTOR, "closed"),
]
"""Ops that a package of one's own brings: the laws hold for them as for ours."""
