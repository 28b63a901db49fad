"""Blocks of several streams and the elements of their paths → their definitions, and the rows that
call them."""

from __future__ import annotations

from collections import Counter
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import cached_property
from itertools import chain, count
from string import ascii_lowercase
from typing import Any

from ...collecting import flatten, picked, without
from ...ops.base import value_text
from ..captured import CapturedOp
from ..cells import Cell
from ..regions.cut_rows import CutNet
from ..regions.streams import StreamBlock
from ..regions.structure import Branch, StepTree, leaves_of
from ..texts import folded, label_of, said, tree_text
from ..written import Element, WrittenBlock, WrittenPath, call_text
from .draft import DraftRow
from .stream_values import one_for_all

PathElements = Mapping[str, Sequence[Element]]
"""What stands in each path, by the value that comes out."""


class StreamRows:
    """Rows by the values with which their first paths end, and the blocks that they call."""

    def __init__(
        self,
        rows: Iterable[Sequence[StreamBlock]],
        known: Mapping[str, CapturedOp],
        paths: PathElements,
    ) -> None:
        called: dict[str, WrittenBlock] = {}
        self.drafts: dict[str, DraftRow] = {}
        for row in rows:
            texts = [_StreamText(block, known, paths) for block in row]
            own = [text for text in texts if text.block.joins]
            called |= {text.inline: text.definition for text in own}
            self.drafts[row[0].branches[0].value] = self._draft(texts)
        said = one_for_all(called)
        self.blocks = [*dict.fromkeys(block for block, _ in said.values())]
        _name(self.blocks)
        calls = {
            inline: call_text(block.name, "", "", values)
            for inline, (block, values) in said.items()
        }
        for draft in self.drafts.values():
            labels = (calls.get(each, each) for each in draft.labels)
            draft.labels = [*folded(labels)]

    def _draft(self, texts: Sequence[_StreamText]) -> DraftRow:
        """With what it says in place of calls, as blocks have no names yet."""
        own = [text for text in texts if text.block.joins]
        held = [*flatten(text.elements for text in own)]
        labels = [text.inline for text in texts]
        return DraftRow(held, labels=labels, gives=texts[-1].given)


def _name(blocks: Sequence[WrittenBlock]) -> None:
    """By how many streams each has, where that is not the same, if it has no name."""
    counts = {len(block.gives) for block in blocks if not block.name}
    word = "exchange{}" if len(counts) > 1 else "exchange"
    times: Counter[str] = Counter()
    for block in blocks:
        name = block.name or word.format(len(block.gives))
        times[name] += 1
        again = f"-{times[name]}" if times[name] > 1 else ""
        block.name = f"{name}{again}"


def _word(block: StreamBlock) -> str:
    """The layer of a stack whose sum runs on, or what begins that; "" of others."""
    if block.runs_on:
        return "layer"
    return "" if block.exchanges else "first"


