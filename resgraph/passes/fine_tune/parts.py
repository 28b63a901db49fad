"""The parts of a net that a recipe names (`freeze`, `rates.by`) → those that the net lacks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from ...errors import Diagnostic, fault
from ...graph import Graph
from ...language.diagnose.nearest import did_you_mean
from ...language.recipe import Train
from ...language.recipe.start import ALL_BUT, is_frozen
from ...language.spec import Spec


def unfit_parts(spec: Spec, graph: Graph, train: Train) -> list[Diagnostic]:
    """E052 at each name of a part that the net does not have or that learns nothing, and where
    nothing is left that learns."""
    learned = [node.name for node in graph.nodes.values() if node.cost.params]
    known = {part for name in learned for part in accumulate(name.split("."), _joined)}
    found = [
        fault(
            "E052",
            f"{where} names `{name}`, and the net has nothing there that learns",
            spec.place("train", *keys),
            did_you_mean(name, known) or f"its rows are {_rows(known)}",
        ).diagnostic
        for where, name, keys in _named(train)
        if name not in known
    ]
    if found or not train.frozen:
        return found
    if all(is_frozen(name, train.frozen) for name in learned):
        span = spec.place("train", "freeze")
        said = "`freeze` leaves nothing of the net that learns"
        hint = "leave a row out, or write `freeze: all but head`"
        return [fault("E052", said, span, hint).diagnostic]
    return []


def _joined(before: str, part: str) -> str:
    return f"{before}.{part}"


def _rows(known: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(known) if "." not in name)


def _named(train: Train) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """The key that names a part, the part, and where that is written."""
    for place, word in enumerate(train.frozen):
        yield "`freeze`", word.removeprefix(ALL_BUT).strip(), ("freeze", place)
    for name in train.rates.by if train.rates else ():
        yield "`rates.by`", name, ("rates", "by", name)
