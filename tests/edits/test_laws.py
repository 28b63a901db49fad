"""What `check --fix` may do: mend what is certain to the net that was meant, and leave all else alone."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from resgraph.errors import Diagnostic, Source
from resgraph.language.foreign import is_foreign
from resgraph.mending import mend, mended, verified

from .mutants import CERTAIN, MAKERS, Wrong, mutant
from .specs import FILES, Right, errors, meaning, resolved, written

SEED = 20261128
NEVER = ("two slips", "foreign")
FEW = pytest.param(24, id="few")
MANY = pytest.param(600, id="many", marks=pytest.mark.slow)


whole = cache(written)


@cache
def nets() -> list[Right]:
    return [
        *map(whole, FILES),
        *(right for path in FILES for right in resolved(path)),
    ]


@cache
def meant(right: Right) -> list[object]:
    return meaning(right.nets(right.text))


def wrongs(
    kinds: tuple[str, ...], count: int, seed: int
) -> list[tuple[Wrong, list[Diagnostic]]]:
    """Wrong specs, as many of each kind as of any other, with what `check` says of them."""
    rng = random.Random(seed)
    out: list[tuple[Wrong, list[Diagnostic]]] = []
    for turn in range(count * 3):
        right = (
            whole(rng.choice(FILES)) if count < 300 else rng.choice(nets())
        )
        wrong = mutant(right, kinds[turn % len(kinds)], rng)
        if wrong and (found := errors(wrong.right.nets(wrong.text))):
            out.append((wrong, found))
        if len(out) == count:
            break
    assert len(out) == count
    return out


def check(right: Right, text: str) -> list[Diagnostic]:
    return errors(right.nets(text))


def offered(wrong: Wrong, found: list[Diagnostic]) -> list[Diagnostic]:
    """The mistakes, each with its edits where they hold."""
    source = Source(str(wrong.right.path), wrong.text)
    return verified(
        found, source, lambda other: check(wrong.right, other.text)
    )


def fixed(wrong: Wrong) -> str:
    source = Source(str(wrong.right.path), wrong.text)
    return mend(source, lambda other: check(wrong.right, other.text)).text


def places(found: list[Diagnostic]) -> Counter[tuple[str, int]]:
    return Counter((d.code, d.span.line if d.span else 0) for d in found)


@pytest.mark.parametrize("count", [FEW, MANY])
def test_an_edit_takes_its_mistake_away_and_brings_no_other(
    count: int,
) -> None:
    tried = 0
    for wrong, found in wrongs(tuple(MAKERS), count, SEED):
        for problem in offered(wrong, found):
            if not problem.edits:
                continue
            assert problem.span is not None
            tried += 1
            after = mended(problem.edits[0].span.source, problem.edits)
            left = places(check(wrong.right, after))
            assert left <= places(found) - places([problem]), wrong
            lines = zip(
                wrong.text.split("\n"), after.split("\n"), strict=True
            )
            changed = {
                number
                for number, (before, now) in enumerate(lines, 1)
                if before != now
            }
            assert changed == {edit.span.line for edit in problem.edits}, (
                wrong
            )
    assert tried > count / 3


@pytest.mark.parametrize("count", [FEW, MANY])
def test_what_is_mended_is_the_net_that_was_meant(count: int) -> None:
    kinds = tuple(kind for kind in MAKERS if kind not in NEVER)
    mended_ones = 0
    for wrong, _ in wrongs(kinds, count, SEED + 1):
        text = fixed(wrong)
        if text == wrong.right.text:
            mended_ones += 1
        elif text != wrong.text:
            after = wrong.right.nets(text)
            assert errors(after) or meaning(after) == meant(wrong.right), (
                f"{wrong}\n{text}"
            )
    assert mended_ones > count / 2


@pytest.mark.parametrize("count", [FEW, MANY])
def test_slips_of_the_hand_are_mended_to_the_original_net(
    count: int,
) -> None:
    left = []
    for wrong, _ in wrongs(CERTAIN, count, SEED + 2):
        if is_foreign(wrong.word):
            continue
        text = fixed(wrong)
        if text != wrong.right.text and meaning(
            wrong.right.nets(text)
        ) != meant(wrong.right):
            left.append(str(wrong))
    assert len(left) <= 0.05 * count, "\n".join(left)


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("kind", NEVER)
def test_a_word_of_two_slips_or_for_another_thing_is_left_alone(
    kind: str, count: int
) -> None:
    for wrong, found in wrongs((kind,), count // 2, SEED + 3):
        assert all(not d.edits for d in offered(wrong, found)), wrong
