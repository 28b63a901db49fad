"""What the lints ask of a net, and what they have to say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from ...collecting import by_key
from ...graph import Graph, Node, Origin
from ...language.spec import Spec
from ...ops import Op
from ...structs import Frozen
from ..residual import Residual, residuals


class Facts(Struct):
    """What the lints ask of a net."""

    spec: Spec
    graph: Graph
    readers: dict[str, list[Node]] = {}
    residuals: list[Residual] = []
    _ops: dict[int, Op] = {}

    def __post_init__(self) -> None:
        nodes = self.graph.nodes.values()
        self.readers = by_key(
            (name, node) for node in nodes for name in node.inputs
        )
        self.residuals = list(residuals(self.graph))
        self._ops = {id(node.op): node.op for node in nodes}

    @property
    def ops(self) -> Collection[Op]:
        """Each once: copies of a block have the ops of one."""
        return self._ops.values()

    def of(self, asked: Callable[[Op], bool]) -> list[Node]:
        """The nodes whose op answers yes."""
        yes = {place for place, op in self._ops.items() if asked(op)}
        nodes = self.graph.nodes.values() if yes else ()
        return [node for node in nodes if id(node.op) in yes]


class Finding(Frozen):
    """What a lint has to say, and where."""

    origin: Origin
    said: str
    hint: str
    note: str = ""
    labels: str = ""  # all that one cause has, where there are several


Lint = Callable[[Facts], Iterator[Finding]]
