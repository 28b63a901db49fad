"""A parsed spec → what nothing in it uses: blocks, paths and `let`s, each an error on its line.

Use is textual and over the whole file, so a block that only one variant calls is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import chain

from ...collecting import each_text, flatten, of_type, without
from ...errors import Diagnostic, Span, fault
from ..grammar.own import is_block
from ..grammar.records import BlockDef, Inline, PathDef
from ..grammar.words import CONSTANTS, words_in
from ..lints import allowed
from ..yaml.tree import (
    KeyValue,
    Mapping,
    Tree,
    each_of,
    entries_of,
    mapping_at,
    scalars_in,
)

_LET = "read it, or take it out"
_PATH = "read it in `merge:`, or take it out"
_GIVEN = "read it, or name it in `gives`, or take it out"
_STREAM = "read it in a path, or hand it on: name it in `gives`"
_READERS = {"net", "let", "unit", "shortcut", "ops", "variants"}


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
    return [problem for problem in found if is_own(problem.span, tree)]


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
    yield from _unread_definitions(tree, written)
    yield from _unread_inputs(
        entries_of(tree, "input"), rows, entries_of(tree, "let")
    )
    lets = entries_of(tree, "let")
    for name, entry in entries_of(tree, "blocks").items():
        yield from _unused_in_block(blocks[name], entry.value, lets)
    for row, path in rows.items():
        inline = [item.block for item in of_type(Inline, path.items)]
        trees = _inline_blocks(entries_of(tree, "net")[row].value)
        # which reads rows too
        names = {*lets, *rows, *entries_of(tree, "input")}
        for block, part in zip(inline, trees, strict=False):
            yield from _unused_in_block(block, part, names)


def _unread_definitions(
    tree: Mapping, written: Mapping
) -> Iterator[Diagnostic]:
    """Blocks that nothing calls, and the file's `let`s that nothing reads."""
    said = {
        word
        for part in (tree, written)
        for key in _READERS & part.entries.keys()
        for word in words_in(part.entries[key].value)
    }
    blocks = entries_of(tree, "blocks")
    in_blocks = {
        name: {*words_in(entry.value)} for name, entry in blocks.items()
    }
    # how many blocks say a word
    times = Counter(chain(*in_blocks.values()))
    for name, entry in blocks.items():
        if name not in said and times[name] == (name in in_blocks[name]):
            message = f"no row and no block calls `{name}`"
            yield _unread(message, name, entry, "call it, or take it out")
    # `3xsidexside`: its names stand in no words of their own
    inputs = " ".join(_inputs(written))
    said.update(times)
    for name, entry in entries_of(tree, "let").items():
        if name not in said and name not in inputs:
            yield _unread(f"nothing reads `{name}`", name, entry, _LET)


def _unread_inputs(
    inputs: dict[str, KeyValue],
    rows: dict[str, PathDef],
    lets: Collection[str],
) -> Iterator[Diagnostic]:
    """Inputs that no row reads; the first row begins at the first of them, unless it has an
    equation. What could not be read may read any."""
    paths = list(rows.values())
    read = {*flatten(path.reads() for path in paths)}
    # a name that is not known may mean any, and of inputs that have names `input` is none
    known = read <= {*inputs, *rows, *lets, *CONSTANTS} - {"input"}
    if not (paths and known) or any(path.broken for path in paths):
        return
    read |= set() if paths[0].equation else {*list(inputs)[:1]}
    for name in inputs.keys() - read:
        hint = f"read it in an equation of a row, as in `[concat(x1 {name}), …]`, or take it out"
        yield _unread(
            f"no row reads the input `{name}`", name, inputs[name], hint
        )


def _unread(
    message: str, name: str, entry: KeyValue, hint: str
) -> Diagnostic:
    return fault(
        "E034", message, entry.key.span, hint, about=name
    ).diagnostic


def _inputs(tree: Mapping) -> Iterator[str]:
    """The texts of a file's `input`, its variants' too."""
    for part in (tree, *mapping_at(tree, "variants").children):
        if entry := part.entries.get("input"):
            yield from each_text(scalars_in(entry.value))


def _inline_blocks(row: Tree) -> list[Tree]:
    """The blocks that a row writes inline."""
    return [*filter(is_block, each_of(row))]


def _unused_in_block(
    block: BlockDef, tree: Tree, lets: Collection[str]
) -> Iterator[Diagnostic]:
    if not isinstance(tree, Mapping):
        return
    said = {*words_in(tree)}
    for name, entry in entries_of(tree, "let").items():
        if name not in said:
            message = f"nothing in this block reads `{name}`"
            yield _unread(message, name, entry, _LET)
    yield from _unread_streams(block, tree)
    # what could not be read may read any path
    if block.counted and not any(
        path.broken for path in block.every_path()
    ):
        yield from _unread_paths(block, tree, said, lets)


def _unread_streams(block: BlockDef, tree: Mapping) -> Iterator[Diagnostic]:
    """The streams that flow into a block and that no path of it reads."""
    said = {*flatten(map(words_in, tree.without("reads").children))}
    for word in block.takes:
        if word.text not in said and "x" not in said:
            message = (
                f"nothing in this block reads the stream `{word.text}`"
            )
            yield fault(
                "E034", message, word.span, _STREAM, about=word.text
            ).diagnostic


def _unread_paths(
    block: BlockDef, tree: Mapping, said: set[str], lets: Collection[str]
) -> Iterator[Diagnostic]:
    read = _read_by_name(block, tree)
    # a name that is not known may mean any path
    streams = set(each_text(block.takes))
    if read <= {*block.paths, *block.lets, *CONSTANTS, *lets, *streams}:
        hint = _GIVEN if "gives" in tree.entries else _PATH
        for name in without(block.paths, said):
            message = f"nothing reads the path `{name}`"
            yield _unread(message, name, tree.entries[name], hint)
    shortcut = tree.entries.get("shortcut")
    if shortcut and block.shortcut is not None and "shortcut" not in read:
        message = "`shortcut` is set, and nothing in this block reads it"
        yield _unread(message, "shortcut", shortcut, _PATH)


def _read_by_name(block: BlockDef, tree: Mapping) -> set[str]:
    """What the equations of a block and its `gives` name."""
    equations = (
        path.equation for path in block.every_path() if path.equation
    )
    read = {*flatten(equation.reads() for equation in equations)}
    given = tree.entries.get("gives")
    return read.union(words_in(given.value)) if given else read
