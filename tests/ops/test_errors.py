"""What an op refuses, and the words in which it does."""

from __future__ import annotations

from typing import Any

import pytest

from resgraph.ops import (
    VOCABULARY,
    BlurPool,
    ChannelConv,
    Conv,
    DropBlock,
    Fc,
    Flatten,
    GlobalPool,
    Grn,
    GroupNorm,
    Input,
    InstanceNorm,
    Op,
    Pad,
    Part,
    PixelShuffle,
    Pool,
    Ref,
    Shape,
    ShapeError,
    Softmax,
    UpConv,
    ZeroPad,
)
from resgraph.ops.attention import Attention, Position, TakeToken, To, Token

SHAPES: list[tuple[Op, Shape, str, str, str]] = [
    (Conv(width=64, kernel=7, pad=0), (3, 3, 5), "E043",
     "a 3x5 map is too small for a 7x7 kernel",
     "use a smaller kernel, more `pad`, fewer strides before it, or a larger input"),
    (Conv(width=64, kernel=3, pad=1, dilation=4), (3, 6, 6), "E043",
     "a 6x6 map padded by 1 is too small for a 3x3 kernel of dilation 4",
     "use a smaller kernel, more `pad`, fewer strides before it, or a larger input"),
    (Pool(op="max pool", stride=2), (3, 1, 4), "E043",
     "a 1x4 map is too small for a 2x2 kernel",
     "use a smaller kernel, more `pad`, fewer strides before it, or a larger input"),
    (Pool(op="avg pool", kernel=(3, 3, 3), stride=(2, 2, 2), pad=(1, 1, 1)), (3, 2, 1, 1), "E043",
     "a 2x1x1 map is smaller than a 3x3x3 kernel, and torch averages no such volume, padded or not",
     "use a smaller kernel, or `global avg pool`"),
    (BlurPool(kernel=5), (3, 2, 9), "E043",
     "a 2x9 map is too small to reflect 2 cells at each edge",
     "use a smaller kernel, `zeros` or `pad 0`, fewer strides before it, or a larger input"),
    (Conv(width=64, kernel=3, groups=32), (48, 9, 9), "E042",
     "`groups 32` does not divide the 48 channels that come in",
     "groups that divide both 48 and 64, nearest: 4, 8, 16"),
    (Conv(width=50, kernel=3, groups=16), (48, 9, 9), "E042",
     "`groups 16` does not divide the width 50",
     "groups that divide both 48 and 50, nearest: 1, 2"),
    (UpConv(width=9, kernel=2, stride=2, groups=4), (8, 9, 9), "E042",
     "`groups 4` does not divide the width 9",
     "groups that divide both 8 and 9, nearest: 1"),
    (GroupNorm(), (48, 7, 7), "E042", "`gn 32` does not divide 48 channels", "the nearest below that does is `gn 24`"),
    (GroupNorm(groups=7), (10**15,), "E042",
     "`gn 7` does not divide 1000000000000000 channels", "the nearest below that does is `gn 5`"),
    (GroupNorm(groups=8), (8,), "E042",
     "`gn 8` on 8 norms each number by itself, which leaves zeros", "use fewer groups, or `bn`"),
    (InstanceNorm(), (64, 1, 1), "E042",
     "`instance norm` on 64x1x1 norms each number by itself, which leaves zeros", "use `ln` or `bn`"),
    (InstanceNorm(), (64,), "E042",
     "`instance norm` on 64 norms each number by itself, which leaves zeros", "use `ln` or `bn`"),
    (Grn(), (64,), "E044", "`grn` needs a map of channels x height x width, but a vector of 64 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (DropBlock(rate=0.1), (64,), "E044",
     "`drop block` needs a map of channels x height x width, but a vector of 64 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (PixelShuffle(factor=2), (6, 4, 4), "E042",
     "6 channels do not fall into 4 equal parts", "make the width before it 4 or 8"),
    (Part(which=0, of=3), (64, 7, 7), "E042",
     "64 channels do not fall into 3 equal parts", "make the width before it 63 or 66"),
    (Attention(heads=4), (100, 7, 7), "E042",
     "`attention heads 4` needs a query, a key and a value of 4 equal parts each, and 100 channels come in",
     "make the width before it 96: a third of it comes out"),
    (Attention(heads=2, relative=True), (12, 9), "E044",
     "`relative` is of distances down and across a map, and 12x9 comes in",
     "leave it out, and put `position` before"),
    (Position(), (64,), "E044", "`position` needs a map of channels x height x width, but a vector of 64 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (Token(), (64, 7, 7), "E044", "`token` reads a sequence of places, and 64x7x7 comes in",
     "`positions` makes a sequence of a map"),
    (TakeToken(), (64,), "E044", "`take token` reads a sequence of places, and 64 comes in",
     "`positions` makes a sequence of a map"),
    (To(size=(14, 14)), (64, 197), "E043", "`to 14x14` is of 196 places, and 197 come in",
     "height times width is the number of places; `take token` takes one that was put before them"),
    (To(size=(4, 4)), (100,), "E042", "100 channels do not fall into 16 equal parts",
     "make the width before it 96 or 112"),
    (Pad(cells=3, reflect=True), (8, 3, 9), "E043",
     "a 3x9 map is too small to reflect 3 cells at each edge",
     "use fewer cells, fewer strides before it, or a larger input"),
    (Part(to=64), (48, 7, 7), "E042", "`part to 64` needs 64 channels, and 48 come in",
     "a part ends within the channels; the first is 0"),
    (Part(**{"from": 48}), (48,), "E042", "`part from 48` needs 49 channels, and 48 come in",
     "a part ends within the channels; the first is 0"),
    (Softmax(parts=4), (2,), "E042", "2 channels do not fall into 4 equal parts", "make the width before it 4"),
    (Conv(width=64, kernel=3), (512,), "E044",
     "`conv` needs a map of channels x height x width, but a vector of 512 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (GlobalPool(op="global max pool"), (512,), "E044",
     "`global max pool` needs a map of channels x height x width, but a vector of 512 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (Flatten(), (512,), "E044",
     "`flatten` needs a map of channels x height x width, but a vector of 512 comes in",
     "after `global avg pool` or `flatten` only `fc` and ops on vectors can follow; `avg pool to 1x1` keeps a map, and `to 4x4` makes maps of a vector"),
    (Fc(width=10), (512, 7, 7), "E044",
     "`fc` reads a vector, but a map of 512x7x7 comes in",
     "put `global avg pool` (or `flatten`) before it; `1x1 conv 10` is the same at each place"),
    (Fc(width=10), (512, 49), "E044", "`fc` reads a vector, but a map of 512x49 comes in",
     "put `global avg pool` (or `flatten`) before it; `1 conv 10` is the same at each place"),
    (ChannelConv(kernel=3), (512, 7, 7), "E044",
     "`channel conv` reads a vector, but a map of 512x7x7 comes in",
     "put `global avg pool` (or `flatten`) before it"),
    (ZeroPad(width=32), (64, 8, 8), "E041",
     "a zero-pad adds channels, and here 64 become 32",
     "use `shortcut: projection` where a block narrows, `1x1 conv` elsewhere"),
    (ZeroPad(width=64, stride=2), (32,), "E044",
     "a vector has no cells to stride over, and the stride is 2",
     "leave the stride out after `global avg pool` or `flatten`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "x", "code", "message", "help_"),
    SHAPES,
    ids=[row[3][:40] for row in SHAPES],
)
def test_a_shape_that_does_not_fit(
    op: Op, x: Shape, code: str, message: str, help_: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        op.infer(x)
    assert (caught.value.code, caught.value.said, caught.value.hint) == (
        code,
        message,
        help_,
    )


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"op": "conv", "kernel": 3}, "Field required"),
    ({"op": "conv", "width": 64}, "Field required"),
    ({"op": "conv", "width": 0, "kernel": 3}, "greater than or equal to 1"),
    ({"op": "conv", "width": 64.0, "kernel": 3}, "valid integer"),
    ({"op": "conv", "width": True, "kernel": 3}, "valid integer"),
    ({"op": "conv", "width": 64, "kernel": (3, 3, 3, 3)}, "at most 3 items"),
    ({"op": "conv", "width": 64, "kernel": (3, 3), "stride": (1, 2, 2)}, "numbers of axes"),
    ({"op": "conv", "width": 64, "kernel": 5000}, "less than or equal to 4096"),
    ({"op": "conv", "width": 64, "kernel": 3, "stride": 0}, "greater than or equal to 1"),
    ({"op": "conv", "width": 64, "kernel": 3, "pad": -1}, "greater than or equal to 0"),
    ({"op": "conv", "width": 64, "kernel": 3, "bias": float("inf")}, "'none' or 'default'"),
    ({"op": "conv", "width": 64, "kernel": 3, "bias": "zero"}, "'none' or 'default'"),
    ({"op": "conv", "width": 64, "kernel": 3, "gamma": 1.7}, "`gamma` belongs to `standardize: scaled`"),
    ({"op": "conv", "width": 64, "kernel": 3, "eps": 0.1}, "`eps` belongs to `standardize: weight`"),
    ({"op": "depthwise conv", "width": 64, "kernel": 3}, "Extra inputs"),
    ({"op": "up conv", "width": 64, "kernel": 2}, "a transposed kernel of 2 cannot keep the size: try 3"),
    ({"op": "up conv", "width": 64, "kernel": 2, "stride": 2, "pad": 2},
     "a transposed kernel of 2 with this `pad` cannot make a map exactly 2 times as large: leave `pad` out"),
    ({"op": "channel conv", "kernel": 4}, "must be odd, so that each channel is the middle of its window"),
    ({"op": "blur pool", "kernel": 2}, "the kernel of a blur is odd, so that it has a middle"),
    ({"op": "pad", "cells": 1, "reflect": True, "replicate": True}, "exclude each other"),
    ({"op": "part"}, "a part is one of equal ones, `part 0 of 2`, or is cut at a channel, `part to 64`"),
    ({"op": "part", "which": 0}, "a part is one of equal ones"),
    ({"op": "part", "of": 2}, "a part is one of equal ones"),
    ({"op": "part", "which": 0, "of": 2, "to": 4}, "a part is one of equal ones"),
    ({"op": "part", "from": 4, "to": 4}, "from 4 to 4 there is no channel"),
    ({"op": "part", "from": 0}, "greater than or equal to 1"),
    ({"op": "pixel shuffle", "factor": 2, "blockwise": True}, "Input should be False"),
    ({"op": "max pool", "kernel": "3"}, "valid tuple"),
    ({"op": "max pool", "stride": "2"}, "valid tuple"),
    ({"op": "max pool", "kernel": 3, "pad": 2}, "`pad` is at most half of the kernel"),
    ({"op": "avg pool", "kernel": 3, "to": 7}, "`to` fixes the size that comes out"),
    ({"op": "avg pool", "stride": 2, "to": 7}, "`to` fixes the size that comes out"),
    ({"op": "avg pool", "ceil": True, "to": 7}, "`to` fixes the size that comes out"),
    ({"op": "avg pool", "inner": True, "to": 7}, "`inner` is an `avg pool`'s with a window"),
    ({"op": "max pool", "inner": True, "kernel": 3}, "`inner` is an `avg pool`'s with a window"),
    ({"op": "dropout", "rate": 1.0}, "less than 1"),
    ({"op": "drop path", "rate": -0.1}, "greater than or equal to 0"),
    ({"op": "dropout"}, "Field required"),
    ({"op": "part", "which": 2, "of": 2}, "the parts of 2 are 0 to 1"),
    ({"op": "softmax", "parts": 1}, "greater than or equal to 2"),
    ({"op": "bn", "eps": 0.0}, "greater than 0"),
    ({"op": "bn", "momentum": 2.0}, "less than or equal to 1"),
    ({"op": "scale", "start": float("nan")}, "finite number"),
    ({"op": "relu", "slope": 0.1}, "Extra inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "message"), FIELDS)
def test_a_field_that_cannot_be(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        VOCABULARY[fields["op"]](**fields)


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4, 5), (3, 0, 4)])
def test_an_input_is_a_map_or_a_vector(shape: Shape) -> None:
    with pytest.raises(ValueError):
        Input(shape=shape)


def test_inputs() -> None:
    assert Input(shape=(3, 224, 224)).infer() == (3, 224, 224)
    assert Input(shape=(3, 224, 224)).label() == "input 3x224x224"
    assert Input(shape=(784,)).label() == "input 784"
    assert Input(shape=(12, 4096)).label() == "input 12x4096"
    assert Input(shape=(3, 16, 112, 112)).infer() == (3, 16, 112, 112)


def test_what_an_op_cannot_answer() -> None:
    for question in (
        lambda: Input(shape=(3,)).torch(),
        lambda: Conv(width=1, kernel=1).expression([Ref("x")], [(3, 1, 1)]),
    ):
        with pytest.raises(NotImplementedError):
            question()


def test_the_zero_pad_shortcut() -> None:
    op = ZeroPad(width=64, stride=2)
    assert op.label() == "zero-pad 64 /2"
    assert op.infer((32, 7, 8)) == (64, 4, 4)
    assert ZeroPad(width=64).infer((32,)) == (64,)
