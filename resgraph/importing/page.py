"""A captured net → its spec, as its author would have written it."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

from ..collecting import by_key, each_name, flatten
from ..errors import Source
from ..language.format import reformat
from ..ops.base import shape_text
from ..structs import Frozen
from .adoption import Library
from .blocks.ways import with_ways
from .captured import Captured
from .cells import Unit, units
from .options import said_once
from .recovery import BlockRecovery
from .regions.cut import cut
from .regions.cut_rows import CutNet
from .regions.seams import unsaid
from .regions.shared_rows import rows_again
from .regions.sharing import say_again
from .rows import DraftRow, rows_of
from .rows.names import make_unlike
from .turns import taking_turns
from .written import WrittenBlock, listed

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_WIDEST = 100
"""Columns of a line."""


class Head(Frozen):
    """What a file says before its blocks and rows; `note` is what its source lost, `ended` why it
    is a beginning only, `inputs` what the net's are called."""

    name: str
    net: Captured
    about: str = ""
    note: str = ""
    ended: str = ""
    inputs: tuple[str, ...] = ("input",)

    def lines(self) -> Iterator[str]:
        ended = (
            f"The beginning of the model: {self.ended}."
            if self.ended
            else ""
        )
        for said in (self.note, ended):
            yield from (f"# {line}" for line in wrap(said, _WIDEST - 2))
        yield f"name: {self.name}"
        if self.about:
            yield f"about: {self.about}"
        yield f"input: {self._shapes()}"

    def _shapes(self) -> str:
        texts = [
            shape_text(self.net.steps[name].shape)
            for name in self.net.inputs
        ]
        if self.inputs == ("input",):
            return texts[0]
        pairs = zip(self.inputs, texts, strict=True)
        return f"{{{', '.join(f'{name}: {text}' for name, text in pairs)}}}"


def write(head: Head) -> str:
    """The spec of a captured net. Raises `ImportRefused`."""
    found = _cut(head.net)
    unit = units(found.items, said_once(head.net))[0]
    options = list(unit.said.lines(head.net, normed=bool(unit.norm)))
    settings = list(_settings(unit, options))
    library = Library(unit.text, options)
    recovery = BlockRecovery(head.net, unit, library)
    named = dict(zip(head.net.inputs, head.inputs, strict=True))
    elements = recovery.elements(with_ways(found, head.net, unit))
    rows, streams = rows_of(elements, found, head.net, named)
    own = _called([*recovery.definitions, *_turns(rows), *streams], rows)
    if library.shortcut:
        library.settle(own)
        settings.append(f"shortcut: {listed(library.shortcut)}")
    settings[:0] = [""] if settings else []
    more = [*_handed_on(rows, head.net, named)]
    make_unlike(more, set(each_name(rows)))
    rows += more
    ended = [*_given(rows, head.net.outputs)]
    lines = [*head.lines(), *settings, *_blocks(own), *_net(rows), *ended]
    return reformat(Source(head.name, "\n".join(lines) + "\n"))


def _cut(net: Captured) -> CutNet:
    """Layers and blocks, with what stands there again; rows for what no block says so."""
    found, apart = cut(net), set[str]()
    while net.shares:
        found.items = rows_again(found)
        say_again(found.items)
        left = unsaid(net, found.items)
        if left <= apart:
            break
        apart |= left
        found = cut(net, apart)
    return found


def _turns(rows: Sequence[DraftRow]) -> list[WrittenBlock]:
    """The blocks of what stands in rows by turns, which then say so."""
    free = [row for row in rows if not (row.counted or row.gives)]
    said, turns = taking_turns([row.labels for row in free])
    for row, labels in zip(free, said, strict=True):
        row.labels = labels
    return turns


def _called(
    definitions: Sequence[WrittenBlock], rows: Sequence[DraftRow]
) -> list[WrittenBlock]:
    """The blocks of this file that a row calls, or one that is called: a block of the library has
    its own inner ones."""
    texts = " ".join(flatten(row.labels for row in rows))
    found: list[WrittenBlock] = []
    for definition in reversed(definitions):
        if definition.ours and definition.name in _NAME.findall(texts):
            found.insert(0, definition)
            said = (*definition.texts, *definition.shortcut)
            texts += " ".join(("", *said, *definition.lets.values()))
    return found


