"""The standard blocks: names without reading them, a definition when one is asked for."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from operator import attrgetter

from ..errors import Source, SpecError
from .grammar.log import Log
from .grammar.own import Words
from .grammar.parse import Parser
from .grammar.records import BlockDef
from .yaml.reader import read
from .yaml.tree import entries_of

_NAME = re.compile(r"^  ([A-Za-z][A-Za-z0-9_-]*):", re.MULTILINE)


@cache
def library_index() -> dict[str, str]:
    """Block name → the library file that defines it. Files are scanned, not parsed: a check needs
    only the names."""
    index: dict[str, str] = {}
    folder = resources.files("resgraph") / "library"
    for file in sorted(folder.iterdir(), key=attrgetter("name")):
        if file.name.endswith(".yaml"):
            _, _, blocks = file.read_text(encoding="utf-8").partition(
                "\nblocks:\n"
            )
            index.update(
                (name, file.name) for name in _NAME.findall(blocks)
            )
    return index


def library_source(name: str) -> Source:
    """The text of the library file that defines block `name`, as a user reads and copies it."""
    file = library_index()[name]
    text = (resources.files("resgraph") / "library" / file).read_text(
        encoding="utf-8"
    )
    return Source(f"library/{file}", text, ours=True)


def library_text(name: str) -> str:
    """Block `name` as a file's `blocks:` would hold it, comments included."""
    lines = library_source(name).text.splitlines()
    start = lines.index(
        next(line for line in lines if line.startswith(f"  {name}:"))
    )
    end = start + 1
    while end < len(lines) and (
        lines[end].startswith("   ") or not lines[end].strip()
    ):
        end += 1
    return "blocks:\n" + "\n".join(lines[start:end]).rstrip() + "\n"


def standard_block(name: str) -> BlockDef | None:
    """The definition of a standard block, where there is one of that name."""
    return library_block(name) if name in library_index() else None


@cache
def library_block(name: str) -> BlockDef:
    """The definition of a standard block."""
    source = library_source(name)
    tree, errors = read(source)
    log = Log(errors)
    if tree is not None:
        entry = entries_of(tree, "blocks")[name]
        parser = Parser(Words(library_index()), log, library=True)
        block = parser.block(name, entry.value, entry.key.span)
    if log.found:
        raise SpecError(log.found)
    return block
