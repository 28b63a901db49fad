"""A tree and its net → where each part of the figure was written, so that a click on it can edit
it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Span
from ..graph import Block, Equation, Graph, Layer, Origin, Path
from ..language.yaml.tree import Mapping, Tree
from ..structs import Frozen
from .rewrite import Keys


class Phrase(Frozen):
    """A value of the text: its path of keys, and its characters, which stand on one line."""

    path: Keys
    span: Span

    def as_data(self) -> dict[str, Any]:
        """For the page, whose columns count from 0 in units of UTF-16."""
        line = self.span.source.line(self.span.line)
        return {
            "path": list(self.path),
            "text": self.span.written(),
            "line": self.span.line,
            "from": utf16(line, self.span.column) - 1,
            "to": utf16(line, self.span.end_column) - 1,
        }


def utf16(line: str, column: int) -> int:
    """A column counted in characters as one counted in units of UTF-16, both from 1."""
    return (
        len(line[: column - 1].encode("utf-16-le", "surrogatepass")) // 2
        + 1
    )


def places(
    tree: Mapping, graph: Graph
) -> Iterator[tuple[str, list[Phrase]]]:
    """By the name of a layer, an equation or a node: its own words, then the calls around them
    from the innermost to the row's. Only what this file says and on one line."""
    written = {
        place.span.start: place
        for place in reversed([*_values(tree, ())])
        if place.span.on_one_line
    }

    def of(origin: Origin) -> list[Phrase]:
        return [
            written[span.start]
            for span in reversed(origin.spans)
            if span.source.name == tree.span.source.name
            and span.start in written
        ]

    for part in _parts(graph):
        found = of(part.origin)
        for name in {part.name, *part.nodes}:
            yield name, found
    if place := next(
        (p for p in written.values() if p.path == ("input",)), None
    ):
        yield graph.input, [place]


def _values(tree: Tree, path: Keys) -> Iterator[Phrase]:
    """Every value that can be written on one line; what holds others comes before them."""
    if tree.flow:
        yield Phrase(path, tree.span)
    for key, entry in tree.entries.items():
        yield from _values(entry.value, (*path, key))
    for index, item in enumerate(tree.items):
        yield from _values(item, (*path, index))


def _parts(graph: Graph) -> Iterator[Layer | Equation]:
    """Every layer and equation of a net."""
    paths: list[Path] = list(graph.rows)
    while paths:
        path = paths.pop()
        if path.equation is not None:
            yield path.equation
        for item in path.items:
            if isinstance(item, Block):
                paths += item.paths
            else:
                yield item
