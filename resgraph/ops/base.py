"""What an op is: a validated record that answers for its shape, its cost, its torch call and its
label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from sys import float_info
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    dataclass_transform,
    get_args,
    get_origin,
)

from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo

from ..collecting import at_keys, flatten
from ..structs import Frozen, fields
from .record import OpClass

Shape = tuple[int, ...]
"""One tensor without its batch axis: `(channels,)` for a vector, and for a map `(channels,
length)`, `(channels, height, width)` or `(channels, depth, height, width)`."""

AXES = (1, 2, 3)
"""How many axes a map can have: a sequence, an image, a volume."""

Family = Literal[
    "conv",
    "norm",
    "activation",
    "merge",
    "pool",
    "dense",
    "attention",
    "regularize",
    "shape",
    "input",
]
"""One word per op, which is one colour in a picture."""

Role = Literal["norm", "activation"]
"""What an op can be in a unit, beside the convolution: beside a norm it has no bias; a label can
name an activation."""


def shape_text(shape: Shape) -> str:
    """`(64, 56, 56)` → `64x56x56`."""
    return "x".join(map(str, shape))


Autocast = Literal["lowers", "keeps", "widens"]
"""What comes out of an op under autocast: autocast's own dtype, the dtype that comes in, or float32
on some device (of PyTorch's autocast op reference; a factor that is learned is float32)."""


Edge = int | tuple[int, ...]
"""The cells around a map along one axis: so many on each side, or some before and others after."""


def sides(edge: Edge) -> tuple[int, int]:
    """The cells before and after."""
    before, after = edge if isinstance(edge, tuple) else (edge, edge)
    return before, after


class Window(NamedTuple):
    """The cells of a map that one cell of the output reads, and how far apart windows are; each
    along every axis, or one number for all. A stride of 1/2 makes a map twice as large."""

    kernel: tuple[int, ...] = (1,)
    stride: tuple[int | Fraction, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: tuple[Edge, ...] = (0,)

    def along(self, axis: int) -> tuple[int, int | Fraction, int, Edge]:
        """Kernel, stride, dilation and padding along one axis."""
        kernel, stride, dilation, padding = (n[axis % len(n)] for n in self)
        return kernel, stride, dilation, padding  # type: ignore[return-value]


class Derivation(Frozen):
    """Expressions of the language for the axes of a shape and for the costs.

    "" stands for an axis that is what came in, for a cost of 0, and for what an op does not
    derive; the axes that are left out are "" too."""

    axes: tuple[str, ...] = ()
    params: str = ""
    macs: str = ""


class Cost(Frozen):
    """What a node costs for one image. Costs add.

    `params` counts learned numbers; `macs` multiply-adds of convolutions and linear layers (no
    bias, norm or activation), the policy of the papers' tables; `activations` the numbers in the
    output tensor."""

    params: int = 0
    macs: int = 0
    activations: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params,
            self.macs + other.macs,
            self.activations + other.activations,
        )


class Ref(Frozen):
    """Text that stands for itself in a call: a name, or a small expression over arguments."""

    text: str


class Call(Frozen):
    """A torch call as data: `Call("nn.Conv2d", (3, 64), (("kernel_size", 7),))`.

    An operator is a call by its sign: `Call("+", (a, b))`, `Call("-", (a,))`, a list
    `Call("[", (a, b))`, an index `Call("[:, 0]", (a,))`.
    A target without a dot is a class of `outputs/pytorch/layers.py`, copied into the source that
    uses it. `names` are what its positional parameters mean, which exported source calls its own
    arguments; without them it is worked out from the op's fields. `defaults` are the options of a
    convolution in torch's order: its calls are compared with every option written out."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()
    names: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()


TorchExpr = Call | Ref | float
"""A Python expression as a tree. A number beside an operator can become an attribute of a block."""


class ShapeError(Exception):
    """An op cannot take the shapes that it was given; says why in the user's words, and how to mend
    it."""

    def __init__(
        self, said: str, hint: str = "", code: str = "E040"
    ) -> None:
        super().__init__(said)
        self.said, self.hint, self.code = said, hint, code


def spread(value: Any, axes: int = 2) -> Any:
    """One number as a number for each axis; another value as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * axes
    # a list is how JSON writes a tuple
    return tuple(value) if isinstance(value, list) else value


_Size = Annotated[int, Meta(ge=1, le=4096)]
_Cells = Annotated[int, Meta(ge=0, le=4096)]
_each_axis = Meta(min_length=AXES[0], max_length=AXES[-1])
AxisSizes = Annotated[tuple[_Size, ...], _each_axis]
"""Along each axis, at least 1: a kernel, a stride, a dilation."""
Cells = Annotated[tuple[_Cells, ...], _each_axis]
"""Along each axis, at least 0: what is cut off each side."""
_two = Meta(min_length=2, max_length=2)
# a tuple of a length, as msgspec 0.23 cannot hold a pair of types beside a number
_Edge = _Cells | Annotated[tuple[_Cells, ...], _two]
Edges = Annotated[tuple[_Edge, ...], _each_axis]
"""Along each axis: a padding."""
_Moved = Annotated[int, Meta(ge=-4096, le=4096)]
_MovedEdge = _Moved | Annotated[tuple[_Moved, ...], _two]
MovedEdges = Annotated[tuple[_MovedEdge, ...], _each_axis]
"""Along each axis: cells that are put around a map, or taken away where negative."""
Width = Annotated[int, Meta(ge=1, le=1_000_000)]
Eps = Annotated[float, Meta(gt=0, le=1)]
"""A number of channels."""
FiniteNumber = Annotated[float, Meta(ge=-float_info.max, le=float_info.max)]
"""A number that is neither infinite nor none."""


def _least_edge(value: Any) -> Any:
    """Equal sides as one number."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return value
    return value[0] if value[0] == value[1] else tuple(value)


def sizes_text(sizes: tuple[Edge, ...], *, full: bool = False) -> str:
    """`(2, 2)` → `2`, `(1, 7)` → `1x7`, `(2, (0, 1))` → `2x0:1`; with `full` always the long
    way."""
    each = sizes if full or len(set(sizes)) > 1 else sizes[:1]
    return "x".join(map(edge_text, each))


def edge_text(edge: Edge) -> str:
    """`1`, `0:1`."""
    return (
        ":".join(map(str, edge)) if isinstance(edge, tuple) else str(edge)
    )


def plain(value: float) -> float:
    """A whole number as an integer, as one would write it."""
    return (
        int(value) if value == int(value) and abs(value) < 1e15 else value
    )


def number_text(value: float) -> str:
    """A number as one would write it: `0.1`, `2`, `1e-6`."""
    value = plain(value)
    if isinstance(value, int):
        return str(value)
    return re.sub(r"e([-+])0+", r"e\1", repr(value)).replace("e+", "e")


def value_text(value: Any) -> str:
    """The value of an option as a label has it."""
    if isinstance(value, tuple):
        return sizes_text(value)
    return number_text(value) if isinstance(value, float) else str(value)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(field,)
)
class Op(
    Struct, metaclass=OpClass, frozen=True, forbid_unknown_fields=True
):
    """One op with its options worked out. A subclass adds fields and answers the questions below.

    The fields are the keys of the long form and the options of a label, each of a type with its
    bounds (`msgspec.Meta`); `number` names the field that a bare number in a label sets. `Op(…)`
    checks them, then `__post_init__` what they are beside each other, by a `ValueError`."""

    op: str
    family: ClassVar[Family]
    # its family, if that is a role and the class says nothing else
    role: ClassVar[Role | None]
    word: ClassVar[str] = ""
    number: ClassVar[str | None] = None
    # for each phrase what torch, Keras, timm and papers call it, without case and separators
    aliases: ClassVar[tuple[str, ...]] = ()
    # for each phrase its name in prose and pictures, "" where that is the phrase
    long_names: ClassVar[tuple[str, ...]] = ()
    autocast: ClassVar[Autocast] = "widens"
    # whether a label can name it; what the expander alone makes it does not
    in_label: ClassVar[bool] = True
    weighted: ClassVar[bool] = (
        False  # counts in the depth of a net (convolutions and fc)
    )
    # whether its sizes are those of what comes out, which may have other axes than what comes in:
    # one number is then of one axis
    resizes: ClassVar[bool] = False
    # not said in labels: what a spec sets once, under `ops:`
    quiet: ClassVar[frozenset[str]] = frozenset()
    imports: ClassVar[str] = (
        ""  # the module of a user's torch class, `mypackage.layers`
    )
    gates: ClassVar[bool] = (
        False  # its depth is its first input's: the rest are gates (products)
    )
    # each cell of what comes out reads all cells of what comes in
    reads_all: ClassVar[bool] = False
    # its backward pass reads what came in, whatever its family
    keeps_inputs: ClassVar[bool] = False
    # the version that brought its words: a file that had one as a name keeps it
    since: ClassVar[str] = "0.1"

    def __init_subclass__(cls) -> None:
        family = getattr(cls, "family", None)
        if family and not hasattr(cls, "role"):
            cls.role = family if family in get_args(Role) else None

    @classmethod
    def prepare(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The fields that are given, as they are kept."""
        return given

    def __post_init__(self) -> None:
        """Raises `ValueError` where fields do not go with each other."""

    @classmethod
    def fields(cls) -> dict[str, FieldInfo]:
        """Each field's type and default, in order."""
        return fields(cls)

    @classmethod
    def about(cls) -> str:
        """What it is, in one line."""
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def phrases(cls) -> tuple[str, ...]:
        """The words that a label names it by: the values of the literal `op`."""
        said = cls.__annotations__.get("op", str)
        # the types of the other fields take a while to be evaluated
        return get_args(
            cls.fields()["op"].type if isinstance(said, str) else said
        )

    @classmethod
    def in_equation(cls) -> bool:
        """Whether an equation can call it by its word, `relu(x)`: it is an activation, or has an
        expression, and needs no option."""
        required = [
            key
            for key, field in cls.fields().items()
            if field.required and key != "op"
        ]
        return not required and (
            cls.role == "activation" or cls.in_forward()
        )

    @classmethod
    def in_forward(cls) -> bool:
        """Whether the forward of an equation has it as an expression, and not as a module."""
        return cls.expression is not Op.expression

    def fitted(self, *inputs: Shape) -> Op:
        """The op with what follows from the sizes that come in (`pad same`)."""
        return self

    def infer(self, *inputs: Shape) -> Shape:
        """The shape that comes out, or a `ShapeError` that says why none does."""
        raise NotImplementedError(type(self).__name__)

    def params(self, *inputs: Shape) -> int:
        """Learned numbers."""
        return 0

    def macs(self, *inputs: Shape) -> int:
        """Multiply-adds of convolutions and linear layers for one image."""
        return 0

    def cost(self, *inputs: Shape) -> Cost:
        """Parameters, multiply-adds and output size for one image."""
        out = 1
        for axis in self.infer(*inputs):
            out *= axis
        return Cost(self.params(*inputs), self.macs(*inputs), out)

    def derive(self, *inputs: Shape) -> Derivation:
        """How the shape and the costs come about, as arithmetic to be followed."""
        return Derivation()

    def torch(self, *inputs: Shape) -> Call:
        """The torch module that does this, as data."""
        raise NotImplementedError(type(self).__name__)

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        """This op as Python over `terms`, for the forward of a block: what has one can stand in an
        equation."""
        raise NotImplementedError(type(self).__name__)

    def nothing(self) -> bool:
        """Whether the op does nothing, whatever comes in (a 1x1 pool at stride 1): it then makes no
        node."""
        return False

    @property
    def window(self) -> Window | None:
        """The window that slides over a map, where there is one. Without one each cell of the
        output reads its share of the input."""
        return None

    def owners(self, name: str) -> tuple[str, ...]:
        """The modules that hold the filters of a layer with a name: itself, or those within."""
        return (name,)

    @property
    def sized_by(self) -> str:
        """The map whose size comes out, as the label names it (`upsample to c4`): the last input,
        of which no value is read; "" where there is none."""
        to = getattr(self, "to", None)
        return to if isinstance(to, str) else ""

    @property
    def has_bias(self) -> bool:
        """Whether it has a bias, by its field `bias`."""
        return bool(getattr(self, "bias", "none") != "none")

    @property
    def keeps_copy(self) -> bool:
        """Whether the backward pass reads a padded copy of what came in, and not that itself."""
        return False

    def copied(self, *inputs: Shape) -> int:
        """The numbers of a padded copy of what comes in that the backward pass reads."""
        return 0

    @property
    def saves_output(self) -> bool:
        """Whether the backward pass reads what came out, so that the next op must not write over
        it."""
        return False

    @property
    def returns_view(self) -> bool:
        """Whether what comes out can share memory with what came in, which the next op must not
        change."""
        return False

    @property
    def takes_inplace(self) -> bool:
        """Whether the torch module takes `inplace=True`, and then keeps no copy for the backward
        pass."""
        return False

    def unusual(self, *keys: str) -> tuple[tuple[str, Any], ...]:
        """Those of some options that are not as usual, as arguments of a torch module that has the
        same defaults."""
        return tuple(
            (key, getattr(self, key))
            for key in keys
            if getattr(self, key) != self.fields()[key].default
        )

    def says(self, key: str) -> bool:
        """Whether the label has to say this field."""
        field = self.fields()[key]
        return key not in self.quiet and (
            field.required or not self._usual(key, field.default)
        )

    def _usual(self, key: str, default: Any) -> bool:
        """Whether a field is what it is where nobody says it, which is alike along each axis."""
        value = getattr(self, key)
        if isinstance(value, tuple) and isinstance(default, tuple):
            return set(value) == set(default)
        return bool(value == default)

    def label(self) -> str:
        """The Figure 3 label, the least that a user writes to get this op: `3x3 conv 64 /2 groups
        32`."""
        head, number, stride = [self.op], "", ""
        options: list[str] = []
        for key in self.__struct_fields__:
            value = getattr(self, key)
            if key == "op" or not self.says(key):
                continue
            if key == "kernel" and isinstance(value, tuple):
                head.insert(0, sizes_text(value, full=True))
            elif key == "stride":
                stride = f"/{value_text(value)}"
            elif key == self.number:
                number = value_text(value)
            else:
                options.append(
                    key if value is True else f"{key} {value_text(value)}"
                )
        return " ".join(filter(None, [*head, number, stride, *options]))

    def __str__(self) -> str:
        """The label, then what a spec sets elsewhere and differs from the default: under `ops:`,
        or a bias by its unit."""
        elsewhere = [
            f"{key} {value_text(getattr(self, key))}"
            for key, field in self.fields().items()
            if key in (*self.quiet, "bias")
            and not self.says(key)
            and not self._usual(key, field.default)
        ]
        return " ".join([self.label(), *elsewhere])


# Every class below would evaluate those of its class variables again, by their text.
Op.__annotations__ = {"op": str}


def each_axis(op: type[Op], given: dict[str, Any]) -> dict[str, Any]:
    """The fields of an op with sizes for each axis, and with equal sides as one number."""
    said = at_keys(given, sized_fields(op) & given.keys())
    axes = {len(v) for v in said.values() if isinstance(v, tuple | list)}
    if len(axes) > 1:
        raise ValueError(
            "its sizes are of maps with different numbers of axes"
        )
    (count,) = axes or {2}
    each = {key: _kept(op, key, v, count) for key, v in said.items()}
    if count == 2:
        return given | each
    unsaid = {
        key: field.default[:1] * count
        for key, field in op.fields().items()
        if isinstance(field.default, tuple)
    }
    return unsaid | given | each


class Sized(Op):
    """An op with options for each axis of a map: one that nobody says has as many numbers as those
    that somebody does."""

    prepare = classmethod(each_axis)

    def fitting(self, x: Shape) -> Shape:
        """The shape of a map with as many axes as the op has sizes; an error where it is none."""
        for key in sized_fields(type(self)):
            sizes = getattr(self, key)
            if (
                isinstance(sizes, tuple)
                and len(sizes) != len(need_map(self.op, x)) - 1
            ):
                raise ShapeError(
                    f"`{self.label()}` is of maps with {len(sizes)} axes, and {shape_text(x)}"
                    " comes in",
                    f"`{key}` has a number for each axis of the map",
                    "E046",
                )
        return need_map(self.op, x)


@cache
def types_in(op: type[Op], key: str) -> frozenset[Any]:
    """The types that the annotation of a field is made of."""
    return frozenset(_flat(op.fields()[key].type))


def _flat(annotation: Any) -> Iterator[Any]:
    yield from (annotation, get_origin(annotation))
    yield from flatten(map(_flat, get_args(annotation)))


@cache
def sized_fields(op: type[Op]) -> frozenset[str]:
    """The fields that have a number for each axis."""
    return frozenset(
        key for key in op.__struct_fields__ if tuple in types_in(op, key)
    )


@cache
def _edge_fields(op: type[Op]) -> frozenset[str]:
    """Those that can have other cells before a map than after it."""
    edges = {_Edge, _MovedEdge}
    return frozenset(
        key for key in sized_fields(op) if edges & types_in(op, key)
    )


def _kept(op: type[Op], key: str, value: Any, axes: int) -> Any:
    """What is given for the axes of a map, for each."""
    each = spread(value, axes)
    if key in _edge_fields(op) and isinstance(each, tuple):
        return tuple(map(_least_edge, each))
    return each


def is_map(x: Shape) -> bool:
    """Whether a shape is one of cells, along any number of axes; else it is a vector."""
    return len(x) > 1


def is_cell(x: Shape) -> bool:
    """Whether a shape is a map of one cell."""
    return is_map(x) and prod(x[1:]) == 1


def flavor(x: Shape) -> str:
    """What the name of a support class for images ends with where it is for other maps: `1d`."""
    return "" if len(x) == 3 else f"{len(x) - 1}d"


def need_map(op: str, x: Shape) -> Shape:
    """The shape of a map; an error where it is a vector."""
    if not is_map(x):
        raise ShapeError(
            f"`{op}` needs a map of channels x height x width, but a vector of {shape_text(x)}"
            " comes in",
            "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow;"
            " `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector",
            "E044",
        )
    return x


def target_size(op: str, to: Shape | str, like: Shape) -> Shape:
    """The size that `to` fixes: numbers, or that of the map it names, whose shape is `like`."""
    if not isinstance(to, str):
        return to
    if not is_map(like):
        raise ShapeError(
            f"`{op} to {to}` takes the size of a map, and `{to}` is a vector of"
            f" {shape_text(like)}",
            "name a map, from before `global avg pool` or `flatten`",
            "E044",
        )
    return like[1:]


def need_vector(op: str, x: Shape, *, on_maps: str = "") -> int:
    """The length of a vector; an error where it is a map, which says what `on_maps` does the same
    at each place."""
    if len(x) != 1:
        same = f"; `{on_maps}` is the same at each place" if on_maps else ""
        raise ShapeError(
            f"`{op}` reads a vector, but a map of {shape_text(x)} comes in",
            f"put `global avg pool` (or `flatten`) before it{same}",
            "E044",
        )
    return x[0]
