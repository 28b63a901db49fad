"""An op that computes nothing but moves, repeats or selects cells → its shape and torch call."""

from fractions import Fraction
from math import prod
from typing import Annotated, Any, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from .base import (
    AXES,
    Autocast,
    AxisSizes,
    Call,
    Derivation,
    MovedEdges,
    Op,
    Shape,
    ShapeError,
    Sized,
    Width,
    Window,
    each_axis,
    need_map,
    shape_text,
    sides,
    sizes_text,
    target_size,
)
from .padding import Edged, need_reflectable, torch_edges
from .record import FieldError, OpClass
from .sliding import cubic, derive_edge


class Input(Op):
    """What the net is given: the one node that reads nothing."""

    family = "input"
    in_label = False
    op: Literal["input"] = "input"
    shape: Annotated[
        tuple[Width, ...], Meta(min_length=1, max_length=1 + AXES[-1])
    ]

    def infer(self, *inputs: Shape) -> Shape:
        return self.shape

    def label(self) -> str:
        return f"input {shape_text(self.shape)}"


class Flatten(Op):
    """A map as one long vector, channel after channel, each row by row."""

    family = "shape"
    autocast = "keeps"
    op: Literal["flatten"] = "flatten"

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        return (prod(need_map(self.op, *inputs)),)

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(("*".join(map(str, inputs[0])),))

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Flatten")


class Upsample(Op):
    """A map `factor` times as high and wide: each cell repeated, or `bilinear` between cells'
    centres; with `align_corners` the corner cells stay in the corners (as many a U-Net has it).
    `to 56x56` fixes the size that comes out, `to c2` makes it that of a map above."""

    family = "shape"
    autocast = "keeps"
    number = "factor"
    aliases = ("upsampling upsampling2d upsamplingnearest2d interpolate",)
    op: Literal["upsample"] = "upsample"
    factor: Annotated[int, Meta(ge=1, le=256)] | None = None
    bilinear: bool = False
    align_corners: bool = False
    to: AxisSizes | str | None = None

    prepare = classmethod(each_axis)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.align_corners and not self.bilinear:
            raise ValueError(
                "`align_corners` goes with `bilinear`, and cells are repeated here"
            )
        if self.factor is None and self.to is None:
            raise FieldError("a factor or a size")
        if self.factor and self.to:
            raise ValueError(
                "`to` fixes the size that comes out: a factor does not go with it"
            )

    @property
    def window(self) -> Window | None:
        if self.factor is None or self.align_corners:
            return None
        cells = 2 if self.bilinear and self.factor > 1 else 1
        return Window((cells,), (Fraction(1, self.factor),))

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, inputs[0])
        if self.to:
            return channels, *target_size(self.op, self.to, inputs[-1])
        assert self.factor is not None
        return channels, *(n * self.factor for n in size)

    def derive(self, *inputs: Shape) -> Derivation:
        if self.to:
            return Derivation(("", *map(str, self.infer(*inputs)[1:])))
        return Derivation(
            ("", *(f"{size}*{self.factor}" for size in inputs[0][1:]))
        )

    def torch(self, *inputs: Shape) -> Call:
        names = {2: "linear", 3: "bilinear", 4: "trilinear"}
        mode: tuple[tuple[str, Any], ...] = (
            (("mode", names[len(inputs[0])]),) if self.bilinear else ()
        )
        if self.align_corners:
            mode += (("align_corners", True),)
        if self.sized_by:
            return Call("UpsampleTo", (), mode)
        size = (
            ("size", cubic(self.to)) if isinstance(self.to, tuple) else None
        )
        return Call(
            "nn.Upsample",
            (),
            (size or ("scale_factor", self.factor), *mode),
        )


class _Cells(Sized):
    cells: MovedEdges


class Pad(Edged, _Cells):
    """Cells around a map, so many on each side, or `0:1` before and after it: zeros, with `reflect`
    the map mirrored at its edge cells, or with `replicate` its edge cells again. `pad -1` takes one
    away on each side (as U-Net's skips; Ronneberger et al. 2015)."""

    family = "shape"
    number = "cells"
    aliases = ("zeropad zeropad2d zeropadding zeropadding2d",)
    op: Literal["pad"] = "pad"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode != "constant" and self.cuts:
            raise ValueError(
                f"`{self.mode}` adds cells, and takes none away"
            )

    @property
    def cuts(self) -> bool:
        """Whether it takes cells away."""
        return any(min(sides(edge)) < 0 for edge in self.cells)

    @property
    def autocast(self) -> Autocast:  # type: ignore[override]
        """On a CPU what is mirrored or repeated is so in float32."""
        return "keeps" if self.mode == "constant" else "widens"

    @property
    def window(self) -> Window:
        return Window(padding=self.cells)

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = self.fitting(inputs[0])
        if self.reflect:
            need_reflectable(self.cells, tuple(size), "fewer cells")
        left = [
            n + sum(sides(e)) for n, e in zip(size, self.cells, strict=True)
        ]
        if min(left) < 1:
            raise ShapeError(
                f"`{self.label()}` leaves nothing of {shape_text(inputs[0])}",
                "take fewer cells away, or use a larger input",
                "E043",
            )
        return channels, *left

    def derive(self, *inputs: Shape) -> Derivation:
        axes = zip(inputs[0][1:], self.cells, strict=True)
        return Derivation(("", *(derive_edge(n, edge) for n, edge in axes)))

    def torch(self, *inputs: Shape) -> Call:
        kinds = {
            "constant": "Zero",
            "reflect": "Reflection",
            "replicate": "Replication",
        }
        kind = f"nn.{kinds[self.mode]}Pad{len(inputs[0]) - 1}d"
        return Call(kind, (torch_edges(self.cells),), (), ("padding",))


