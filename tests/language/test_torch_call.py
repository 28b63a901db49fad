"""Layers written as PyTorch calls them: the label in the hint is the same layer."""

from __future__ import annotations

import pytest
import torch
from nets import mistakes, spec
from torch import nn

import resgraph
from resgraph.language.torch_call import label_of_call

CALLS = {
    "nn.Conv2d(16, 32, 3, padding=1, bias=False)": "3x3 conv 32",
    "torch.nn.Conv2d(16, 32, kernel_size=(3, 3), padding='same')": "3x3 conv 32",
    "nn.Conv2d(16, 32, 7, 2, 3)": "7x7 conv 32 /2",
    "nn.Conv2d(16, 32, (1, 5), padding=(0, 2))": "1x5 conv 32 pad 0x2",
    "nn.Conv2d(16, 32, 3)": "3x3 conv 32 pad 0",
    "nn.Conv2d(16, 32, 3, 1, 2, 2, 8)": "3x3 conv 32 dilation 2 groups 8",
    "nn.Conv2d(16, 16, 3, padding=1, groups=16)": "3x3 depthwise conv",
    "nn.Conv2d(16, 8 * 2, 1, stride=2)": "1x1 conv 8*2 /2",
    "nn.ConvTranspose2d(16, 32, 2, 2)": "2x2 up conv 32 /2",
    "nn.ConvTranspose2d(16, 32, 4, 2, 1)": "4x4 up conv 32 /2",
    "nn.ConvTranspose2d(16, 32, 3, 2, 1, 1)": "3x3 up conv 32 /2",
    "nn.MaxPool2d(3, 2, 1)": "3x3 max pool /2",
    "nn.MaxPool2d(2)": "2x2 max pool /2",
    "nn.AvgPool2d(3)": "3x3 avg pool /3 pad 0",
    "nn.MaxPool2d(3, 2, ceil_mode=True)": "3x3 max pool /2 pad 0 ceil",
    "nn.AvgPool2d(2, 2, 0, True)": "2x2 avg pool /2 ceil",
    "nn.AdaptiveAvgPool2d((1, 1))": "global avg pool",
    "nn.AdaptiveMaxPool2d(4)": "max pool to 4",
    "nn.BatchNorm2d(16)": "bn",
    "nn.GroupNorm(4, 16)": "gn 4",
    "nn.ReLU(inplace=True)": "relu",
    "nn.PReLU()": "prelu shared",
    "nn.PReLU(16)": "prelu",
    "nn.Softmax(dim=1)": "softmax",
    "nn.ReLU(True)": "relu",
    "nn.LeakyReLU(0.1)": "leaky relu 0.1",
    "nn.GELU()": "gelu",
    "nn.Dropout(p=0.3)": "dropout 0.3",
    "nn.Dropout2d()": "channel dropout 0.5",
    "nn.Flatten()": "flatten",
    "nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)": (
        "upsample 2 bilinear align_corners"
    ),
    "nn.Upsample(scale_factor=2)": "upsample 2",
    "nn.PixelShuffle(2)": "pixel shuffle 2",
    "nn.ZeroPad2d(2)": "pad 2",
}


@pytest.mark.parametrize("call", CALLS)
def test_the_label_is_the_layer(call: str) -> None:
    label = CALLS[call]
    assert label_of_call(call) == label
    theirs = eval(call, {"nn": nn, "torch": torch}).eval()
    text = f"name: net\ninput: 16x16x16\nunit: conv\nnet: {{a: {label}}}"
    ours = resgraph.loads(text).module().eval()
    x = torch.rand(2, 16, 16, 16)
    assert ours(x).flatten(1).shape == theirs(x).flatten(1).shape
    weights = [
        [
            value.shape
            for name, value in net.named_parameters()
            if not name.endswith("bias")
        ]
        for net in (ours, theirs)
    ]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("call", "label"),
    {
        "gn(8)": "gn 8",
        "dropout(0.5)": "dropout 0.5",
        "layers.Dense(10)": "fc 10",
        "DropPath(0.1)": "drop path 0.1",
        "UpSampling2D(2)": "upsample 2",
        "GroupNormalization(8)": "gn 8",
        "gn()": "",
        "conv(64)": "",
        "LayerScale(64)": "",
        "relu(0.1)": "",
    }.items(),
)
def test_a_number_is_not_lost(call: str, label: str) -> None:
    assert label_of_call(call) == label


def test_maps_of_a_vector() -> None:
    assert label_of_call("nn.Unflatten(1, (512, 4, 4))") == "to 4x4"
    assert label_of_call("nn.Unflatten(1, (16, 8))") == "to 8"


def test_a_layer_norm_is_over_the_channels() -> None:
    assert label_of_call("nn.LayerNorm(64)") == "ln"
    assert label_of_call("nn.LayerNorm(dim)") == "ln"


@pytest.mark.parametrize(
    "call",
    [
        "nn.ConvTranspose2d(16, 32, 3, 2)",
        "nn.Unflatten(2, (14, 14))",
        "nn.LayerNorm([8, 16, 16])",
        "nn.LayerNorm((8, 16, 16))",
        "nn.Unflatten(1, shape)",
        "nn.ConvTranspose2d(16, 32, k, 2)",
        "nn.Conv2d(16)",
        "nn.MaxPool2d(3, dilation=2)",
        "nn.Upsample(size=(7, 7))",
        "nn.LSTM(16, 32)",
        "nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect')",
        "nn.AvgPool2d(3, 2, 1, count_include_pad=False)",
        "nn.GELU(approximate='tanh')",
        "nn.GELU('tanh')",
        "nn.ELU(0.5)",
        "nn.BatchNorm2d(16, eps=1e-3)",
        "nn.BatchNorm2d(16, affine=False)",
        "nn.Flatten(2)",
        "nn.MaxPool2d(*size)",
        "nn.MaxPool2d(**options)",
        "layers.Conv2D(64, 3, 2)",
        "layers.MaxPooling2D(2)",
        "conv(3, 64, kernel_size=7)",
        "nn.Conv2d(3, ",
        "3x3 conv 64",
    ],
)
def test_others_have_none(call: str) -> None:
    assert label_of_call(call) == ""


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("nn.Conv2d(3, 64, 7, 2, 3)", "E011"),
        ("[nn.Conv2d(3, 64, 7, 2, 3), relu]", "E009"),
    ],
)
def test_a_mistake_has_the_label(row: str, code: str) -> None:
    (found,) = mistakes(spec(f"one: {row}"))
    assert (found.code, found.help) == (
        code,
        "as a label it is `7x7 conv 64 /2`, which has the `unit`'s norm and activation;"
        " `bare` leaves them out",
    )
