"""The two forms mean the same, and going there and back changes nothing, comments included."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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


FORMS = [
    ("3x3 conv out /stride", "{op: conv, kernel: 3x3, width: out, stride: stride}"),
    ("1x1 conv out linear", "{op: conv, kernel: 1x1, width: out, mode: linear}"),
]  # fmt: skip


@pytest.mark.parametrize(("short", "long"), FORMS)
@pytest.mark.parametrize(
    "place",
    [
        "shortcut: %s\n",
        "shortcut: {p: %s, merge: p}\n",
        "variants: {a: {shortcut: [%s]}}\n",
        "blocks:\n  b: {body: x, shortcut: %s, merge: body + shortcut}\n",
        "blocks:\n  b: {body: x, shortcut: {p: %s, merge: p}, merge: p}\n",
        "blocks:\n  b: {body: x, merge: %s}\n",
        "net:\n  a: {block: basic, out: 8, shortcut: [%s]}\n",
        "net:\n  a: [{block: basic, out: 8, shortcut: {p: %s, merge: p}}]\n",
    ],
)
def test_a_path_has_both_forms_wherever_one_stands(
    place: str, short: str, long: str
) -> None:
    one, other = place % short, place % long
    if "block: basic" not in place:
        assert reformat(Source("t", one), "long") == other
    else:
        assert long in reformat(Source("t", one), "long")
    assert reformat(Source("t", other), "short") == one


def test_a_policy_is_no_path() -> None:
    text = "let: {p: zero-pad}\nshortcut: p\nblocks:\n  b: {body: x, shortcut: zero-pad, merge: body}\n"
    assert reformat(Source("t", text), "long") == text


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("  a:\n    op: conv\n    kernel: 3x3\n    width: 8\n", "  a: 3x3 conv 8\n"),
        ("  a:\n    - op: conv\n      kernel: 3x3\n      width: '8'\n    - op: relu\n", "  a:\n    - 3x3 conv 8\n    - relu\n"),
        ("  a:\n    op: relu # why\n    repeat: 2\n", "  a:\n    op: relu # why\n    repeat: 2\n"),
        ("  a: # why\n    op: relu\n    repeat: 2\n", "  a: # why\n    2 x relu\n"),
        ("  a:\n    again: b\n    repeat: 2\n", "  a: 2 x again b\n"),
    ],
)  # fmt: skip
def test_a_mapping_over_several_lines_becomes_a_label(
    long: str, short: str
) -> None:
    end = "  b:\n    - relu\n"
    text = reformat(Source("t", f"net:\n{long}\n{end}"), "short")
    assert text == f"net:\n{short}\n{end}"


@pytest.mark.parametrize("mark", ["|", ">-"])
@pytest.mark.parametrize("form", ["keep", "long", "short"])
def test_a_text_below_its_key_stays(
    mark: str, form: Literal["keep", "long", "short"]
) -> None:
    text = f"net:\n  a: {mark}\n    3x3 conv 8\n  b: {{block: basic, out: 8, repeat: 2}}\n"
    assert f"  a: {mark}\n    3x3 conv 8\n  b: " in reformat(
        Source("t", text), form
    )
