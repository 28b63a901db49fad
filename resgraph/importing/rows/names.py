"""What rows are called: by the model's own names where they speak, else as the ResNet paper
counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from ...collecting import flatten, without
from ...language.grammar.label import AGAIN
from ...language.grammar.words import name_problem
from ...language.library import library_index
from ...ops import (
    VOCABULARY,
    Add,
    Concat,
    GlobalPool,
    Mul,
    Op,
    Pool,
    Sub,
    Upsample,
)
from ..captured import CapturedOp
from ..classes import module_of, within
from ..regions.words import BLOCK_WORDS
from ..turns import TURN_WORDS
from .draft import DraftRow


def give_names(rows: Sequence[DraftRow], inputs: Iterable[str]) -> None:
    """All rows of a net, each otherwise than another and than the inputs."""
    if any(row.start is not None for row in rows):
        _of_several(rows)
    else:
        _of_stages(rows)
    _of_repeats(rows)
    uses = flatten(row.calls for row in rows)
    make_unlike(rows, {*inputs, *(use.definition.name for use in uses)})


def make_unlike(rows: Iterable[DraftRow], taken: set[str]) -> None:
    """Rows with names that neither another has nor any of these."""
    for row in rows:
        while row.name in taken:
            row.name += "_"
        taken.add(row.name)


def _of_several(rows: Sequence[DraftRow]) -> None:
    """Each by its module, or by what it does where it has no weights."""
    words = [_word_of(row, rows) for row in rows]
    words[:1] = ["stem"] if _leads(rows[0]) else words[:1]
    counts: Counter[str] = Counter()
    alone = {word for word, times in Counter(words).items() if times == 1}
    for row, word in zip(rows, words, strict=True):
        counts[word] += 1
        row.name = (
            word
            if word in alone
            else f"{word}{_between(word)}{counts[word]}"
        )


def _word_of(row: DraftRow, rows: Sequence[DraftRow]) -> str:
    module = _module(row) if row.calls else _own_module(row, rows)
    return module or _does(row, rows)


def _leads(row: DraftRow) -> bool:
    """Whether it is of some layers."""
    return not (row.calls or row.gives) and len(row.elements) > 1


_DOES: Mapping[type[Op], str] = {
    Add: "sum", Sub: "difference", Mul: "product", Concat: "join", Upsample: "up",
    Pool: "pool", GlobalPool: "pool",
}  # fmt: skip
"""What a row is called that begins with such a step."""


def _own_module(row: DraftRow, rows: Sequence[DraftRow]) -> str:
    """The outermost module of which nothing else with weights is in another row."""
    path = ".".join(path_of(row))
    steps = flatten(_weighted(each) for each in rows if each is not row)
    others = {*flatten(within(step.module) for step in steps)}
    alone = without(within(path), others)
    words = next(iter(alone), path).split(".")
    return _word(words) or _word(["_".join(words[-2:])])


def _does(row: DraftRow, rows: Sequence[DraftRow]) -> str:
    if row.gives:
        return "streams"
    if row is rows[-1] and row.start is None:
        return "head"
    first = row.start[0] if isinstance(row.start, tuple) else None
    op = (first or next(row.steps)).op
    return next(
        (word for kind, word in _DOES.items() if isinstance(op, kind)),
        "row",
    )


def _between(word: str) -> str:
    """What keeps a word that ends in a number apart from another."""
    return "_" if word[-1].isdigit() else ""


def _of_repeats(rows: Sequence[DraftRow]) -> None:
    """What stands again, after what it is: `class3_2`."""
    counts: Counter[str] = Counter()
    for row in rows:
        if again := row.again:
            word = next(
                each.name for each in rows if each.exit == again.last
            )
            counts[word] += 1
            row.name = f"{word}_{counts[word] + 1}"


def _of_stages(rows: Sequence[DraftRow]) -> None:
    """By the model's own names where they speak, else as the ResNet paper counts."""
    for n, row in enumerate(rows, 1):
        row.name = f"conv{n}"
    if len(rows) > 1 and not rows[-1].calls:
        rows[-1].name = "head"
    called = [row for row in rows if row.calls]
    stages = {_module(row): row for row in called}
    if called and "" not in stages and len(stages) == len(called):
        _by_modules(rows, stages)


def _by_modules(
    rows: Sequence[DraftRow], stages: Mapping[str, DraftRow]
) -> None:
    """Stages are called so, and what leads to one after it."""
    for name, row in stages.items():
        row.name = name
    if rows[-1].name in stages and not rows[-1].calls:
        rows[-1].name += "_end"
    for row, stage in pairwise(rows):
        if not row.calls:
            first = row is rows[0] and "stem" not in stages
            row.name = "stem" if first else f"to_{stage.name}"


_GENERAL = (
    "blocks",
    "layers",
    "layer",
    "features",
    "body",
    "block",
    "stages",
    "units",
)


def _module(row: DraftRow) -> str:
    """Of the blocks of a row; torchvision's `block1-0` is the one of `block1`."""
    word = _word(path_of(row), alone=len(row.calls) == 1)
    return (
        ""
        if any(use.definition.name == word for use in row.calls)
        else word
    )


def _word(path: Sequence[str], *, alone: bool = False) -> str:
    """`layer1` of `layer1.0` and `layer1.1`, `stage1` of `stages.0.blocks.0`; "" where a word of
    the language comes out, or nothing."""
    *outer, word = path or [""]
    if word.isdigit():
        base = outer[-1].rstrip("s") if outer else "row"
        numbered = base if base[-1].isdigit() else f"{base}{int(word) + 1}"
        word = _word(outer) if base.isdigit() else numbered
    word = re.sub(r"-\d+$", "", word) if alone else word
    word = re.sub(r"\W", "_", word)
    return "" if _taken(word) or name_problem(word) else word


def path_of(row: DraftRow) -> list[str]:
    """The module that holds all of a row's blocks, or what else has weights, as far as its path
    says something."""
    found = module_of(step for step in _weighted(row) if step.module)
    if len(row.calls) == 1 and found[1:] and found[-1].isdigit():
        found.pop()
    while found[1:] and _taken(found[-1]):
        found.pop()
    return found


def _weighted(row: DraftRow) -> Iterator[CapturedOp]:
    if row.calls and not row.gives:
        return flatten(use.steps for use in row.calls)
    return (step for step in row.steps if step.op.weighted)


def _taken(word: str) -> bool:
    """Whether it says nothing of a row, or something else in the language."""
    ours = (AGAIN, *BLOCK_WORDS, *TURN_WORDS)
    return (
        word in (*_GENERAL, *ours)
        or word in VOCABULARY
        or word in library_index()
    )
