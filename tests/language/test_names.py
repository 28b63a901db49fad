"""What can be called what: rows, paths, `let`s, blocks and variants."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import mistakes, plan, spec, told

from resgraph.language.diagnose.names import foreign_letters
from resgraph.language.diagnose.nearest import did_you_mean
from resgraph.language.grammar.words import CONSTANTS, name_problem
from resgraph.ops import VOCABULARY
from resgraph.plan import loads

TAKEN = [
    *sorted(CONSTANTS), "linear", "bare", "conv", "relu", "fc", "forward", "train", "type", "class", "lambda", "None",
]  # fmt: skip
MALFORMED = ["1st", "_a", "a-b", "a.b", "größe", "a b", "a" * 65]


@pytest.mark.parametrize("name", [*TAKEN, *MALFORMED])
def test_names_that_rows_and_lets_and_paths_cannot_have(name: str) -> None:
    quoted = f'"{name}"'
    assert told(spec(f"{quoted}: relu")) == [("E023", name)]
    assert ("E023", name) in told(
        spec("one: relu", top=f"let: {{{quoted}: 1}}")
    )
    block = f"blocks: {{b: {{{quoted}: 3x3 conv out}}}}"
    taken = {"shortcut"}  # a key of a block
    if name not in taken:
        assert ("E023", name) in told(spec("one: b 8", top=block))


@pytest.mark.parametrize("name", ["conv", "1st", "relu", "stride", "größe"])
def test_names_that_blocks_cannot_have(name: str) -> None:
    assert ("E023", name) in told(
        spec(f"one: {name} 8", top=f"blocks: {{{name}: [3x3 conv out]}}")
    )


@pytest.mark.parametrize("name", ["basic", "bottleneck", "a-b", "se"])
def test_a_file_may_define_a_block_of_its_own_by_any_other_name(
    name: str,
) -> None:
    made = plan(f"one: {name} 8", top=f"blocks: {{{name}: [5x5 conv out]}}")
    assert made.params == 16 * 8 * 25 + 16


@pytest.mark.parametrize(
    "name", ["conv1", "stage_2", "A", "x1", "in_", "Out", "b" * 64]
)
def test_names_that_are_fine(name: str) -> None:
    assert name_problem(name, VOCABULARY) == ""
    assert list(plan(f"{name}: relu").graph.nodes) == ["input", name]


def test_nothing_else_can_have_the_name_of_a_block() -> None:
    assert told(spec("basic: relu")) == [("E023", "basic")]
    assert told(spec("one: relu", top="let: {basic: 3}")) == [
        ("E023", "basic")
    ]
    assert told(
        spec("one: b 8", top="blocks: {b: {basic: 3x3 conv out}}")
    ) == [("E023", "basic")]
    top = "blocks:\n  b: {c: 3x3 conv out}\n  c: [1x1 conv out]"
    assert told(spec("one: [b 8, c 8]", top=top)) == [("E023", "c")]


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,30}", fullmatch=True))
def test_a_good_name_is_an_identifier_that_is_free(name: str) -> None:
    free = name not in CONSTANTS | {
        "linear",
        "bare",
    } and not keyword.iskeyword(name)
    if name_problem(name, VOCABULARY) == "":
        assert free and name.isidentifier() and name not in VOCABULARY


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("botleneck", ["basic", "bottleneck"], "bottleneck"),
        ("ReLU", ["relu", "gelu"], "relu"),
        ("group", ["groups", "gamma"], "groups"),
        ("xyz", ["conv"], ""),
        ("", ["conv"], ""),
        ("a" * 10_000_000, ["conv"], ""),
    ],
)
def test_did_you_mean(word: str, known: list[str], meant: str) -> None:
    assert str(did_you_mean(word, known)) == (
        f"did you mean `{meant}`?" if meant else ""
    )


def test_letters_of_other_alphabets_are_named() -> None:
    assert (
        foreign_letters("соnv")
        == "`с` is U+0441 CYRILLIC SMALL LETTER ES, `о` is U+043E CYRILLIC SMALL LETTER O"
    )
    assert foreign_letters("conv") == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (r'"a\nb"', "`name` is one line, without tabs"),
        (r'"a\tb"', "`name` is one line, without tabs"),
        ('" "', "`name` is empty"),
        ('""', "`name` is empty"),
    ],
)
def test_the_title_is_one_line(name: str, message: str) -> None:
    text = f"name: {name}\ninput: 3x8x8\nnet: {{one: relu}}\n"
    assert [
        (problem.code, problem.message) for problem in mistakes(text)
    ] == [("E022", message)]


def test_what_a_net_is_about_is_made_one_line() -> None:
    text = 'name: |\n  One\nabout: "two\\n\\n three\\t four"\ninput: 3x8x8\nnet: {one: relu}\n'
    spec = loads(text).spec
    assert (spec.title, spec.about) == ("One", "two three four")
