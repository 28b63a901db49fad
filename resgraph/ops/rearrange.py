"""An op that puts the numbers of a map in another order → its shape and torch call."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from msgspec import Meta

from ..collecting import without_keys
from .base import (
    Call,
    Derivation,
    Op,
    Shape,
    ShapeError,
    Width,
    Window,
    need_map,
    shape_text,
)
from .record import FieldError
from .shape import equal_part

Factor = Annotated[int, Meta(ge=2, le=256)]


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


def _refuse_blocks(blockwise: bool, x: Shape) -> None:
    """Raises `ShapeError` for `blockwise`, TensorFlow's order, on what is no image."""
    if blockwise and len(x) != 3:
        raise ShapeError(
            f"`blockwise` is the order of squares of an image, and {shape_text(x)} comes in",
            "leave it out",
            "E044",
        )


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
        return Window((self.factor,), (self.factor,))

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, *inputs)
        _refuse_blocks(self.blockwise, *inputs)
        if any(n % self.factor for n in size):
            sides = ["a length", "a height and a width", "three sides"][
                len(size) - 1
            ]
            tile = shape_text((self.factor,) * len(size))
            raise ShapeError(
                f"a map of {shape_text(tuple(size))} does not fall into squares of {tile}",
                f"it needs {sides} that {self.factor} divides; `pad` can add cells",
                "E043",
            )
        return channels * self.factor ** len(size), *(
            n // self.factor for n in size
        )

    def derive(self, *inputs: Shape) -> Derivation:
        (channels, *size), f = inputs[0], self.factor
        return Derivation(
            (
                f"{channels}{f'*{f}' * len(size)}",
                *(f"{n}/{f}" for n in size),
            )
        )

    def torch(self, *inputs: Shape) -> Call:
        name = (
            "nn.PixelUnshuffle" if len(inputs[0]) == 3 else "CellsToDepth"
        )
        return Call(
            "SpaceToDepth" if self.blockwise else name, (self.factor,)
        )


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
        return Window(stride=(Fraction(1, self.factor),))

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, *inputs)
        _refuse_blocks(self.blockwise, *inputs)
        parts = equal_part(channels, self.factor ** len(size))
        return parts, *(n * self.factor for n in size)

    def derive(self, *inputs: Shape) -> Derivation:
        (channels, *size), f = inputs[0], self.factor
        parts = "*".join([str(f)] * len(size))
        share = f"({parts})" if len(size) > 1 else parts
        return Derivation(
            (f"{channels}/{share}", *(f"{n}*{f}" for n in size))
        )

    def torch(self, *inputs: Shape) -> Call:
        name = "nn.PixelShuffle" if len(inputs[0]) == 3 else "DepthToCells"
        return Call(
            "DepthToSpace" if self.blockwise else name, (self.factor,)
        )


class _InTorchsOrder(Op):
    # that is False alone, of which msgspec before 0.23 knows no literal
    blockwise: Literal[0] = False  # type: ignore[assignment]

    @classmethod
    def prepare(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Without `blockwise`, which goes without saying."""
        order = given.get("blockwise", False)
        if order is not False:
            raise FieldError("Input should be False", "blockwise", order)
        return without_keys(given, ("blockwise",))


class PixelUnshuffle(_InTorchsOrder, SpaceToDepth):
    """`space to depth` by its name in torch, and so in torch's order."""

    since = "0.2"
    op: Literal["pixel unshuffle"] = "pixel unshuffle"  # type: ignore[assignment]


class PixelShuffle(_InTorchsOrder, DepthToSpace):
    """`depth to space` by its name in torch: the sub-pixel convolution's last step (Shi et al.
    2016, arXiv 1609.05158, equation 4)."""

    since = "0.2"
    op: Literal["pixel shuffle"] = "pixel shuffle"  # type: ignore[assignment]
