"""An action of the page (other words at a place, an entry more, less or elsewhere) and a spec's
text → the text with that done and all else left as it was, comments and line ends too.

A place is a path of keys and indices: `("net", "conv2")`, `("blocks", "pair", "body", 1)`. What is
written is read again: unless it says what was asked for and nothing else, it is refused."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from functools import partial
from typing import Any

from ..counting import counted
from ..errors import Source, UsageError
from ..language.yaml.emit import inline
from ..language.yaml.reader import read
from ..language.yaml.tree import (
    Mapping,
    Scalar,
    Sequence,
    Tree,
    plain_value,
)

Key = str | int
Keys = tuple[Key, ...]
Stretch = tuple[int, int]
"""Offsets in the text: of the first character, and behind the last."""


class Rewriter:
    """A text that is YAML. Each method gives the text with one action done, and raises `UsageError`
    where that cannot be done."""

    def __init__(self, source: Source) -> None:
        tree, errors = read(source)
        if tree is None or errors:
            raise UsageError(
                "the text is no YAML at the moment; mend that first"
            )
        self._text, self._tree = source.text, tree
        self._lines = self._text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._newline = "\r\n" if self._lines[0].endswith("\r") else "\n"

    def replace(self, path: Keys, text: str) -> str:
        """Other words for the value at a path: YAML if they are such there, else quoted."""
        stretch = self._stretch(self._at(path))
        return self._written(
            text, partial(self._put, stretch), path, _assign
        )

    def remove(self, path: Keys) -> str:
        """An entry of a map or an item of a list less, with the comment lines right above it."""
        container, place = self._found(path)
        pieces = self._pieces(container)
        if len(pieces) == 1:
            raise UsageError(
                f"`{path[-1]}` is all that there is; remove what holds it, or write another first"
            )
        start, end = pieces[place]
        if not container.flow:
            end = self._after(end)
        elif place + 1 < len(pieces):
            end = pieces[place + 1][0]
        else:
            start = pieces[place - 1][1]
        return self._checked(self._put((start, end), ""), path, _drop)

    def move(self, path: Keys, to: int) -> str:
        """An entry or an item at another place among its neighbours, counted from 0."""
        container, place = self._found(path)
        pieces = self._pieces(container)
        order = list(range(len(pieces)))
        if to not in order:
            raise UsageError(
                f"{counted(len(order), 'entry')} and no place {to + 1}"
            )
        order.insert(to, order.pop(place))
        text = self._text
        for (start, end), taken in reversed(
            list(zip(pieces, order, strict=True))
        ):
            text = (
                text[:start]
                + self._text[slice(*pieces[taken])]
                + text[end:]
            )
        return self._checked(text, path, partial(_shift, to=to))

    def add(
        self, path: Keys, name: str, text: str, after: Key | None
    ) -> str:
        """An entry `name: text` more (of a list: an item; `name` is then ""), behind `after` or as
        the first."""
        if path == ("blocks",) and "blocks" not in self._tree.entries:
            return self._first_block(name, text)
        container = self._at(path)
        if isinstance(container, Scalar):
            raise UsageError(
                f"`{path[-1]}` is one value, and holds no entries"
            )
        if name in container.entries:
            raise UsageError(
                f"there is an entry `{name}`; take another name"
            )
        place = 0 if after is None else self._found((*path, after))[1] + 1
        key: Key = name if isinstance(container, Mapping) else place
        put = partial(self._inserted, container, name, place)
        return self._written(
            text, put, (*path, key), partial(_insert, place=place)
        )

    def _first_block(self, name: str, text: str) -> str:
        net = self._tree.entries.get("net")
        start = (
            self._starts[net.key.span.line - 1] if net else len(self._text)
        )
        place = (
            [*self._tree.entries].index("net")
            if net
            else len(self._tree.entries)
        )

        def put(new: str) -> str:
            head = f"blocks:{self._newline}  {name}: {new}{self._newline}"
            return self._put((start, start), head)

        def insert(at: Any, key: Key, value: Any) -> None:
            _insert(at, key, {name: value}, place)

        return self._written(text, put, ("blocks",), insert)

    def _inserted(
        self,
        container: Mapping | Sequence,
        name: str,
        place: int,
        text: str,
    ) -> str:
        """The text with an entry more, which becomes the one at `place`."""
        pieces = self._pieces(container)
        if container.flow:
            entry = f"{name}: {text}" if name else text
            if not pieces:
                at, new = self._stretch(container)[0] + 1, entry
            elif place:
                at, new = pieces[place - 1][1], f", {entry}"
            else:
                at, new = pieces[0][0], f"{entry}, "
            return self._put((at, at), new)
        line = self._lead(container, name) + text + self._newline
        at = self._after(pieces[place - 1][1]) if place else pieces[0][0]
        if at and self._text[at - 1] != "\n":  # the last line has no end
            line = self._newline + line.removesuffix(self._newline)
        return self._put((at, at), line)

    def _written(
        self,
        text: str,
        put: Callable[[str], str],
        path: Keys,
        change: Callable[..., None],
    ) -> str:
        """The text with a value that was typed: as YAML if it says that there, else in quotes."""
        text = text.strip()
        if not text or "\n" in text:
            raise UsageError("write a label or another value, on one line")
        quoted = inline(Scalar(text, text, self._tree.span, plain=False))
        if (value := _typed(text)) is not None:
            try:
                said = partial(change, value=plain_value(value))
                return self._checked(put(text), path, said)
            except UsageError:
                if quoted == text:
                    raise
        return self._checked(put(quoted), path, partial(change, value=text))

    def _checked(
        self, text: str, path: Keys, change: Callable[[Any, Key], None]
    ) -> str:
        """A new text, if reading it gives what the old one says with the change, in the same
        order."""
        wanted = plain_value(self._tree)
        at = wanted
        for key in path[:-1]:
            at = at[key]
        change(at, path[-1])
        tree, errors = read(Source("edited", text))
        if tree is None or errors or not _same(plain_value(tree), wanted):
            raise UsageError(
                "this cannot be done here without changing other parts of the text; write it in"
                " the text"
            )
        return text

    def _at(self, path: Keys) -> Tree:
        found: Tree = self._tree
        for key in path:
            found = _child(found, key)
        return found

    def _found(self, path: Keys) -> tuple[Mapping | Sequence, int]:
        """What holds the value at a path, and the value's place in it."""
        container = self._at(path[:-1])
        _child(container, path[-1])
        assert not isinstance(container, Scalar)
        if isinstance(container, Sequence):
            return container, int(path[-1])
        return container, [*container.entries].index(str(path[-1]))

    def _put(self, stretch: Stretch, text: str) -> str:
        start, end = stretch
        return self._text[:start] + text + self._text[end:]

    def _stretch(self, tree: Tree) -> Stretch:
        """From the first character of a value to its last."""
        span = tree.span
        start = self._starts[span.line - 1] + span.column - 1
        return start, self._starts[span.end_line - 1] + span.end_column - 1

    def _pieces(self, container: Mapping | Sequence) -> list[Stretch]:
        """The stretch of each child: with its key, and in block style its whole lines and the
        comment lines right above them."""
        pieces: list[Stretch] = []
        above = 0  # the last line of the one before, counted from 1
        for first, value in zip(*_children(container), strict=True):
            if container.flow:
                pieces.append(
                    (self._stretch(first)[0], self._stretch(value)[1])
                )
                continue
            line = first.span.line
            while line - 1 > above and self._is_comment(
                line - 1, first.span.column
            ):
                line -= 1
            above = max(_last_line(value), first.span.line)
            end = self._starts[above] - 1
            end -= self._text[end - 1] == "\r"
            pieces.append((self._starts[line - 1], end))
        return pieces

    def _after(self, end: int) -> int:
        """The offset of the line behind the one that ends at an offset."""
        return (self._text.find("\n", end) + 1) or len(self._text)

    def _lead(self, container: Mapping | Sequence, name: str) -> str:
        """What stands before the value in a new line of a block: the indent, the key, and spaces to
        the column in which most values begin."""
        if isinstance(container, Sequence):
            return " " * (container.items[0].span.column - 3) + "- "
        entries = container.entries.values()
        widths = [
            entry.value.span.column - entry.key.span.column
            for entry in entries
            if entry.value.span.line == entry.key.span.line
        ]
        indent = next(iter(entries)).key.span.column - 1
        width = max(set(widths), key=widths.count) if widths else 0
        return " " * indent + f"{name}: ".ljust(width)

    def _is_comment(self, line: int, column: int) -> bool:
        """Whether a line is a comment in the column of what it speaks of, or right of it."""
        text = self._lines[line - 1]
        return not text[: column - 1].strip() and text.lstrip().startswith(
            "#"
        )


