"""Spec → Graph: rows and blocks become nodes, each with its shape, or mistakes with their
places."""

from __future__ import annotations

from itertools import pairwise

from ...errors import Fault, SpecError, fault, in_order
from ...graph import Graph, Origin, Path
from ...language.grammar.records import Inline, PathDef
from ...language.spec import Spec
from ...ops.shape import Input
from .graph_builder import Draft, Flow, Nothing, TooLarge
from .items import ItemMaker
from .place import Place


def expand(spec: Spec) -> Graph:
    """The graph of a spec. Raises `SpecError` with every mistake that was found.

    Definitions that nothing uses are told with those, and are no reason to refuse a graph.
    """
    return _Expander(spec).graph()


class _Expander:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.items = ItemMaker(spec)
        self.builder = self.items.builder

    def graph(self) -> Graph:
        input_place = self.spec.place("input")
        draft = Draft("input", Input(shape=self.spec.input), Origin(input_place))
        flow: Flow | Nothing = self.builder.node(draft, [])
        values: dict[str, Flow | Nothing] = {"input": flow}
        place = Place(self.items.env, self.items.setting, values)
        rows: list[Path] = []
        try:
            self.items.blocks_total = sum(
                self.merges(path) for path in self.spec.rows.values()
            )
            for name, definition in self.spec.rows.items():
                path, flow = self.items.path(name, name, definition, flow, place)
                rows.append(path)
                values[name] = flow
            self.unread_rows()
        except Fault as problem:
            self.builder.report(problem)
        except TooLarge as large:
            self.builder.report(large.problem, large.origin)
        if self.spec.mistakes or self.builder.errors:
            found = map(self.spec.setters.named, self.builder.errors)
            raise SpecError(in_order([*self.spec.mistakes, *found, *self.spec.unused]))
        assert isinstance(flow, Flow)
        return Graph(
            self.builder.nodes, rows, "input", flow.node, frozenset(self.builder.unmade)
        )

    def unread_rows(self) -> None:
        """A row that neither the next one nor any equation reads."""
        names = list(self.spec.rows)
        read = {
            n
            for path in self.spec.rows.values()
            if path.equation
            for n in path.equation.reads()
        }
        for name, following in pairwise(names):
            path = self.spec.rows[following]
            if name not in read and path.equation and not path.broken:
                place = self.spec.tree.entries["net"].value.entries[name].key.span  # type: ignore[union-attr]
                hint = f"`{following}` begins with an equation, which could read it"
                self.builder.report(
                    fault(
                        "E034",
                        f"nothing reads the row `{name}`",
                        place,
                        hint,
                        about=name,
                    )
                )

    def merges(self, path: PathDef) -> int:
        """How many blocks with a merge a row calls."""
        total = 0
        for item in path.items:
            block = (
                item.block
                if isinstance(item, Inline)
                else self.spec.block(
                    self.items.names.resolve(item.word, self.items.env)
                )
            )
            if block is not None and block.merge is not None:
                total += self.items.repeats.count(item, self.items.env)
        return total
