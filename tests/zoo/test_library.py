"""Every block of the standard library, alone in a net: what comes out of it, and what it learns, worked out by hand."""

from __future__ import annotations

import pytest

import resgraph
from resgraph.language.library import library_block, library_index
from resgraph.ops.base import shape_text


def bn(width: int) -> int:
    return 2 * width


def conv(kernel: int, into: int, out: int, groups: int = 1) -> int:
    """A convolution and its norm."""
    return kernel**2 * into // groups * out + bn(out)


def bare(kernel: int, into: int, out: int) -> int:
    return kernel**2 * into * out


def fc(into: int, out: int) -> int:
    return into * out + out


def se(width: int, squeeze: int) -> int:
    return fc(width, squeeze) + fc(squeeze, width)


BOTTLENECK = conv(1, 64, 64) + conv(3, 64, 64) + conv(1, 64, 256)
PROJECTION = conv(1, 64, 256)
PREACT = (
    bn(64)
    + bare(3, 64, 128)
    + bn(128)
    + bare(3, 128, 128)
    + bare(1, 64, 128)
)
MAP, VECTOR, IMAGE = "64x16x16", "64", "3x32x32"

# input, call, output, parameters
BLOCKS = [
    (MAP, "basic 64", MAP, 2 * conv(3, 64, 64)),
    (
        MAP,
        "basic 128 /2",
        "128x8x8",
        conv(3, 64, 128) + conv(3, 128, 128) + conv(1, 64, 128),
    ),
    (MAP, "basic 64 dilation 2", MAP, 2 * conv(3, 64, 64)),
    (MAP, "bottleneck 256 /2", "256x8x8", BOTTLENECK + PROJECTION),
    (
        MAP,
        "bottleneck 64 dilation 2",
        MAP,
        conv(1, 64, 16) + conv(3, 16, 16) + conv(1, 16, 64),
    ),
    (MAP, "preact-basic 128 /2", "128x8x8", PREACT),
    (
        MAP,
        "preact-bottleneck 128 /2",
        "128x8x8",
        bn(64)
        + bare(1, 64, 32)
        + 2 * bn(32)
        + bare(3, 32, 32)
        + bare(1, 32, 128)
        + bare(1, 64, 128),
    ),
    (
        MAP,
        "resnext 256",
        "256x16x16",
        conv(1, 64, 128)
        + conv(3, 128, 128, 32)
        + conv(1, 128, 256)
        + PROJECTION,
    ),
    (
        MAP,
        "wide-bottleneck 256",
        "256x16x16",
        conv(1, 64, 128)
        + conv(3, 128, 128)
        + conv(1, 128, 256)
        + PROJECTION,
    ),
    (MAP, "wide-basic 128 /2 rate 0.3", "128x8x8", PREACT),
    (MAP, "se", MAP, se(64, 8)),
    (MAP, "se-basic 64 reduction 4", MAP, 2 * conv(3, 64, 64) + se(64, 16)),
    (
        MAP,
        "se-bottleneck 256",
        "256x16x16",
        BOTTLENECK + PROJECTION + se(256, 16),
    ),
    (MAP, "eca", MAP, 3),
    ("512x4x4", "eca", "512x4x4", 5),
    ("2048x4x4", "eca", "2048x4x4", 7),
    (MAP, "eca-basic 64", MAP, 2 * conv(3, 64, 64) + 3),
    (MAP, "eca-bottleneck 256", "256x16x16", BOTTLENECK + PROJECTION + 5),
    (IMAGE, "stem-7x7 64", "64x8x8", conv(7, 3, 64)),
    (
        IMAGE,
        "stem-c 64",
        "64x8x8",
        conv(3, 3, 32) + conv(3, 32, 32) + conv(3, 32, 64),
    ),
    (
        IMAGE,
        "stem-t 64",
        "64x8x8",
        conv(3, 3, 24) + conv(3, 24, 32) + conv(3, 32, 64),
    ),
    (
        IMAGE,
        "stem-rs 64",
        "64x8x8",
        conv(3, 3, 32)
        + conv(3, 32, 32)
        + conv(3, 32, 64)
        + conv(3, 64, 64),
    ),
    (IMAGE, "stem-3x3 16", "16x32x32", conv(3, 3, 16)),
    (IMAGE, "stem-4x4 96", "96x8x8", bare(4, 3, 96) + 96 + 2 * 96),
    (IMAGE, "stem-s2d 64", "64x8x8", conv(3, 48, 64)),
    (MAP, "head-mean 10", "10", fc(64, 10)),
    (MAP, "head-preact 10", "10", bn(64) + fc(64, 10)),
    (
        MAP,
        "head-vgg 10 hidden 32",
        "10",
        fc(64 * 49, 32) + fc(32, 32) + fc(32, 10),
    ),
    (MAP, "shortcut-d 128 /2", "128x8x8", conv(1, 64, 128)),
    ("64x15x15", "shortcut-d 128 /2", "128x8x8", conv(1, 64, 128)),
    (MAP, "shortcut-3x3 128 /2", "128x8x8", conv(3, 64, 128)),
    (MAP, "shortcut-3x3 128", "128x16x16", conv(1, 64, 128)),
    (MAP, "shortcut-blur 128 /2", "128x8x8", conv(1, 64, 128)),
    (
        MAP,
        "blur-basic 128 /2",
        "128x8x8",
        conv(3, 64, 128) + conv(3, 128, 128) + conv(1, 64, 128),
    ),
    (MAP, "blur-bottleneck 256 /2", "256x8x8", BOTTLENECK + PROJECTION),
    (
        MAP,
        "mean-basic 128 /2",
        "128x8x8",
        conv(3, 64, 128) + conv(3, 128, 128) + conv(1, 64, 128),
    ),
    (MAP, "mean-bottleneck 256 /2", "256x8x8", BOTTLENECK + PROJECTION),
    (
        MAP,
        "regnet-x 64 group 16",
        MAP,
        2 * conv(1, 64, 64) + conv(3, 64, 64, 4),
    ),
    (
        MAP,
        "regnet-x 64 group 96",
        MAP,
        2 * conv(1, 64, 64) + conv(3, 64, 64),
    ),
    (
        MAP,
        "regnet-y 64 group 16",
        MAP,
        2 * conv(1, 64, 64) + conv(3, 64, 64, 4) + se(64, 16),
    ),
    (
        MAP,
        "dense-layer growth 12",
        "76x16x16",
        bn(64) + bare(1, 64, 48) + bn(48) + bare(3, 48, 12),
    ),
    (MAP, "dense-transition", "32x8x8", bn(64) + bare(1, 64, 32)),
    (
        MAP,
        "inverted-residual 64",
        MAP,
        conv(1, 64, 384) + conv(3, 384, 384, 384) + conv(1, 384, 64),
    ),
    (
        MAP,
        "inverted-residual 32 /2 expand 2",
        "32x8x8",
        conv(1, 64, 128) + 128 * 9 + bn(128) + conv(1, 128, 32),
    ),
    (
        MAP,
        "mbconv 64 kernel 5",
        MAP,
        conv(1, 64, 384)
        + 384 * 25
        + bn(384)
        + se(384, 16)
        + conv(1, 384, 64),
    ),
    (MAP, "se squeeze 4 act hardswish gate hardsigmoid", MAP, se(64, 4)),
    (
        MAP,
        "convnext",
        MAP,
        64 * 49 + 64 + bn(64) + fc(64, 256) + fc(256, 64) + 64,
    ),
    (
        MAP,
        "convnext-down 128 /2",
        "128x8x8",
        bn(64) + bare(2, 64, 128) + 128,
    ),
    (
        "256x16x16",
        "res2net 256",
        "256x16x16",
        conv(1, 256, 104) + 3 * conv(3, 26, 26) + conv(1, 104, 256),
    ),
    (
        MAP,
        "res2net-first 256 /2",
        "256x8x8",
        conv(1, 64, 104)
        + 3 * conv(3, 26, 26)
        + conv(1, 104, 256)
        + PROJECTION,
    ),
    (
        MAP,
        "split-attention 64",
        MAP,
        conv(3, 64, 128, 2) + fc(64, 32) + bn(32) + fc(32, 128),
    ),
    (
        MAP,
        "resnest 256 /2",
        "256x8x8",
        conv(1, 64, 64)
        + conv(3, 64, 128, 2)
        + fc(64, 32)
        + bn(32)
        + fc(32, 128)
        + conv(1, 64, 256)
        + PROJECTION,
    ),
    (
        MAP,
        "selective-kernel 64 /2",
        "64x8x8",
        2 * conv(3, 64, 64, 32) + 64 * 32 + bn(32) + fc(32, 128),
    ),
    (
        MAP,
        "sk 256",
        "256x16x16",
        conv(1, 64, 128)
        + 2 * conv(3, 128, 128, 32)
        + 128 * 32
        + bn(32)
        + fc(32, 256)
        + conv(1, 128, 256)
        + PROJECTION,
    ),
    (MAP, "highway", MAP, 2 * (bare(3, 64, 64) + 64)),
    (VECTOR, "fc-highway carry -1", VECTOR, 2 * fc(64, 64)),
    (VECTOR, "fc-basic 64", VECTOR, 2 * fc(64, 64)),
    (VECTOR, "fc-basic 32", "32", fc(64, 32) + fc(32, 32) + fc(64, 32)),
    (VECTOR, "fc-preact", VECTOR, bn(64) + fc(64, 128) + fc(128, 64)),
    (MAP, "shuffle-unit", MAP, 2 * conv(1, 32, 32) + conv(3, 32, 32, 32)),
    (
        MAP,
        "shuffle-down 96 /2",
        "96x8x8",
        conv(3, 64, 64, 64)
        + 2 * conv(1, 64, 48)
        + conv(3, 48, 48, 48)
        + conv(1, 48, 48),
    ),
    (MAP, "repvgg 64", MAP, conv(3, 64, 64) + conv(1, 64, 64) + bn(64)),
    (MAP, "repvgg 128 /2", "128x8x8", conv(3, 64, 128) + conv(1, 64, 128)),
]


