"""Which activations may write over what they read."""

from __future__ import annotations

import pytest

import resgraph
from resgraph.passes.inplace import inplace


def found(rows: str, blocks: str = "") -> set[str]:
    text = f"name: net\ninput: 4x8x8\n{'blocks:' if blocks else ''}\n{blocks}\nnet:\n{rows}\n"
    return set(inplace(resgraph.loads(text).graph))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("3x3 conv 8", {"a.relu"}),
        ("3x3 conv 8 elu", {"a.elu"}),
        ("[3x3 conv 8 bare, leaky relu]", {"a.1"}),
        ("[3x3 conv 8 bare, leaky relu 0]", set()),  # torch would need what came in
        ("3x3 conv 8 silu", set()),  # its gradient needs what came in
        ("[3x3 conv 8 sigmoid, relu]", set()),  # the gradient of sigmoid needs what came out
        ("[3x3 conv 8 linear, drop path 0.1, relu]", set()),  # which hands on what it read while evaluating
        ("[3x3 conv 8 linear, part 0 of 2, relu]", set()),  # a view
        ("[global avg pool, fc 8 relu]", {"a.1.relu"}),
        ("[relu, 3x3 conv 8 bare]", set()),  # the net's own input
    ],
)
def test_in_one_path(row: str, expected: set[str]) -> None:
    assert found(f"  a: {row}") == expected


def test_what_another_path_reads_is_kept() -> None:
    assert found("  a: 3x3 conv 8 bare\n  b: relu\n  c: [b + a, 3x3 conv 8 bare]") == set()


def test_what_flows_into_a_block_is_kept() -> None:
    assert found("  a: 3x3 conv 8 bare\n  b: act", "  act:\n    y: [relu, 3x3 conv out bare]\n    merge: y") == set()


def test_preactivation_may_overwrite_its_norm() -> None:
    blocks = "  pre:\n    p: [bn, relu]\n    body: [p, 3x3 conv out bare]\n    merge: body + x"
    assert found("  a: pre 4", blocks) == {"a.p.1"}


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("relu(body + x)", {"a.merge.relu"}),
        ("relu(body * x)", {"a.merge.relu"}),
        ("relu(body)", set()),  # what a path made is that path's
        ("relu(x)*body", set()),  # and what flows in is the caller's
        ("relu(body + x)*sigmoid(body)", {"a.merge.relu"}),
        ("silu(body + x)", set()),
    ],
)
def test_in_one_equation(merge: str, expected: set[str]) -> None:
    assert found("  a: act 4", f"  act:\n    body: 3x3 conv out bare\n    merge: {merge}") == expected
