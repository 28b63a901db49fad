"""Any text, and any good spec with something wrong in it, is answered: a plan, or diagnostics with their places."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import resgraph
from resgraph.errors import Diagnostic, SpecError, UsageError

ROOT = Path(__file__).parents[2]
SMALL = [
    "preact-resnet", "highway", "digits", "mobilenet-v2", "convnext", "se-resnext-26-d", "shortcut-forms", "densenet",
    "res-unet", "resnet-34-options", "stochastic-depth", "mlp",
]  # fmt: skip
GOOD = [
    re.sub(
        r"reps: \[[^]]*\]",
        "reps: [1, 1, 1, 1]",
        path.read_text(encoding="utf-8"),
    )
    for name in SMALL
    if (path := ROOT / "specs" / f"{name}.yaml").exists()
]
WORDS = sorted(
    {
        word
        for text in GOOD
        for word in re.findall(
            r"[A-Za-z0-9_./]+", text.partition("input:")[2]
        )
    }
)
TOKEN = re.compile(r"[A-Za-z_]+|[0-9.]+|\s+|.")
VALUES = [
    "0", "-1", "1", "3.5", "1e30", "99999999999999999999", "none", "null", "true", "x", "in", "out", "stride",
    "shortcut", "relu", "conv", "3x3", "7 x 7", "[]", "{}", "[", "]", "{", "}", "(", ")", ",", ":", "#", "'", '"',
    "&a", "*a", "!!x", "-", "|", ">", "\t", "\n", " ", "010", "12:30", "\u00e9", "\u200b", "\u0000", "index",
    "total", "body", "10000", "a.0", "merge", "extends", "net", "let", "unit", "bottleneck", "1/0", "linear",
    "bare", "/2", "groups", "%", "@", "`",
]  # fmt: skip


def answered(text: str) -> list[Diagnostic]:
    """What is wrong with a text; whatever it is, nothing but resgraph's own errors comes out, each with its place."""
    try:
        plan = resgraph.loads(text)
        problems = plan.unmet()
        assert plan.params >= 0 and plan.depth >= 0
    except UsageError:
        return []
    except SpecError as problem:
        problems = list(problem.diagnostics)
        assert problems
    for problem in problems:
        assert re.fullmatch(r"[EW]\d{3}", problem.code), problem
        assert (
            problem.message and problem.frame().isprintable()
        ) or "\n" in problem.frame()
        for span in [
            problem.span,
            *(related.span for related in problem.related),
        ]:
            if not span:
                assert problem.code in ("E001", "E004"), problem
                continue
            lines = span.source.text.split("\n")
            assert 1 <= span.line <= span.end_line <= len(lines), problem
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1, (
                problem
            )
            assert (span.end_line, span.end_column) >= (
                span.line,
                span.column,
            ), problem
            assert span.end_column <= len(lines[span.end_line - 1]) + 2, (
                problem
            )
    keys = [(problem.code, problem.span) for problem in problems]
    assert len(
        {
            (*key, problem.message)
            for key, problem in zip(keys, problems, strict=True)
        }
    ) == len(keys), "told twice"
    return problems


FEW_OR_MANY = pytest.mark.parametrize(
    "count",
    [
        pytest.param(75, id="few"),
        pytest.param(1000, id="many", marks=pytest.mark.slow),
    ],
)
"""Others each time: what a few do not find today they find some day, and many find at once."""


def tried(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


@tried(75)
@given(st.text(max_size=200))
@example("\ud800")
@example("a: &a [*a]")
@example("name: a\ninput: 3x8x8\nnet: {one: basic 8 [b]}")
@example("name: a\ninput: 3x8x8\nnet: {one: 'pad 0:1', two: ''}")
@example(
    "name: a\ninput: 3\nnet: {a: [[[[[[[[[[[[[[[[relu]]]]]]]]]]]]]]]]}"
)
def test_any_text(text: str) -> None:
    answered(text)


@FEW_OR_MANY
def test_words_of_the_language_in_any_order(count: int) -> None:
    line = st.lists(
        st.sampled_from(
            [*VALUES, "3x3 conv 8", "name: a", "input: 3x8x8", "net:\n  "]
        ),
        max_size=40,
    ).map(" ".join)

    @tried(count)
    @given(line)
    def answer(words: str) -> None:
        answered(words)
        answered("name: a\ninput: 3x8x8\nnet:\n  one: " + words)
        answered(
            "name: a\ninput: 3x8x8\nblocks:\n  b: "
            + words
            + "\nnet:\n  one: b 8"
        )
        answered(
            "name: a\ninput: 3x8x8\nnet:\n  one: relu\nlet: {a: "
            + words
            + "}"
        )

    answer()


def reworded(text: str, chance: random.Random) -> str:
    """The text with one to four words or numbers replaced by others of good specs: YAML stays as it was."""
    pieces = re.split(r"([A-Za-z0-9_./]+)", text)
    for _ in range(chance.randint(1, 4)):
        pieces[2 * chance.randrange(len(pieces) // 2) + 1] = chance.choice(
            WORDS
        )
    return "".join(pieces)


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four things deleted, doubled, swapped or replaced."""
    for _ in range(chance.randint(1, 4)):
        tokens = TOKEN.findall(text)
        place = chance.randrange(len(tokens))
        other = chance.randrange(len(tokens))
        match chance.randrange(6):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 3:
                tokens[place] = chance.choice(VALUES)
            case 4:
                tokens.insert(place, chance.choice(VALUES))
            case 5:
                lines = text.split("\n")
                line = chance.randrange(len(lines))
                lines[line : line + 1] = chance.choice(
                    [[], [lines[line]] * 2, ["  " + lines[line]]]
                )
                tokens = ["\n".join(lines)]
        text = "".join(tokens) or "a"
    return text


@pytest.mark.parametrize("good", range(len(GOOD)))
def test_good_specs_are_good(good: int) -> None:
    assert [
        p for p in answered(GOOD[good]) if p.code not in ("E050", "E060")
    ] == []


@FEW_OR_MANY
def test_any_mutation_of_a_good_spec(count: int) -> None:
    @tried(count)
    @given(st.integers(0, len(GOOD) - 1), st.integers(0, 2**32))
    def answer(good: int, seed: int) -> None:
        answered(mutated(GOOD[good], random.Random(seed)))
        answered(reworded(GOOD[good], random.Random(seed)))

    answer()