@pytest.mark.parametrize(
    ("input_", "call", "output", "params"),
    BLOCKS,
    ids=[f"{b[1]} on {b[0]}" for b in BLOCKS],
)
def test_block_gives_and_learns_what_it_should(
    input_: str, call: str, output: str, params: int
) -> None:
    plan = resgraph.loads(
        f"name: one block\ninput: {input_}\nnet:\n  row: {call}\n"
    )
    assert (shape_text(plan.output), plan.params) == (output, params)


@pytest.mark.parametrize("block", sorted(library_index()))
def test_every_block_is_tested_and_says_what_it_is(block: str) -> None:
    assert block in {call.split()[0] for _, call, _, _ in BLOCKS}
    assert library_block(block).about


@pytest.mark.parametrize(
    ("unit", "params"),
    [
        ("conv relu", 2 * (9 * 64 * 64 + 64)),
        ("conv gn relu", 2 * conv(3, 64, 64)),
        ("conv", 2 * (9 * 64 * 64 + 64)),
    ],
)
def test_a_files_unit_reaches_library_blocks(
    unit: str, params: int
) -> None:
    plan = resgraph.loads(
        f"name: unit\ninput: {MAP}\nunit: {unit}\nnet:\n  row: basic 64\n"
    )
    assert plan.params == params


