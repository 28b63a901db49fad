"""Nets in which the unit says one activation and a merge or a path another: seldom meant where the
unit was changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ...collecting import among, flatten
from ...graph import Layer, Origin, Path
from ...language.spec import Spec
from ...ops import ACTIVATIONS
from .findings import Facts, Finding

_GATES = frozenset(
    ["sigmoid", "hardsigmoid", "tanh", "softmax", "softplus"]
)
"""What stands beside a unit's activation in many nets, since it says how much of something
passes."""


def mixed_activations(facts: Facts) -> Iterator[Finding]:
    """Activations by name, alone in a path or around an equation, beside convolutions that take the
    unit's."""
    graph, spec = facts.graph, facts.spec
    used = {op.op for op in facts.ops if op.role == "activation"}
    if len(used) < 2:
        return
    scopes = [
        ("", graph.rows),
        *((b.block, b.paths) for b in graph.blocks()),
    ]
    units = {name: _units_activation(spec, name) for name in dict(scopes)}
    for name, paths in scopes:
        unit = units[name]
        words = used - {unit, *_GATES} if unit else set()
        for word, origin in _others(facts, paths, unit, words):
            yield Finding(
                origin,
                f"the net has both `{unit}`, the unit's activation, and this `{word}`",
                "`act` means the unit's activation, whatever it is: write it here for the unit's",
            )


def _others(
    facts: Facts, paths: Sequence[Path], unit: str, words: Collection[str]
) -> Iterator[tuple[str, Origin]]:
    """The activations of those `words`, where some layer takes the unit's."""
    layers = _layers(paths) if words else ()
    if any(_takes_the_units(facts, layer, unit) for layer in layers):
        yield from (
            each for each in _named(facts, paths) if each[0] in words
        )


def _units_activation(spec: Spec, block: str) -> str:
    """The activation of the unit in force in a block of the user's, or in the rows (""); "" where
    there is none."""
    definition = spec.block(block)
    if definition and definition.library:
        return ""
    unit = definition.unit if definition and definition.unit else spec.unit
    words = [spec.lets.get(label.word, label.word) for label in unit.labels]
    found = [getattr(word, "text", word) for word in words]
    return next(iter(among(reversed(found), ACTIVATIONS)), "")


def _layers(paths: Iterable[Path]) -> Iterator[Layer]:
    return flatten(path.layers for path in paths)


def _takes_the_units(facts: Facts, layer: Layer, unit: str) -> bool:
    """Whether a convolution has the unit's activation without naming it."""
    nodes = facts.graph.nodes
    return (
        len(layer.nodes) > 1
        and unit not in layer.label
        and any(nodes[name].op.op == unit for name in layer.nodes)
    )


def _named(
    facts: Facts, paths: Iterable[Path]
) -> Iterator[tuple[str, Origin]]:
    """The activations that stand by their own names in equations, or alone in paths."""
    equations = (path.equation for path in paths if path.equation)
    for equation in equations:
        for op in _activations(facts, equation.nodes):
            if f"{op}(" in equation.text:
                yield op, equation.origin
    for layer in _layers(paths):
        if len(layer.nodes) == 1:
            for op in _activations(facts, layer.nodes):
                if layer.label.startswith(op):
                    yield op, layer.origin


def _activations(facts: Facts, nodes: Iterable[str]) -> Iterator[str]:
    ops = (facts.graph.nodes[name].op for name in nodes)
    return (op.op for op in ops if op.role == "activation")
