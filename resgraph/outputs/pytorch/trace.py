"""A net while it runs → its nodes as they are computed, by the names of the graph.

Most nodes are modules of their own name. Those that join values (`a + b`, `concat`) are calls of
torch in the code of a block; which call makes which node is told by what it reads, in one pass on
tensors without numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...collecting import by_key, flatten
from ...graph import Graph
from ...plan import Plan
from .build import build

MadeOf = tuple[str, ...]
"""The nodes that a value is made of, sorted; one that is summed twice stands there twice."""


_MOST_NAMES = 4096


class NodeObserver(TorchFunctionMode, ABC):
    """Is told of each node of a net, in the order in which they are computed, and of each call of
    torch between them. The net must not write over what it reads (`inplace=False`)."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.inside = 0  # modules that are nodes, one in another
        nodes = graph.nodes.values()
        self.users = by_key(
            (node.shares or node.name, node.name) for node in nodes
        )

    @abstractmethod
    def made(self, name: str, reads: Sequence[Tensor], out: Tensor) -> None:
        """A module made a node."""

    @abstractmethod
    def called(
        self, function: Any, reads: Sequence[Tensor], out: Tensor
    ) -> None:
        """A call of torch, outside of all modules that are nodes, gave a tensor."""

    @contextmanager
    def watching(self, net: nn.Module) -> Iterator[None]:
        """As long as it lasts, what the net computes is told."""
        with ExitStack() as stack:
            for name, inner in net.named_modules():
                if name in self.users:
                    for hook in self._hooks(inner, self.users[name]):
                        stack.callback(hook.remove)
            stack.enter_context(self)
            yield

    def _hooks(self, inner: nn.Module, names: list[str]) -> Iterable[Any]:
        waiting = iter(names)

        def before(*_: Any) -> None:
            self.inside += 1

        def after(_: nn.Module, args: Any, out: Tensor) -> None:
            self.inside -= 1
            if not self.inside:
                self.made(next(waiting), tensors(args), out)

        yield inner.register_forward_pre_hook(before)
        yield inner.register_forward_hook(after)

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not self.inside and isinstance(out, Tensor):
            self.called(func, tensors(args), out)
        return out


def tensors(values: Any) -> list[Tensor]:
    """The tensors in arguments, and in lists of them."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, list | tuple):
        return [*flatten(map(tensors, values))]
    return []


class Tracer(NodeObserver):
    """Finds by what they read which calls of torch make nodes (`calls`, in their order), and what
    each node read (`reads`) and gave (`shapes`)."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.calls: list[str] = []
        self.reads: dict[str, frozenset[str]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.waiting: dict[tuple[str, MadeOf], list[str]] = {}
        self.joins = {
            n.name for n in graph.nodes.values() if n.op.family == "merge"
        }
        for name in self.joins:
            node = graph.nodes[name]
            # a mean of several is a sum, then divided
            is_sum = node.op.op == "mean" and len(node.values) > 1
            kind = "add" if is_sum else node.op.op
            key = kind, tuple(sorted(node.values))
            self.waiting.setdefault(key, []).append(name)
        self.tags: dict[int, MadeOf] = {}
        self.kept: list[Tensor] = []  # so that no two tensors have one id

    def tag(self, value: Tensor, names: MadeOf) -> None:
        """From here on a tensor is the value of a node, or made of several."""
        self.kept.append(value)
        self.tags[id(value)] = names

    def _tags(self, values: Sequence[Tensor]) -> MadeOf:
        tags = (self.tags.get(id(v), ()) for v in values)
        found = sorted(flatten(tags))
        # of code that was exported and changed, which doubles them at each call
        return tuple(
            found if len(found) < _MOST_NAMES else dict.fromkeys(found)
        )

    def made(self, name: str, reads: Sequence[Tensor], out: Tensor) -> None:
        """As a node that a module makes."""
        self._make(name, self._tags(reads), out)

    def _make(self, name: str, reads: MadeOf, out: Tensor) -> None:
        self.reads[name] = frozenset(reads)
        self.shapes[name] = tuple(out.shape[1:])
        self.tag(out, (name,))

    def called(
        self, function: Any, reads: Sequence[Tensor], out: Tensor
    ) -> None:
        """A node, where one that joins these values is waiting; else a part of one, or a view."""
        names = self._tags(reads)
        word = getattr(function, "__name__", "").strip("_")
        waiting = self.waiting.get((_FUNCTIONS.get(word, word), names))
        if waiting and not out._is_view():
            name = waiting.pop(0)
            self.calls.append(name)
            self._make(name, names, out)
            return
        own = {*names}
        part = len(own) == 1 and own <= self.joins and not out._is_view()
        self.calls.append(names[0] if part else "")
        self.tag(out, names)


_FUNCTIONS = {
    "iadd": "add", "radd": "add", "imul": "mul", "rmul": "mul", "isub": "sub", "rsub": "sub",
    "cat": "concat", "truediv": "div", "rtruediv": "div", "rdiv": "div",
    "maximum": "max", "amax": "max", "minimum": "min", "amin": "min", "neg": "mul",
}  # fmt: skip
"""The op of a function of torch, where the names differ."""


def trace(plan: Plan, net: nn.Module | None = None) -> Tracer:
    """One pass of two images, in training, on the meta device: nothing is computed. `net`, which
    must be on it, is the plan's own where none is given."""
    graph = plan.graph
    net = net or build(plan, "meta", inplace=False)
    tracer = Tracer(graph)
    images = [
        torch.empty(2, *shape, device="meta")
        for shape in plan.inputs.values()
    ]
    for name, image in zip(graph.inputs, images, strict=True):
        tracer.tag(image, (name,))
    with tracer.watching(net.train()):
        net(*images)
    return tracer
