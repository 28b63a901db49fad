"""What frameworks spell out in several ops → the one word of ours that it is: standardized filters,
normalizations without an op of their own, activations as products."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, prod
from typing import Any

from msgspec.structs import replace

from ...ops import (
    Activation,
    Add,
    Div,
    EvoNorm,
    Gain,
    Grn,
    GroupNorm,
    LayerNorm,
    Mul,
    Op,
    Over,
    QuickGelu,
    RmsNorm,
    Scale,
    Sub,
)
from ...structs import Frozen
from ..captured import CapturedOp
from ..numbers.factors import number_of
from ..program import AtenCall
from .axes import atoms_of, equal_parts, flat, layout, places
from .reader import (
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateTensor,
    reads,
)


class Spelled(Frozen):
    """A form that has begun: how far it is, the tensor that it is of, its eps, and the keys of
    the parameters that it has met."""

    form: str
    of: ForeignValue | StateTensor
    eps: float = 0.0
    met: tuple[StateTensor, ...] = ()
    groups: int = 0

    def alone(self, reader: Reader) -> ForeignValue | None:
        """What it is where nothing more of the form comes: a square is a product."""
        if self.form != "square" or not isinstance(self.of, ForeignValue):
            return None
        made = reader.add(Mul(), self.of.step, self.of.step)
        return replace(self.of, step=made.step)


_Rule = Callable[[Reader, Spelled, Any], Any]


def _becomes(form: str) -> _Rule:
    return lambda reader, a, b: replace(a, form=form)


def _with_eps(form: str) -> _Rule:
    return lambda reader, a, eps: replace(a, form=form, eps=float(eps))


def _meeting(form: str) -> _Rule:
    return lambda reader, a, state: replace(
        a, form=form, met=(*a.met, state)
    )


def _normed(op: Callable[[Spelled], Op], *roles: str) -> _Rule:
    """The op, with the parameters that were met and the last one."""

    def made(reader: Reader, a: Spelled, b: Any) -> Any:
        met = [*a.met, b] if isinstance(b, StateTensor) else a.met
        keys = {
            role: each.key for role, each in zip(roles, met, strict=True)
        }
        return reader.kept(op(a), reader.value(a.of), keys)

    return made


_rms = _normed(lambda a: RmsNorm(eps=a.eps), "weight")
_grn = _normed(lambda a: Grn(eps=a.eps), "weight", "bias")
_layer_norm = _normed(lambda a: LayerNorm(eps=a.eps), "weight", "bias")
_evonorm = _normed(
    lambda a: EvoNorm(groups=a.groups, eps=a.eps), "slope", "weight", "bias"
)
_evonorm_ungated = _normed(
    lambda a: EvoNorm(groups=a.groups, eps=a.eps, ungated=True),
    "weight",
    "bias",
)
_grouped = _normed(
    lambda a: GroupNorm(groups=a.groups, eps=a.eps), "weight", "bias"
)


def _scaled_root(reader: Reader, a: Spelled, weight: StateTensor) -> Any:
    """An RMS norm, or the beginning of a layer norm where the mean was taken away before."""
    centred = isinstance(a.of, ForeignValue) and _centred(reader, a.of)
    if not centred:
        return _rms(reader, a, weight)
    return replace(a, form="centred and scaled", of=centred, met=(weight,))


def _centred(reader: Reader, x: ForeignValue) -> ForeignValue | None:
    """What has its mean over the channels taken away."""
    step = reader.steps[x.step]
    source, *rest = step.inputs
    if not isinstance(step.op, Sub) or len(rest) != 1:
        return None
    mean = reader.steps[rest[0]]
    ours = (
        isinstance(mean.op, Over)
        and mean.op.label() == "mean over channels"
    )
    return (
        replace(x, step=source)
        if ours and mean.inputs == (source,)
        else None
    )


def _by_half(reader: Reader, a: Spelled, number: float) -> Spelled:
    if number != 0.5:
        raise reader.no("of an error function with another factor than 0.5")
    return replace(a, form=f"half {a.form}")


def _gelu(reader: Reader, a: Spelled, b: Any) -> ForeignValue:
    """`eps` is what was added to the error function."""
    if a.eps != 1 or not isinstance(a.of, ForeignValue):
        raise reader.no("of an error function that is no GELU's")
    return reader.kept(Activation(op="gelu"), a.of)


def _gated(reader: Reader, a: Spelled, gated: ForeignValue) -> Spelled:
    """A swish with a learned slope, or all, over the deviation of groups: EvoNorm-S0 (Liu et al.
    2020)."""
    x, product = reader.value(a.of).step, reader.steps[gated.step]
    if gated.step == x:
        return replace(a, form="over deviation of groups")
    for name in product.inputs if isinstance(product.op, Mul) else ():
        gate = reader.steps[name]
        slope = (
            reader.steps[gate.inputs[0]]
            if gate.op.op == "sigmoid"
            else gate
        )
        if (
            {*product.inputs} == {x, name}
            and slope.inputs == (x,)
            and _slopes(slope)
        ):
            met = (StateTensor(slope.tensors["weight"], ()),)
            return replace(a, form="swish over deviation", met=met)
    raise reader.no(
        "by the deviation of groups of channels, of anything but a swish or the same"
    )


def _slopes(step: CapturedOp) -> bool:
    """Whether a step multiplies each channel by a learned number."""
    return isinstance(step.op, Scale) and step.op.shift is None


def _standardized(reader: Reader, a: Spelled, b: Any) -> StateTensor:
    """Filters without their mean over their deviation, times a gain where there is one."""
    assert isinstance(a.of, StateTensor)
    if not b.met:
        return replace(a.of, standardized="weight", eps=b.eps)
    (gain,) = b.met
    return replace(
        a.of,
        standardized="scaled",
        eps=b.eps,
        gain=gain.key,
        factor=gain.factor,
    )


def _gained_square(
    reader: Reader, a: Spelled, gain: StateTensor
) -> ForeignValue:
    """A product with itself, times one learned number: StarReLU's (Yu et al. 2022)."""
    if prod(gain.shape) != 1:
        raise reader.no("of a square with a tensor that is not one number")
    return reader.kept(Gain(), reader.value(a), {"weight": gain.key})