def _settings(unit: Unit, options: Sequence[str]) -> Iterator[str]:
    """What holds in the whole file."""
    if unit != Unit():
        yield f"unit: {unit.text}"
    if options:
        yield f"ops: {{{', '.join(options)}}}"


def _blocks(definitions: Sequence[WrittenBlock]) -> Iterator[str]:
    """Beside blocks of several streams, which are like lines of a program, one that fits stands on
    one line."""
    if definitions:
        yield from ("", "blocks:")
    flows = any(definition.gives for definition in definitions)
    for definition in definitions:
        if definition.gives:
            yield from flowing(definition)
        elif definition.bare:
            yield from broken(f"  {definition.name}: ", definition.bare)
        elif flows and len(line := _line(definition)) <= _WIDEST:
            yield line
        else:
            yield f"  {definition.name}:"
            yield from aligned(definition.entries(), 4)


def _line(definition: WrittenBlock) -> str:
    entries = (
        f"{key}: {listed(parts)}" for key, parts in definition.entries()
    )
    return f"  {definition.name}: {{{', '.join(entries)}}}"


def _net(rows: Sequence[DraftRow]) -> Iterator[str]:
    yield from ("", "net:")
    yield from aligned([(row.name, row.labels) for row in rows], 2)


def _handed_on(
    rows: Sequence[DraftRow], net: Captured, named: Mapping[str, str]
) -> Iterator[DraftRow]:
    """What comes out once more, or as it came in, by another name."""
    known = ChainMap(*(row.named for row in rows), {**named})
    given = {*net.inputs}
    for value in net.outputs:
        if value in given:
            name = known[value]
            yield DraftRow([], f"same_{name}", [name], begun=value)
        given.add(value)


def _given(
    rows: Sequence[DraftRow], outputs: Sequence[str]
) -> Iterator[str]:
    """What comes out, where that is not the last row alone; all streams of a row by its name."""
    if [*rows[-1].named] == [*outputs]:
        return
    names = by_key(flatten(row.named.items() for row in rows))
    said = listed([names[each].pop(0) for each in outputs])
    for row in (row for row in rows if row.gives):
        said = said.replace(", ".join(row.named.values()), row.name)
    yield from ("", f"output: {said}")


def aligned(
    entries: Sequence[tuple[str, Sequence[str]]], indent: int
) -> Iterator[str]:
    """Keys and their lists; values begin in one column."""
    width = max(len(key) for key, _ in entries) + 1
    for key, parts in entries:
        yield from broken(f"{' ' * indent}{key + ':':<{width}} ", parts)


def broken(start: str, parts: Sequence[str]) -> Iterator[str]:
    """A list behind what begins its line, over as few lines as hold it."""
    if len(start + listed(parts)) <= _WIDEST or len(parts) == 1:
        yield start + listed(parts)
        return
    *lines, last = filled(f"{start}[", parts, len(start) + 1)
    yield from (*lines, f"{last}]")


def filled(start: str, parts: Iterable[str], indent: int) -> Iterator[str]:
    """Parts with commas between them, on as few lines as hold them."""
    line, between = start, ""
    for part in parts:
        if between and len(f"{line}, {part},") > _WIDEST:
            yield f"{line},"
            line, between = " " * indent, ""
        line += between + part
        between = ", "
    yield line


def flowing(definition: WrittenBlock) -> Iterator[str]:
    """A block of several streams: paths in rows, and a line or more for each that is a block."""
    own, *held = definition.flow
    lines = [*filled(f"  {definition.name}: {{", own, 4)]
    for group in held:
        whole = f"{lines[-1]}, {', '.join(group)},"
        lines[-1] += ","
        if len(whole) <= _WIDEST:
            lines[-1] = whole[:-1]
        else:
            lines += filled(" " * 4, group, 6)
    yield from (*lines[:-1], f"{lines[-1]}}}")
