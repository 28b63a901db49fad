"""ONNX' ops → calls of ATen's, whose words import can read: one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

from ...collecting import any_of_type, flatten
from ...structs import Frozen
from ..captured import ImportRefused
from ..program import TensorSizes

Said = tuple[str, dict[str, Any]]
"""A word of ATen, and its arguments."""


class OnnxNode(Frozen):
    """A node: its attributes, what it reads (tensors by reference, one number as a number), the
    arrays among that, the sizes of what comes in first and out, and the version of ONNX' ops."""

    op: str
    opset: int
    attributes: Mapping[str, Any]
    reads: tuple[Any, ...]
    arrays: tuple[Any, ...]
    into: TensorSizes
    axes: TensorSizes
    module: str = ""

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(key, default)

    def read(self, place: int) -> Any:
        """What it reads; None where that is left out."""
        return self.reads[place] if place < len(self.reads) else None

    def named(self, *words: str) -> dict[str, Any]:
        """What it reads, under these words."""
        return {word: self.read(place) for place, word in enumerate(words)}

    def said(self, place: int, key: str, default: Any = None) -> Any:
        """What it reads, or an attribute in older versions."""
        read = self.read(place)
        return self.get(key, default) if read is None else read

    def each(self, key: str) -> list[int]:
        """An attribute of each axis of a map, 1 where it is left out."""
        return list(self.get(key) or [1] * (len(self.into) - 2))

    def ints(self, place: int, key: str = "") -> list[int] | None:
        """Numbers that are an input, or an attribute in older versions."""
        array = self.arrays[place] if place < len(self.arrays) else None
        if array is not None:
            return [*map(int, array.reshape(-1))]
        return (
            list(self.get(key))
            if key and self.get(key) is not None
            else None
        )

    def no(self, why: str) -> ImportRefused:
        """A refusal of it."""
        return ImportRefused(f"`{self.op}`: {why}", self.module)


ONNX: dict[str, Callable[[OnnxNode], Said]] = {}


def says(*ops: str) -> Callable[[Callable[[OnnxNode], Said]], Any]:
    """Enter a function for ops of ONNX."""

    def enter(
        function: Callable[[OnnxNode], Said],
    ) -> Callable[[OnnxNode], Said]:
        ONNX.update(dict.fromkeys(ops, function))
        return function

    return enter


