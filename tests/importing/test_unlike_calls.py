"""Blocks of which some calls have a layer more, or hold another block, are one block to a person;
each case is proven equal."""

from __future__ import annotations

from functools import cache

import pytest

from resgraph import from_module
from resgraph.plan import loads

FRAME = "name: a\ninput: 3x32x32\n{}\n"
SQUEEZE = "gate: {s: [global avg pool, fc in/2 relu, fc in/2 relu, fc in sigmoid], merge: x*s}"
GHOST = f"""
blocks:
  {SQUEEZE}
  ghost:
    let:      {{gates: 0, k: 3}}
    body:
      - 1x1 conv 2*in
      - 3x3 conv 2*in
      - (stride - 1) x depthwise conv /stride kernel k linear
      - gates x gate
      - 3x3 conv 2*in
      - 1x1 conv out linear
    shortcut: [depthwise conv /stride kernel k linear, 1x1 conv out linear]
    merge:    body + shortcut
net:
  stem: 3x3 conv 16
  one:  [ghost 16, ghost 16 gates 1, ghost 32 /2 k 5]
  two:  [ghost 32, ghost 64 /2 gates 1, ghost 64 gates 1]
  head: [global avg pool, fc 8]"""
APART = GHOST.replace(
    "ghost 64 gates 1]", "ghost 64 gates 1, ghost 80 k 7 gates 1]"
)
INNER = """
blocks:
  plain: {let: {k: 4}, a: 3x3 conv k, b: [a, 3x3 conv k], merge: concat(x a b)}
  light: {let: {k: 4}, a: [1x1 conv k linear, 5x5 depthwise conv], b: [a, 1x1 conv k], merge: concat(x a b)}
  stage:
    let:      {inner: plain, k: 4}
    body:     [inner k k, 1x1 conv out/2, 1x1 conv out]
    shortcut: none
    merge:    body + shortcut
net:
  stem: 3x3 conv 16
  one:  [stage 32 k 6, stage 32 k 10]
  two:  [3x3 depthwise conv /2 linear, stage 64 inner light k 12, stage 64 inner light k 44]
  head: 1x1 conv 8"""
INSTEAD = """
blocks:
  sum:  {a: [part 0 of 2, 3x3 conv in], b: [part 1 of 2, 3x3 conv in], merge: concat(a b)}
  last: {a: [part 0 of 3, 3x3 conv in], b: part 1 of 3, c: part 2 of 3, merge: concat(a b c)}
  wide:
    let:   {mix: sum}
    body:  [1x1 conv 2*in, mix, 1x1 conv 2*in, 1x1 conv in linear]
    merge: relu(body + x)
net: {stem: 3x3 conv 24, one: 3 x wide, two: [3x3 conv 48 /2, 3 x wide mix last], head: 1x1 conv 8}"""
FEW = """
blocks:
  one: {body: [3x3 depthwise conv, 1x1 conv in linear], merge: body + x}
  two: {body: [1x1 conv 2*in, 3x3 depthwise conv, 1x1 conv in linear], merge: body + x}
net: {stem: 3x3 conv 16, a: 3 x one, b: [3x3 conv 32 /2, 3 x two], head: 1x1 conv 8}"""
TURNED = """
blocks:
  square: {a: 1x1 conv 8, b: [1x1 conv 8, 5x5 conv 8, 3x3 conv 8], merge: concat(a b)}
  flat:   {a: 1x1 conv 8, b: [1x1 conv 8, 1x7 conv 8, 7x1 conv 8, 3x3 conv 8], merge: concat(a b)}
net: {stem: 3x3 conv 16, one: 3 x square, two: [3x3 conv 32 /2, 3 x flat], head: 1x1 conv 8}"""
OSA = f"""
blocks:
  {SQUEEZE}
  osa:
    a:     3x3 conv 8
    b:     [a, 3x3 conv 8]
    body:  [concat(x a b), 1x1 conv out, gate]
    shortcut: none
    merge: body + shortcut
net: {{stem: 3x3 conv 16, one: [osa 32, osa 32], two: [3x3 conv 64 /2, osa 64], head: 1x1 conv 8}}"""
TREE = """
net:
  stem: 3x3 conv 16
  one:  [basic 16, {a: basic in, merge: concat(a x)}]
  two:  [1x1 conv 16, {a: basic in, b: [a, basic in], merge: concat(b a x)}]
  head: [global avg pool, fc 8]"""
LATER = """
blocks:
  pre: {body: [bn, relu, 3x3 conv in, 3x3 conv in linear], merge: body + x}
net: {stem: 3x3 conv 16, one: [3 x pre, relu, 1x1 conv 32], two: [2 x pre, relu], head: 1x1 conv 8}"""
MIXED = """
unit: conv
blocks:
  mix: {a: [part 0 of 2, 5x5 depthwise conv], b: [part 1 of 2, 3x3 depthwise conv], merge: concat(a b)}
  mb:  {body: [1x1 conv 2*in relu, mix, bn, relu, 1x1 conv in], merge: body + x}
net: {stem: 3x3 conv 16, one: 2 x mb, two: [1x1 conv 64, mix, bn, 1x1 conv 32, 2 x mb], head: 1x1 conv 8}"""

