"""A fully connected layer with its options → its shape, cost and torch call."""

from typing import Literal

from .base import (
    Call,
    Derivation,
    Op,
    Shape,
    Width,
    need_vector,
    shape_text,
)
from .window import Bias


class Fc(Op):
    """A fully connected layer on vectors, `fc 1000`."""

    family = "dense"
    number = "width"
    weighted = True
    autocast = "lowers"
    long_names = ("fully connected",)
    aliases = ("linear dense fullyconnected innerproduct",)
    op: Literal["fc"] = "fc"
    width: Width
    bias: Bias = "default"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        kernel = shape_text((1,) * (len(x) - 1))
        need_vector(self.op, x, on_maps=f"{kernel} conv {self.width}")
        return (self.width,)

    def params(self, *inputs: Shape) -> int:
        return self.width * (inputs[0][0] + self.has_bias)

    def macs(self, *inputs: Shape) -> int:
        return self.width * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        weights = f"{self.width}*{inputs[0][0]}"
        bias = f" + {self.width}" * self.has_bias
        return Derivation((str(self.width),), weights + bias, weights)

    def torch(self, *inputs: Shape) -> Call:
        return Call(
            "nn.Linear",
            (inputs[0][0], self.width),
            () if self.has_bias else (("bias", False),),
            ("width_in", "width"),
        )
