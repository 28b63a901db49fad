"""The two forms mean the same, and going there and back changes nothing, comments included."""

from __future__ import annotations

from pathlib import Path

import pytest

import resgraph
from resgraph.errors import Source
from resgraph.language.extends import read_file
from resgraph.language.format import reformat
from resgraph.language.variants import variants_of
from resgraph.language.yaml.reader import open_source

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


def nodes(plan: resgraph.Plan) -> list[object]:
    return [
        (n.name, n.op, n.inputs, n.shape) for n in plan.graph.nodes.values()
    ]


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_long_form_is_the_same_net(path: Path) -> None:
    source = open_source(path)
    tree, _ = read_file(path)
    variant = next(iter(variants_of(tree)), None)
    if "extends:" in source.text:
        pytest.skip("extends a file, which a text cannot")
    written = resgraph.loads(source.text, variant)
    assert nodes(
        resgraph.loads(reformat(source, "long"), variant)
    ) == nodes(written)
    assert nodes(
        resgraph.loads(reformat(source, "short"), variant)
    ) == nodes(written)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_there_and_back(path: Path) -> None:
    source = open_source(path)
    short = reformat(source, "short")
    long = reformat(source, "long")
    assert reformat(Source("long", long), "short") == short
    assert reformat(Source("short", short), "short") == short
    assert [line.partition("#")[2] for line in long.splitlines()] == [
        line.partition("#")[2] for line in source.text.splitlines()
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("7x7 conv, 64, /2", "7x7 conv 64 /2"),
        (
            "3x3 conv /2 64 groups 4 linear",
            "3x3 conv 64 /2 linear groups 4",
        ),
        ('"3x3   max pool /2"', "3x3 max pool /2"),
        ("conv 64 kernel 3", "conv 64 kernel 3"),
        ("x", "x"),
    ],
)
def test_labels_have_one_order(before: str, after: str) -> None:
    text = f"name: t\ninput: 3x8x8\nnet:\n  a: {before}   # why\n"
    assert (
        reformat(Source("t", text))
        == f"name: t\ninput: 3x8x8\nnet:\n  a: {after}   # why\n"
    )


def test_a_size_that_yaml_would_take_for_a_number_is_quoted_in_the_long_form() -> (
    None
):
    text = "name: t\ninput: 3x8x8\nnet:\n  a: [1x5 conv 4 pad 0x2, 1x3 max pool /1x2 pad 0x1]\n"
    long = reformat(Source("t", text), "long")
    assert 'pad: "0x2"}' in long
    assert nodes(resgraph.loads(long)) == nodes(resgraph.loads(text))
    assert reformat(Source("t", long), "short") == text


def test_a_word_as_a_number_stays_in_the_long_form() -> None:
    """`conv narrow` would read the word as a mode, though each call gives it a number."""
    text = (
        "name: t\ninput: 3x8x8\nblocks:\n  b:\n    let: {narrow: relu}\n"
        "    body: [{op: conv, width: narrow}]\n    merge: body\nnet:\n  a: b 8 narrow 4\n"
    )
    assert "{op: conv, width: narrow}" in reformat(
        Source("t", text), "short"
    )
