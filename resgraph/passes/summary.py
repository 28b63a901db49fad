"""Graph → one record for each row of the net, as in Table 1 of the ResNet paper: output, layers ×
repeats, costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from msgspec.structs import force_setattr

from ..graph import Block, Graph, Item, Layer, Path
from ..ops import Cost, Op, Shape, Thinning
from ..ops.base import value_text
from ..structs import Frozen

INDENT = "  "
MANY_KINDS = 4
"""With more kinds of blocks than this in one row, those that differ in their numbers alone are told
as one: a row whose width grows block by block (PyramidNet) would not fit a page otherwise."""


class Group(Frozen):
    """Layers (of one block, where `block` is not "") that stand `count` times one after another.

    Lines of a block within a block stand behind its name, each set in by `INDENT`.
    """

    lines: tuple[str, ...]
    count: int
    block: str


class Row(Frozen):
    """One row of a net: its name, the shape that it hands on (of several streams, the first), its
    groups, and what it costs for one image."""

    name: str
    output: Shape
    groups: tuple[Group, ...]
    cost: Cost
    streams: dict[str, Shape] = field(default_factory=dict)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of all streams, or the one."""
        return tuple(self.streams.values()) or (self.output,)


def summarize(graph: Graph) -> list[Row]:
    """The rows of a net in order."""
    return [
        Row(
            row.name,
            graph.shape(row.output),
            tuple(_groups(graph, row)),
            graph.cost_of(row),
            {stream.name: graph.shape(stream.node) for stream in row.gives},
        )
        for row in graph.rows
    ]


@dataclass(frozen=True, slots=True)
class _Line:
    """A layer within a block: its label without a stride, with it, and the stride.

    The rate of a dropout stands apart from its label: blocks that differ in nothing else are
    copies."""

    plain: str
    label: str
    stride: str = ""
    rate: float | None = field(default=None, compare=False)


_Copies = list[tuple[_Line, ...]]
_NUMBER = re.compile(r"(?<= )\d+(?= |$)")


def _said(copies: tuple[_Line, ...]) -> str:
    """One line of what copies do: what only the first does behind it, and how far a number or a
    rate goes."""
    once = copies[0].stride if copies[0].stride != copies[-1].stride else ""
    lines = (
        (line.plain if once else line.label).split(" ") for line in copies
    )
    said = " ".join(map(_word, zip(*lines, strict=True)))
    rates = [line.rate for line in copies if line.rate is not None]
    said += f" ({once} once)" if once else ""
    return f"{said} {_ends(rates)}" if rates else said


def _word(words: tuple[str, ...]) -> str:
    """A word of all copies; of numbers that differ, how far they go."""
    return words[0] if len(set(words)) == 1 else _ends([*map(int, words)])


def _ends(numbers: Sequence[float]) -> str:
    """How far numbers go: `64`, `16 to 64`, `0.1 to 0`."""
    ends = sorted(
        (min(numbers), max(numbers)), reverse=numbers[0] > numbers[-1]
    )
    texts = (str(n) if isinstance(n, int) else f"{n:.3g}" for n in ends)
    return " to ".join(dict.fromkeys(texts))


def _groups(graph: Graph, row: Path) -> Iterator[Group]:
    if row.equation is not None and row.equation.nodes:
        yield Group((row.equation.text,), 1, "")
    runs: list[tuple[str, _Copies]] = []
    for item in row.items:
        block = item.block if isinstance(item, Block) else ""
        lines = tuple(_lines(graph, item))
        striding = isinstance(item, Block)
        if (
            runs
            and runs[-1][0] == block
            and _continues(runs[-1][1], lines, striding=striding)
        ):
            runs[-1][1].append(lines)
        else:
            runs.append((block, [lines]))
    if len(runs) > MANY_KINDS:
        runs = _widened(runs)
    for block, copies in runs:
        yield Group(
            tuple(map(_said, zip(*copies, strict=True))), len(copies), block
        )


def _widened(runs: list[tuple[str, _Copies]]) -> list[tuple[str, _Copies]]:
    """Neighbouring blocks that differ in nothing but numbers as one run."""
    out: list[tuple[str, _Copies]] = []
    for block, copies in runs:
        before = out[-1] if out and block else None
        if before and before[0] == block and _alike(before[1], copies[0]):
            before[1].extend(copies)
        else:
            out.append((block, copies))
    return out


