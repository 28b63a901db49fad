"""Which activations and sums may write over what they read, in one line each; whole nets are in
`fixtures/inplace`."""

from __future__ import annotations

import re

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
        (
            "[3x3 conv 8 bare, leaky relu 0]",
            set(),
        ),  # torch would need what came in
        ("3x3 conv 8 silu", set()),  # its gradient needs what came in
        (
            "[3x3 conv 8 sigmoid, relu]",
            set(),
        ),  # the gradient of sigmoid needs what came out
        (
            "[3x3 conv 8 linear, drop path 0.1, relu]",
            set(),
        ),  # which hands on what it read while evaluating
        ("[3x3 conv 8 linear, part 0 of 2, relu]", set()),  # a view
        (
            "[3x3 conv 8 elu, relu]",
            {"a.0.elu"},
        ),  # the gradient of elu in place needs what came out
        ("[3x3 conv 8 bare, leaky relu, relu]", {"a.1"}),
        ("[global avg pool, fc 8 relu]", {"a.1_relu"}),
        ("[relu, 3x3 conv 8 bare]", set()),  # the net's own input
    ],
)
def test_in_one_path(row: str, expected: set[str]) -> None:
    assert found(f"  a: {row}") == expected


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
    assert (
        found(
            "  a: act 4",
            f"  act:\n    body: 3x3 conv out bare\n    merge: {merge}",
        )
        == expected
    )


def sums(merge: str, body: str, more: str = "") -> set[str]:
    blocks = f"  res:\n    body: {body}\n{more}    merge: {merge}"
    return {
        name
        for name in found("  a: 3x3 conv 4\n  b: res 4", blocks)
        if ".add" in name
    }


@pytest.mark.parametrize(
    ("body", "yes"),
    [
        ("3x3 conv out linear", True),
        ("3x3 conv out bare", True),
        ("[3x3 conv out, se]", True),  # a product
        (
            "[3x3 conv out linear, {y: 3x3 conv out linear, merge: y + x}]",
            True,
        ),
        ("3x3 conv out", False),  # the gradient of relu needs what came out
        ("3x3 conv out sigmoid", False),
        ("3x3 conv out elu", False),  # and that of elu in place
        (
            "[3x3 conv out linear, drop path 0.1]",
            False,
        ),  # which hands on what it read while evaluating
        ("[3x3 conv 2*out linear, part 0 of 2]", False),
        (
            "[3x3 conv out bare, scale]",
            False,
        ),  # float32 under autocast on every device
        ("[3x3 conv out bare, gn 2]", False),  # and on a GPU
    ],
)
def test_a_sum_over_what_a_path_made(body: str, yes: bool) -> None:
    assert ("b.merge.add" in sums("relu(body + x)", body)) == yes


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("body + x", {"b.merge.add"}),
        ("body + t + x", {"b.merge.add", "b.merge.add2"}),
        ("t*(body + x)", {"b.merge.add"}),
        ("[body + x, 3x3 conv out]", {"b.merge.0.add"}),
        ("x + body", set()),  # what flows in is the caller's
        ("2*body + x", set()),
        ("body + 2", set()),
        ("body - x", set()),
        ("body + x*body", set()),  # read twice
        ("body + v", set()),  # a vector beside a map
        ("body + wide", set()),  # float32 under autocast
        ("relu(body + x) + x", {"b.merge.add"}),
    ],
)
def test_a_sum_of_two_terms_that_are_alike(
    merge: str, expected: set[str]
) -> None:
    paths = {
        "t": "3x3 conv out linear",
        "v": "[3x3 conv 4, global avg pool]",
        "wide": "[3x3 conv out, scale]",
    }
    read = set(re.findall(r"\w+", merge))
    more = "".join(
        f"    {name}: {path}\n"
        for name, path in paths.items()
        if name in read
    )
    assert sums(merge, "3x3 conv out linear", more) == expected


def test_blocks_that_are_alike_stay_alike() -> None:
    res = "  res:\n    body: 3x3 conv out linear\n    merge: relu(body + shortcut)"
    rows = "  {first}\n  b: 3x3 conv 4\n  c: res 4"
    assert "c.merge.add" in found(rows.format(first="a: 3x3 conv 4"), res)
    # whose shortcut is the image
    assert "c.merge.add" not in found(rows.format(first="a: res 4"), res)
    # a projection of it
    assert {"a.merge.add", "c.merge.add"} <= found(
        rows.format(first="a: res 8"), res
    )