def _pads(node: OnnxNode) -> list[Any]:
    """What is put around each axis: a number, or two where the ends differ."""
    count = len(node.into) - 2
    pads = list(node.get("pads") or [0] * 2 * count)
    auto = node.get("auto_pad", b"NOTSET")
    before, behind = pads[:count], pads[count:]
    if auto.startswith(b"SAME"):
        # the odd one lies where the word says
        some = [*map(_in_all, node.into[2:], node.axes[2:], *_window(node))]
        less, more = [n // 2 for n in some], [n - n // 2 for n in some]
        upper = auto == b"SAME_UPPER"
        before, behind = (less, more) if upper else (more, less)
    return (
        before
        if before == behind
        else list(zip(before, behind, strict=True))
    )


def _window(node: OnnxNode) -> tuple[list[int], list[int]]:
    """The stride along each axis, and how many cells the window spans."""
    sizes = node.get("kernel_shape") or node.arrays[1].shape[2:]
    steps = node.each("dilations")
    spans = [1 + d * (k - 1) for k, d in zip(sizes, steps, strict=True)]
    return node.each("strides"), spans


def _in_all(before: int, after: int, stride: int, span: int) -> int:
    """Cells that are put around an axis, or cut off it, for as many as come out."""
    fewer, more = sorted((before, after))
    return max((fewer - 1) * stride + span - more, 0)


def _same_on_both(node: OnnxNode) -> list[int]:
    """Pads that are equal at both ends of each axis."""
    pads = _pads(node)
    if any_of_type(tuple, pads):
        raise node.no("it pads one side more than the other")
    return pads


@says("Conv")
def _conv(node: OnnxNode) -> Said:
    return "conv2d", {
        **node.named("input", "weight", "bias"),
        "stride": node.each("strides"),
        "padding": _pads(node),
        "dilation": node.each("dilations"),
        "groups": node.get("group", 1),
    }


@says("ConvTranspose")
def _up_conv(node: OnnxNode) -> Said:
    if node.get("output_shape"):
        raise node.no("with `output_shape`, which says no pads")
    more = node.get("output_padding") or [0] * (len(node.into) - 2)
    _, given = _conv(node)
    return "conv_transpose2d", {
        **given,
        "padding": _same_on_both(node),
        "output_padding": list(more),
    }


@says("BatchNormalization")
def _norm(node: OnnxNode) -> Said:
    words = ("input", "weight", "bias", "running_mean", "running_var")
    return "batch_norm", {
        **node.named(*words),
        "training": bool(node.get("training_mode", 0)),
        "momentum": round(1 - node.get("momentum", 0.9), 6),
        "eps": _short(node.get("epsilon", 1e-5)),
    }


def _short(number: float) -> float:
    """A number of float32 as it was written."""
    return float(f"{number:.6g}")


@says("LayerNormalization")
def _layer_norm(node: OnnxNode) -> Said:
    return "layer_norm", {
        **node.named("input", "weight", "bias"),
        "normalized_shape": node.axes[
            node.get("axis", -1) % len(node.axes) :
        ],
        "eps": _short(node.get("epsilon", 1e-5)),
    }


@says("Gemm")
def _gemm(node: OnnxNode) -> Said:
    plain = (
        node.get("alpha", 1.0),
        node.get("beta", 1.0),
        node.get("transA", 0),
    )
    if plain != (1.0, 1.0, 0):
        raise node.no("with factors, or what comes in turned over")
    if node.get("transB", 0):
        return "linear", node.named("input", "weight", "bias")
    return "addmm", node.named("mat1", "mat2", "input")


@says("MatMul")
def _matmul(node: OnnxNode) -> Said:
    return "matmul", node.named("self", "other")


@says("Gather")
def _gather(node: OnnxNode) -> Said:
    """One place along an axis; more are a table's."""
    place = node.ints(1)
    if place is None and node.arrays[0] is not None:
        return "embedding", {}
    if place is None or node.arrays[1].ndim:
        raise node.no("of anything but one place")
    given = {"dim": node.get("axis", 0), "index": place[0]}
    return "select", {"self": node.read(0), **given}


_PLAIN = {
    "Abs": "abs", "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hardswish",
    "Mish": "mish", "Softsign": "softsign", "Softplus": "softplus", "Selu": "selu",
    "Identity": "alias", "Dropout": "alias",
    "Exp": "exp", "Neg": "neg", "Sqrt": "sqrt", "Cast": "alias", "Erf": "erf",
    "Expand": "expand", "Flatten": "view",
    "Reshape": "view", "Squeeze": "view", "Unsqueeze": "view", "Shape": "_shape_as_tensor",
}  # fmt: skip
"""What has no arguments: a view has the sizes that come out, and those of a map are known."""


@says(*_PLAIN)
def _plain(node: OnnxNode) -> Said:
    return _PLAIN[node.op], node.named("self")


_ONE = 1e-6


@says("HardSigmoid")
def _hardsigmoid(node: OnnxNode) -> Said:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    if abs(alpha - 1 / 6) > _ONE or beta != 0.5:
        raise node.no(f"with `alpha` {_short(alpha)}; the language has 1/6")
    return "hardsigmoid", node.named("self")


@says("Clip")
def _clip(node: OnnxNode) -> Said:
    low, high = node.said(1, "min"), node.said(2, "max")
    return "hardtanh", {
        "self": node.read(0),
        "min_val": low,
        "max_val": high,
    }


@says("PRelu")
def _prelu(node: OnnxNode) -> Said:
    return "prelu", node.named("self", "weight")


@says("InstanceNormalization")
def _instance_norm(node: OnnxNode) -> Said:
    """One that learns nothing has ones and zeros; a group norm is one of its groups, in a row."""
    scale, shift = node.arrays[1], node.arrays[2]
    known = scale is not None and shift is not None
    plain = known and bool((scale == 1).all() and (shift == 0).all())
    return "instance_norm", {
        "input": node.read(0),
        "weight": None if plain else node.read(1),
        "bias": None if plain else node.read(2),
        "running_mean": None,
        "eps": _short(node.get("epsilon", 1e-5)),
    }


@says("GroupNormalization")
def _group_norm(node: OnnxNode) -> Said:
    groups = node.get("num_groups")
    if node.arrays[1].size != node.into[1]:
        raise node.no(
            "with a scale of each group; from opset 21 on each channel has one"
        )
    return "group_norm", {
        **node.named("input", "weight", "bias"),
        "num_groups": groups,
        "eps": _short(node.get("epsilon", 1e-5)),
    }


@says("Pow")
def _power(node: OnnxNode) -> Said:
    return "pow", node.named("self", "exponent")


@says("Greater")
def _greater(node: OnnxNode) -> Said:
    return "gt", node.named("self", "other")


@says("Where")
def _either(node: OnnxNode) -> Said:
    return "where", node.named("condition", "self", "other")


@says("LSTM", "GRU", "RNN")
def _over_time(node: OnnxNode) -> Said:
    return node.op.lower(), {}


@says("LeakyRelu")
def _leaky(node: OnnxNode) -> Said:
    slope = _short(node.get("alpha", 0.01))
    return "leaky_relu", {"self": node.read(0), "negative_slope": slope}


@says("Elu", "Celu")
def _exponential(node: OnnxNode) -> Said:
    alpha = _short(node.get("alpha", 1.0))
    return node.op.lower(), {"self": node.read(0), "alpha": alpha}


@says("Gelu")
def _gelu(node: OnnxNode) -> Said:
    form = node.get("approximate", b"none").decode()
    return "gelu", {"self": node.read(0), "approximate": form}


_ONE_AXIS = 13
"""The opset from which on a softmax is over one axis; before, over all from that on."""


@says("Softmax", "LogSoftmax")
def _softmax(node: OnnxNode) -> Said:
    word = "softmax" if node.op == "Softmax" else "log_softmax"
    newer = node.opset >= _ONE_AXIS
    axis = node.get("axis", -1 if newer else 1)
    if not newer and prod(node.into[axis:][1:]) > 1:
        raise node.no(
            f"over several axes at once, as before opset {_ONE_AXIS}"
        )
    return word, {"self": node.read(0), "dim": axis}


@says("Add", "Sub", "Mul", "Div")
def _arithmetic(node: OnnxNode) -> Said:
    return node.op.lower(), node.named("self", "other") | {"alpha": 1}


@says("MaxPool", "AveragePool")
def _pool(node: OnnxNode) -> Said:
    word = "max_pool2d" if node.op == "MaxPool" else "avg_pool2d"
    given = {
        "self": node.read(0),
        "kernel_size": list(node.get("kernel_shape")),
        "stride": node.each("strides"),
        "padding": _same_on_both(node),
        "ceil_mode": bool(node.get("ceil_mode", 0)),
    }
    if word == "avg_pool2d":
        counted = bool(node.get("count_include_pad", 0))
        return word, given | {
            "count_include_pad": counted,
            "divisor_override": None,
        }
    return word, given | {"dilation": node.each("dilations")}


def _over_all(word: str, node: OnnxNode) -> Said:
    cells = list(range(2, len(node.into)))
    return word, {"self": node.read(0), "dim": cells, "keepdim": True}


@says("Max", "Min")
def _larger(node: OnnxNode) -> Said:
    if len(node.reads) != 2:
        raise node.no("of more than two tensors, or of one")
    word = {"Max": "maximum", "Min": "minimum"}[node.op]
    return word, node.named("self", "other")


says("GlobalAveragePool")(partial(_over_all, "mean"))
says("GlobalMaxPool")(partial(_over_all, "amax"))


def _reduced(word: str, node: OnnxNode) -> Said:
    dims = node.ints(1, "axes")
    keep = bool(node.get("keepdims", 1))
    return word, {"self": node.read(0), "dim": dims, "keepdim": keep}


says("ReduceMean")(partial(_reduced, "mean"))
says("ReduceMax")(partial(_reduced, "amax"))
says("ReduceMin")(partial(_reduced, "amin"))
says("ReduceSum")(partial(_reduced, "sum"))


@says("ReduceL2")
def _norm_of(node: OnnxNode) -> Said:
    word, given = _reduced("linalg_vector_norm", node)
    return word, given | {"ord": 2}


@says("Transpose")
def _transpose(node: OnnxNode) -> Said:
    return "permute", {"self": node.read(0), "dims": list(node.get("perm"))}


@says("Concat")
def _concat(node: OnnxNode) -> Said:
    return "cat", {"tensors": list(node.reads), "dim": node.get("axis")}


@says("Split")
def _split(node: OnnxNode) -> Said:
    return "split_with_sizes", {
        "self": node.read(0),
        "dim": node.get("axis", 0),
    }


@says("Slice")
def _slice(node: OnnxNode) -> Said:
    starts, axes = node.ints(1, "starts"), node.ints(3, "axes")
    steps = node.ints(4) or [1]
    if not axes or len(axes) != 1 or not starts or starts[0] < 0:
        raise node.no("of several axes, or from the end")
    given = {"dim": axes[0], "start": starts[0], "step": steps[0]}
    return "slice", {"self": node.read(0), **given}


_EDGES = {"edge": "replicate", "wrap": "circular"}
"""Modes of a pad, as torch calls them."""


@says("Pad")
def _pad(node: OnnxNode) -> Said:
    pads = node.ints(1, "pads") or []
    count = len(pads) // 2
    pairs = zip(reversed(pads[:count]), reversed(pads[count:]), strict=True)
    flat = [*flatten(pairs)]
    while flat[-2:] == [0, 0]:
        del flat[-2:]
    mode = node.get("mode", b"constant").decode()
    value = node.said(2, "value", 0)
    return "pad", {
        "self": node.read(0),
        "pad": flat,
        "mode": _EDGES.get(mode, mode),
        "value": value,
    }


@says("DepthToSpace", "SpaceToDepth")
def _rearranged(node: OnnxNode) -> Said:
    if node.op == "DepthToSpace" and node.get("mode", b"DCR") == b"CRD":
        factor = node.get("blocksize")
        return "pixel_shuffle", {
            "self": node.read(0),
            "upscale_factor": factor,
        }
    raise node.no("in an order that the language has no word for")


@says("Resize")
def _resize(node: OnnxNode) -> Said:
    modes = {
        b"nearest": "upsample_nearest2d",
        b"linear": "upsample_bilinear2d",
    }
    word = modes.get(node.get("mode", b"nearest"))
    if word is None:
        raise node.no("in another mode than nearest and linear")
    place = node.get("coordinate_transformation_mode", b"half_pixel")
    corners = place == b"align_corners"
    if word == "upsample_bilinear2d" and place == b"asymmetric":
        raise node.no(
            "between cells that lie at their corners; the language has their centres"
        )
    return word, {"input": node.read(0), "align_corners": corners}
