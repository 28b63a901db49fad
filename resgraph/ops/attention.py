"""Attention over the cells of a map or sequence → its shape, cost and torch call; and what is
learned for the places: `position`, `token`."""

from math import prod
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .base import (
    Autocast,
    AxisSizes,
    Call,
    Derivation,
    Op,
    Shape,
    ShapeError,
    each_axis,
    is_map,
    need_map,
    shape_text,
)
from .shape import equal_part


def _cells(op: str, x: Shape) -> Shape:
    """The shape of a map or a sequence; an error where it is a vector."""
    return x if len(x) > 1 else need_map(op, x)


class Attention(Op):
    """Multi-head attention over all cells (Vaswani et al. 2017, arXiv 1706.03762, section 3.2). It
    learns nothing: of three equal parts of the channels, queries, keys and values, each has one
    part for a head. `relative` adds what queries say of the distance down and across, learned for
    each (Srinivas et al. 2021, BoTNet, arXiv 2101.11605, Figure 4)."""

    family = "attention"
    autocast = "lowers"
    since = "0.2"
    reads_all = True
    op: Literal["attention"] = "attention"
    heads: Annotated[int, Meta(ge=1, le=65_536)]
    relative: bool = False

    def infer(self, *inputs: Shape) -> Shape:
        channels, *cells = _cells(self.op, *inputs)
        if channels % (3 * self.heads):
            near = max(channels // (3 * self.heads), 1) * 3 * self.heads
            raise ShapeError(
                f"`{self.label()}` needs a query, a key and a value of {self.heads} equal parts"
                f" each, and {channels} channels come in",
                f"make the width before it {near}: a third of it comes out",
                "E042",
            )
        if self.relative and len(cells) != 2:
            x = shape_text(inputs[0])
            raise ShapeError(
                f"`relative` is of distances down and across a map, and {x} comes in",
                "leave it out, and put `position` before",
                "E044",
            )
        return channels // 3, *cells

    def _sides(self, x: Shape) -> tuple[int, int, int]:
        """The channels of a head, the cells, and the distances that there are."""
        cells = x[1:]
        distances = (
            sum(2 * side - 1 for side in cells) if self.relative else 0
        )
        return x[0] // 3 // self.heads, prod(cells), distances

    def params(self, *inputs: Shape) -> int:
        width, _, distances = self._sides(inputs[0])
        return width * distances

    def macs(self, *inputs: Shape) -> int:
        width, cells, distances = self._sides(inputs[0])
        return self.heads * width * cells * (2 * cells + distances)

    def derive(self, *inputs: Shape) -> Derivation:
        x = inputs[0]
        width, cells, distances = self._sides(x)
        pairs = f"(2*{cells} + {distances})" if distances else f"2*{cells}"
        return Derivation(
            (f"{x[0]}/3",),
            f"{width}*{distances}" if distances else "",
            f"{x[0] // 3}*{cells}*{pairs}",
        )

    def torch(self, *inputs: Shape) -> Call:
        if not self.relative:
            return Call("Attention", (self.heads,))
        width, *_ = self._sides(inputs[0])
        names = ("heads", "head_width", "height", "width")
        return Call(
            "RelativeAttention",
            (self.heads, width, *inputs[0][1:]),
            (),
            names,
        )


class Position(Op):
    """A learned number for each channel and cell is added (Dosovitskiy et al. 2020, ViT, arXiv
    2010.11929, section 3.1): a net for one size of image."""

    family = "attention"
    since = "0.2"
    op: Literal["position"] = "position"

    def infer(self, *inputs: Shape) -> Shape:
        return _cells(self.op, *inputs)

    def params(self, *inputs: Shape) -> int:
        return prod(inputs[0])

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params="*".join(map(str, inputs[0])))

    def torch(self, *inputs: Shape) -> Call:
        channels, *cells = inputs[0]
        return Call(
            "Position", (channels, tuple(cells)), (), ("width", "size")
        )


