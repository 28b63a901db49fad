"""Convolutions and linear layers, with filters that are standardized, and those of a blur."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal

from msgspec.structs import replace

from ...ops import (
    BlurPool,
    ChannelConv,
    Conv,
    DepthwiseConv,
    Fc,
    Op,
    Pad,
    UpConv,
)
from ...ops.base import Window
from ...ops.padding import same_edges
from ..program import AtenCall
from .axes import axis_of, flat, layout, sizes, viewed
from .reader import (
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateTensor,
    reads,
)
from .sequences import turned

_EPS = {"weight": 1e-8, "scaled": 1e-6}
EDGES: dict[str, dict[str, Any]] = {
    "constant": {}, "reflect": {"reflect": True}, "replicate": {"replicate": True}
}  # fmt: skip
"""What is said of the cells around a map, by the mode of a pad."""


def several(value: Any, count: int, default: int = 1) -> tuple[int, ...]:
    """An option of each axis: torch lets one number stand for all."""
    if value is None or value == []:
        return (default,) * count
    numbers = [value] if isinstance(value, int) else list(value)
    return tuple(numbers * count if len(numbers) == 1 else numbers)


def usual_pad(
    kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    """What need not be said."""
    return tuple(
        d * (k - 1) // 2 if k % 2 else 0
        for k, d in zip(kernel, dilation, strict=True)
    )


_ROLES = "weight", "bias", "running_mean", "running_var"


def tensors_of(reader: Reader, given: Arguments) -> dict[str, str]:
    """The keys of a weight, its gain, a bias and statistics. Raises `ImportRefused` for one that is
    computed."""
    found = {}
    learned = {
        role: given[role] for role in _ROLES if given.get(role) is not None
    }
    for role, each in learned.items():
        if not isinstance(each, StateTensor) or not (
            each.plain or each.standardized
        ):
            raise reader.no(f"its `{role}` is computed")
        found[role] = each.laid()
        if each.gain:
            found["gain"] = each.gain
    return found


def bias_of(given: Arguments) -> Literal["default", "none"]:
    """Whether a layer has one."""
    return "default" if given["bias"] else "none"


def _options(reader: Reader, given: Arguments) -> dict[str, Any]:
    """Kernel, stride, dilation, padding and bias of a convolution over maps."""
    kernel = given["weight"].shape[2:]
    count = len(kernel)
    dilation, pad = several(given["dilation"], count), given["padding"]
    stride = several(given["stride"], count)
    usual = usual_pad(kernel, dilation)
    if pad == "same":
        # of an even window, torch too puts the odd cell behind the map
        pad = same_edges(kernel, Window(kernel, dilation=dilation))
    padding = several([] if pad == "valid" else pad, count, 0)
    return {
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "pad": None if padding == usual else padding,
        "bias": bias_of(given),
    }


@reads("conv1d", "conv2d", "conv3d")
def conv(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    weight = given["weight"]
    if isinstance(weight, AnyValue):
        raise reader.no(
            "its filters are made anew for each image, as of a conditional convolution"
        )
    x = reader.value(given["input"])
    if reader.vector(x) and len(x.axes) == 2 and not x.axes[0]:
        return _along_channels(reader, x, given)
    options, groups = _options(reader, given), given["groups"]
    # the filters of a blur may be one, expanded to all channels
    if blurred := _blur(reader, x, given, options):
        return blurred
    _need_own(reader, weight)
    if reader.vector(x) and _is_linear(given, options):
        return _linear(reader, x, given)
    x = _channels_first(reader, x)
    step = _around(reader, reader.as_map(x), options)
    channels, width = reader.steps[step].shape[0], weight.shape[0]
    if groups == width == channels > 1 and not weight.standardized:
        op: Op = DepthwiseConv(**options)
    else:
        op = Conv(
            width=width, groups=groups, **options, **_standardized(weight)
        )
    return reader.add(op, step, tensors=tensors_of(reader, given))


def _need_own(reader: Reader, weight: Any) -> None:
    """Raises `ImportRefused` for filters that are no tensor of the model as it is kept there."""
    if not isinstance(weight, StateTensor) or weight.moved:
        raise reader.no("its filters are computed")


def _around(reader: Reader, step: str, options: dict[str, Any]) -> str:
    """Cells that are put around a map before a convolution that puts none are its own; what the
    convolution then reads."""
    before, kernel = reader.steps[step], options["kernel"]
    bare = options["pad"] or usual_pad(kernel, options["dilation"])
    if not isinstance(before.op, Pad) or before.op.cuts or any(bare):
        return step
    cells = before.op.cells
    options["pad"] = (
        None if cells == usual_pad(kernel, options["dilation"]) else cells
    )
    options |= EDGES[before.op.mode]
    return before.inputs[0]


def _standardized(weight: StateTensor) -> dict[str, Any]:
    kind = weight.standardized
    if not kind:
        return {}
    eps = None if weight.eps == _EPS[kind] else weight.eps
    # The factor was divided by the root of each filter's own fan-in.
    fan_in = prod(weight.shape[1:]) if kind == "scaled" else 1
    gamma = round(weight.factor * fan_in**0.5, 12)
    return {"standardize": kind, "gamma": gamma, "eps": eps}


def _is_linear(given: Arguments, options: dict[str, Any]) -> bool:
    """Whether a convolution of one cell is a linear layer: a 1x1 one of all channels."""
    if given["groups"] != 1 or given["weight"].standardized:
        return False
    return not options["pad"] and max(options["kernel"]) == 1


def _linear(
    reader: Reader, x: ForeignValue, given: Arguments
) -> ForeignValue:
    weight = given["weight"]
    made = reader.add(
        Fc(width=weight.shape[0], bias=bias_of(given)),
        x.step,
        tensors=tensors_of(reader, given),
    )
    return replace(
        made, axes=(*made.axes, *((),) * (len(weight.shape) - 2))
    )


_BLURRED = {**EDGES, "constant": {"zeros": True}, "reflect": {}}
"""The same of a blur, whose usual mode is another."""


def _blur(
    reader: Reader,
    x: ForeignValue,
    given: Arguments,
    options: dict[str, Any],
) -> ForeignValue | None:
    """One fixed filter for all channels behind a pad, or behind one that reflects one for each. Its
    numbers are proven with the rest."""
    before, weight = reader.steps[x.step], given["weight"]
    if not isinstance(weight, StateTensor) or weight.learned:
        return None
    if given["groups"] != weight.shape[0]:
        return None
    window = {"kernel": options["kernel"], "stride": options["stride"]}
    if isinstance(before.op, Pad) and (weight.moved or before.op.reflect):
        window |= _BLURRED[before.op.mode]
        pad, usual = before.op.cells, BlurPool(**window)
        op = usual if usual.padding == pad else BlurPool(**window, pad=pad)
        return reader.add(op, *before.inputs)
    if not weight.moved:
        return None
    op = BlurPool(**window, pad=options["pad"])
    zeros = any(op.padding)  # the convolution's own
    return reader.add(replace(op, zeros=zeros), x.step)


def _along_channels(
    reader: Reader, x: ForeignValue, given: Arguments
) -> ForeignValue:
    """Along the channels of a vector, which lies as one row (ECA)."""
    weight, padding = given["weight"], several(given["padding"], 1, 0)[0]
    if weight.shape[:2] != (1, 1) or 2 * padding != weight.shape[2] - 1:
        raise reader.no("over anything but the channels of a vector")
    op = ChannelConv(kernel=weight.shape[2], bias=bias_of(given))
    return reader.kept(op, x, tensors_of(reader, given))


@reads("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def up_conv(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    weight, groups = given["weight"], given["groups"]
    _need_own(reader, weight)
    options = _options(reader, given)
    asked = several(given["padding"], len(options["kernel"]), 0)
    step = reader.as_map(given["input"])
    more = several(given["output_padding"], len(asked), 0)
    del options["pad"]
    options |= {"width": weight.shape[1] * groups, "groups": groups}
    sizes = reader.steps[step].shape[1:], call.axes[2:]
    options["stride"] = _up_stride(options["stride"], *sizes)
    op = UpConv(**options)
    op = op if op.padding == asked else UpConv(**options | {"pad": asked})
    if op.output_padding != more:
        raise reader.no("it does not multiply the size by its stride")
    return reader.add(op, step, tensors=tensors_of(reader, given))


def _up_stride(
    asked: Sequence[int], before: Sequence[int], after: Sequence[int]
) -> tuple[int, ...]:
    """One cell becomes as many as come out (DCGAN), whatever the stride."""
    sizes = zip(asked, before, after, strict=True)
    return tuple(
        stride if cells > 1 else new for stride, cells, new in sizes
    )


@reads("linear")
def linear(reader: Reader, call: AtenCall, given: Arguments) -> AnyValue:
    x, weight = reader.placed(given["input"]), given["weight"]
    if (
        not isinstance(weight, StateTensor)
        or not weight.plain
        or not weight.ordered
    ):
        raise reader.no("its weight is computed")
    x = channels_last(reader, x)
    shape, bias = reader.shape(x), bias_of(given)
    width, tensors = weight.shape[0], tensors_of(reader, given)
    channels = layout(shape)[0]
    if len(shape) > 1 < len(x.axes) and x.axes[-1] == channels:
        # channels last: each cell by itself
        ones = (1,) * (len(shape) - 1)
        op = Conv(width=width, kernel=ones, bias=bias)
        made = reader.add(op, x.step, tensors=tensors)
        return replace(
            x, step=made.step, axes=(*x.axes[:-1], axis_of(0, width))
        )
    fc = Fc(width=width, bias=bias)
    made = reader.add(fc, reader.plain(x), tensors=tensors)
    return replace(made, axes=(*x.axes[:-1], *made.axes))


@reads("addmm")
def addmm(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A linear layer whose weight lies the other way round, and its bias."""
    weight = given["mat2"]
    if isinstance(weight, StateTensor):
        weight = replace(weight, axes=weight.axes[::-1])
    said = {
        "input": given["mat1"],
        "weight": weight,
        "bias": given["input"],
    }
    return linear(reader, call, said)


