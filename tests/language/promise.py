"""What the reader promises for every text there is; hypothesis and the fuzzer both hold it to this."""

from __future__ import annotations

from collections.abc import Iterator

from resgraph.errors import Source
from resgraph.language.yaml.reader import read
from resgraph.language.yaml.tree import Mapping, Sequence, Tree, plain_value


def parts(tree: Tree) -> Iterator[Tree]:
    """A tree, its keys and all values in it."""
    yield tree
    if isinstance(tree, Sequence):
        for item in tree.items:
            yield from parts(item)
    elif isinstance(tree, Mapping):
        for entry in tree.entries.values():
            yield entry.key
            yield from parts(entry.value)


def answers(text: str) -> None:
    """The promise: a tree or a mistake, no exception, places within the text, frames that a terminal can print."""
    source = Source("spec.yaml", text)
    tree, errors = read(source)
    assert tree is not None or errors
    spans = [place.span for error in errors for place in error.related]
    spans += [error.span for error in errors if error.span]
    spans += [part.span for part in parts(tree)] if tree else []
    lines = text.split("\n")
    for span in spans:
        assert span.source is source
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
    for error in errors:
        assert error.message.isprintable()
        assert all(line.isprintable() for line in error.frame().split("\n"))
    if tree:
        plain_value(tree)
