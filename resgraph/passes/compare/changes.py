"""Two graphs → the nodes that one has and the other has not, and those that both have but
differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeVar

from ...collecting import by_name
from ...graph import Graph, Node, Path
from ...ops import Cost
from ...structs import Frozen
from .partners import Partners, partners

Scope = TypeVar("Scope", Node, Path)
ChangeKind = Literal["added", "removed", "changed", "shape"]


class Change(Frozen):
    """One node that differs, or that one net alone has. `shape` means: the same op, but another
    shape comes in or out."""

    kind: ChangeKind
    before: Node | None
    after: Node | None

    @property
    def name(self) -> str:
        """What the second net calls it, and the first what the second has not."""
        node = self.after or self.before
        assert node
        return node.name

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


class Differences(Frozen):
    """Two nets: their rows, beside one another or None, and every node that differs, in the order
    of the second net; what only the first has stands at its place there.

    `renamed` are the nodes that both have under different names."""

    before: Graph
    after: Graph
    rows: list[tuple[Path | None, Path | None]]
    changes: list[Change]
    renamed: dict[str, str]


def compare(before: Graph, after: Graph) -> Differences:
    """What differs, after pairing what is the same."""
    rows, pairs = partners(before, after)
    ones, others = (by_name(graph.rows) for graph in (before, after))
    back = {other: one for one, other in pairs.items()}
    nodes = _merged(before.nodes, after.nodes, pairs)
    changes = (_change(old, new, pairs, back) for old, new in nodes)
    return Differences(
        before,
        after,
        list(_merged(ones, others, rows)),
        [*filter(None, changes)],
        {one: other for one, other in pairs.items() if one != other},
    )


def _change(
    old: Node | None, new: Node | None, pairs: Partners, back: Partners
) -> Change | None:
    if old is None or new is None:
        return Change("removed" if new is None else "added", old, new)
    reads = [*map(pairs.get, old.inputs)]
    # reading what was put in or taken out says nothing new
    rewired = (
        back.keys() >= {*new.inputs}
        and None not in reads
        and reads != [*new.inputs]
    )
    shares = pairs.get(old.shares, old.shares)
    if rewired or (old.op, shares) != (new.op, new.shares):
        return Change("changed", old, new)
    same = old.shape == new.shape and old.cost == new.cost
    return None if same else Change("shape", old, new)


def _merged(
    ones: Mapping[str, Scope], others: Mapping[str, Scope], pairs: Partners
) -> Iterator[tuple[Scope | None, Scope | None]]:
    """The things of both, those that only the first has after the neighbour that they have in
    common."""
    waiting: dict[str, list[Scope]] = {}
    anchor = ""
    for name, thing in ones.items():
        if name in pairs:
            anchor = pairs[name]
        else:
            waiting.setdefault(anchor, []).append(thing)
    first = {other: ones[one] for one, other in pairs.items()}
    yield from ((thing, None) for thing in waiting.get("", ()))
    for name, thing in others.items():
        yield first.get(name), thing
        yield from ((lone, None) for lone in waiting.get(name, ()))
