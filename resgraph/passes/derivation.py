"""An op and what it reads → how its shape, parameters and multiply-adds come about, as arithmetic
to be followed.

Each text is an expression of the language itself, so a test works it out and compares it with what
the op says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..ops import (
    BatchNorm,
    BlurPool,
    ChannelConv,
    Concat,
    Conv,
    DepthToSpace,
    DepthwiseConv,
    Fc,
    Flatten,
    Gain,
    GroupNorm,
    LayerNorm,
    Op,
    Pad,
    Part,
    Pool,
    Scale,
    Shape,
    SpaceToDepth,
    UpConv,
    Upsample,
    ZeroPad,
)


@dataclass(frozen=True, slots=True)
class Derivation:
    """Expressions for the axes of the shape and for the costs; "" for an axis that is what came in,
    or a cost of 0."""

    axes: tuple[str, ...]
    params: str
    macs: str


def derivation(op: Op, shapes: Sequence[Shape]) -> Derivation:
    """How the numbers of an op come about from the shapes that it reads."""
    out = op.infer(*shapes)
    axes = _first(_AXES, op, shapes)
    return Derivation(
        tuple(axes or [""] * len(out)),
        _first(_PARAMS, op, shapes) or "",
        _first(_MACS, op, shapes) or "",
    )


def _first(rows: _Rows, op: Op, shapes: Sequence[Shape]) -> Any:
    return next((rule(op, shapes) for kind, rule in rows if isinstance(op, kind)), None)


def _slid(op: Any, shapes: Sequence[Shape]) -> list[str]:
    """Dumoulin and Visin 2016, "A guide to convolution arithmetic", relationship 6 (15 with
    dilation)."""
    return [_axis(op, shapes[0], axis) for axis in (0, 1)]


def _axis(op: Any, shape: Shape, axis: int) -> str:
    size, kernel, stride, pad = (
        shape[axis + 1],
        op.kernel[axis],
        op.stride[axis],
        op.padding[axis],
    )
    dilation = getattr(op, "dilation", (1, 1))[axis]
    reach = str(kernel) if dilation == 1 else f"({dilation}*({kernel} - 1) + 1)"
    padded = f"{size} + 2*{pad}" if pad else str(size)
    rounded = "floor"
    if (
        getattr(op, "ceil", False)
        and op.infer(shape)[axis + 1] != (size + 2 * pad - kernel) // stride + 1
    ):
        rounded = "ceil"
    if stride == 1:
        return f"{padded} - {reach} + 1"
    return f"{rounded}(({padded} - {reach})/{stride}) + 1"


def _window(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return [str(op.filters(shapes[0][0])), *_slid(op, shapes)]


def _pool(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return ["", *(map(str, op.to) if getattr(op, "to", None) else _slid(op, shapes))]


def _up(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return [
        str(op.width),
        *(
            f"{size}*{stride}"
            for size, stride in zip(shapes[0][1:], op.stride, strict=True)
        ),
    ]


def _zero_pad(op: Any, shapes: Sequence[Shape]) -> list[str]:
    added, sizes = op.width - shapes[0][0], zip(shapes[0][1:], op.stride, strict=False)
    return [
        f"{shapes[0][0]} + {added}",
        *(f"ceil({size}/{stride})" for size, stride in sizes),
    ]


def _times(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return ["", *(f"{size}*{op.factor}" for size in shapes[0][1:])]


def _to_depth(op: Any, shapes: Sequence[Shape]) -> list[str]:
    channels, *sizes = shapes[0]
    return [
        f"{channels}*{op.factor}*{op.factor}",
        *(f"{size}/{op.factor}" for size in sizes),
    ]


def _to_space(op: Any, shapes: Sequence[Shape]) -> list[str]:
    channels, *sizes = shapes[0]
    return [
        f"{channels}/({op.factor}*{op.factor})",
        *(f"{size}*{op.factor}" for size in sizes),
    ]


def _padded(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return ["", *(f"{size} + 2*{op.cells}" for size in shapes[0][1:])]


def _part(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return [f"{shapes[0][0]}/{op.of}", *([""] * (len(shapes[0]) - 1))]


def _concat(op: Any, shapes: Sequence[Shape]) -> list[str]:
    return [
        " + ".join(str(shape[0]) for shape in shapes),
        *([""] * (len(shapes[0]) - 1)),
    ]


def _filters(op: Any, shapes: Sequence[Shape]) -> str:
    """The weights of all filters."""
    channels = shapes[0][0]
    groups = op.divisor(channels)
    read = f"{channels}/{groups}" if groups > 1 else str(channels)
    return f"{op.filters(channels)}*{read}*{op.kernel[0]}*{op.kernel[1]}"


def _filters_everywhere(op: Any, shapes: Sequence[Shape]) -> str:
    """All filters at every place: of the output, or of the input where the convolution is
    transposed."""
    size = shapes[0] if isinstance(op, UpConv) else op.infer(*shapes)
    return f"{size[1]}*{size[2]}*{_filters(op, shapes)}"


def _filters_and_bias(op: Any, shapes: Sequence[Shape]) -> str:
    width = op.filters(shapes[0][0])
    gain = f" + {width}" if getattr(op, "standardize", None) == "scaled" else ""
    return _filters(op, shapes) + (f" + {width}" if op.has_bias else "") + gain


def _dense(op: Any, shapes: Sequence[Shape]) -> str:
    return f"{op.width}*{shapes[0][0]}"


def _dense_and_bias(op: Any, shapes: Sequence[Shape]) -> str:
    return _dense(op, shapes) + (f" + {op.width}" if op.has_bias else "")


_Rule = Callable[[Any, Sequence[Shape]], Any]
_Rows = Sequence[tuple[type[Op] | tuple[type[Op], ...], _Rule]]

_AXES: _Rows = (
    (UpConv, _up),
    ((Conv, DepthwiseConv), _window),
    ((Pool, BlurPool), _pool),
    (Fc, lambda op, shapes: [str(op.width)]),
    (Flatten, lambda op, shapes: ["*".join(map(str, shapes[0]))]),
    (Upsample, _times),
    (SpaceToDepth, _to_depth),
    (DepthToSpace, _to_space),
    (Pad, _padded),
    (Part, _part),
    (ZeroPad, _zero_pad),
    (Concat, _concat),
)
_PARAMS: _Rows = (
    ((Conv, DepthwiseConv, UpConv), _filters_and_bias),
    (Fc, _dense_and_bias),
    (ChannelConv, lambda op, shapes: f"{op.kernel}" + (" + 1" if op.has_bias else "")),
    ((BatchNorm, LayerNorm, GroupNorm), lambda op, shapes: f"2*{shapes[0][0]}"),
    (Scale, lambda op, shapes: str(shapes[0][0])),
    (Gain, lambda op, shapes: "1"),
)
_MACS: _Rows = (
    ((Conv, DepthwiseConv, UpConv), _filters_everywhere),
    (Fc, _dense),
    (ChannelConv, lambda op, shapes: f"{shapes[0][0]}*{op.kernel}"),
)
