"""A parsed spec → what nothing in it uses: blocks, paths and `let`s, each an error on its line.

Use is textual and over the whole file, so a block that only one variant calls is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from ...errors import Diagnostic, Span, fault
from ..grammar.records import BlockDef, Inline, PathDef
from ..grammar.words import CONSTANTS, words_in
from ..lints import allowed
from ..yaml.tree import Mapping, Scalar, Sequence, Tree, entries_of

_LET = "read it, or take it out"
_PATH = "read it in `merge:`, or take it out"
_READERS = ("net", "let", "unit", "shortcut", "ops", "variants")


def unused(
    tree: Mapping,
    written: Mapping,
    blocks: dict[str, BlockDef],
    rows: dict[str, PathDef],
) -> list[Diagnostic]:
    """An error for each definition of `tree` that nothing reads, there or in the file as it was
    `written`.

    What comes from a file that is extended is never asked: it may be there for others that extend
    it."""
    if "unused" in allowed(tree, inherited=False):
        return []
    found = _unused(tree, written, blocks, rows)
    return [problem for problem in found if problem.span and is_own(problem.span, tree)]


def is_own(span: Span, tree: Mapping) -> bool:
    """Whether something stands in the spec's own file (or in `--set`), and not in one that it
    extends."""
    return span.source == tree.span.source or span.source.is_override


def _unused(
    tree: Mapping,
    written: Mapping,
    blocks: dict[str, BlockDef],
    rows: dict[str, PathDef],
) -> Iterator[Diagnostic]:
    readers = [
        part.entries[key].value
        for part in (tree, written)
        for key in _READERS
        if key in part.entries
    ]
    said = {word for reader in readers for word in words_in(reader)}
    # `3xsidexside`: its names stand in no words of their own
    inputs = " ".join(_inputs(written))
    in_blocks = {
        name: set(words_in(entry.value))
        for name, entry in entries_of(tree, "blocks").items()
    }
    # how many blocks say a word
    times = Counter(word for words in in_blocks.values() for word in words)
    for name, entry in entries_of(tree, "blocks").items():
        if name not in said and times[name] == (name in in_blocks[name]):
            problem = f"no row and no block calls `{name}`"
            yield fault(
                "E034", problem, entry.key.span, "call it, or take it out", about=name
            ).diagnostic
        yield from _unused_in_block(blocks[name], entry.value, entries_of(tree, "let"))
    for name, entry in entries_of(tree, "let").items():
        if name not in said and not times[name] and name not in inputs:
            yield fault(
                "E034", f"nothing reads `{name}`", entry.key.span, _LET, about=name
            ).diagnostic
    for row, path in rows.items():
        inline = [item.block for item in path.items if isinstance(item, Inline)]
        trees = _mappings(entries_of(tree, "net")[row].value)
        for block, part in zip(inline, trees, strict=False):
            yield from _unused_in_block(block, part, entries_of(tree, "let"))


def _inputs(tree: Mapping) -> Iterator[str]:
    """The texts of a file's `input`, its variants' too."""
    variants = [entry.value for entry in entries_of(tree, "variants").values()]
    for part in (tree, *variants):
        entry = part.entries.get("input") if isinstance(part, Mapping) else None
        if entry and isinstance(entry.value, Scalar):
            yield entry.value.text


def _mappings(row: Tree) -> list[Tree]:
    """The blocks that a row writes inline."""
    items = row.items if isinstance(row, Sequence) else [row]
    return [
        i
        for i in items
        if isinstance(i, Mapping) and not {"op", "block"} & i.entries.keys()
    ]


def _unused_in_block(
    block: BlockDef, tree: Tree, lets: Collection[str]
) -> Iterator[Diagnostic]:
    if not isinstance(tree, Mapping):
        return
    said = set(words_in(tree))
    for name, entry in entries_of(tree, "let").items():
        if name not in said:
            problem = f"nothing in this block reads `{name}`"
            yield fault("E034", problem, entry.key.span, _LET, about=name).diagnostic
    if block.merge is None or any(path.broken for path in block.every_path()):
        return  # what could not be read may read it
    read = {
        name
        for path in block.every_path()
        if path.equation
        for name in path.equation.reads()
    }
    known = {*block.paths, *block.lets, *CONSTANTS, *lets}
    # a name that is not known may mean any path
    for name in block.paths if read <= known else ():
        if name not in said:
            place = tree.entries[name].key.span
            yield fault(
                "E034", f"nothing reads the path `{name}`", place, _PATH, about=name
            ).diagnostic
    if (
        block.shortcut is not None
        and "shortcut" not in read
        and "shortcut" in tree.entries
    ):
        problem = "`shortcut` is set, and nothing in this block reads it"
        place = tree.entries["shortcut"].key.span
        yield fault("E034", problem, place, _PATH, about="shortcut").diagnostic
