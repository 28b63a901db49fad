"""What drops numbers while training and does nothing afterwards → its torch call: `dropout`,
`channel dropout`, `drop path`, `drop block`."""

from typing import Annotated, Literal

from msgspec import Meta

from .base import Call, Op, Shape, need_map


class _Drop(Op):
    """What both have in common: the shape is kept, and what is kept is divided by 1 - rate."""

    family = "regularize"
    autocast = "keeps"
    number = "rate"
    rate: Annotated[float, Meta(ge=0, lt=1)]

    @property
    def returns_view(self) -> bool:
        return True  # in evaluation what comes in is handed on

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x


class Dropout(_Drop):
    """Each number is dropped with probability `rate` (Srivastava et al. 2014)."""

    op: Literal["dropout"] = "dropout"

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Dropout", (self.rate,))


class ChannelDropout(_Drop):
    """Each channel of a map is dropped whole with probability `rate` (Tompson et al. 2015, arXiv
    1411.4280, section 3.2), since neighbouring cells say much the same."""

    since = "0.2"
    aliases = (
        "dropout1d dropout2d dropout3d spatialdropout featuredropout",
    )
    op: Literal["channel dropout"] = "channel dropout"

    def infer(self, *inputs: Shape) -> Shape:
        return need_map(self.op, *inputs)

    def torch(self, *inputs: Shape) -> Call:
        return Call(f"nn.Dropout{len(inputs[0]) - 1}d", (self.rate,))


class DropPath(_Drop):
    """Each image's whole path is dropped with probability `rate`: stochastic depth (Huang et al.
    2016)."""

    aliases = ("stochasticdepth",)
    op: Literal["drop path"] = "drop path"

    def torch(self, *inputs: Shape) -> Call:
        return Call("DropPath", (self.rate,))


Thinning = Dropout | ChannelDropout | DropPath
"""What has a rate and no other option."""


class DropBlock(_Drop):
    """Squares of `size` x `size` cells are dropped, each channel's by themselves, so that each
    number is with probability `rate` (Ghiasi et al. 2018, arXiv 1810.12890, Algorithm 1)."""

    since = "0.2"
    aliases = ("dropblock2d",)
    op: Literal["drop block"] = "drop block"
    size: Annotated[int, Meta(ge=1, le=4096)] = 7

    def infer(self, *inputs: Shape) -> Shape:
        return need_map(self.op, *inputs)

    def torch(self, *inputs: Shape) -> Call:
        return Call("DropBlock", (self.rate,), self.unusual("size"))
