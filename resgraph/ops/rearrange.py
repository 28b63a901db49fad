"""An op that puts the numbers of a map in another order → its shape and torch call."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from .base import Call, Derivation, Op, Shape, ShapeError, Width, Window, need_map
from .shape import equal_part

Factor = Annotated[int, Field(ge=2, le=256)]


class Shuffle(Op):
    """The channels of `groups` equal parts dealt out in turn (ShuffleNet; Zhang et al. 2017, Figure
    1)."""

    family = "shape"
    autocast = "keeps"
    number = "groups"
    aliases = ("channelshuffle",)
    op: Literal["shuffle"] = "shuffle"
    groups: Width

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, *inputs)
        equal_part(channels, self.groups)
        return channels, *size

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.ChannelShuffle", (self.groups,))


class SpaceToDepth(Op):
    """Each square of `factor` x `factor` cells becomes one cell with as many times the channels: a
    channel's cells one after another (torch's order), or `blockwise` a cell's channels (that of
    TensorFlow and timm)."""

    family = "shape"
    autocast = "keeps"
    number = "factor"
    op: Literal["space to depth"] = "space to depth"
    factor: Factor
    blockwise: bool = False

    @property
    def window(self) -> Window:
        return Window((self.factor, self.factor), (self.factor, self.factor))

    def infer(self, *inputs: Shape) -> Shape:
        channels, height, width = need_map(self.op, *inputs)
        if height % self.factor or width % self.factor:
            raise ShapeError(
                f"a map of {height}x{width} does not fall into squares of"
                f" {self.factor}x{self.factor}",
                f"it needs a height and a width that {self.factor} divides; `pad` can add cells",
                "E043",
            )
        return channels * self.factor**2, height // self.factor, width // self.factor

    def derive(self, *inputs: Shape) -> Derivation:
        (channels, height, width), f = inputs[0], self.factor
        return Derivation((f"{channels}*{f}*{f}", f"{height}/{f}", f"{width}/{f}"))

    def torch(self, *inputs: Shape) -> Call:
        name = "SpaceToDepth" if self.blockwise else "nn.PixelUnshuffle"
        return Call(name, (self.factor,))


class DepthToSpace(Op):
    """The way back: `factor` squared channels become a square of cells, in torch's order or
    `blockwise`."""

    family = "shape"
    autocast = "keeps"
    number = "factor"
    op: Literal["depth to space"] = "depth to space"
    factor: Factor
    blockwise: bool = False

    @property
    def window(self) -> Window:
        step = Fraction(1, self.factor)
        return Window(stride=(step, step))

    def infer(self, *inputs: Shape) -> Shape:
        channels, height, width = need_map(self.op, *inputs)
        return (
            equal_part(channels, self.factor**2),
            height * self.factor,
            width * self.factor,
        )

    def derive(self, *inputs: Shape) -> Derivation:
        (channels, height, width), f = inputs[0], self.factor
        return Derivation((f"{channels}/({f}*{f})", f"{height}*{f}", f"{width}*{f}"))

    def torch(self, *inputs: Shape) -> Call:
        name = "DepthToSpace" if self.blockwise else "nn.PixelShuffle"
        return Call(name, (self.factor,))


class PixelUnshuffle(SpaceToDepth):
    """`space to depth` by its name in torch, and so in torch's order."""

    since = "0.2"
    op: Literal["pixel unshuffle"] = "pixel unshuffle"  # type: ignore[assignment]
    blockwise: Literal[False] = False


class PixelShuffle(DepthToSpace):
    """`depth to space` by its name in torch: the sub-pixel convolution's last step (Shi et al.
    2016, arXiv 1609.05158, equation 4)."""

    since = "0.2"
    op: Literal["pixel shuffle"] = "pixel shuffle"  # type: ignore[assignment]
    blockwise: Literal[False] = False
