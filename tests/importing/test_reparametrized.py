"""Blocks of several branches that are summed, of which one is a norm of what comes in where nothing
changes (Ding et al. 2021); each case is proven equal."""

from __future__ import annotations

from functools import cache

import pytest

from resgraph import from_module
from resgraph.plan import loads

FRAME = "name: a\ninput: 3x32x32\nunit: conv bn\n{}\n"
TWICE = """
blocks:
  filters: {shortcut: none, a: 1x1 depthwise conv /stride, b: 3x3 depthwise conv /stride,
    c: 3x3 depthwise conv /stride, kept: [shortcut, bn], merge: relu(kept + a + b + c)}
  widths: {shortcut: none, a: 1x1 conv out, b: 1x1 conv out, kept: [shortcut, bn], merge: relu(kept + a + b)}
net:
  stem:  [3x3 conv 16 relu, filters, widths 16]
  one:   [filters /2, widths 32, filters, widths, filters, widths, filters, widths]
  two:   [filters /2, widths 64, filters, widths, filters, widths, filters, widths]
  head:  [global avg pool, fc 8]"""
REPVGG = """
net: {stem: 3x3 conv 16 relu, one: 3 x repvgg 32 /2, two: 2 x repvgg 32 /2, head: 1x1 conv 8}"""
WITHIN = """
blocks:
  both: {shortcut: none, a: 1x1 conv out /stride, b: 3x3 conv out /stride, kept: [shortcut, bn], merge: a + b + kept}
  gated: [both, se, relu]
net: {stem: 3x3 conv 32 relu, one: [both 64 /2, 3 x gated], two: [both 96 /2, relu, 3 x gated], head: 1x1 conv 8}"""
UNCHANGED = """
blocks:
  normed: {a: 1x1 conv in, b: 3x3 conv in, c: 3x3 conv in, d: bn, merge: relu(a + b + c + d)}
  plain:  {a: 1x1 conv in, b: 3x3 conv in, c: 3x3 conv in, merge: relu(a + b + c)}
net: {stem: 3x3 conv 16 relu, one: 2 x normed, two: 2 x plain, head: 1x1 conv 8}"""
IDENTITY = """
blocks:
  normed: {a: 3x3 conv in, b: 3x3 conv in, c: bn, merge: relu(a + b + c + x)}
  plain:  {a: 3x3 conv out /2, b: 3x3 conv out /2, merge: relu(a + b)}
net: {stem: 3x3 conv 16 relu, one: 2 x normed, two: plain 32, three: 2 x normed, head: 1x1 conv 8}"""


@cache
def imported(spec: str) -> str:
    found = from_module(loads(FRAME.format(spec)).module(), (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


@pytest.mark.parametrize(
    ("spec", "blocks", "said"),
    [
        (TWICE, 2, ("kept:     [shortcut, bn]", "  pair: [Filters, Widths]")),
        (TWICE, 2, ("[Filters /2, Widths 32, 3 x pair]", "[Filters /2, Widths 64, 3 x pair]")),
        (REPVGG, 0, (" 3 x repvgg 32 /2\n", " 2 x repvgg /2\n")),
        (WITHIN, 1, ("kept:     [shortcut, bn]", "Gated: [Both, se, relu]", "3 x Gated")),
    ],
    ids=["twice", "counted", "library", "within"],
)  # fmt: skip
def test_one_block_is_with_and_without_the_norm(
    spec: str, blocks: int, said: tuple[str, ...]
) -> None:
    written = imported(spec)
    assert [each for each in said if each not in written] == [], written
    assert written.count("merge:") == blocks


@pytest.mark.parametrize("spec", [UNCHANGED, IDENTITY])
def test_the_norm_is_not_kept_where_others_change_nothing_or_an_identity_is_summed(
    spec: str,
) -> None:
    written = imported(spec)
    assert "[shortcut, bn]" not in written and written.count("merge:") == 2
