"""Two graphs → what one has that the other has not, and what both have but differently, aligned by
name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from ..graph import Graph, Node
from ..ops import Cost, Shape

ChangeKind = Literal["added", "removed", "changed", "shape"]


@dataclass(frozen=True, slots=True)
class Change:
    """One node that differs. `shape` means: the same op, but another shape comes out."""

    kind: ChangeKind
    name: str
    before: Node | None
    after: Node | None

    @property
    def cost(self) -> Cost:
        """What the change adds; negative where it saves."""
        before = self.before.cost if self.before else Cost()
        after = self.after.cost if self.after else Cost()
        return Cost(
            after.params - before.params,
            after.macs - before.macs,
            after.activations - before.activations,
        )


@dataclass(frozen=True, slots=True)
class RepeatedChange:
    """Equal changes in neighbouring blocks of a row: `conv4.{6-22}.body.1.conv`."""

    kind: ChangeKind
    name: str
    before: str
    after: str
    count: int
    cost: Cost


def compare(before: Graph, after: Graph) -> list[Change]:
    """Every node that differs, in the order of the second net, what only the first has at its place
    there."""
    out: list[Change] = []
    for name, node in _merged(before, after):
        old, new = before.nodes.get(name), after.nodes.get(name)
        if old is None or new is None:
            out.append(Change("removed" if new is None else "added", name, old, new))
        elif (old.op, old.shares) != (new.op, new.shares) or _rewired(
            old, new, before, after
        ):
            out.append(Change("changed", name, old, new))
        elif old.shape != new.shape or old.cost != new.cost:
            out.append(Change("shape", name, old, node))
    return out


def _rewired(old: Node, new: Node, before: Graph, after: Graph) -> bool:
    """Whether they read different nodes that both nets have; reading what was put in or taken out
    says nothing new."""
    return old.inputs != new.inputs and all(
        name in before.nodes and name in after.nodes
        for name in (*old.inputs, *new.inputs)
    )


def _merged(before: Graph, after: Graph) -> Iterator[tuple[str, Node]]:
    """The names of both, the first's own ones after the neighbour that they have in common."""
    waiting: dict[str, list[tuple[str, Node]]] = {}
    anchor = ""
    for name, node in before.nodes.items():
        if name in after.nodes:
            anchor = name
        else:
            waiting.setdefault(anchor, []).append((name, node))
    yield from waiting.pop("", [])
    for name, node in after.nodes.items():
        yield name, node
        yield from waiting.pop(name, [])


def grouped(before: Graph, after: Graph) -> list[RepeatedChange]:
    """The differences of two nets for a reader: blocks that one lacks as one, equal changes of a
    row once."""
    whole = {
        "removed": _blocks_without(before, after),
        "added": _blocks_without(after, before),
    }
    out: list[RepeatedChange] = []
    changes = compare(before, after)
    for row, part in groupby(changes, key=lambda change: change.name.split(".")[0]):
        kinds: dict[tuple[ChangeKind, str, str, str], list[tuple[str, Change]]] = {}
        for change in part:
            blocks = whole.get(change.kind, {})
            block = next((name for name in _scopes(change.name) if name in blocks), "")
            texts = ("", blocks[block]) if block else _texts(change)
            name = block or change.name
            alike = (change.kind, _pattern(name), *texts)
            kinds.setdefault(alike, []).append((name, change))
        for (kind, pattern, old, new), members in kinds.items():
            names = list(dict.fromkeys(name for name, _ in members))
            cost = sum((change.cost for _, change in members), Cost())
            name = _together(names, pattern) or row
            out.append(RepeatedChange(kind, name, old, new, len(names), cost))
    return out


def _together(names: list[str], pattern: str) -> str:
    """One name for several of a pattern: `conv4.{6-22}.body`."""
    if len(names) == 1:
        return names[0]
    return pattern.replace("*", _ranges([_place(name) for name in names]), 1)


def _blocks_without(graph: Graph, other: Graph) -> dict[str, str]:
    """The blocks of a net of which the other has no node, and what they are."""
    return {
        block.name: f"{block.block or 'block'} {block.out}"
        for block in graph.blocks()
        if all(
            node.name not in other.nodes
            for path in block.paths
            for node in graph.nodes_of(path)
        )
    }


def _scopes(name: str) -> Iterator[str]:
    """`a.b.c` → a, a.b, a.b.c."""
    for place, character in enumerate(name):
        if character == ".":
            yield name[:place]
    yield name


def _texts(change: Change) -> tuple[str, str]:
    """Labels before and after; where only the shape differs, the shapes."""
    if (
        change.kind == "shape"
        and change.before
        and change.after
        and change.before.shape != change.after.shape
    ):
        return _shape(change.before.shape), _shape(change.after.shape)
    before = change.before.op.label() if change.before else ""
    after = change.after.op.label() if change.after else ""
    if before == after and change.before and change.after and change.kind == "changed":
        return _options(change.before, change.after), _options(
            change.after, change.before
        )
    return before, after


def _options(node: Node, other: Node) -> str:
    """Where labels are equal: the options that differ, or what is read."""
    theirs = other.op.model_dump()
    differing = {
        k: v for k, v in node.op.model_dump().items() if theirs.get(k, ...) != v
    }
    if differing:
        return (
            f"{node.op.label()} ({', '.join(f'{k} {v}' for k, v in differing.items())})"
        )
    return f"{node.op.label()} of {', '.join(node.inputs)}"


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _pattern(name: str) -> str:
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