class _StreamText:
    """A block as a file has it, with a letter for each stream."""

    def __init__(
        self,
        block: StreamBlock,
        known: Mapping[str, CapturedOp],
        paths: PathElements,
    ) -> None:
        self.block, self.paths = block, paths
        self.widths = [known[value].shape[0] for value in block.reads]
        self.names = self._read()
        self.letters = {
            value: self.names[value][0] for value in block.reads
        }
        self.names |= {
            v: n for v, n in self.given.items() if v not in block.reads
        }
        reads = [*self.letters.values()] if len(self.widths) > 1 else []
        gives = [*self.given.values()]
        name = _word(block)
        self.definition = WrittenBlock(name, reads=reads, gives=gives)
        self.definition.paths += self._paths()
        self.inline = f"{{{', '.join(flatten(self.definition.flow))}}}"

    @property
    def elements(self) -> Iterator[Element]:
        values = (branch.value for branch in self.block.branches)
        return flatten(map(self.paths.__getitem__, values))

    @cached_property
    def given(self) -> dict[str, str]:
        """What comes out, by what it is called."""
        gives = self.block.gives
        numbers = [f"y{n}" for n in range(1, len(gives) + 1)]
        words = numbers if self.block.exchanges else ascii_lowercase
        return dict(zip(gives, words, strict=False))

    def _read(self) -> dict[str, str]:
        """What comes in; what is handed on has one name."""
        reads = self.block.reads
        if len(reads) == 1:
            return {reads[0]: "x"}
        free = iter(without(ascii_lowercase, self.given.values()))
        return {
            value: self.given.get(value) or next(free) for value in reads
        }

    def _paths(self) -> Iterator[WrittenPath]:
        yield from self._handed_on()
        for branch in self.block.branches:
            value, start = branch.value, next(leaves_of(branch.start))
            self.letters[value] = self.letters[start]
            if value not in self.block.held:
                name = self.names.get(value) or self._free(
                    value, self.names
                )
                yield self._path(name, branch)
                self.names[value] = name

    def _handed_on(self) -> Iterator[WrittenPath]:
        """The one that it reads, where that comes out too."""
        (first, *others) = self.block.reads
        if not others and first in self.given:
            yield WrittenPath(self.given[first], ["x"])

    def _free(self, value: str, taken: Mapping[str, str]) -> str:
        """A name after the stream that a path belongs to."""
        words = (f"{self.letters[value]}{n}" for n in count(1))
        return next(word for word in words if word not in taken.values())

    def _path(self, name: str, branch: Branch) -> WrittenPath:
        """With those that it alone reads."""
        read = [*dict.fromkeys(leaves_of(branch.start))]
        held = [*filter(None, map(self.block.held.get, read))]
        near = (*read, *(str(path.start) for path in held))
        names = picked(self.names, near)
        paths = [self._held(path, branch, names) for path in held]
        return WrittenPath(name, self._parts(branch, names, branch), paths)

    def _held(
        self, path: Branch, end: Branch, names: dict[str, str]
    ) -> WrittenPath:
        """A path beside what reads it, called after its stream; `names` is then with its name."""
        parts = self._parts(path, names, end)
        letter = self.letters[path.value]
        taken = letter in ("x", *names.values())
        name = self._free(path.value, names) if taken else letter
        names[path.value] = name
        return WrittenPath(name, parts)

    def _parts(
        self, branch: Branch, names: Mapping[str, str], end: Branch
    ) -> list[str]:
        """What a path starts with, and its labels; `end` is what it leads to."""
        start = tree_text(branch.start or "", names)
        labels = [
            *folded(self._label(e, end) for e in self.paths[branch.value])
        ]
        return labels if start == "x" and labels else [start, *labels]

    def _label(self, element: Element, end: Branch) -> str:
        if isinstance(element, Cell):
            return label_of(
                element, lambda key: self._value(element, key, end)
            )
        into, out = element.sizes.into, element.sizes.out
        width = (
            self._width(out, end) if element.sized and into != out else ""
        )
        return element.label(width=width, whole=self.block.runs_on)

    def _value(self, cell: Cell, key: str, end: Branch) -> str | None:
        own = cell.options[key]
        if not said(cell, key, own):
            return None
        return self._width(own, end) if key == "width" else value_text(own)

    def _width(self, width: Any, end: Branch) -> str:
        """As that of a stream where it is one's, and first of that which comes out so."""
        gives, widths = self.block.gives, self.widths
        place = gives.index(end.value) if end.value in gives else 0
        if len(widths) < 2 or width not in widths:
            return value_text(width)
        same = widths[place : place + 1] == [width]
        return f"in.{place if same else widths.index(width)}"


def with_held(
    rows: Sequence[DraftRow], cut: CutNet, outputs: Collection[str]
) -> list[DraftRow]:
    """Rows of which a path that begins with a stream stands beside the equation that alone reads
    it."""
    read = Counter([*outputs, *chain(*map(leaves_of, cut.starts.values()))])
    streams = [*flatten(row.gives for row in rows)]
    found: list[DraftRow] = []
    for row in rows:
        before = found[-2:]
        if _reads(row.start, before) and before[-1].start in streams:
            row.held = found.pop() if read[before[-1].exit] == 1 else None
        found.append(row)
    return [*found[:-1], *_parted(found[-1])]


def _parted(row: DraftRow) -> list[DraftRow]:
    """The last row of a net as the equation that it begins with, and what follows."""
    if not (row.held and row.elements):
        return [row]
    rest, row.elements = DraftRow(row.elements), []
    return [row, rest]


def _reads(start: StepTree | None, rows: Sequence[DraftRow]) -> bool:
    """Whether an equation reads each of two rows once, and nothing else."""
    read = Counter(leaves_of(start))
    return len(rows) > 1 and read == Counter(row.exit for row in rows)