class _Sequence(Op):
    """What reads a sequence of places."""

    autocast: ClassVar[Autocast] = "keeps"
    since = "0.2"

    def length(self, x: Shape) -> tuple[int, int]:
        """Channels and places. Raises `ShapeError` (E044) where no sequence comes in."""
        if len(x) != 2:
            raise ShapeError(
                f"`{self.op}` reads a sequence of places, and {shape_text(x)} comes in",
                "`positions` makes a sequence of a map",
                "E044",
            )
        return x[0], x[1]


class Positions(Op):
    """A map as a sequence of its cells, row by row."""

    family = "shape"
    autocast = "keeps"
    since = "0.2"
    op: Literal["positions"] = "positions"

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        channels, *cells = _cells(self.op, *inputs)
        return channels, prod(cells)

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(("", "*".join(map(str, inputs[0][1:]))))

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Flatten", (2,), (), ("start_dim",))


class To(_Sequence):
    """A sequence as a map of that size, row by row, `to 14x14`; or a vector as maps, one after
    another: after `fc 8192`, `to 4x4` gives 512 of them (the first map of a decoder)."""

    family = "shape"
    number = "size"
    op: Literal["to"] = "to"
    resizes = True
    size: AxisSizes

    prepare = classmethod(each_axis)

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if not is_map(x):
            return equal_part(x[0], prod(self.size)), *self.size
        channels, length = self.length(x)
        if prod(self.size) != length:
            raise ShapeError(
                f"`{self.label()}` is of {prod(self.size)} places, and {length} come in",
                "height times width is the number of places; `take token` takes one that was put"
                " before them",
                "E043",
            )
        return channels, *self.size

    def derive(self, *inputs: Shape) -> Derivation:
        (x,) = inputs
        places = "*".join(map(str, self.size))
        share = f"({places})" if len(self.size) > 1 else places
        channels = "" if is_map(x) else f"{x[0]}/{share}"
        return Derivation((channels, *map(str, self.size)))

    def label(self) -> str:
        return f"{self.op} {shape_text(self.size)}"

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        dim, size = (2, self.size) if is_map(x) else (1, self.infer(x))
        return Call(
            "nn.Unflatten", (dim, size), (), ("dim", "unflattened_size")
        )


class Transpose(_Sequence):
    """A sequence with its channels and places in each other's place: what then mixes channels mixes
    places, as in MLP-Mixer (Tolstikhin et al. 2021, arXiv 2105.01601, Figure 1)."""

    family = "shape"
    op: Literal["transpose"] = "transpose"
    reads_all = True

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        return self.length(*inputs)[::-1]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(tuple(map(str, inputs[0][::-1])))

    def torch(self, *inputs: Shape) -> Call:
        return Call("Transpose")


class Token(_Sequence):
    """A learned vector is put before a sequence: ViT's class token (the same paper)."""

    family = "attention"
    autocast = "widens"
    op: Literal["token"] = "token"

    def infer(self, *inputs: Shape) -> Shape:
        channels, length = self.length(*inputs)
        return channels, length + 1

    def params(self, *inputs: Shape) -> int:
        return inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(("", f"{inputs[0][1]} + 1"), str(inputs[0][0]))

    def torch(self, *inputs: Shape) -> Call:
        return Call("Token", (inputs[0][0],))


class TokenMean(_Sequence):
    """The mean of a sequence is put before it, as CLIP's pool has it (Radford et al. 2021, arXiv
    2103.00020, section 2.4)."""

    family = "attention"
    op: Literal["token mean"] = "token mean"
    reads_all = True

    def infer(self, *inputs: Shape) -> Shape:
        channels, length = self.length(*inputs)
        return channels, length + 1

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(("", f"{inputs[0][1]} + 1"))

    def torch(self, *inputs: Shape) -> Call:
        return Call("TokenMean")


class TakeToken(_Sequence):
    """The token that stands first in a sequence, as a vector."""

    family = "shape"
    op: Literal["take token"] = "take token"

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        return (self.length(*inputs)[0],)

    def torch(self, *inputs: Shape) -> Call:
        return Call("TakeToken")
