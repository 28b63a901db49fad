"""Parts → a diagram in a language that lays it out itself: what Graphviz and Mermaid share.

Ids are counted, so that no user text can be a word of the language."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from ..content.parts import ENTRY, Chain, FigurePart, Fork, Link
from ..layout.branches import spine_of

Ends = tuple[str, str]
"""Of a part, the nodes through which it is entered and left; of an edge, its first and its last."""


def since(nodes: list[str], place: int) -> list[str]:
    """Those of several nodes from a place on, or the last of fewer."""
    return nodes[place:] or nodes[-1:]


def nth(nodes: list[str], place: int) -> str:
    """That of several nodes, or the last of fewer."""
    return nodes[min(place, len(nodes) - 1)]


@dataclass(slots=True)
class DiagramWriter(ABC):
    """Writes parts as nodes, clusters and edges; `count` numbers the ids. Where several streams
    flow through a part, `entering` and `leaving` have the nodes of each, by the first of them and
    by the one that the part's result leaves."""

    lines: list[str] = field(default_factory=list)
    count: int = 0
    entering: dict[str, list[str]] = field(default_factory=dict)
    leaving: dict[str, list[str]] = field(default_factory=dict)
    CLOSE: ClassVar[str]
    CLUSTER: ClassVar[str]

    @abstractmethod
    def node(self, name: str, part: FigurePart, group: str) -> str:
        """The statement that draws a part without parts; `group` are the nodes in one line."""

    @abstractmethod
    def point(self, name: str, group: str) -> str:
        """The statement that draws the point where the paths of a fork part."""

    @abstractmethod
    def opening(self, fork: Fork, cluster: str) -> list[str]:
        """The statements that begin a cluster of that id, each a step deeper."""

    @abstractmethod
    def step(self, ends: Ends, chain: Chain, index: int) -> str:
        """The edge from the part above in a chain into the part at `index`."""

    @abstractmethod
    def link(
        self, ends: Ends, link: Link, fork: Fork, on_spine: set[int]
    ) -> str:
        """The edge that draws a link of a fork."""

    def emit(self, depth: int, line: str) -> None:
        """One statement."""
        self.lines.append("  " * depth + line)

    def fresh(self, prefix: str = "n") -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def part(
        self, part: FigurePart, depth: int, group: str = "spine"
    ) -> Ends:
        """Write a part; where to enter and to leave it."""
        if isinstance(part, Chain):
            return self.chain(part, depth, group)
        if isinstance(part, Fork):
            return self.fork(part, depth, group)
        name = self.fresh()
        self.emit(depth, self.node(name, part, group))
        return name, name

    def chain(self, chain: Chain, depth: int, group: str) -> Ends:
        """Parts one after another."""
        ports = [self.part(part, depth, group) for part in chain.parts]
        for index, (above, below) in enumerate(pairwise(ports), 1):
            tails = self.leaving.get(above[1], [above[1]])
            for ends in self.side_by_side(tails, below[0]):
                self.emit(depth, self.step(ends, chain, index))
        return ports[0][0], ports[-1][1]

    def fork(self, fork: Fork, depth: int, group: str) -> Ends:
        """A cluster with a point where its paths part; the whole net needs no cluster."""
        if fork.breaks:
            return self.inside(fork, depth, group, "")
        cluster = self.fresh(self.CLUSTER)
        for step, line in enumerate(self.opening(fork, cluster)):
            self.emit(depth + step, line)
        ends = self.inside(fork, depth + 1, group, cluster)
        self.emit(depth, self.CLOSE)
        return ends

    def inside(
        self, fork: Fork, depth: int, group: str, cluster: str
    ) -> Ends:
        """What stands in a cluster, or in the whole net."""
        entries = self.entries(fork, depth, group)
        on_spine = spine_of(fork)
        ports = [
            self.part(
                unit, depth, group if index in on_spine else self.side()
            )
            for index, unit in enumerate(fork.units)
        ]
        for link in fork.links:
            tails = self.tails(link, ports, entries)
            for ends in self.side_by_side(
                tails, ports[link.target][0], link.entry
            ):
                self.emit(depth, self.link(ends, link, fork, on_spine))
        first = self.entrance(
            cluster, entries[0] if entries else ports[0][0]
        )
        self.entering[first] = entries if len(entries) > 1 else [first]
        return first, self.leave(fork, ports, entries)

    def leave(
        self, fork: Fork, ports: list[Ends], entries: list[str]
    ) -> str:
        """What a fork ends with, where each of its streams leaves."""
        result = ports[fork.result][1]
        if fork.exits:
            self.leaving[result] = [
                nth(entries, ENTRY - unit) if unit < 0 else ports[unit][1]
                for unit in fork.exits
            ]
        return result

    def entries(self, fork: Fork, depth: int, group: str) -> list[str]:
        """The points at which streams flow into a fork; none where no unit reads what flows in."""
        if all(link.source >= 0 for link in fork.links):
            return []
        names = [self.fresh() for _ in range(fork.entries)]
        for name in names:
            self.emit(depth, self.point(name, group))
        return names

    def tails(
        self, link: Link, ports: list[Ends], entries: list[str]
    ) -> list[str]:
        """Where the edges of a link may begin: at the stream that it carries, and those beside."""
        if link.source < 0:
            return since(entries, link.port)
        last = ports[link.source][1]
        streams = self.leaving.get(last, [last])
        return since(streams, link.port)

    def side_by_side(
        self, tails: list[str], target: str, entry: int = 0
    ) -> Iterator[Ends]:
        """The ends of the edges that lead each stream to where it enters a part."""
        heads = self.entering.get(target, [target])
        return zip(tails, since(heads, entry), strict=False)

    def entrance(self, cluster: str, first: str) -> str:
        """Where an edge into a cluster ends: at its first node."""
        return first

    def side(self) -> str:
        """A new group, for what stands beside the spine."""
        return ""
