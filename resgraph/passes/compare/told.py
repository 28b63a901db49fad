"""What differs between two nets → as a reader is told it: row by row, a layer, block or row that
one net alone has as one thing, equal changes of a row once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import asdict

from ...collecting import by_key, each_name, flatten, without
from ...graph import Block, Graph, Item, Layer, Node, Path
from ...ops import Cost, Thinning
from ...ops.base import Shape, shape_text
from ...structs import Frozen
from .changes import Change, ChangeKind, Differences

_UNITS = {Path: "row", Block: "block", Layer: "layer"}


class Whole(Frozen):
    """What one net alone has: a row, a block, a layer or an op; its name, and what it is."""

    unit: str
    name: str
    text: str


class RepeatedChange(Frozen):
    """Equal changes in neighbouring blocks of a row, `conv4.{6-22}.body.1.conv`; of `count` units,
    each a row, a block, a layer or an op."""

    kind: ChangeKind
    name: str
    before: str
    after: str
    count: int
    unit: str
    cost: Cost


class RowEnd(NamedTuple):
    """A row of one net: its name, and the shape that it hands on; "" where it is not."""

    name: str
    shape: str


class RowChange(Frozen):
    """A row that differs, in each net, and all that differs in it."""

    before: RowEnd
    after: RowEnd
    changes: tuple[RepeatedChange, ...]

    @property
    def cost(self) -> Cost:
        """What its changes add."""
        return sum((change.cost for change in self.changes), Cost())

    @property
    def counts(self) -> Counter[tuple[ChangeKind, str]]:
        """How many units of each kind were added, removed and changed."""
        counts: Counter[tuple[ChangeKind, str]] = Counter()
        for change in self.changes:
            counts[change.kind, change.unit] += change.count
        return counts


def grouped(found: Differences) -> list[RepeatedChange]:
    """The differences of all rows."""
    return list(flatten(row.changes for row in rows(found)))


def rows(found: Differences) -> list[RowChange]:
    """The rows that differ, in order; of the inputs, one before them."""
    sides = found.before, found.after
    place: dict[tuple[bool, str], int] = {}
    for index, pair in enumerate(found.rows):
        for second, (graph, row) in enumerate(
            zip(sides, pair, strict=True)
        ):
            for node in graph.nodes_of(row) if row else ():
                place[bool(second), node.name] = index
    changes = by_key(
        (place.get((change.after is not None, change.name), -1), change)
        for change in found.changes
    )
    wholes = _wholes(found, "removed") | _wholes(found, "added")
    pairs = {**dict(enumerate(found.rows)), -1: (None, None)}
    return [
        RowChange(
            _end(found.before, pairs[index][0]),
            _end(found.after, pairs[index][1]),
            tuple(_repeated(found, inside, wholes)),
        )
        for index, inside in sorted(changes.items())
    ]


def _end(graph: Graph, row: Path | None) -> RowEnd:
    if row is None:
        return RowEnd("", "")
    return RowEnd(row.name, shape_text(graph.nodes[row.output].shape))


def _wholes(
    found: Differences, kind: ChangeKind
) -> dict[tuple[ChangeKind, str], Whole]:
    """For each node of one net alone the largest thing around it that the other has nothing of."""
    graph = found.before if kind == "removed" else found.after
    alone = {change.name for change in found.changes if change.kind == kind}
    out: dict[tuple[ChangeKind, str], Whole] = {}
    waiting: list[Path | Item] = list(graph.rows)
    while alone and waiting:
        scope = waiting.pop()
        names = each_name(graph.nodes_of(scope))
        if names and alone.issuperset(names):
            whole = Whole(
                _UNITS[type(scope)], scope.name, _said(graph, scope)
            )
            out |= dict.fromkeys(((kind, name) for name in names), whole)
        else:
            waiting += _inside(scope)
    return out


def _inside(scope: Path | Item) -> list[Item]:
    if isinstance(scope, Path):
        return list(scope.items)
    return [*flatten(path.items for path in scope.paths)]


def _said(graph: Graph, scope: Path | Item) -> str:
    """What a scope is: `basic 64`, `3x3 conv 64 silu`; of a row, one thing after another."""
    if isinstance(scope, Path):
        return _row_said(graph, scope)
    if isinstance(scope, Block):
        return f"again {scope.again}" if scope.again else _called(scope)
    first, *others = (graph.nodes[name].op for name in scope.nodes)
    said = [op.label() for op in others if op.op not in ("bn", "relu")]
    return " ".join([first.label(), *said])


def _called(block: Block) -> str:
    return f"{block.block or 'block'} {block.out}"


def _row_said(graph: Graph, row: Path) -> str:
    runs = groupby(_said(graph, item) for item in row.items)
    counts = ((text, len(list(run))) for text, run in runs)
    said = [
        f"{count} x {text}" if count > 1 else text for text, count in counts
    ]
    return ", ".join(
        [*([row.equation.text] if row.equation else []), *said]
    )


def _repeated(
    found: Differences,
    changes: Iterable[Change],
    wholes: dict[tuple[ChangeKind, str], Whole],
) -> Iterator[RepeatedChange]:
    """The changes of one row, equal ones as one."""
    alike: dict[tuple[str, ...], list[tuple[Whole, Change]]] = {}
    for change in changes:
        whole = wholes.get((change.kind, change.name))
        texts = ("", whole.text) if whole else _texts(found, change)
        whole = whole or Whole("op", change.name, "")
        pattern = _pattern(whole.name, row=_resized(change))
        key = (change.kind, pattern, *texts, whole.unit)
        alike.setdefault(key, []).append((whole, change))
    for (_, pattern, *told), members in alike.items():
        yield _as_one(pattern, told, members)


def _as_one(
    pattern: str, told: list[str], members: list[tuple[Whole, Change]]
) -> RepeatedChange:
    """Equal changes: their texts, and the unit of what changes, are told once."""
    before, after, unit = told
    changes = [change for _, change in members]
    names = list(dict.fromkeys(whole.name for whole, _ in members))
    rates = [*filter(_dropout, changes)]
    return RepeatedChange(
        changes[0].kind,
        _together(names, pattern),
        before + _rates([change.before for change in rates]),
        after + _rates([change.after for change in rates]),
        len(names),
        unit,
        sum((change.cost for change in changes), Cost()),
    )


def _resized(change: Change) -> bool:
    """Whether nothing but its shape differs."""
    old, new = change.before, change.after
    return bool(
        change.kind == "shape" and old and new and old.shape != new.shape
    )


def _together(names: list[str], pattern: str) -> str:
    """One name for several of a pattern: `conv4.{6-22}.body`."""
    if len(names) == 1:
        return names[0]
    return pattern.replace("*", _ranges([*map(_place, names)]), 1)


def _texts(found: Differences, change: Change) -> tuple[str, str]:
    """Labels before and after; where only shapes differ, those that come out, or that come in."""
    old, new = change.before, change.after
    if old is None or new is None:
        return (old.op.label() if old else ""), (
            new.op.label() if new else ""
        )
    if change.kind == "shape":
        one, other = old.shape, new.shape
        if one == other:
            one, other = _read(found.before, old), _read(found.after, new)
            return (
                f"{old.op.label()} of {shape_text(one)}",
                f"of {shape_text(other)}",
            )
        return shape_text(one), shape_text(other)
    if _dropout(change):
        return old.op.op, new.op.op
    labels = old.op.label(), new.op.label()
    if labels[0] != labels[1]:
        return labels
    return _options(old, new), _options(new, old)


def _dropout(change: Change) -> bool:
    """Whether both nets drop there; blocks that differ in the rate alone are told together."""
    nodes = (change.before, change.after)
    return all(node and isinstance(node.op, Thinning) for node in nodes)


def _rates(nodes: list[Node | None]) -> str:
    """From what to what the rates of dropouts go."""
    rates = [getattr(node.op, "rate", 0.0) for node in nodes if node]
    ends = dict.fromkeys(f"{rate:.3g}" for rate in rates[:1] + rates[-1:])
    return f" {' to '.join(ends)}" if rates else ""


def _read(graph: Graph, node: Node) -> Shape:
    """The shape of the first thing that a node reads."""
    return graph.nodes[node.inputs[0]].shape


def _options(node: Node, other: Node) -> str:
    """Where labels are equal: the options that differ, or what is read."""
    theirs = asdict(other.op).items()
    differing = dict(without(asdict(node.op).items(), theirs))
    said = ", ".join(f"{key} {value}" for key, value in differing.items())
    reads = f"of {', '.join(node.inputs)}"
    return f"{node.op.label()} {f'({said})' if said else reads}"


def _pattern(name: str, *, row: bool) -> str:
    """What names of equal changes share: their place in the row left out, or the row alone."""
    if row:
        return name.partition(".")[0]
    return re.sub(r"^(\w+)\.\d+(?=\.|$)", r"\1.*", name)


def _place(name: str) -> int:
    parts = name.split(".")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def _ranges(places: list[int]) -> str:
    """`{0, 2-5}`."""
    runs: list[list[int]] = []
    for place in sorted(set(places)):
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    texts = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return "{" + ", ".join(texts) + "}"
