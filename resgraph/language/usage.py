"""A parsed spec → what nothing in it uses: blocks, paths and `let`s, each an error on its line.

Use is textual and over the whole file, so a block that only one variant calls is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from ..errors import Diagnostic, Span, fault, in_order
from .lints import allowed
from .records import BlockDef, Inline, PathDef
from .tree import Entry, Mapping, Scalar, Sequence, Tree
from .words import ANY_BLOCK, CONSTANTS, KNOWN, READ_IN_BLOCK

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LET = "read it, or take it out"
_QUOTED = re.compile(r"`([^`]*)`")
_READERS = ("net", "let", "unit", "shortcut", "ops", "variants")


def words_in(tree: Tree) -> Iterator[str]:
    """Every word in the texts of a tree; `a-b` counts as itself and as its parts. Keys do not count."""
    stack: list[Tree] = [tree]
    while stack:
        top = stack.pop()
        if isinstance(top, Mapping):
            stack += [entry.value for key, entry in top.entries.items() if key != "about"]
        elif isinstance(top, Sequence):
            stack += top.items
        elif isinstance(top, Scalar) and isinstance(top.value, str):
            for word in _WORD.findall(top.value):
                yield word
                yield from word.split("-")


def unused(tree: Mapping, written: Mapping, blocks: dict[str, BlockDef], rows: dict[str, PathDef]) -> list[Diagnostic]:
    """An error for each definition of `tree` that nothing reads, there or in the file as it was `written`.

    What comes from a file that is extended is never asked: it may be there for others that extend it.
    """
    if "unused" in allowed(tree, inherited=False):
        return []
    found = _unused(tree, written, blocks, rows)
    return [problem for problem in found if problem.span and is_own(problem.span, tree)]


def is_own(span: Span, tree: Mapping) -> bool:
    """Whether something stands in the spec's own file (or in `--set`), and not in one that it extends."""
    return span.source == tree.span.source or span.source.name == "--set"


def _unused(
    tree: Mapping, written: Mapping, blocks: dict[str, BlockDef], rows: dict[str, PathDef]
) -> Iterator[Diagnostic]:
    readers = [part.entries[key].value for part in (tree, written) for key in _READERS if key in part.entries]
    said = {word for reader in readers for word in words_in(reader)}
    inputs = " ".join(_inputs(written))  # `3xsidexside`: its names stand in no words of their own
    in_blocks = {name: set(words_in(entry.value)) for name, entry in entries_of(tree, "blocks").items()}
    times = Counter(word for words in in_blocks.values() for word in words)  # how many blocks say a word
    for name, entry in entries_of(tree, "blocks").items():
        if name not in said and times[name] == (name in in_blocks[name]):
            problem = f"no row and no block calls `{name}`"
            yield fault("E034", problem, entry.key.span, "call it, or take it out").diagnostic
        yield from _unused_in_block(blocks[name], entry.value, entries_of(tree, "let"))
    for name, entry in entries_of(tree, "let").items():
        if name not in said and not times[name] and name not in inputs:
            yield fault("E034", f"nothing reads `{name}`", entry.key.span, _LET).diagnostic
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


def entries_of(tree: Tree, key: str) -> dict[str, Entry]:
    """The entries of the map at `key`, none where there is no map."""
    entry = tree.entries.get(key) if isinstance(tree, Mapping) else None
    return entry.value.entries if entry and isinstance(entry.value, Mapping) else {}


def _mappings(row: Tree) -> list[Tree]:
    """The blocks that a row writes inline."""
    items = row.items if isinstance(row, Sequence) else [row]
    return [i for i in items if isinstance(i, Mapping) and not {"op", "block"} & i.entries.keys()]


def _unused_in_block(block: BlockDef, tree: Tree, lets: Collection[str]) -> Iterator[Diagnostic]:
    if not isinstance(tree, Mapping):
        return
    said = set(words_in(tree))
    for name, entry in entries_of(tree, "let").items():
        if name not in said:
            yield fault("E034", f"nothing in this block reads `{name}`", entry.key.span, _LET).diagnostic
    if block.merge is None or any(path.broken for path in block.every_path()):
        return  # what could not be read may read it
    read = {name for path in block.every_path() if path.equation for name in path.equation.reads()}
    known = {*block.paths, *block.lets, *CONSTANTS, *lets}
    for name in block.paths if read <= known else ():  # a name that is not known may mean any path
        if name not in said:
            hint = "read it in `merge:`, or take it out"
            yield fault("E034", f"nothing reads the path `{name}`", tree.entries[name].key.span, hint).diagnostic
    if block.shortcut is not None and "shortcut" not in read and "shortcut" in tree.entries:
        problem = "`shortcut` is set, and nothing in this block reads it"
        hint = "read it in `merge:`, or take it out"
        yield fault("E034", problem, tree.entries["shortcut"].key.span, hint).diagnostic


def without_misspelled(unused: Iterable[Diagnostic], errors: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Without what is unused only because the word that means it is misspelled: that is one mistake, told already.

    Where no known word is near the misspelled one, it may mean any that could stand there.
    """
    words = [error for error in errors if error.code in ("E011", "E012", "E020", "E024", "E030")]
    meant = {name for error in words for name in _meant(error)}
    truncated = any(error.help.endswith("…") for error in words)
    any_block = any(error.help == ANY_BLOCK for error in words)
    return [
        one
        for one in unused
        if not (truncated or meant.intersection(_QUOTED.findall(one.message)))
        and not (any_block and one.message.startswith("no row and no block"))
    ]


def _meant(error: Diagnostic) -> list[str]:
    """The names that an unknown word may stand for."""
    if error.help.startswith(KNOWN):
        return error.help.removeprefix(KNOWN).split(", ")
    return _QUOTED.findall(error.help)


def told(found: list[Diagnostic]) -> list[Diagnostic]:
    """In order, without what goes unused only because a name is misspelled elsewhere."""
    unused = [problem for problem in found if problem.code == "E034"]
    kept = {id(problem) for problem in without_misspelled(unused, found)}
    undeclared = {_QUOTED.findall(p.message)[-1] for p in found if p.help.startswith(READ_IN_BLOCK)}
    return in_order(
        problem
        for problem in found
        if (problem.code != "E034" or id(problem) in kept)
        and not (problem.code == "E030" and undeclared.intersection(_QUOTED.findall(problem.message)))
    )