_From: Any = OpClass(
    "_From",
    (Op,),
    {"__annotations__": {"from": Width | None}, "from": None},
)
"""Its field is a word of Python's, and cannot be in the text of a class."""


class Part(_From):  # type: ignore[misc]
    """A part of the channels: one of `of` equal ones, `part 0 of 2`, counted from 0; the first 64,
    `part to 64`, those behind them, `part from 64`, or both, `part from 64 to 80`."""

    family = "shape"
    autocast = "keeps"
    number = "which"
    op: Literal["part"] = "part"
    which: Annotated[int, Meta(ge=0)] | None = None
    of: Width | None = None
    to: Width | None = None

    def __post_init__(self) -> None:
        equal, cut = (self.which, self.of), (self.start, self.to)
        if (None in equal) if cut == (0, None) else equal != (None, None):
            raise ValueError(
                "a part is one of equal ones, `part 0 of 2`, or is cut at a channel, `part to 64`"
                " or `part from 64`"
            )
        if self.of and (self.which or 0) >= self.of:
            raise ValueError(
                f"the parts of {self.of} are 0 to {self.of - 1}"
            )
        if self.to is not None and self.to <= self.start:
            raise ValueError(
                f"from {self.start} to {self.to} there is no channel"
            )

    @classmethod
    def cut(cls, start: int, end: int | None) -> Self:
        """The channels from `start`, counted from 0, to before `end`; None is behind the last."""
        first: Any = {"from": start or None}
        return cls(**first, to=end)

    @property
    def start(self) -> int:
        """The first channel of a part that is cut."""
        return getattr(self, "from") or 0

    def within(self, channels: int) -> range:
        """The places of the part's channels. Raises `ShapeError` (E042) where there are none."""
        if self.of:
            width = equal_part(channels, self.of)
            return range(
                (self.which or 0) * width, ((self.which or 0) + 1) * width
            )
        last = self.to or self.start + 1
        if last > channels:
            raise ShapeError(
                f"`{self.label()}` needs {last} channels, and {channels} come in",
                "a part ends within the channels; the first is 0",
                "E042",
            )
        return range(self.start, self.to or channels)

    @property
    def returns_view(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return (len(self.within(x[0])), *x[1:])

    def derive(self, *inputs: Shape) -> Derivation:
        if self.of:
            return Derivation((f"{inputs[0][0]}/{self.of}",))
        part = self.within(inputs[0][0])
        return Derivation(
            (
                f"{part.stop} - {part.start}"
                if part.start
                else str(part.stop),
            )
        )

    def torch(self, *inputs: Shape) -> Call:
        if self.of:
            return Call("Part", (self.which, self.of))
        names = ("start", "stop")
        return Call(
            "ChannelSlice",
            (self.start, self.to)[: 1 + bool(self.to)],
            (),
            names,
        )


def equal_part(channels: int, parts: int) -> int:
    """The channels of one of `parts` equal parts. Raises `ShapeError` (E042) where there are
    none."""
    if channels % parts:
        lower = channels // parts * parts
        near = f"{lower} or {lower + parts}" if lower else str(parts)
        raise ShapeError(
            f"{channels} channels do not fall into {parts} equal parts",
            f"make the width before it {near}",
            "E042",
        )
    return channels // parts


class ZeroPad(Sized):
    """Option A's shortcut (He et al. 2015, 3.3): every stride-th cell, zero channels after the
    last; `centered`, half of them before the first."""

    family = "shape"
    number = "width"
    since = "0.2"
    op: Literal["zero-pad"] = "zero-pad"
    width: Width
    stride: AxisSizes = (1, 1)
    centered: bool = False

    @property
    def autocast(self) -> Autocast:  # type: ignore[override]
        # the average over a volume, with which cells are left out, is in float32 on a CPU
        volume = len(self.stride) > 2 and max(self.stride) > 1
        return "widens" if volume else "keeps"

    @property
    def window(self) -> Window:
        return Window(stride=self.stride)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if self.width < x[0]:
            raise ShapeError(
                f"a zero-pad adds channels, and here {x[0]} become {self.width}",
                "use `shortcut: projection` where a block narrows, `1x1 conv` elsewhere",
                "E041",
            )
        if len(x) == 1 and max(self.stride) > 1:
            stride = sizes_text(self.stride)
            raise ShapeError(
                f"a vector has no cells to stride over, and the stride is {stride}",
                "leave the stride out after `global avg pool` or `flatten`",
                "E044",
            )
        return (
            self.width,
            *(
                -(-n // s)
                for n, s in zip(x[1:], self.along(x), strict=True)
            ),
        )

    def fitted(self, *inputs: Shape) -> Self:
        # beside a body and alone it is one op
        along = self.along(inputs[0])
        return replace(self, stride=along) if along else self

    def along(self, x: Shape) -> tuple[int, ...]:
        """The stride along each axis of what comes in; one that is not said is 1 along all."""
        return self.stride if max(self.stride) > 1 else (1,) * (len(x) - 1)

    def derive(self, *inputs: Shape) -> Derivation:
        channels, *size = inputs[0]
        axes = zip(size, self.along(inputs[0]), strict=True)
        return Derivation(
            (
                f"{channels} + {self.width - channels}",
                *(f"ceil({n}/{s})" for n, s in axes),
            )
        )

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        kwargs = (
            [("stride", cubic(self.stride))] if max(self.stride) > 1 else []
        )
        if len(x) != 3:
            kwargs.append(("axes", len(x) - 1))
        if self.centered:
            kwargs.append(("centered", True))
        return Call("ZeroPadShortcut", (x[0], self.width), tuple(kwargs))