def _alike(copies: _Copies, lines: tuple[_Line, ...]) -> bool:
    """Whether lines say the same as those before but for numbers; the first alone may stride."""
    return _same(copies[-1], lines, _without_numbers) and all(
        line.stride == one.stride or (not line.stride and len(copies) == 1)
        for one, line in zip(copies[-1], lines, strict=True)
    )


def _without_numbers(line: _Line) -> str:
    return _NUMBER.sub("#", line.plain)


def _same(
    ones: Iterable[_Line],
    others: Iterable[_Line],
    what: Callable[[_Line], str],
) -> bool:
    """Whether something is the same of all lines."""
    return [*map(what, ones)] == [*map(what, others)]


def _continues(
    copies: _Copies, lines: tuple[_Line, ...], *, striding: bool
) -> bool:
    """Whether layers are copies of those before; of blocks, the first of a repeat alone may
    stride."""
    before = copies[-1]
    if not striding:
        return _likeness(before) == _likeness(lines)
    if len(copies) > 1:
        return before == lines
    return _same(before, lines, attrgetter("plain")) and all(
        one == other or not other.stride
        for one, other in zip(before, lines, strict=True)
    )


def _lines(graph: Graph, item: Item) -> Iterator[_Line]:
    """The label of a layer, or of a block's layers without its shortcut, as in the paper."""
    if isinstance(item, Layer):
        yield _line(graph, item)
        return
    if item.again:
        said = f"again {item.again}"
        yield _Line(said, said)
        return
    branches = {
        path.word: list(_path_lines(graph, path)) for path in item.ways
    }
    several = sum(map(bool, branches.values())) > 1
    for word, lines in branches.items():
        yield from (
            _before(f"{word}: ", line) if several and place == 0 else line
            for place, line in enumerate(lines)
        )


def _path_lines(graph: Graph, path: Path) -> Iterator[_Line]:
    """The layers of a path; blocks within it as the one layer that they are, or by name and their
    own lines, set in, and those that are alike as one."""
    found = [tuple(_item_lines(graph, item)) for item in path.items]
    for (lines, _), alike in groupby(found, key=_likeness):
        count = len(list(alike))
        if len(lines) > 1 and count > 1:
            yield _before(f"{count} x ", lines[0])
            yield from lines[1:]
        else:
            yield from lines * count


def _likeness(
    lines: tuple[_Line, ...],
) -> tuple[tuple[_Line, ...], list[float | None]]:
    """What is equal for items that say the same, the rates of dropouts too."""
    return lines, [line.rate for line in lines]


def _item_lines(graph: Graph, item: Item) -> Iterator[_Line]:
    if isinstance(item, Layer):
        if _speaks(graph, item):
            yield _line(graph, item)
        return
    inner = list(_lines(graph, item))
    if len(inner) > 1:
        width = [str(item.out)] if item.sized else []
        values = (f"{key} {value}" for key, value in item.values.items())
        name = " ".join([item.block or "block", *width, *values])
        yield _Line(name, name)
    yield from (
        _before(INDENT, line) if len(inner) > 1 else line for line in inner
    )


def _before(text: str, line: _Line) -> _Line:
    return replace(line, plain=text + line.plain, label=text + line.label)


def _speaks(graph: Graph, layer: Layer) -> bool:
    """Batch norms and ReLUs on their own go without saying in a block's lines, as in the paper; all
    else is said."""
    return any(
        graph.nodes[name].op.op not in ("bn", "relu")
        for name in layer.nodes
    )


def _line(graph: Graph, layer: Layer) -> _Line:
    """Its op, and an activation other than ReLU, which goes without saying as in the paper."""
    return _told(graph.main_op(layer), graph.nodes[layer.output].op)


@lru_cache(1000)  # of a deep net many layers are alike
def _told(op: Op, last: Op) -> _Line:
    """A line of the op that a layer is for, and of its last."""
    if isinstance(op, Thinning):
        return _Line(op.op, op.op, rate=op.rate)
    then = (
        f" {last.label()}"
        if last is not op
        and last.family == "activation"
        and last.op != "relu"
        else ""
    )
    steps = getattr(op, "stride", ())
    strides = bool(steps) and op.says("stride")
    plain = copy(op)  # which there need not be, and so is not checked
    if strides:
        force_setattr(plain, "stride", (1,) * len(steps))
    stride = f"/{value_text(steps)}" if strides else ""
    return _Line(plain.label() + then, op.label() + then, stride)
