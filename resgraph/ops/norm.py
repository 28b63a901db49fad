"""A normalization with its options → its cost and torch call: `bn`, `ln`, `gn`,
`instance norm`, `rms norm`. The shape is kept."""

from math import prod
from typing import Annotated, Literal

from msgspec import Meta

from .base import (
    Call,
    Derivation,
    Eps,
    Op,
    Shape,
    ShapeError,
    Width,
    is_map,
    shape_text,
)


class _Norm(Op):
    """What the norms have in common: a learned scale and shift per channel."""

    family = "norm"
    quiet = frozenset(["eps", "momentum"])
    eps: Eps = 1e-5

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x

    def params(self, *inputs: Shape) -> int:
        return 2 * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params=f"2*{inputs[0][0]}")


class BatchNorm(_Norm):
    """Batch normalization (Ioffe & Szegedy 2015); `momentum` is a new batch's share in the
    statistics."""

    autocast = "keeps"
    long_names = ("BatchNorm",)
    aliases = (
        "batchnorm batchnorm2d batchnormalization batchnormalisation",
    )
    op: Literal["bn"] = "bn"
    momentum: Annotated[float, Meta(gt=0, le=1)] = 0.1

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        return Call(
            f"nn.BatchNorm{max(1, len(x) - 1)}d",
            (x[0],),
            self.unusual("eps", "momentum"),
        )


class _Shifted(_Norm):
    """A norm whose shift `bias none` leaves out."""

    bias: Literal["default", "none"] = "default"

    def params(self, *inputs: Shape) -> int:
        return (1 + self.has_bias) * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return (
            super().derive(*inputs)
            if self.has_bias
            else _scale_only(*inputs)
        )


class LayerNorm(_Shifted):
    """Layer normalization over the channels at each place (as ConvNeXt has it; Liu et al. 2022);
    `bias none` leaves the shift out."""

    long_names = ("LayerNorm",)
    aliases = (
        "layernorm layernorm2d layernormalization layernormalisation",
    )
    op: Literal["ln"] = "ln"

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        target = "ChannelNorm" if is_map(x) else "nn.LayerNorm"
        bias = () if self.has_bias else (("bias", False),)
        return Call(target, (x[0],), self.unusual("eps") + bias)


class _Grouped(_Norm):
    """A norm over all places of each of so many equal parts of the channels."""

    number = "groups"
    groups: Width = 32

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        said = f"`{self.op} {self.groups}`"
        if x[0] % self.groups:
            below = next(
                n
                for n in range(min(self.groups, x[0]), 0, -1)
                if x[0] % n == 0
            )
            raise ShapeError(
                f"{said} does not divide {x[0]} channels",
                f"the nearest below that does is `{self.op} {below}`",
                "E042",
            )
        if prod(x) == self.groups:
            raise ShapeError(
                f"{said} on {shape_text(x)} norms each number by itself, which leaves zeros",
                "use fewer groups, or `bn`",
                "E042",
            )
        return x


class GroupNorm(_Grouped, _Shifted):
    """Group normalization (Wu & He 2018), `gn 32`: over all places of each of 32 equal parts of
    channels; `bias none` leaves the shift out (as MetaFormer's have it; Yu et al. 2022)."""

    long_names = ("GroupNorm",)
    aliases = ("groupnorm groupnormalization groupnormalisation",)
    op: Literal["gn"] = "gn"

    def torch(self, *inputs: Shape) -> Call:
        names = "norm_groups", "width"
        target = "nn.GroupNorm" if self.has_bias else "ScaledGroupNorm"
        said = self.unusual("eps")
        return Call(target, (self.groups, inputs[0][0]), said, names)


class EvoNorm(_Grouped):
    """A norm that is an activation too, EvoNorm-S0 (Liu et al. 2020, arXiv 2004.02967, Table 3),
    `evonorm 32`: x * sigmoid(v*x), v learned for each channel, over the deviation of each of 32
    equal parts of channels, and a scale and a shift. No activation stands behind it; `ungated`
    has x alone over the deviation."""

    since = "0.2"
    long_names = ("EvoNorm-S0",)
    aliases = ("evonorms0 evonorm2ds0",)
    op: Literal["evonorm"] = "evonorm"
    ungated: bool = False

    def params(self, *inputs: Shape) -> int:
        return (3 - self.ungated) * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params=f"{3 - self.ungated}*{inputs[0][0]}")

    def torch(self, *inputs: Shape) -> Call:
        names = "norm_groups", "width"
        said = self.unusual("eps", "ungated")
        return Call("EvoNorm", (self.groups, inputs[0][0]), said, names)


class InstanceNorm(_Norm):
    """Each channel of each image by itself, over its places (Ulyanov et al. 2016, arXiv
    1607.08022); it learns nothing unless it is `affine`."""

    since = "0.2"
    autocast = "keeps"
    long_names = ("InstanceNorm",)
    aliases = (
        "instancenorm2d instancenormalization instancenormalisation contrastnorm",
    )
    op: Literal["instance norm"] = "instance norm"
    affine: bool = False

    def infer(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) == 1 or prod(inputs[0][1:]) == 1:
            raise ShapeError(
                f"`instance norm` on {shape_text(inputs[0])} norms each number by itself, which"
                " leaves zeros",
                "use `ln` or `bn`",
                "E042",
            )
        return inputs[0]

    def params(self, *inputs: Shape) -> int:
        return super().params(*inputs) if self.affine else 0

    def derive(self, *inputs: Shape) -> Derivation:
        return super().derive(*inputs) if self.affine else Derivation()

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        said = self.unusual("eps", "affine")
        return Call(f"nn.InstanceNorm{len(x) - 1}d", (x[0],), said)


class RmsNorm(_Norm):
    """The channels at each place over the root of their mean square (Zhang & Sennrich 2019, arXiv
    1910.07467), times a learned scale for each; no shift."""

    since = "0.2"
    long_names = ("RMSNorm",)
    aliases = ("rmsnorm2d rootmeansquarenorm",)
    op: Literal["rms norm"] = "rms norm"
    eps: Eps = 1e-6

    def params(self, *inputs: Shape) -> int:
        return inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return _scale_only(*inputs)

    def torch(self, *inputs: Shape) -> Call:
        return Call("RmsNorm", (inputs[0][0],), self.unusual("eps"))


def _scale_only(*inputs: Shape) -> Derivation:
    """Of a norm that learns one number per channel."""
    return Derivation(params=f"{inputs[0][0]}")