def test_a_files_shortcut_reaches_library_blocks() -> None:
    projected = resgraph.loads(
        f"name: b\ninput: {MAP}\nnet:\n  row: basic 128 /2\n"
    )
    padded = resgraph.loads(
        f"name: a\ninput: {MAP}\nshortcut: zero-pad\nnet:\n  row: basic 128 /2\n"
    )
    assert projected.params - padded.params == conv(1, 64, 128)


def test_a_files_let_does_not_reach_library_blocks() -> None:
    rows = "  row: se-basic 64\n  other: se-basic 64 reduction reduction\n"
    plan = resgraph.loads(
        f"name: let\ninput: {MAP}\nlet: {{reduction: 2}}\nnet:\n{rows}"
    )
    assert plan.params == 4 * conv(3, 64, 64) + se(64, 8) + se(64, 32)


@pytest.mark.parametrize(
    "block",
    ["basic", "bottleneck", "se-basic", "se-bottleneck", "regnet-x", "regnet-y", "res2net", "preact-basic",
     "preact-bottleneck", "resnext", "wide-bottleneck"],
)  # fmt: skip
def test_blocks_that_a_dilated_net_needs(block: str) -> None:
    """`dilation` reaches each 3x3 and changes nothing else; `first` of two 3x3 is its own (torchvision, timm)."""
    one, other = (
        resgraph.loads(
            f"name: a\ninput: 256x32x32\nnet: {{r: {block} 256 {o}}}\n"
        )
        for o in ("", "dilation 2")
    )
    assert (one.params, one.macs, one.output) == (
        other.params,
        other.macs,
        other.output,
    )
    found = [
        node.op
        for node in other.graph.nodes.values()
        if getattr(node.op, "kernel", None) == (3, 3)
    ]
    assert found and {op.dilation for op in found} == {(2, 2)}  # type: ignore[attr-defined]
    if block in ("basic", "se-basic", "preact-basic"):
        last = resgraph.loads(
            f"name: a\ninput: 256x32x32\nnet: {{r: {block} 256 dilation 4 first 2}}\n"
        )
        found = [
            node.op
            for node in last.graph.nodes.values()
            if getattr(node.op, "kernel", None) == (3, 3)
        ]
        assert [op.dilation for op in found] == [(2, 2), (4, 4)]  # type: ignore[attr-defined]
