"""A word for a nonlinearity → its torch module, from one table. The shape is
kept."""

from typing import Annotated, Literal, NamedTuple, get_args

from msgspec import Meta

from .base import Call, Derivation, Op, Shape, need_map
from .shape import equal_part

ActivationWord = Literal[
    "relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "elu", "selu", "celu", "mish",
    "softsign", "hardswish", "hardsigmoid",
]  # fmt: skip


class _Row(NamedTuple):
    module: str
    long: str = ""
    aliases: str = ""
    saves_output: bool = False  # by torch's derivatives.yaml
    # that file has a formula for the in-place form which reads the output alone
    inplace: bool = False


ACTIVATION_WORDS: tuple[ActivationWord, ...] = get_args(ActivationWord)

_TABLE: dict[ActivationWord, _Row] = {
    "relu": _Row("nn.ReLU", "ReLU", saves_output=True, inplace=True),
    "relu6": _Row("nn.ReLU6", "ReLU6"),
    "gelu": _Row("nn.GELU", "GELU"),
    "silu": _Row("nn.SiLU", "SiLU", "swish"),
    "sigmoid": _Row("nn.Sigmoid", saves_output=True),
    "tanh": _Row("nn.Tanh", saves_output=True),
    "elu": _Row("nn.ELU", "ELU", inplace=True),
    "selu": _Row("nn.SELU", "SELU", inplace=True),
    "celu": _Row("nn.CELU", "CELU", inplace=True),
    "mish": _Row("nn.Mish"),
    "softsign": _Row("nn.Softsign"),
    "hardswish": _Row("nn.Hardswish", "hard swish", "hswish"),
    "hardsigmoid": _Row("nn.Hardsigmoid", "hard sigmoid", "hsigmoid"),
}


class _Pointwise(Op):
    """What keeps the shape and learns nothing."""

    family = "activation"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x


class Activation(_Pointwise):
    """A nonlinearity without options, `relu`; each number by itself."""

    autocast = "keeps"
    long_names = tuple(row.long for row in _TABLE.values())
    aliases = tuple(row.aliases for row in _TABLE.values())
    op: ActivationWord

    @property
    def saves_output(self) -> bool:
        return _TABLE[self.op].saves_output

    @property
    def takes_inplace(self) -> bool:
        return _TABLE[self.op].inplace

    def torch(self, *inputs: Shape) -> Call:
        return Call(_TABLE[self.op].module)


class GeluTanh(_Pointwise):
    """`gelu` by its approximation with `tanh` (Hendrycks & Gimpel 2016, arXiv 1606.08415, section
    2)."""

    since = "0.2"
    autocast = "keeps"
    long_names = ("GELU (tanh)",)
    aliases = ("geluapprox fastgelu newgelu",)
    op: Literal["gelu tanh"] = "gelu tanh"

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.GELU", (), _APPROXIMATE)


_APPROXIMATE = (("approximate", "tanh"),)


class QuickGelu(_Pointwise):
    """`gelu` by its approximation x * sigmoid(1.702 x) (the same paper), as CLIP has it."""

    since = "0.2"
    autocast = "keeps"
    long_names = ("quick GELU",)
    op: Literal["quick gelu"] = "quick gelu"

    def torch(self, *inputs: Shape) -> Call:
        return Call("QuickGelu")


class Softplus(_Pointwise):
    """A smooth `relu`, the logarithm of 1 + exp(x)."""

    op: Literal["softplus"] = "softplus"

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Softplus")


class LeakyRelu(_Pointwise):
    """x, or `slope` times x where x is negative."""

    autocast = "keeps"
    number = "slope"
    long_names = ("leaky ReLU",)
    aliases = ("lrelu",)
    op: Literal["leaky relu"] = "leaky relu"
    slope: Annotated[float, Meta(ge=0, le=1)] = 0.01

    @property
    def takes_inplace(self) -> bool:
        # torch refuses the gradient of the in-place form otherwise, or takes a copy
        return self.slope > 0

    def torch(self, *inputs: Shape) -> Call:
        return Call(
            "nn.LeakyReLU", (self.slope,) if self.slope != 0.01 else ()
        )


class PRelu(_Pointwise):
    """A ReLU with a learned slope for each channel, `prelu 0.25` (He et al. 2015, arXiv 1502.01852,
    section 2.1); `shared`: one slope for all channels. `start` is where the slope begins."""

    since = "0.2"
    autocast = "lowers"
    number = "start"
    long_names = ("PReLU",)
    aliases = ("parametricrelu",)
    op: Literal["prelu"] = "prelu"
    start: Annotated[float, Meta(ge=0, le=1)] = 0.25
    shared: bool = False

    def params(self, *inputs: Shape) -> int:
        return 1 if self.shared else inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params=f"{self.params(*inputs)}")

    def torch(self, *inputs: Shape) -> Call:
        start = (("init", self.start),) if self.start != 0.25 else ()
        return Call(
            "nn.PReLU", () if self.shared else (inputs[0][0],), start
        )


class LogSoftmax(_Pointwise):
    """The logarithm of the softmax across the channels, which a loss that takes log-likelihoods
    reads."""

    since = "0.2"
    role = None
    op: Literal["log softmax"] = "log softmax"

    @property
    def saves_output(self) -> bool:
        return True

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.LogSoftmax", (), (("dim", 1),))


class CellSoftmax(_Pointwise):
    """Positive numbers that add up to 1 over the cells of each channel: where to look, as in the
    global context of Cao et al. 2019 (GCNet, arXiv 1904.11492, Figure 4)."""

    since = "0.2"
    role = None
    reads_all = True
    aliases = ("spatialsoftmax",)
    op: Literal["cell softmax"] = "cell softmax"

    @property
    def saves_output(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        return need_map(self.op, *inputs)

    def torch(self, *inputs: Shape) -> Call:
        return Call("CellSoftmax")


class Softmax(_Pointwise):
    """Positive numbers that add up to 1: across the channels, or across `parts` equal parts of
    them."""

    role = None
    aliases = ("softmax2d",)
    op: Literal["softmax"] = "softmax"
    parts: Annotated[int, Meta(ge=2, le=1_000_000)] | None = None

    @property
    def saves_output(self) -> bool:
        return True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        equal_part(x[0], self.parts or 1)
        return x

    def torch(self, *inputs: Shape) -> Call:
        return (
            Call("PartSoftmax", (self.parts,))
            if self.parts
            else Call("nn.Softmax", (), (("dim", 1),))
        )
