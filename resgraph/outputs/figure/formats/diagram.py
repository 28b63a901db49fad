"""Parts → a diagram in a language that lays it out itself: what Graphviz and Mermaid share.

Ids are counted, so that no user text can be a word of the language."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from ..content.parts import Chain, FigurePart, Fork, Link
from ..layout.branches import spine_of

Ends = tuple[str, str]
"""Of a part, the nodes through which it is entered and left; of an edge, its first and its last."""


@dataclass(slots=True)
class DiagramWriter(ABC):
    """Writes parts as nodes, clusters and edges; `count` numbers the ids."""

    lines: list[str] = field(default_factory=list)
    count: int = 0
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
    def link(self, ends: Ends, link: Link, fork: Fork, on_spine: set[int]) -> str:
        """The edge that draws a link of a fork."""

    def emit(self, depth: int, line: str) -> None:
        """One statement."""
        self.lines.append("  " * depth + line)

    def fresh(self, prefix: str = "n") -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def part(self, part: FigurePart, depth: int, group: str = "spine") -> Ends:
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
            self.emit(depth, self.step((above[1], below[0]), chain, index))
        return ports[0][0], ports[-1][1]

    def fork(self, fork: Fork, depth: int, group: str) -> Ends:
        """A cluster with a point where its paths part; the whole net needs no cluster."""
        is_net = bool(fork.breaks)
        cluster = "" if is_net else self.fresh(self.CLUSTER)
        for step, line in enumerate([] if is_net else self.opening(fork, cluster)):
            self.emit(depth + step, line)
        inner = depth + (not is_net)
        entry = ""
        if any(link.source < 0 for link in fork.links):
            entry = self.fresh()
            self.emit(inner, self.point(entry, group))
        on_spine = set(range(len(fork.units))) if is_net else spine_of(fork)
        ports = []
        for index, unit in enumerate(fork.units):
            line = group if index in on_spine else self.side()
            ports.append(self.part(unit, inner, line))
        for link in fork.links:
            tail = entry if link.source < 0 else ports[link.source][1]
            ends = tail, ports[link.target][0]
            self.emit(inner, self.link(ends, link, fork, on_spine))
        if not is_net:
            self.emit(depth, self.CLOSE)
        return self.entrance(cluster, entry or ports[0][0]), ports[fork.result][1]

    def entrance(self, cluster: str, first: str) -> str:
        """Where an edge into a cluster ends: at its first node."""
        return first

    def side(self) -> str:
        """A new group, for what stands beside the spine."""
        return ""
