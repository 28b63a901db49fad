"""A layer as PyTorch calls it, `nn.Conv2d(64, 128, 3, padding=1)` → the label for it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ..errors import Hint
from ..ops import VOCABULARY
from .foreign import SYNONYMS, squeezed

_Given = dict[str, str]
_Layer = tuple[str, Callable[[_Given], str]]


def call_meant(text: str) -> Hint:
    """The label of a layer of `torch.nn`, and what to say of it; empty for anything else."""
    label = label_of_call(text)
    if not label:
        return Hint()
    said = f"as a label it is `{label}`"
    if " conv" in label:
        said += ", which has the `unit`'s norm and activation; `bare` leaves them out"
    return Hint(said, label)


def label_of_call(text: str) -> str:
    """The label of a layer of `torch.nn`; "" for anything else, and where no label is known."""
    call: ast.expr | None = None
    with suppress(SyntaxError, ValueError, RecursionError):
        call = ast.parse(text.strip(), mode="eval").body
    if not isinstance(call, ast.Call):
        return ""
    name = ast.unparse(call.func).rpartition(".")[2]
    parameters, label = _LAYERS.get(name) or _plain(name)
    # no such argument, more than are known, or no number
    with suppress(KeyError, ValueError):
        return " ".join(label(_given(call, parameters.split())).split())
    return ""


def _plain(name: str) -> _Layer:
    """A norm or an activation without options, or an op with its one number: `dropout(0.5)`."""
    phrases = {squeezed(phrase): phrase for phrase in VOCABULARY}
    word = squeezed(name)
    phrase = phrases.get(word) or SYNONYMS.get(word, "")
    if phrase in _NUMBERED:
        return "number", f"{phrase} {{number}}".format_map
    role = VOCABULARY[phrase].role if phrase else ""
    if role == "norm":
        return "num_features=", phrase.format_map
    if role == "activation":
        return "inplace=False", partial(_activation, phrase)
    return "", "".format_map


def _given(call: ast.Call, parameters: list[str]) -> _Given:
    """What a call says of each parameter, or its default. Raises `KeyError` where it says more."""
    names = [word.partition("=")[0] for word in parameters]
    given = dict(word.split("=") for word in parameters if "=" in word)
    given |= zip(
        names[: len(call.args)], map(_text, call.args), strict=True
    )
    for key in call.keywords:
        if key.arg not in (*names, "bias", "inplace"):
            raise KeyError(key.arg)
        given[key.arg] = _text(key.value)
    return given


def _text(tree: ast.expr) -> str:
    """`3`, `2*width`, and `1x5` of `(1, 5)`."""
    if isinstance(tree, ast.Starred):
        raise ValueError("its numbers are not known")
    if isinstance(tree, ast.Tuple | ast.List):
        return "x".join(map(_text, tree.elts))
    return ast.unparse(tree).replace(" ", "").strip("'")


def _unless(usual: str, option: str, value: str) -> str:
    return "" if value == usual else option + value


def _window(op: str, given: _Given) -> str:
    """A kernel, an op and the options of both; ours pads by half of the kernel by default."""
    kernel, pad = given["kernel_size"], given["padding"]
    half = "same"
    with suppress(ValueError):  # a name, or a size of two numbers
        half = str(int(given["dilation"]) * (int(kernel) - 1) // 2)
    return " ".join(
        [
            kernel if "x" in kernel else f"{kernel}x{kernel}",
            op,
            _unless("1", "/", given["stride"] or kernel),
            "" if pad == "same" else _unless(half, "pad ", pad),
            _unless("1", "dilation ", given["dilation"]),
        ]
    )


def _conv(given: _Given) -> str:
    groups, width = given["groups"], given["out_channels"]
    if groups == given["in_channels"] == width:
        return _window("depthwise conv", given)
    return f"{_window(f'conv {width}', given)} {_unless('1', 'groups ', groups)}"


def _pool(op: str, given: _Given) -> str:
    if given["dilation"] != "1":
        return ""
    return f"{_window(op, given)} {'ceil' * (given['ceil_mode'] == 'True')}"


def _up_conv(given: _Given) -> str:
    """Ours makes a map as many times larger as its stride says, whatever its kernel."""
    kernel, stride, pad, more = (
        int(given[name])
        for name in ("kernel_size", "stride", "padding", "output_padding")
    )
    if kernel - 2 * pad + more != stride or given["dilation"] != "1":
        return ""
    op = f"up conv {given['out_channels']} /{stride}"
    return (
        f"{kernel}x{kernel} {op} {_unless('1', 'groups ', given['groups'])}"
    )


def _adaptive(op: str, given: _Given) -> str:
    size = given["output_size"]
    return f"global {op}" if size in ("1", "1x1") else f"{op} to {size}"


def _activation(phrase: str, given: _Given) -> str:
    return phrase if given["inplace"] in ("True", "False") else ""


def _prelu(given: _Given) -> str:
    return "prelu shared" if given["num_parameters"] == "1" else "prelu"


def _upsample(given: _Given) -> str:
    corners = "align_corners" * (given["align_corners"] == "True")
    return f"upsample {given['scale_factor']} {_unless('nearest', '', given['mode'])} {corners}"


def _layer_norm(given: _Given) -> str:
    """Over the channels; of several axes it is another norm."""
    return "" if "x" in given["normalized_shape"] else "ln"


def _unflatten(given: _Given) -> str:
    """Of a vector; the channels follow from its length."""
    _, _, cells = given["unflattened_size"].partition("x")
    return f"to {cells}" if cells and given["dim"] == "1" else ""


_NUMBERED = frozenset(
    ["gn", "fc", "dropout", "channel dropout", "drop path", "drop block", "upsample", "shuffle",
     "pixel shuffle", "pixel unshuffle"]
)  # fmt: skip
"""What Keras and timm give the same number first."""
_POOL = "kernel_size stride= padding=0"
_LAYERS: dict[str, _Layer] = {
    "Conv2d": (
        "in_channels out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=",
        _conv,
    ),
    "ConvTranspose2d": (
        "in_channels out_channels kernel_size stride=1 padding=0 output_padding=0 groups=1"
        " bias= dilation=1",
        _up_conv,
    ),
    "MaxPool2d": (
        f"{_POOL} dilation=1 return_indices= ceil_mode=",
        partial(_pool, "max pool"),
    ),
    "AvgPool2d": (
        f"{_POOL} ceil_mode= dilation=1",
        partial(_pool, "avg pool"),
    ),
    "AdaptiveAvgPool2d": ("output_size", partial(_adaptive, "avg pool")),
    "AdaptiveMaxPool2d": ("output_size", partial(_adaptive, "max pool")),
    "PReLU": ("num_parameters=1", _prelu),
    "Flatten": ("", "flatten".format_map),
    "Unflatten": ("dim unflattened_size", _unflatten),
    "Softmax": ("dim=", "softmax".format_map),
    "Linear": (
        "in_features out_features bias=",
        "fc {out_features}".format_map,
    ),
    "Dropout": ("p=0.5", "dropout {p}".format_map),
    "Dropout2d": ("p=0.5", "channel dropout {p}".format_map),
    "LeakyReLU": (
        "negative_slope=0.01",
        "leaky relu {negative_slope}".format_map,
    ),
    "GroupNorm": ("num_groups num_channels", "gn {num_groups}".format_map),
    "LayerNorm": ("normalized_shape", _layer_norm),
    "PixelShuffle": (
        "upscale_factor",
        "pixel shuffle {upscale_factor}".format_map,
    ),
    "ZeroPad2d": ("padding", "pad {padding}".format_map),
    "Upsample": (
        "size scale_factor mode=nearest align_corners=",
        _upsample,
    ),
}
"""The parameters of a layer, in their order and with their defaults, and its label."""
