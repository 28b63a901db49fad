"""Spec → Graph: rows and blocks become nodes, each with its shape, or mistakes with their
places.

What is made anew for each layer or call is seldom a frozen record, which takes three times as long
to make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

from ...collecting import flatten
from ...dotted import first_word
from ...errors import Diagnostic, Fault, SpecError, fault, in_order, write
from ...garbage import nothing_collected
from ...graph import Graph, Origin, Path
from ...language.grammar.records import Again, BlockDef, Inline, PathItem
from ...language.spec import Spec
from ...language.yaml.tree import entries_of
from ...ops import Shape
from ...ops.shape import Input
from ...structs import Frozen
from .graph_builder import Draft, Nothing, Tensor, TooLarge
from .items import ItemMaker
from .outputs import last_row, names_outputs, outputs_of, without_unread
from .place import Place
from .streams import tell_unread
from .unit import OptionSource


class Expansion(Frozen):
    """What is known of the net of a spec: its graph, or the mistakes and the rows above the first
    of them; `graph` is None where not even the first row holds together.

    `sources` has, by node, what the options of its op were worked out from."""

    spec: Spec
    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: Mapping[str, OptionSource] = {}

    def whole(self) -> Graph:
        """The graph of the whole net. Raises `SpecError` with every mistake that was found."""
        if self.diagnostics or self.graph is None:
            raise SpecError(self.diagnostics)
        return self.graph


def expand(spec: Spec) -> Expansion:
    """The net of a spec, as far as it goes.

    Definitions that nothing uses are told with other mistakes, and are none alone.
    """
    with nothing_collected():
        return _Expander(spec).expansion()


class _Expander:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.items = ItemMaker(spec)
        self.builder = self.items.builder
        self.rows: list[Path] = []
        self.sound = 0  # rows that hold together, and the nodes up to there
        self.nodes = 0

    def expansion(self) -> Expansion:
        try:
            self.make_rows()
        except TooLarge as large:
            self.builder.report(large.problem, large.origin)
        spec = self.spec
        found = [*map(self.spec.setters.named, self.builder.errors)]
        if spec.mistakes or found:
            found = in_order([*spec.mistakes, *found, *spec.unused])
        return Expansion(
            spec, self.graph(), tuple(found), self.builder.sources
        )

    def graph(self) -> Graph | None:
        """The graph of the rows that hold together."""
        if not self.sound:
            return None
        rows = self.rows[: self.sound]
        nodes = dict(islice(self.builder.nodes.items(), self.nodes))
        unmade = frozenset(self.builder.unmade)
        outputs = outputs_of(self.spec, rows)
        several = sum(not output.aux for output in outputs) > 1
        graph = Graph(
            nodes,
            rows,
            next(iter(self.spec.inputs)),
            outputs,
            unmade,
            several or names_outputs(self.spec),
        )
        return without_unread(graph) if self.spec.outputs else graph

    def make_rows(self) -> None:
        values: dict[str, Tensor | Nothing] = {
            name: self.builder.node(self.input(name, shape), [])
            for name, shape in self.spec.inputs.items()
        }
        flow = next(iter(values.values()))
        inputs = tuple(name for name in values if name != "input")
        place = Place(
            self.items.env, self.items.setting, values, inputs=inputs
        )
        unread = dict(self.unread_rows())
        wrong = {*unread, *self.misread_rows(), *self.count_merges()}
        known = len(self.builder.errors)
        for number, (name, definition) in enumerate(
            self.spec.rows.items(), 1
        ):
            path, flow = self.items.path(
                name, name, definition, flow, place
            )
            self.rows.append(path)
            values[name] = flow
            right = name not in wrong and len(self.builder.errors) == known
            if right and path.output and self.sound == number - 1:
                self.sound, self.nodes = number, len(self.builder.nodes)
        for problem in unread.values():
            self.builder.report(problem)
        self.check_streams(values)
        self.check_unread_streams(values)

    def check_streams(self, values: Mapping[str, Tensor | Nothing]) -> None:
        """Tell of streams that `output` names and no row gives."""
        ends = {*flatten(row.ends() for row in self.rows)}
        for named in self.spec.outputs:
            row = first_word(named.row)
            known = [end for end in ends if end.startswith(f"{row}.")]
            if named.row != row and named.row not in ends and row in values:
                said = (
                    f"`{row}` gives no stream `{named.row[len(row) + 1 :]}`"
                )
                streams = f"its streams are {', '.join(sorted(known))}"
                hint = streams if known else write(row)
                self.builder.report(fault("E030", said, named.span, hint))

    def check_unread_streams(
        self, values: Mapping[str, Tensor | Nothing]
    ) -> None:
        """Tell of streams that nothing reads, where `output` names nothing."""
        last = last_row(self.spec, [*self.spec.rows])
        given = {
            last,
            *(first_word(one.row) for one in self.spec.outputs),
        }
        for name in (
            ()
            if names_outputs(self.spec)
            else self.spec.rows.keys() - given
        ):
            place = entries_of(self.spec.tree, "net")[name].key.span
            tell_unread(values[name], name, place, self.builder)

    def input(self, name: str, shape: Shape) -> Draft:
        """The node of an input."""
        return Draft(
            name, Input(shape=shape), Origin(self.spec.place("input", name))
        )

    def misread_rows(self) -> Iterator[str]:
        """The rows in which the text has a mistake: their labels are at best what was meant."""
        wrong = [problem.span for problem in self.spec.mistakes]
        for name, entry in entries_of(self.spec.tree, "net").items():
            if any(map(entry.value.span.covers, wrong)):
                yield name

    def unread_rows(self) -> Iterator[tuple[str, Fault]]:
        """The rows that could read the one above, which nothing does, and so hide it.

        Where `output` names what the net gives, a row that none of that needs is left out."""
        if names_outputs(self.spec):
            return
        rows = self.spec.rows
        written = entries_of(self.spec.tree, "net")
        read = {*flatten(path.reads() for path in rows.values())}
        read |= {named.row for named in self.spec.outputs}
        read.add(last_row(self.spec, [*rows]))
        for name, following in pairwise(rows):
            path = rows[following]
            if name not in read and path.equation and not path.broken:
                said = f"nothing reads the row `{name}`"
                hint = (
                    f"`{following}` begins with an equation, which could read it; or name it in"
                    f" `output: [{name}, …]`, and the net gives it"
                )
                place = written[name].key.span
                yield (
                    following,
                    fault("E034", said, place, hint, about=name),
                )

    def count_merges(self) -> Iterator[str]:
        """Count the blocks with a merge that the rows call; the rows where that cannot be counted,
        which say why when they are made."""
        found: list[int | None] = []
        for name, path in self.spec.rows.items():
            found += map(self.merges, path.known())
            if None in found:
                yield name
        self.items.blocks_total = (
            None if None in found else sum(filter(None, found))
        )

    def merges(self, item: PathItem) -> int | None:
        """How many blocks with a merge an item of a row calls; None where a mistake hides it."""
        if isinstance(item, Again):
            return 0
        if isinstance(item, Inline):
            block: BlockDef | None = item.block
        else:
            try:
                word = self.items.names.resolve(item.word, self.items.env)
            except Fault:
                return None
            block = self.spec.block(word)
        if block is None or not block.counted:
            return 0
        return self.items.repeats.count(item, self.items.env)
