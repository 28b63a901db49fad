"""Labels and calls of a whole net → its rows, with names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TypeGuard

from ..language.library import library_index
from ..ops import VOCABULARY, GlobalPool, Pool, Shape
from .captured import ImportRefused
from .cells import Cell
from .classes import common
from .kinds import changes
from .recovery import BLOCK_WORDS
from .regions.structure import Region
from .texts import folded, plain
from .turns import TURN_WORDS
from .usual import counts_places, say_usual
from .written import Element, Use

_JOINED = 2
"""As many labels before the blocks of a stage are in its row; more have one of their own."""


@dataclass(slots=True)
class DraftRow:
    """A row to be: what stands in it, and its name."""

    elements: list[Element] = field(default_factory=list)
    name: str = ""
    labels: list[str] = field(default_factory=list)

    @property
    def exit(self) -> str:
        """The value that comes out."""
        return _exit(self.elements[-1])

    @property
    def calls(self) -> list[Use]:
        """The blocks that it is of: not what only leads to them."""
        return [each for each in self.elements if _repeats(each)]

    @property
    def counted(self) -> bool:
        """Whether blocks in it are what they are by their places."""
        return any(counts_places(use.definition) for use in self.calls)


def rows_of(
    elements: Sequence[Element], shape: Shape, outputs: Collection[str] = ()
) -> list[DraftRow]:
    """Stem, stages, head; a row ends with each of the outputs. Raises `ImportRefused` where one is
    within a label."""
    rows = _drafted(elements, shape)
    rows = [part for row in rows for part in _split(row, outputs)]
    if inner := {*outputs} - {row.exit for row in rows}:
        said = f"`{min(inner)}` is an output, and stands within a layer or a block"
        raise ImportRefused(said)
    say_usual([row.elements for row in rows])
    _name(rows)
    for before, row in pairwise([DraftRow(name="input"), *rows]):
        row.labels = list(folded(_labels(row.elements)))
        row.labels[:1] = _begun(row, before)
    return rows


def _drafted(elements: Sequence[Element], shape: Shape) -> list[DraftRow]:
    """The stages, and what stands before and behind them."""
    blocks = [n for n, each in enumerate(elements) if _is_block(each)]
    if not blocks:
        return _plain(elements)
    start, end = blocks[0], blocks[-1] + 1
    stages = _stages(elements[start:end], _out(elements[start - 1], shape))
    return [DraftRow([*elements[:start]]), *stages, DraftRow([*elements[end:]])]


def _begun(row: DraftRow, before: DraftRow) -> list[str]:
    """The first label of a row, an equation of the one before it."""
    first = row.elements[0]
    if not _equates(first):
        return row.labels[:1]
    return [re.sub(r"\bx\b", before.name, first.definition.merge)]


def _is_block(element: Element) -> bool:
    return isinstance(element, Use) and not _equates(element)


def _equates(element: Element) -> TypeGuard[Use]:
    """Whether an element is an equation over one value that stands in the net once: a row may begin
    with it."""
    if isinstance(element, Cell):
        return False
    return not element.definition.paths and len(element.definition.uses) == 1


def _split(row: DraftRow, outputs: Collection[str]) -> Iterator[DraftRow]:
    """A row as those that end where an output is; an equation begins one, but for one among
    blocks."""
    part, parted = DraftRow(), not row.calls
    for element in row.elements:
        if parted and part.elements and _equates(element):
            yield part
            part = DraftRow()
        part.elements.append(element)
        if part.exit in outputs:
            yield part
            part = DraftRow()
    if part.elements:
        yield part


def _exit(element: Element) -> str:
    return element.block.exit if isinstance(element, Use) else element.steps[-1].name


def _repeats(element: Element) -> TypeGuard[Use]:
    """Whether an element is a block that is summed or joined somewhere, or stands behind itself; a
    transition is not."""
    if isinstance(element, Cell) or _equates(element):
        return False
    blocks = element.definition.blocks
    ends = {block.exit for block in blocks}
    return any(_joins(block) or block.entry in ends for block in blocks)


def _joins(block: Region) -> bool:
    inner = (item for branch in block.branches for item in branch.items)
    return block.summed or any(isinstance(i, Region) and _joins(i) for i in inner)


def _out(element: Element, first: Shape) -> Shape:
    if isinstance(element, Use):
        return element.block.out
    return element.steps[-1].shape if element.steps else first


def _plain(elements: Sequence[Element]) -> list[DraftRow]:
    """Of a net without blocks: a row ends with a pool, and the last begins with one over all."""
    rows = [DraftRow()]
    for element in elements:
        before = rows[-1].elements[-1:]
        pooled = any(isinstance(c, Cell) and isinstance(c.op, Pool) for c in before)
        whole = isinstance(element, Cell) and isinstance(element.op, GlobalPool)
        if before and (pooled or whole):
            rows.append(DraftRow())
        rows[-1].elements.append(element)
    return rows


def _stages(elements: Sequence[Element], size: Shape) -> Iterator[DraftRow]:
    """A row ends where the map changes its size, or where another run of equal blocks begins."""
    held: list[Element] = []
    row, ends = DraftRow(), _ends(elements)
    for place, element in enumerate(elements):
        if not _repeats(element):
            held.append(element)
            continue
        same = held and _out(held[-1], size)[1:] == size[1:]
        if same and _closes(held, row, element):
            row.elements += held
            held = []
        smaller = element.block.out[1:] != size[1:]
        led = len(held) > _JOINED or (held and _out(held[-1], size) != size)
        if row.elements and (smaller or led or place in ends):
            yield row
            row = DraftRow()
        if len(held) > _JOINED:
            yield DraftRow(held)
            held = []
        row.elements += [*held, element]
        held, size = [], element.block.out
    yield row
    yield DraftRow(held)


def _closes(held: Sequence[Element], row: DraftRow, element: Element) -> bool:
    """Whether layers behind a row are in its module, which the element after them is not."""
    path = _path(row) if row.calls else []
    *inside, after = (_within(each, path) for each in (*held, element))
    return bool(path) and all(inside) and not after


def _within(element: Element, path: Sequence[str]) -> bool:
    steps = element.block.steps() if isinstance(element, Use) else element.steps
    return all(step.module.split(".")[: len(path)] == path for step in steps)


def _ends(elements: Sequence[Element]) -> set[int]:
    """Where a run of calls that differ in their stride alone begins, where most are of several."""
    runs = [
        list(group)
        for _, group in groupby(enumerate(elements), key=lambda each: _still(each[1]))
    ]
    calls = [run for run in runs if _repeats(run[0][1])]
    if sum(map(len, calls)) < 2 * len(calls):
        return set()
    led = {run[0][0] for before, run in pairwise(runs) if _leads(before, run[0][1])}
    return {run[0][0] for run in calls} - led


def _leads(run: Sequence[tuple[int, Element]], element: Element) -> bool:
    """Whether a run is the one block that makes maps for another, the first of a stage."""
    ((_, first), *more) = run
    if more or not _repeats(first) or not _repeats(element):
        return False
    return changes(first.block) and first.block.out == element.block.out


def _still(element: Element) -> str:
    return element.label(still=True) if _repeats(element) else ""


def _labels(elements: Sequence[Element]) -> Iterator[str]:
    """`3 x bottleneck 256 /2` for three of the same, of which the first may stride."""
    texts = [
        each.label() if isinstance(each, Use) else plain(each) for each in elements
    ]
    place = 0
    while place < len(elements):
        count, element = 1, elements[place]
        rest = zip(elements[place + 1 :], texts[place + 1 :], strict=True)
        for other, text in rest:
            if not isinstance(element, Use) or not isinstance(other, Use):
                break
            if text != element.label(still=True):
                break
            count += 1
        yield f"{count} x {texts[place]}" if count > 1 else texts[place]
        place += count


def _name(rows: Sequence[DraftRow]) -> None:
    """By the model's own names where they speak, else as the ResNet paper counts."""
    for n, row in enumerate(rows, 1):
        row.name = f"conv{n}"
    if len(rows) > 1 and not rows[-1].calls:
        rows[-1].name = "head"
    stages = {_module(row): row for row in rows if row.calls}
    if (
        stages
        and "" not in stages
        and len(stages) == sum(bool(row.calls) for row in rows)
    ):
        _by_modules(rows, stages)


