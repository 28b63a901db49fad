"""What the lints ask of a net, and what they have to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...graph import Graph, Node, Origin
from ...language.spec import Spec
from ..residual import Residual, residuals


@dataclass
class Facts:
    """What the lints ask of a net."""

    spec: Spec
    graph: Graph
    readers: dict[str, list[Node]] = field(init=False)
    residuals: list[Residual] = field(init=False)

    def __post_init__(self) -> None:
        self.readers = {name: [] for name in self.graph.nodes}
        for node in self.graph.nodes.values():
            for source in node.inputs:
                self.readers[source].append(node)
        self.residuals = list(residuals(self.graph))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a lint has to say, and where."""

    origin: Origin
    said: str
    hint: str
    note: str = ""
    labels: str = ""  # all that one cause has, where there are several


Lint = Callable[[Facts], Iterator[Finding]]