_RULES: dict[tuple[str, str, str], _Rule] = {
    ("sub", "mean of filters", "state"): _becomes("centred filters"),
    ("add", "variance of filters", "number"): _with_eps("variance and eps"),
    ("rsqrt", "variance and eps", ""): _becomes("over deviation"),
    ("mul", "over deviation", "state"): _meeting("over deviation"),
    ("mul", "centred filters", "over deviation"): _standardized,
    ("add", "erf", "number"): _with_eps("share below"),
    ("mul", "share below", "number"): _by_half,
    ("mul", "half share below", "value"): _gelu,
    ("mul", "share below", "value"): _becomes("share below times x"),
    ("mul", "share below times x", "number"): (
        lambda reader, a, number: _gelu(
            reader, _by_half(reader, a, number), None
        )
    ),
    ("mul", "grouped", "state"): _meeting("grouped and scaled"),
    ("add", "grouped and scaled", "state"): _grouped,
    ("mean", "square", "channels"): _becomes("mean square"),
    ("mul", "square", "state"): _gained_square,
    ("add", "mean square", "number"): _with_eps("mean square and eps"),
    ("rsqrt", "mean square and eps", ""): _becomes("over root"),
    ("mul", "over root", "value"): _becomes("over its root"),
    ("sqrt", "mean square and eps", ""): _becomes("root"),
    ("div", "root", "value"): _becomes("over its root"),
    ("mul", "over its root", "state"): _scaled_root,
    ("add", "centred and scaled", "state"): _layer_norm,
    ("add", "variance of groups", "number"): _with_eps(
        "variance of groups and eps"
    ),
    ("sqrt", "variance of groups and eps", ""): _becomes(
        "deviation of groups"
    ),
    ("div", "deviation of groups", "value"): _gated,
    ("mul", "over deviation of groups", "state"): _meeting(
        "over and scaled"
    ),
    ("add", "over and scaled", "state"): _evonorm_ungated,
    ("mul", "swish over deviation", "state"): _meeting("swish scaled"),
    ("add", "swish scaled", "state"): _evonorm,
    ("mean", "response", "channels"): _becomes("mean response"),
    ("add", "mean response", "number"): _with_eps("mean response and eps"),
    ("div", "mean response and eps", "response"): _becomes("share"),
    ("mul", "share", "value"): _becomes("graded"),
    ("mul", "graded", "state"): _meeting("weighted"),
    ("add", "weighted", "value"): _becomes("weighted and x"),
    ("add", "weighted and x", "state"): _grn,
    ("addcmul", "weighted", "state"): _meeting("shifted"),
    ("add", "shifted", "value"): _grn,
}
"""By the word of an op, the form that it reads first, and what it reads beside it."""


