"""A convolution with its options → its shape, cost and torch call."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from math import gcd, prod
from typing import Annotated, Any, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from .base import (
    AxisSizes,
    Call,
    Cells,
    Derivation,
    Eps,
    FiniteNumber,
    Op,
    Shape,
    ShapeError,
    Sized,
    Width,
    Window,
    need_vector,
    sides,
)
from .padding import (
    Surrounded,
    fewer,
    need_reflectable,
    torch_cells,
    torch_edges,
    uneven,
)
from .sliding import cubic, derive_slid, same_padding, slid

Bias = Literal["none", "default"] | FiniteNumber
"""No bias, a bias with the default start, or a bias that starts at a number."""


class _MapConv(Sized):
    """What the convolutions over maps have in common."""

    family = "conv"
    word = "conv"
    weighted = True
    autocast = "lowers"
    quiet = frozenset(["standardize", "gamma", "eps"])

    kernel: AxisSizes
    stride: AxisSizes = (1, 1)
    dilation: AxisSizes = (1, 1)
    pad: Cells | None = None
    bias: Bias = "none"

    @property
    def extra(self) -> int:
        """Learned numbers of each filter beside its weights."""
        return int(self.has_bias)

    def divisor(self, channels: int) -> int:
        """Into how many groups the channels fall."""
        return 1

    def filters(self, channels: int) -> int:
        """How many channels come out."""
        raise NotImplementedError(type(self).__name__)

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = self.fitting(inputs[0])
        width, groups = self.filters(channels), self.divisor(channels)
        if channels % groups or width % groups:
            raise _indivisible(channels, width, groups)
        return (width, *self.resize(tuple(size)))

    def resize(self, size: Shape) -> Shape:
        """The size that comes out, along each axis."""
        raise NotImplementedError(type(self).__name__)

    def resize_texts(self, size: Shape) -> tuple[str, ...]:
        """How that size comes about."""
        raise NotImplementedError(type(self).__name__)

    def applied(self, size: Shape) -> Shape:
        """Along each axis, the cells at which all filters are applied: those of the output."""
        return self.resize(size)

    def params(self, *inputs: Shape) -> int:
        channels = inputs[0][0]
        width = self.filters(channels)
        per_filter = channels // self.divisor(channels) * prod(self.kernel)
        return width * (per_filter + self.extra)

    def macs(self, *inputs: Shape) -> int:
        channels, *size = self.fitting(inputs[0])
        weights = self.filters(channels) * (
            channels // self.divisor(channels)
        )
        return prod(self.applied(tuple(size))) * weights * prod(self.kernel)

    def derive(self, *inputs: Shape) -> Derivation:
        channels, *size = inputs[0]
        width, groups = self.filters(channels), self.divisor(channels)
        read = f"{channels}/{groups}" if groups > 1 else f"{channels}"
        weights = "*".join([str(width), read, *map(str, self.kernel)])
        return Derivation(
            (str(width), *self.resize_texts(tuple(size))),
            weights + f" + {width}" * self.extra,
            "*".join([*map(str, self.applied(tuple(size))), weights]),
        )

    def torch(self, *inputs: Shape) -> Call:
        channels = inputs[0][0]
        options = self.options(channels)
        kwargs = [
            (key, value)
            for key, value, default in options
            if value != default
        ]
        return Call(
            self.target(),
            (channels, self.filters(channels)),
            (("kernel_size", cubic(self.kernel)), *kwargs),
            ("width_in", "width", "kernel_size"),
            tuple((key, default) for key, _, default in options),
        )

    def target(self) -> str:
        """The torch class."""
        return f"nn.Conv{len(self.kernel)}d"

    def torch_padding(self) -> int | tuple[int, ...]:
        """What the torch class is told of the cells around the map."""
        raise NotImplementedError(type(self).__name__)

    def options(self, channels: int) -> list[tuple[str, Any, Any]]:
        """The options of the torch class in its order: key, value, default."""
        return [
            ("stride", cubic(self.stride), 1),
            ("padding", self.torch_padding(), 0),
            ("dilation", cubic(self.dilation), 1),
            ("groups", self.divisor(channels), 1),
            ("bias", self.has_bias, True),
        ]

    def says(self, key: str) -> bool:
        # whether there is a bias follows from the unit (rule 5 of the language); only its
        # start value is said
        return (
            not isinstance(self.bias, str)
            if key == "bias"
            else super().says(key)
        )


class _PaddedConv(Surrounded, _MapConv):
    """A convolution whose window slides over the map and what stands around it."""

    @property
    def largest(self) -> Shape:
        """Its kernel, or the largest of several."""
        return self.kernel

    @property
    def usual_padding(self) -> Shape:
        return same_padding(self.largest, self.dilation)

    @property
    def window(self) -> Window:
        return Window(
            self.largest, self.stride, self.dilation, self.padding
        )

    def resize(self, size: Shape) -> Shape:
        if self.reflect:
            need_reflectable(self.padding, size)
        return slid(size, self.window)

    def resize_texts(self, size: Shape) -> tuple[str, ...]:
        return derive_slid(size, self.window)

    def torch_padding(self) -> int | tuple[int, ...]:
        ours = self.target() != self.plain()
        return (torch_edges if ours else torch_cells)(self.padding)

    def plain(self) -> str:
        """The class of equal zeros on both sides."""
        return super().target()

    def target(self) -> str:
        plain = self.plain()
        native = self.mode == "constant" or plain.startswith("nn.")
        if native and not uneven(self.padding):
            return plain
        return f"Padded{plain.removeprefix('nn.')}"

    def options(self, channels: int) -> list[tuple[str, Any, Any]]:
        options = super().options(channels)
        if self.mode == "constant":
            return options
        if self.target().startswith("nn."):
            return [*options, ("padding_mode", self.mode, "zeros")]
        return [*options, ("mode", self.mode, "constant")]


def _indivisible(channels: int, width: int, groups: int) -> ShapeError:
    common = gcd(channels, width)
    fits = [n for n in range(1, common + 1) if common % n == 0]
    near = sorted(sorted(fits, key=lambda n: abs(n - groups))[:3])
    which = (
        f"the {channels} channels that come in"
        if channels % groups
        else f"the width {width}"
    )
    help_ = f"groups that divide both {channels} and {width}, nearest: {', '.join(map(str, near))}"
    return ShapeError(
        f"`groups {groups}` does not divide {which}", help_, "E042"
    )


_EPS = {"weight": 1e-8, "scaled": 1e-6}


class Conv(_PaddedConv):
    """A convolution, `3x3 conv 64 /2 groups 32`; `width` filters.

    `standardize: weight` standardizes each filter before use (Qiao et al. 2019; as BiT has it);
    `scaled` also divides by the root of its fan-in and multiplies by `gamma` and a learned gain per
    filter (Brock et al. 2021, section 4.1)."""

    number = "width"
    aliases = ("convolution conv2d convolution2d",)
    op: Literal["conv"] = "conv"
    width: Width
    groups: Width = 1
    standardize: Literal["weight", "scaled"] | None = None
    gamma: Annotated[float, Meta(gt=0, le=100)] = 1.0
    eps: Eps | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma != 1.0 and self.standardize != "scaled":
            raise ValueError("`gamma` belongs to `standardize: scaled`")
        if self.eps is not None and self.standardize is None:
            raise ValueError(
                "`eps` belongs to `standardize: weight` or `standardize: scaled`"
            )

    def divisor(self, channels: int) -> int:
        return self.groups

    def filters(self, channels: int) -> int:
        return self.width

    @property
    def extra(self) -> int:
        return self.has_bias + (self.standardize == "scaled")

    def plain(self) -> str:
        if not self.standardize:
            return super().plain()
        scaled = "Scaled" if self.standardize == "scaled" else ""
        return f"{scaled}StandardizedConv{len(self.kernel)}d"

    def torch(self, *inputs: Shape) -> Call:
        call = super().torch(*inputs)
        options = [*self.unusual("gamma")]
        if self.standardize and self.eps not in (
            None,
            _EPS[self.standardize],
        ):
            options.append(("eps", self.eps))
        return replace(call, kwargs=call.kwargs + tuple(options))


class DepthwiseConv(_PaddedConv):
    """A convolution of each channel by itself, `3x3 depthwise conv /2`; the width is kept.

    `mixed 4` is of four equal parts of the channels (what is left over is the first's), each with a
    kernel larger by two than the one before, 3x3, 5x5, 7x7, 9x9 (MixConv, Tan & Le 2019, section
    3.2); `pad` is the largest's."""

    aliases = ("dwconv dwconv2d depthwiseconv2d depthwiseconvolution",)
    op: Literal["depthwise conv"] = "depthwise conv"
    mixed: Annotated[int, Meta(ge=1, le=64)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mixed > 1 and max(self.dilation) > 1:
            raise ValueError("`mixed` and `dilation` exclude each other")
        if self.mixed > 1 and any(k % 2 == 0 for k in self.kernel):
            raise ValueError(
                "`mixed` needs an odd kernel, so that all have one middle"
            )

    @property
    def parts(self) -> list[Self]:
        """The convolution of each part of the channels."""
        return [*map(self._part, range(self.mixed))]

    def _part(self, n: int) -> Self:
        kernel = tuple(k + 2 * n for k in self.kernel)
        pad = self.pad
        if isinstance(pad, tuple):
            pad = fewer(pad, self.mixed - 1 - n)
        return replace(self, mixed=1, kernel=kernel, pad=pad)

    def widths(self, channels: int) -> list[int]:
        """How many channels each part has."""
        share, left = divmod(channels, self.mixed)
        return [share + left, *[share] * (self.mixed - 1)]

    def _each(self, x: Shape) -> Iterator[tuple[Self, Shape]]:
        """The convolution of each part, and what it reads."""
        for part, width in zip(self.parts, self.widths(x[0]), strict=True):
            yield part, (width, *x[1:])

    def owners(self, name: str) -> tuple[str, ...]:
        own = (f"{name}.{n}" for n in range(self.mixed))
        return super().owners(name) if self.mixed == 1 else tuple(own)

    @property
    def largest(self) -> Shape:
        return tuple(k + 2 * (self.mixed - 1) for k in self.kernel)

    def divisor(self, channels: int) -> int:
        return channels

    def filters(self, channels: int) -> int:
        return channels

    def infer(self, *inputs: Shape) -> Shape:
        channels, less = self.fitting(inputs[0])[0], self.mixed - 1
        if channels <= less:
            raise ShapeError(
                f"`mixed {self.mixed}` needs {self.mixed} channels at least"
            )
        if less and min(chain(*map(sides, self.padding))) < less:
            raise ShapeError(
                f"`mixed {self.mixed}` needs `pad` of {less} at least on each side, as the smallest"
                f" kernel has {less} less"
            )
        return super().infer(*inputs)

    def params(self, *inputs: Shape) -> int:
        parts = self._each(inputs[0])
        return sum(
            super(DepthwiseConv, part).params(x) for part, x in parts
        )

    def macs(self, *inputs: Shape) -> int:
        parts = self._each(self.fitting(inputs[0]))
        return sum(super(DepthwiseConv, part).macs(x) for part, x in parts)

    def derive(self, *inputs: Shape) -> Derivation:
        parts = self._each(inputs[0])
        each = [super(DepthwiseConv, part).derive(x) for part, x in parts]
        return Derivation(
            (str(inputs[0][0]), *each[-1].axes[1:]),
            " + ".join(one.params for one in each),
            " + ".join(one.macs for one in each),
        )

    def torch(self, *inputs: Shape) -> Call:
        if self.mixed == 1:
            return super().torch(*inputs)
        kernels = tuple(cubic(part.kernel) for part in self.parts)
        paddings = tuple(torch_edges(part.padding) for part in self.parts)
        options = (
            ("stride", cubic(self.stride), 1),
            ("bias", self.has_bias, True),
            ("mode", self.mode, "constant"),
        )
        return Call(
            f"MixedConv{len(self.kernel)}d",
            (inputs[0][0], kernels, paddings),
            tuple(
                (key, value)
                for key, value, usual in options
                if value != usual
            ),
            ("width", "kernel_sizes", "paddings"),
            tuple((key, usual) for key, _, usual in options),
        )


class UpConv(_MapConv):
    """A transposed convolution, `2x2 up conv 256 /2`: it multiplies the size by its stride,
    exactly.

    Torch's size is (n-1)s - 2p + d(k-1) + 1 + o with o < max(s, d), so p and o follow from asking
    for n·s."""

    number = "width"
    aliases = (
        (
            "deconv deconvolution convtranspose convtranspose2d conv2dtranspose transposeconv"
            " transposedconv"
        ),
    )
    op: Literal["up conv"] = "up conv"
    width: Width
    groups: Width = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        axes = zip(*self._axes(), self.output_padding, strict=True)
        for k, s, d, o in axes:
            if not 0 <= o < max(s, d):
                goal = (
                    "keep the size"
                    if s == 1
                    else f"make a map exactly {s} times as large"
                )
                way, fix = (
                    ("", f"try {k + 1}")
                    if self.pad is None
                    else (" with this `pad`", "leave `pad` out")
                )
                raise ValueError(
                    f"a transposed kernel of {k}{way} cannot {goal}: {fix}"
                )

    @property
    def window(self) -> Window:
        """Of the input: a cell of the output reads those whose kernel, laid out on the output,
        reaches it."""
        reached = [
            d * (k - 1) // s + 1
            for k, s, d in zip(*self._axes(), strict=True)
        ]
        return Window(
            tuple(reached), tuple(Fraction(1, s) for s in self.stride)
        )

    def _axes(self) -> tuple[Shape, Shape, Shape]:
        """Kernel, stride and dilation, each along every axis."""
        return self.kernel, self.stride, self.dilation

    def _excess(self) -> Shape:
        """By how many cells along each axis the bare transposed convolution is larger than n·s."""
        axes = zip(*self._axes(), strict=True)
        return tuple(d * (k - 1) + 1 - s for k, s, d in axes)

    @property
    def padding(self) -> Shape:
        """The cells that are cut off each side, along each axis."""
        if self.pad is not None:
            return self.pad
        return tuple((max(0, excess) + 1) // 2 for excess in self._excess())

    @property
    def output_padding(self) -> Shape:
        """The cells that are cut off one side less than the other, along each axis."""
        both = zip(self.padding, self._excess(), strict=True)
        return tuple(2 * p - excess for p, excess in both)

    def divisor(self, channels: int) -> int:
        return self.groups

    def filters(self, channels: int) -> int:
        return self.width

    def resize(self, size: Shape) -> Shape:
        return tuple(n * s for n, s in zip(size, self.stride, strict=True))

    def resize_texts(self, size: Shape) -> tuple[str, ...]:
        return tuple(
            f"{n}*{s}" for n, s in zip(size, self.stride, strict=True)
        )

    def torch_padding(self) -> int | tuple[int, ...]:
        return cubic(self.padding)

    def applied(self, size: Shape) -> Shape:
        return size  # each input cell is multiplied by the whole kernel

    def target(self) -> str:
        return f"nn.ConvTranspose{len(self.kernel)}d"

    def options(self, channels: int) -> list[tuple[str, Any, Any]]:
        stride, padding, dilation, groups, bias = super().options(channels)
        output_padding = ("output_padding", cubic(self.output_padding), 0)
        return [stride, padding, output_padding, groups, bias, dilation]


class ChannelConv(Op):
    """A convolution along the channels of a vector, one filter for all (ECA, Wang et al. 2020)."""

    family = "conv"
    autocast = "lowers"
    op: Literal["channel conv"] = "channel conv"
    kernel: Annotated[int, Meta(ge=1, le=4095)]
    bias: Bias = "none"

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise ValueError(
                "must be odd, so that each channel is the middle of its window"
            )

    def infer(self, *inputs: Shape) -> Shape:
        return (need_vector(self.op, *inputs),)

    def params(self, *inputs: Shape) -> int:
        return self.kernel + self.has_bias

    def macs(self, *inputs: Shape) -> int:
        return inputs[0][0] * self.kernel

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(
            params=f"{self.kernel}" + " + 1" * self.has_bias,
            macs=f"{inputs[0][0]}*{self.kernel}",
        )

    def torch(self, *inputs: Shape) -> Call:
        return Call(
            "ChannelConv",
            (self.kernel,),
            (("bias", True),) if self.has_bias else (),
        )