def channels_last(reader: Reader, x: AnyValue) -> AnyValue:
    """A value whose last axis are its channels, which the places of a sequence become, or the
    squares of a map."""
    if not isinstance(x, ForeignValue) or len(x.axes) < 2:
        return x
    channels, *cells = reader.own_axes(x)
    mixes = channels and x.axes[-1] == flat(cells) != ()
    return turned(reader, x) if mixes else _squares(reader, x)


def _squares(reader: Reader, x: ForeignValue) -> ForeignValue:
    """Squares of cells that were viewed as the last axis, as channels of a smaller map: the patches
    of a vision transformer, where no convolution cuts them."""
    cells = flat(x.axes[:-1])
    moved = replace(x, axes=(x.axes[-1], *((atom,) for atom in cells)))
    found = reader.worded(moved)
    if found is moved:
        return x
    channels, *own = found.axes
    before = viewed(tuple(own), sizes(x.axes[:-1]))
    return replace(found, axes=(*(before or own), channels))


def _channels_first(reader: Reader, x: ForeignValue) -> ForeignValue:
    """A sequence of which a convolution reads the places as channels (MLP-Mixer)."""
    channels, *cells = reader.own_axes(x)
    mixes = cells and x.axes == (flat(cells), channels)
    return turned(reader, x) if mixes else x
