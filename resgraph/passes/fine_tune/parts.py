"""The parts of a net that a recipe names (`freeze`, `by`) → those that the net lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec.structs import replace

from ...collecting import flatten
from ...errors import Diagnostic, Hint, fault, ticked
from ...graph import Graph
from ...language.diagnose.nearest import did_you_mean
from ...language.recipe import Train
from ...language.recipe.start import ALL_BUT, is_frozen
from ...language.spec import Spec
from ...structs import Frozen


def unfit_parts(spec: Spec, graph: Graph, train: Train) -> list[Diagnostic]:
    """E052 at each name of a part that the net does not have or that learns nothing, and where
    nothing is left that learns."""
    named = [*_named(train)]
    if not named:
        return []
    nodes = (node for node in graph.nodes.values() if node.cost.params)
    learned = [*flatten(node.op.owners(node.name) for node in nodes)]
    known = _parts_of(learned)
    lacking = [part for part in named if part.name not in known]
    if train.frozen and not lacking:
        moves = any(not is_frozen(name, train.frozen) for name in learned)
        return [] if moves else [_nothing_learns(spec)]
    return [part.lacking(spec, known) for part in lacking]


def _parts_of(learned: Sequence[str]) -> set[str]:
    """Layers, all that holds one, and their tensors."""
    parts = {
        *flatten(accumulate(name.split("."), _joined) for name in learned)
    }
    return parts | {
        f"{name}.{kind}" for name in learned for kind in ("weight", "bias")
    }


def _nothing_learns(spec: Spec) -> Diagnostic:
    span = spec.place("train", "freeze")
    said = "`freeze` leaves nothing of the net that learns"
    hint = "leave a row out, or write `freeze: all but head`"
    return fault("E052", said, span, hint).diagnostic


def _joined(before: str, part: str) -> str:
    return f"{before}.{part}"


def _rows(known: set[str]) -> str:
    return ticked(name for name in sorted(known) if "." not in name)


class _Part(Frozen):
    """A part that a recipe names: in which key, and where that is written; `before` stands before
    its name there."""

    where: str
    name: str
    keys: tuple[str | int, ...]
    before: str = ""
    is_key: bool = False

    def lacking(self, spec: Spec, known: set[str]) -> Diagnostic:
        """E052 at its name."""
        said = f"{self.where} names `{self.name}`, and the net has nothing there that learns"
        place = spec.place("train", *self.keys, of_key=self.is_key)
        return fault("E052", said, place, self.hint(known)).diagnostic

    def hint(self, known: set[str]) -> Hint:
        near = did_you_mean(self.name, known)
        if near.write is None:
            return near or Hint(f"its rows are {_rows(known)}")
        return replace(near, write=self.before + near.write)


def _named(train: Train) -> Iterator[_Part]:
    """Each part that a recipe names."""
    for place, word in enumerate(train.frozen):
        before = ALL_BUT if word.startswith(ALL_BUT) else ""
        name = word.removeprefix(ALL_BUT).strip()
        yield _Part("`freeze`", name, ("freeze", place), before)
    steps = train.optimizer
    for keys, record in (
        (("rates",), train.rates),
        (("optimizer",), steps),
        (("optimizer", "others"), getattr(steps, "others", None)),
    ):
        for name in getattr(record, "by", ()):
            where = f"`{'.'.join(keys)}.by`"
            yield _Part(where, name, (*keys, "by", name), is_key=True)
