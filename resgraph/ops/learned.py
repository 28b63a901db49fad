"""A learned factor → its cost and torch call: `scale`, one number per channel; `gain`, one in
all; `grn`, one per channel that its response in the image grades."""

from typing import Literal

from .base import Call, Derivation, Eps, FiniteNumber, Op, Shape, need_map


class _Factor(Op):
    """What both have in common: the shape is kept, and the factor begins at `start`."""

    family = "norm"
    role = None
    number = "start"
    start: FiniteNumber = 1.0

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x


class Scale(_Factor):
    """A learned factor per channel, `scale 1e-6`: LayerScale (Touvron et al. 2021, CaiT, section
    2.1). With `shift 0` a learned number is added to each: ResMLP's affine layer."""

    aliases = ("layerscale",)
    op: Literal["scale"] = "scale"
    shift: FiniteNumber | None = None

    def params(self, *inputs: Shape) -> int:
        return (1 + (self.shift is not None)) * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        width = inputs[0][0]
        return Derivation(
            params=f"{width}" if self.shift is None else f"2*{width}"
        )

    def torch(self, *inputs: Shape) -> Call:
        (x,) = inputs
        axes = () if len(x) == 3 else (("axes", len(x) - 1),)
        if self.shift is None:
            return Call(
                "ChannelScale", (x[0],), self.unusual("start") + axes
            )
        names = ("width", "shift")
        return Call(
            "ChannelAffine",
            (x[0], self.shift),
            self.unusual("start") + axes,
            names,
        )


class Gain(_Factor):
    """One learned factor, `gain 0`: SkipInit (De & Smith 2020) and ReZero (Bachlechner et al.
    2020). With `shift 0` a learned number is added: PP-HGNetV2's learnable affine block."""

    op: Literal["gain"] = "gain"
    shift: FiniteNumber | None = None

    def params(self, *inputs: Shape) -> int:
        return 1 + (self.shift is not None)

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params="1" if self.shift is None else "1 + 1")

    def torch(self, *inputs: Shape) -> Call:
        shift = () if self.shift is None else (("shift", self.shift),)
        return Call("Gain", (), self.unusual("start") + shift)


class Grn(Op):
    """Global response normalization (Woo et al. 2023, ConvNeXt V2, arXiv 2301.00808, section 3):
    a channel's norm over the map, as a share of the channels' mean, times a learned factor."""

    since = "0.2"
    family = "norm"
    role = None
    quiet = frozenset(["eps"])
    long_names = ("GRN",)
    aliases = ("globalresponsenorm globalresponsenormalization",)
    op: Literal["grn"] = "grn"
    eps: Eps = 1e-6

    def infer(self, *inputs: Shape) -> Shape:
        return need_map(self.op, *inputs)

    def params(self, *inputs: Shape) -> int:
        return 2 * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params=f"2*{inputs[0][0]}")

    def torch(self, *inputs: Shape) -> Call:
        return Call("ResponseNorm", (inputs[0][0],), self.unusual("eps"))
