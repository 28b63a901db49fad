"""A graph → the norms and activations that go with most of its convolutions, which the legend says
once, and what a layer has not of them."""

from __future__ import annotations

from collections import Counter, defaultdict

from ....collecting import flatten, without
from ....graph import Graph, Layer, Node
from ....ops import ACTIVATIONS, NORMS
from .wording import LONG


def layers_of(graph: Graph) -> list[Layer]:
    """Every layer of a net."""
    return [*flatten(path.layers for path in graph.paths())]


def longest(found: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """Of orders of ops those of the most ops, and of these the most frequent one."""
    return max(found, key=lambda ops: (len(ops), found[ops]), default=())


def _legend_word(word: str) -> str:
    """`BN`, `instance norm`, `ReLU`."""
    if word in NORMS and " " not in word:
        return word.upper()
    return LONG.get(word, word)


class UsualUnit:
    """The norms and activations that go with a convolution in most of the layers, of those that
    have the most; none where most are bare."""

    def __init__(self, graph: Graph) -> None:
        self.readers: dict[str, list[Node]] = defaultdict(list)
        for node in graph.nodes.values():
            for name in node.inputs:
                self.readers[name].append(node)
        found: Counter[tuple[str, ...]] = Counter()
        for layer in layers_of(graph):
            ops = [node.op for node in graph.nodes_of(layer)]
            besides = tuple(op.op for op in ops if op.family != "conv")
            if len(besides) < len(ops) and (
                besides or not self._is_activated_later(layer.output)
            ):
                found[besides] += 1
        mostly_bare = 2 * found[()] > found.total()
        self.words = () if mostly_bare else longest(found)
        self.norms = NORMS.intersection(self.words)
        self.acts = ACTIVATIONS.intersection(self.words)

    @property
    def legend(self) -> str:
        """`BN + ReLU`."""
        return " + ".join(map(_legend_word, self.words))

    def remarks(self, layer: Layer, besides: list[str]) -> list[str]:
        """What a reader of the legend has to know of a convolution: what it lacks of that, and what
        else stands `besides` it.

        `linear` is one without an activation, `bare` one without a norm too. Where the activation
        stands behind a sum, as in ResNet's blocks, nothing is said.
        """
        own = [
            LONG.get(word, word) for word in without(besides, self.words)
        ]
        return [*filter(None, [self._lack(layer, {*besides})]), *own]

    def _lack(self, layer: Layer, has: set[str]) -> str:
        later = bool(self.acts) and self._is_activated_later(layer.output)
        if not has:
            is_whole = later and not self.norms
            return "bare" if self.words and not is_whole else ""
        if self.norms and not NORMS & has:
            return f"no {', '.join(map(_legend_word, sorted(self.norms)))}"
        is_linear = self.acts and self.norms & has and not ACTIVATIONS & has
        return "linear" if is_linear and not later else ""

    def _is_activated_later(self, name: str) -> bool:
        """Whether a value flows into a sum, or what else joins values, and that into an activation,
        with no layer between."""
        joined = False
        while node := self._next(name):
            if node.op.role or node.op.weighted:
                return joined and node.op.role == "activation"
            joined |= node.op.family == "merge"
            name = node.name
        return False

    def _next(self, name: str) -> Node | None:
        """The one node that reads a value; where it is gated by what is made of it, the product."""
        readers = self.readers[name]
        if len(readers) > 1:
            readers = [node for node in readers if node.op.gates]
        return readers[0] if len(readers) == 1 else None
