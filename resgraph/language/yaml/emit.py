"""A tree → YAML text that reads back to the same tree: block style outside, flow style where it was
written so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import NOWHERE, Span
from .limits import LIMITS
from .scalars import read_plain
from .splits import brackets
from .tree import Mapping, Scalar, Sequence, Tree

# A text that needs no quotes: it begins with a letter or digit, or with the dash of a number but
# not of a list, and holds nothing YAML reads.
_BARE = re.compile(
    r"(?:[A-Za-z0-9_(.]|-(?! |\Z))[A-Za-z0-9_ +*/().,=;&%'-]*(?<! )\Z"
)
_FLOW_UNSAFE = re.compile(r"[,\[\]{}]")
_READ_OTHERWISE = re.compile(": | #")
"""The colon behind a key, a comment; the rest is known to `read_plain`."""


def emit(tree: Mapping) -> str:
    """The YAML of a whole file."""
    return "".join(f"{line}\n" for line, _ in emit_lines(tree))


def emit_lines(tree: Tree, indent: int = 0) -> Iterator[tuple[str, Span]]:
    """The lines of a map, and where the value on each was written; one that only opens a map has no
    value."""
    pad = " " * indent
    for key, entry in tree.entries.items():
        value = entry.value
        if value.entries and not value.flow:
            yield f"{pad}{key}:", NOWHERE
            yield from emit_lines(value, indent + 2)
        elif value.items and not value.flow:
            yield f"{pad}{key}:", NOWHERE
            yield from (
                (f"{pad}  - {inline(item)}", item.span)
                for item in value.items
            )
        else:
            yield f"{pad}{key}: {inline(value, nested=False)}", value.span


def inline(tree: Tree, *, nested: bool = True) -> str:
    """A value on one line; `nested` within brackets, where a comma would end it."""
    if isinstance(tree, Sequence):
        return "[" + ", ".join(map(inline, tree.items)) + "]"
    if isinstance(tree, Mapping):
        return (
            "{"
            + ", ".join(
                f"{key}: {inline(entry.value)}"
                for key, entry in tree.entries.items()
            )
            + "}"
        )
    return _scalar(tree, nested)


def _scalar(tree: Scalar, nested: bool) -> str:
    if not isinstance(tree.value, str):
        return tree.text
    text = tree.value
    whole = text and "\n" not in text and text == text.strip()
    if tree.plain and whole and not (nested and _is_cut(text)):
        return text
    return text_of(text, nested=nested)


def text_of(text: str, *, nested: bool = True) -> str:
    """A text as a value, in quotes where it would be read as another."""
    safe = _bare(text) and not (nested and _is_cut(text))
    return text if safe else _quoted(text)


def _is_cut(text: str) -> bool:
    """Whether brackets around a text would end it."""
    return bool(_FLOW_UNSAFE.search(text) or brackets(text, 0))


def _bare(text: str) -> bool:
    """Whether a text is read as itself without quotes."""
    return bool(
        _BARE.match(text)
        and not _READ_OTHERWISE.search(text)
        and read_plain(text, LIMITS.digits) == text
    )


def _quoted(text: str) -> str:
    if "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = "".join(
        {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}.get(
            c, c if c.isprintable() else _escaped(c)
        )
        for c in text
    )
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