def further(reader: Reader, word: str, a: Any, b: Any = None) -> Any:
    """What a form becomes that an op reads. Raises `ImportRefused` where it is none that import
    knows."""
    for one, other in ((a, b), (b, a)):
        if _follows(word, one, other):
            rule = _RULES[word, _form(one), _form(other)]
            return rule(reader, one, other)
    raise reader.no(
        "of a part of a normalization that the language has no word for"
    )


def goes_on(word: str, a: Any, b: Any) -> bool:
    """Whether a form becomes another by an op."""
    return _follows(word, a, b) or _follows(word, b, a)


def _follows(word: str, one: Any, other: Any) -> bool:
    known = (
        isinstance(one, Spelled)
        and (word, _form(one), _form(other)) in _RULES
    )
    return known and _of_one(one, other)


def _form(x: Any) -> str:
    """What an argument is."""
    if isinstance(x, Spelled):
        return x.form
    kinds = {
        ForeignValue: "value",
        StateTensor: "state",
        int: "number",
        float: "number",
    }
    return kinds.get(type(x), x if isinstance(x, str) else "")


def _of_one(a: Spelled, b: Any) -> bool:
    """Whether both are of one tensor; a parameter that is met is of none."""
    if isinstance(b, Spelled):
        return a.of == b.of
    centred = a.form == "mean of filters"
    # of what is divided, the norm is not
    other = a.form == "deviation of groups"
    return (
        a.of == b
        if (isinstance(b, ForeignValue) and not other) or centred
        else True
    )


@reads("var_mean")
def var_mean(
    reader: Reader, call: AtenCall, given: Arguments
) -> list[Spelled]:
    x = given["self"]
    asked = [*map(given.get, ("dim", "correction"))]
    if not isinstance(x, StateTensor) or asked != [
        [*range(1, len(x.shape))],
        0,
    ]:
        raise reader.no("of anything but filters, each by itself")
    return [
        Spelled(f"{what} of filters", x) for what in ("variance", "mean")
    ]


@reads("var")
def variance(reader: Reader, call: AtenCall, given: Arguments) -> Spelled:
    """Of groups of the channels, over all that each has."""
    x = reader.value(given["self"])
    shape, dims = reader.shape(x), given.get("dim") or ()
    biased = given.get("correction", int(given.get("unbiased", True))) == 0
    axes = places(dims, len(x.axes) + 1)
    kept = [
        axis
        for place, axis in enumerate(x.axes)
        if place not in axes and axis
    ]
    groups = equal_parts(kept[0], shape[0]) if len(kept) == 1 else 0
    if not groups or not biased or -1 in axes or not given.get("keepdim"):
        raise reader.no(
            "of anything but groups of channels, each by itself"
        )
    return Spelled(
        "variance of groups", replace(x, axes=layout(shape)), groups=groups
    )


