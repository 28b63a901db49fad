"""Activations, softmax and dropout."""

from __future__ import annotations

from math import prod
from typing import Any

from ...ops import (
    VOCABULARY,
    Activation,
    ChannelDropout,
    Div,
    Dropout,
    GeluTanh,
    LeakyRelu,
    LogSoftmax,
    Mul,
    PRelu,
    Softmax,
)
from ...ops.activation import CellSoftmax
from ...ops.function import POINTWISE
from ...structs import Frozen
from ..program import AtenCall
from .attention import Scores
from .axes import equal_parts, flat, layout
from .reader import Arguments, ForeignValue, Reader, StateTensor, reads
from .spelled import further, goes_on
from .stacks import Stack, weighed

_SAME = (
    "relu",
    "relu6",
    "silu",
    "sigmoid",
    "tanh",
    "selu",
    "mish",
    "softsign",
)
_HARD = ("hardswish", "hardsigmoid")
_USUAL: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1, "scale": 1, "input_scale": 1},
    "celu": {"alpha": 1},
    "softplus": {"beta": 1, "threshold": 20},
}
"""Of those with options, the ones that our word stands for."""


@reads(*_SAME, *_HARD)
def plain(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    return _activation(reader, call.word.removesuffix("_"), given)


@reads(*_USUAL)
def with_options(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    word = call.word.removesuffix("_")
    for key, usual in _USUAL[word].items():
        # ONNX says fewer of them
        if given.get(key, usual) != usual:
            raise reader.no(
                f"with `{key}` {given[key]}; the language has {usual}"
            )
    return _activation(reader, word, given)


def _activation(
    reader: Reader, word: str, given: Arguments
) -> ForeignValue:
    x = reader.value(next(iter(given.values())))
    return reader.kept(VOCABULARY[word](op=word), x)


@reads("gelu")
def gelu(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    if given["approximate"] == "none":
        return _activation(reader, "gelu", given)
    return reader.kept(GeluTanh(), reader.value(given["self"]))


@reads("prelu")
def prelu(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    slope = given["weight"]
    if not isinstance(slope, StateTensor) or not slope.plain:
        raise reader.no("its slope is computed")
    single = prod(slope.shape) == 1
    x = given["self"]
    x = reader.value(x) if single else reader.channelled(x)
    op = PRelu(shared=single and reader.shape(x)[0] != 1)
    return reader.kept(op, x, {"weight": slope.key})


@reads("hardtanh", "clamp", "clamp_min")
def clamped(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    """From 0 on it is a ReLU, which up to another number than 6 is one of a multiple."""
    least, most = (
        given.get(f"{key}_val", given.get(key)) for key in ("min", "max")
    )
    if least != 0 or not (most is None or most > 0):
        raise reader.no(
            "from another number than 0, or up to one below; the language has `relu` and `relu6`"
        )
    x = reader.value(given["self"])
    if most in (None, 6):
        return reader.kept(Activation(op="relu6" if most else "relu"), x)
    x = reader.kept(
        Activation(op="relu6"), reader.kept(Mul(left=6 / most), x)
    )
    return reader.kept(Div(right=6 / most), x)


@reads("leaky_relu")
def leaky_relu(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    op = LeakyRelu(slope=float(given["negative_slope"]))
    return reader.kept(op, reader.value(given["self"]))


@reads(*POINTWISE)
def function(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Of each number, where it is not the root that a norm divides by."""
    word = call.word.removesuffix("_")
    if goes_on(word, given["self"], ""):
        return further(reader, word, given["self"])
    return reader.kept(POINTWISE[word], reader.value(given["self"]))


class Above(Frozen):
    """Where the numbers of `of` are larger than `least`."""

    of: ForeignValue
    least: float

    def alone(self, reader: Reader) -> ForeignValue:
        """What it is to all but the end of a softplus."""
        raise reader.no("it reads which numbers are larger than one")


@reads("gt")
def larger(reader: Reader, call: AtenCall, given: Arguments) -> Above:
    least = given["other"]
    if not isinstance(least, int | float):
        raise reader.no("of two tensors")
    return Above(reader.value(given["self"]), float(least))


@reads("where")
def either(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A softplus that is the number itself where that is large, as torch's exporter spells it."""
    x, made = given["self"], given["other"]
    soft = isinstance(made, ForeignValue) and reader.steps[made.step]
    if not soft or soft.op.op != "softplus":
        raise reader.no(_EITHER)
    if given["condition"] != Above(x, 20.0) or soft.inputs != (x.step,):
        raise reader.no(_EITHER)
    return made


_EITHER = (
    "it takes numbers of one tensor or the other, and a spec is one graph"
)


@reads("softmax", "log_softmax")
def softmax(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Over the channels, over the first of two axes that they are viewed as, or over all cells; of
    scores, over the keys."""
    if (
        isinstance(scores := given["self"], Scores)
        and call.word == "softmax"
    ):
        return scores.softmax(
            reader, given["dim"] % len(call.axes) - len(call.axes)
        )
    place = given["dim"] % len(call.axes) - 1
    if isinstance(scores, Stack) and scores.place == place:
        return weighed(reader, scores, call.word)
    return _softmax(reader, call, reader.value(scores), place)


def _softmax(
    reader: Reader, call: AtenCall, x: ForeignValue, place: int
) -> ForeignValue:
    """Of what is no stack and no scores."""
    axis, shape = x.axes[place], reader.shape(x)
    if axis == layout(shape)[0]:
        return reader.kept(
            LogSoftmax() if "log" in call.word else Softmax(), x
        )
    if axis and axis == flat(layout(shape)[1:]) and "log" not in call.word:
        return reader.kept(CellSoftmax(), x)
    parts = equal_parts(axis, shape[0])
    if not parts or "log" in call.word:
        raise reader.no("over anything but the channels, or all cells")
    return reader.kept(Softmax(parts=parts), x)


@reads("dropout", "feature_dropout")
def dropout(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Torch keeps the rate in eval mode; a rate of 0 does nothing in either. Of a vector, each
    number is a channel."""
    # in `dropout_` torch calls it `self`
    x = given.get("input", given.get("self"))
    if not given["p"]:
        return x
    whole = "feature" in call.word and not reader.vector(reader.value(x))
    op = ChannelDropout if whole else Dropout
    return reader.kept(op(rate=float(given["p"])), reader.placed(x))