def _child(tree: Tree, key: Key) -> Tree:
    if key in tree.entries:
        return tree.entries[str(key)].value
    if isinstance(key, int) and 0 <= key < len(tree.items):
        return tree.items[key]
    raise UsageError(f"there is no `{key}` here any more")


def _children(
    container: Mapping | Sequence,
) -> tuple[Items[Tree], Items[Tree]]:
    """What each child begins with, and its value."""
    if isinstance(container, Sequence):
        return container.items, container.items
    entries = container.entries.values()
    return [e.key for e in entries], container.children


def _last_line(tree: Tree) -> int:
    """The line on which a value ends; the end of a block is marked where the next thing begins."""
    if not tree.flow:
        return max(map(_last_line, tree.children), default=tree.span.line)
    ends_before = (
        tree.span.end_column == 1 and tree.span.end_line > tree.span.line
    )
    return tree.span.end_line - ends_before


def _typed(text: str) -> Tree | None:
    """What a text is as YAML, if all of it is a value."""
    line = f"value: {text}"
    alone, errors = read(Source("typed", line))
    if alone is None or errors or [*alone.entries] != ["value"]:
        return None
    value = alone.entries["value"].value
    return value if value.span.end_column == len(line) + 1 else None


def _same(one: Any, other: Any) -> bool:
    """Equal, and maps in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [*one] == [*other] and all(
            _same(one[key], other[key]) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _assign(at: Any, key: Key, value: Any) -> None:
    at[key] = value


def _drop(at: Any, key: Key) -> None:
    del at[key]


def _insert(at: Any, key: Key, value: Any, place: int) -> None:
    if isinstance(at, list):
        at.insert(place, value)
        return
    entries = list(at.items())
    entries.insert(place, (key, value))
    at.clear()
    at.update(entries)


def _shift(at: Any, key: Key, to: int) -> None:
    _insert(at, key, at.pop(key), to)