@reads("erf")
def erf(reader: Reader, call: AtenCall, given: Arguments) -> Spelled:
    """Of what is divided by the root of 2: the beginning of a GELU."""
    x = reader.value(given["self"])
    before = reader.steps[x.step]
    if (
        not isinstance(before.op, Div)
        or abs((before.op.right or 0) - 2**0.5) > 1e-6
    ):
        raise reader.no("of anything but a quotient by the root of 2")
    return Spelled("erf", replace(x, step=before.inputs[0]))


@reads("rsqrt")
def rsqrt(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    return further(reader, "rsqrt", given["self"])


@reads("pow", "square")
def power(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A square, which may be the beginning of a norm."""
    x = reader.value(given["self"])
    if given.get("exponent", 2) != 2:
        raise reader.no("to another power than 2")
    return Spelled("square", x)


@reads("linalg_vector_norm")
def response(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Of each channel over all cells."""
    x = reader.value(given["self"])
    axes = places(given["dim"] or (), len(call.axes))
    cells = [*flat(reader.own_axes(x)[1:])]
    whole = -1 not in axes and atoms_of(x.axes, axes) == cells
    if given["ord"] != 2 or not given["keepdim"] or not whole:
        raise reader.no("over anything but all cells of a map")
    return Spelled("response", x)


def mean_of_form(
    reader: Reader, call: AtenCall, given: Arguments
) -> Spelled | None:
    """The mean of a form over the channels, which are kept as an axis of one place; None where it
    is another."""
    x = given["self"]
    if not goes_on("mean", x, "channels") or not given.get("keepdim"):
        return None
    of, dims = reader.value(x.of), given["dim"] or ()
    read = [of.axes[axis] for axis in places(dims, len(call.axes))]
    own = read == [reader.own_axes(of)[0]]
    return further(reader, "mean", x, "channels") if own else None


def product(
    reader: Reader, a: ForeignValue, b: ForeignValue
) -> ForeignValue | None:
    """An activation that is written as a product of what comes in and a gate of it."""
    for x, gate in ((a, b), (b, a)):
        op = _GATED.get(_gate(reader, x.step, gate.step))
        if op is not None and x.axes == gate.axes:
            return reader.kept(op, x)
    return None


_GATED: dict[tuple[str | float, ...], Op] = {
    ("sigmoid",): Activation(op="silu"),
    ("hardsigmoid",): Activation(op="hardswish"),
    ("softplus", "tanh"): Activation(op="mish"),
    (1.702, "sigmoid"): QuickGelu(),
}
"""What a product with a gate is, by what that does with what comes in."""


def _gate(reader: Reader, x: str, gate: str) -> tuple[str | float, ...]:
    """What a gate does with what comes in, a number of a product among that; () where it rests on
    something else."""
    step = reader.steps[gate]
    if step.inputs == (x,):
        return (number_of(step.op) or step.op.op,)
    for before in step.inputs if len(step.inputs) == 1 else ():
        if reader.steps[before].inputs == (x,):
            return (*_gate(reader, x, before), step.op.op)
    return ()


def quotient(
    reader: Reader, word: str, x: AnyValue, number: float
) -> AnyValue | None:
    """The hard sigmoid and swish (Howard et al. 2019) that are a sixth of relu6(x + 3)."""
    if not isclose(
        number, {"div": 6.0, "mul": 1 / 6}.get(word, 0.0), rel_tol=1e-9
    ):
        return None
    step = reader.steps[x.step]
    if (source := _of_three(reader, x.step)) is not None:
        return reader.kept(
            Activation(op="hardsigmoid"), replace(x, step=source)
        )
    for source in step.inputs if isinstance(step.op, Mul) else ():
        if any(_of_three(reader, gate) == source for gate in step.inputs):
            return reader.kept(
                Activation(op="hardswish"), replace(x, step=source)
            )
    return None


def _of_three(reader: Reader, name: str) -> str | None:
    """The step of which one is relu6(x + 3)."""
    step = reader.steps[name]
    if step.op.op != "relu6":
        return None
    before = reader.steps[step.inputs[0]]
    three = isinstance(before.op, Add) and 3.0 in (
        before.op.left,
        before.op.right,
    )
    return before.inputs[0] if three else None
