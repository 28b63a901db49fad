"""The nets of a study → those that are one net with one recipe, whose runs cannot differ."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Sequence
from operator import attrgetter

from .plan import PlannedNet

_GRAPH = attrgetter("name", "op", "inputs", "shares")


def equal_nets(nets: Sequence[PlannedNet]) -> list[list[str]]:
    """The names of nets that are equal, and of which all but the first could go."""
    near: dict[Hashable, list[list[PlannedNet]]] = defaultdict(list)
    for net in nets:
        groups = near[_likeness(net)]
        group = next((g for g in groups if _is_one(g[0], net)), None)
        if group is None:
            groups.append([net])
        else:
            group.append(net)
    return [
        [net.name for net in group]
        for groups in near.values()
        for group in groups
        if len(group) > 1
    ]


def equality_told(names: Sequence[str]) -> str:
    """What to say of equal nets."""
    some = ", ".join(f"`{name}`" for name in names[1:4])
    some += f" and {len(names) - 4} more" if len(names) > 4 else ""
    verb = "are" if len(names) > 2 else "is"
    return (
        f"{some} {verb} `{names[0]}` once more: net and recipe are equal, so each seed comes to"
        " the same result"
    )


def _likeness(net: PlannedNet) -> Hashable:
    """What equal nets have in common, and others seldom: the seed is that of the study."""
    recipe = net.train.document() | {"seed": 0}
    spec = net.plan.spec
    return (
        *net.facts.values(),
        json.dumps(recipe, sort_keys=True, default=str),
        repr(spec.init),
    )


def _is_one(one: PlannedNet, other: PlannedNet) -> bool:
    """Whether two graphs are equal, wherever they are written."""
    graphs = one.plan.graph, other.plan.graph
    nodes, others = (map(_GRAPH, each.nodes.values()) for each in graphs)
    return [*nodes] == [*others] and graphs[0].outputs == graphs[1].outputs