POOLED = """
blocks:
  cut:   {a: [part 0 of 2, 3x3 conv in/2], b: part 1 of 2, merge: concat(a b)}
  first: {a: [part 0 of 2, 3x3 conv in/2 /stride], b: [part 1 of 2, 3x3 avg pool /stride], merge: concat(a b)}
  wide:  {let: {inner: cut}, body: [1x1 conv out, inner /stride, 1x1 conv out linear], merge: relu(body + shortcut)}
net: {stem: 3x3 conv 16, one: [wide 32 inner first, 2 x wide 32], two: [wide 64 /2 inner first, 2 x wide 64],
  head: 1x1 conv 8}"""


@cache
def imported(spec: str) -> str:
    """What is written of a net; some are looked at more than once."""
    found = from_module(loads(FRAME.format(spec)).module(), (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (GHOST, (" gates x Gate,", " (stride - 1) x depthwise conv /stride linear kernel k,")),
        (GHOST, ("Ghost 16 gates 1", "shortcut: [depthwise conv /stride linear kernel k, ")),
        (APART, ("Ghost 80 k 7]", "shortcut: [depthwise conv /stride linear kernel k, ")),
        (INNER, ("inner width width, 1x1 conv out/2, 1x1 conv out]", "inner Light", "Stage 32, ")),
        (INSTEAD, ("inner: Sum", "inner, 1x1 conv 2*in", "3 x WidePlain inner Last")),
        (FEW, ("3 x One", "3 x inverted-residual 32 expand 2")),
        (TURNED, ("3 x Square", "3 x Flat")),
        (OSA, ("merge: concat(x a b)", "2 x Osa 32", "Osa 64")),
        (TREE, ("body:  basic in", "[a, basic in]", "concat(b a x)")),
        (LATER, ("3 x Pre", "[3 x Pre, relu, 1x1 conv 32]", "[relu, 1x1 conv 8]")),
        (POOLED, ("pools x 3x3 avg pool /stride", "pools 1")),
        (MIXED, ("2 x Mb", "1x1 conv 64 bare, Mix]")),
    ],
    ids=["ghost", "shortcut", "apart", "inner", "instead", "few", "turned", "osa", "tree", "later", "pooled", "mixed"],
)  # fmt: skip
def test_one_block_says_them(spec: str, said: tuple[str, ...]) -> None:
    written = imported(spec)
    assert [each for each in said if each not in written] == [], written


@pytest.mark.parametrize(
    ("spec", "blocks"), [(GHOST, 2), (OSA, 3), (MIXED, 2), (LATER, 1)]
)
def test_there_are_no_more_blocks_than_were_written(
    spec: str, blocks: int
) -> None:
    assert imported(spec).count("merge:") == blocks


@pytest.mark.parametrize("options", ["", " width 8 groups 2"])
def test_blocks_within_blocks_are_one_of_the_library(options: str) -> None:
    """What is cut and joined is a block of its own, until the library has the whole."""
    rows = f"""net:
  stem:   3x3 conv 16
  layer1: [res2net-first 32{options}, res2net 32{options}]
  layer2: [res2net-first 64 /2{options}, 2 x res2net 64{options}]
  head:   [global avg pool, fc 8]
"""
    shortcut = "shortcut: [max pool /stride, 1x1 conv out linear]"
    assert f"{shortcut}\n\n{rows}" in imported(f"{shortcut}\n{rows}")


def test_a_stage_is_a_row_though_its_first_block_differs() -> None:
    spec = """
blocks:
  wide:
    let:   {d: 2}
    body:  [3x3 conv out /stride, 3x3 conv out linear dilation d]
    merge: relu(body + shortcut)
net: {stem: 3x3 conv 16, one: [wide 32 /2 d 1, 3 x wide 32], two: [wide 64 /2 d 1, 5 x wide 64], head: 1x1 conv 8}"""
    written = imported(spec)
    assert "one:  [Wide 32 /2 dilation 1, 3 x Wide 32]" in written
    assert "two:  [Wide 64 /2 dilation 1, 5 x Wide 64]" in written


def test_a_row_has_what_leads_to_its_blocks() -> None:
    """As FastViT's stages, and DPN's, whose widths grow: blocks that stand once, and an activation
    behind one."""
    spec = """
unit: conv bn
blocks:
  down: {a: 3x3 conv out /stride, b: 1x1 conv out /stride, merge: a + b}
  more: {new: [1x1 conv 8 relu, 3x3 conv 8], merge: concat(x new)}
  gate: {s: 1x1 conv in sigmoid, merge: x*s}
net:
  one:  [down 32 /2, relu, gate, 3 x more]
  two:  [down 64 /2, gate, 5 x more]
  head: 1x1 conv 8"""
    rows = imported(spec).partition("net:\n")[2]
    assert "[Down 32 /2, relu, Gate, 3 x More]" in rows, rows
    assert "[Down 64 /2, Gate, 5 x More]" in rows, rows
