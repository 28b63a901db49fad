"""A graph and `rates` → the factor of each node's learning rate: layer-wise decay by the true
depth, and factors by name.

What has one rate is an item of a row: a block, or a layer outside of blocks, as in Clark et al.
2020 (ELECTRA) and Bao et al. 2022 (BEiT), whose layers are blocks too. Its depth counts the items
that learn on the longest path up to it, so items side by side are as deep as each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...collecting import each_value, picked
from ...dotted import first_word
from ...graph import Graph, Item, Path, items_in
from ...language.recipe.start import Rates, lies_in


def depths(graph: Graph) -> dict[str, int]:
    """The depth of each node that has a module of its own: 1 for the first item that learns.

    Weights that are used again have the depth at which they are used first."""
    items = _items(graph)
    learned = dict.fromkeys(items.values(), False)
    for name, item in items.items():
        learned[item] |= graph.nodes[name].learns
    deep = each_value(int, learned)
    for name, item in items.items():  # in topological order
        for source in graph.nodes[name].inputs:
            before = items.get(source, item)
            if before != item:
                deep[item] = max(deep[item], deep[before] + learned[item])
    found: dict[str, int] = {}
    for name, item in items.items():
        own = graph.nodes[name].module
        found[own] = min(found.get(own, deep[item]), deep[item])
    return found


def layers(graph: Graph) -> dict[str, int]:
    """The depth of each item that learns, by its name: the prefix of its weights' keys."""
    items, deep = _items(graph), depths(graph)
    learned = (node for node in graph.nodes.values() if node.cost.params)
    return {items[node.name]: deep[node.name] for node in learned}


def group_matcher(graph: Graph, coarse: bool) -> Callable[[str], int]:
    """A weight's key → the depth of its item, from 1, or with `coarse` its row's place, from 0."""
    deep = layers(graph)
    if coarse:
        rows = [*dict.fromkeys(map(first_word, deep))]
        return lambda key: rows.index(first_word(key))
    return lambda key: deep[part_named(key, deep)]


def _items(graph: Graph) -> dict[str, str]:
    """The item of a row that each node was written in, or the row itself; none for an input."""
    scopes: list[Path | Item] = [*graph.rows, *items_in(graph.rows)]
    found: dict[str, str] = {}
    for scope in scopes:
        found |= dict.fromkeys(graph.names_of(scope), scope.name)
    return picked(found, graph.nodes)


def factors(graph: Graph, rates: Rates) -> dict[str, float]:
    """What the learning rate of each node is multiplied by."""
    deep = depths(graph)
    last = max(deep.values(), default=0)
    return {
        name: rates.decay ** (last - depth) * _by_name(name, rates.by)
        for name, depth in deep.items()
    }


def _by_name(name: str, by: Mapping[str, float]) -> float:
    """The factor of the longest name that a node lies in."""
    return by.get(part_named(name, by), 1.0)


def part_named(name: str, by: Mapping[str, object]) -> str:
    """The longest of these names that a node or a parameter lies in; nothing where it is in
    none."""
    return max(
        (part for part in by if lies_in(name, (part,))), key=len, default=""
    )