def _by_modules(rows: Sequence[DraftRow], stages: Mapping[str, DraftRow]) -> None:
    """Stages are called so, and what leads to one after it."""
    for name, row in stages.items():
        row.name = name
    if rows[-1].name in stages and not rows[-1].calls:
        rows[-1].name += "_end"
    for row, stage in pairwise(rows):
        if not row.calls:
            first = row is rows[0] and "stem" not in stages
            row.name = "stem" if first else f"to_{stage.name}"


_GENERAL = ("blocks", "layers", "layer", "features", "body", "block", "stages", "units")


def _module(row: DraftRow) -> str:
    """`layer1` of `layer1.0` and `layer1.1`, `stage1` of `stages.0.blocks.0`; "" where a word of
    the language comes out, or nothing."""
    *outer, word = _path(row) or [""]
    if word.isdigit():
        base = outer[-1].rstrip("s") if outer else "row"
        word = "" if base.isdigit() else f"{base}{int(word) + 1}"
    if len(row.calls) == 1:  # torchvision's `block1-0` is the one of `block1`
        word = re.sub(r"-\d+$", "", word)
    word = re.sub(r"\W", "_", word)
    called = any(use.definition.name == word for use in row.calls)
    return "" if called or _taken(word) else word


def _path(row: DraftRow) -> list[str]:
    """The module that holds all of a row's blocks, as far as its path says something."""
    steps = (step for use in row.calls for step in use.block.steps())
    paths = [step.module.split(".") for step in steps if step.module]
    found = common(paths)
    if len(row.calls) == 1 and len(found) > 1 and found[-1].isdigit():
        found.pop()
    while len(found) > 1 and _taken(found[-1]):
        found.pop()
    return found


def _taken(word: str) -> bool:
    """Whether it says nothing of a row, or something else in the language."""
    ours = (*BLOCK_WORDS, *TURN_WORDS)
    return word in (*_GENERAL, *ours) or word in VOCABULARY or word in library_index()
