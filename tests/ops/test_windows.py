"""Windows of any size over maps of any size: where torch makes a map, `infer` has its shape; where not, an error."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resgraph.ops import (
    BlurPool,
    Conv,
    DepthwiseConv,
    Op,
    Pool,
    Shape,
    ShapeError,
    UpConv,
    ZeroPad,
)
from resgraph.ops.sliding import same_padding

from .build import module

Pair = tuple[int, int]
Kind = Literal["max pool", "avg pool"]

sizes = st.tuples(st.integers(1, 13), st.integers(1, 13))
pairs = st.tuples(st.integers(1, 5), st.integers(1, 5))
pads = st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3))


def agrees(op: Op, x: Shape) -> bool:
    """Whether `infer` and torch agree; both may refuse."""
    made = module(op, x)
    try:
        shape: Shape | None = op.infer(x)
    except ShapeError:
        shape = None
    try:
        return tuple(made(torch.zeros(1, *x)).shape[1:]) == shape
    except RuntimeError:
        return shape is None


@given(sizes, pairs, pairs, pairs, pads)
def test_conv(
    size: Pair, kernel: Pair, stride: Pair, dilation: Pair, pad: Pair | None
) -> None:
    assert agrees(
        Conv(
            width=2,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            pad=pad,
        ),
        (3, *size),
    )
    assert agrees(
        DepthwiseConv(
            kernel=kernel, stride=stride, dilation=dilation, pad=pad
        ),
        (3, *size),
    )


@given(
    sizes,
    pairs,
    pairs,
    pads,
    st.booleans(),
    st.sampled_from(["max pool", "avg pool"]),
)
def test_pool(
    size: Pair,
    kernel: Pair,
    stride: Pair,
    pad: Pair | None,
    ceil: bool,
    word: Kind,
) -> None:
    if pad is not None and any(
        2 * p > k for p, k in zip(pad, kernel, strict=True)
    ):
        with pytest.raises(ValueError, match="at most half of the kernel"):
            Pool(op=word, kernel=kernel, stride=stride, pad=pad, ceil=ceil)
    else:
        assert agrees(
            Pool(op=word, kernel=kernel, stride=stride, pad=pad, ceil=ceil),
            (3, *size),
        )


@given(sizes, pairs, pairs, pads)
def test_blur_pool(
    size: Pair, half: Pair, stride: Pair, pad: Pair | None
) -> None:
    kernel = (2 * half[0] - 1, 2 * half[1] - 1)
    assert agrees(
        BlurPool(kernel=kernel, stride=stride, pad=pad), (3, *size)
    )


@given(sizes, pairs, pairs, pairs)
def test_an_up_conv_multiplies_the_size_exactly(
    size: Pair, kernel: Pair, stride: Pair, dilation: Pair
) -> None:
    if any(
        k % 2 == 0 and s == d == 1
        for k, s, d in zip(kernel, stride, dilation, strict=True)
    ):
        # the one window without a middle
        with pytest.raises(ValueError, match="cannot keep the size"):
            UpConv(width=2, kernel=kernel, stride=stride, dilation=dilation)
        return
    op = UpConv(width=2, kernel=kernel, stride=stride, dilation=dilation)
    assert op.infer((3, *size)) == (
        2,
        size[0] * stride[0],
        size[1] * stride[1],
    )
    assert agrees(op, (3, *size))


@given(sizes, pairs, st.integers(0, 4))
def test_the_zero_pad_shortcut_fits_beside_a_conv(
    size: Pair, stride: Pair, more: int
) -> None:
    op = ZeroPad(width=3 + more, stride=stride)
    assert agrees(op, (3, *size))
    for kernel in (1, 3, 5):
        assert op.infer((3, *size)) == Conv(
            width=3 + more, kernel=kernel, stride=stride
        ).infer((3, *size))


@given(pairs, pairs)
def test_the_padding_of_an_odd_kernel_keeps_the_size(
    kernel: Pair, dilation: Pair
) -> None:
    assume(all(k % 2 for k in kernel))
    op = Conv(width=2, kernel=kernel, dilation=dilation)
    assert op.padding == same_padding(kernel, dilation)
    assert op.infer((3, 9, 4)) == (2, 9, 4)


@settings(max_examples=30)
@given(sizes, pairs, st.integers(1, 4))
def test_a_pool_without_a_kernel_reads_each_cell_once(
    size: Pair, stride: Pair, width: int
) -> None:
    op = Pool(op="avg pool", stride=stride, ceil=True)
    assert op == Pool(
        op="avg pool", kernel=stride, stride=stride, ceil=True
    )
    assert op.nothing() == (stride == (1, 1))
    if all(
        n >= s and s % 2 == 0 for n, s in zip(size, stride, strict=True)
    ):
        assert op.infer((width, *size)) == ZeroPad(
            width=width, stride=stride
        ).infer((width, *size))


@pytest.mark.parametrize("word", ["max pool", "avg pool"])
def test_a_1x1_pool_at_stride_1_is_nothing(word: Kind) -> None:
    assert Pool(op=word).nothing()
    assert Pool(op=word, kernel=1, stride=1).nothing()
    assert BlurPool().nothing()
    assert not Pool(op=word, to=1).nothing()
    assert not Pool(op=word, kernel=1, stride=2).nothing()
    assert not Pool(op=word, kernel=3).nothing()
    assert not Conv(width=3, kernel=1).nothing()
