"""An action of the page (other words at a place, an entry more, less or elsewhere) and a spec's
text → the text with that done and all else left as it was, comments and line ends too.

A place is a path of keys and indices: `("net", "conv2")`, `("blocks", "pair", "body", 1)`. What is
written is read again: unless it says what was asked for and nothing else, it is refused."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from typing import Any

from ..errors import Source, UsageError
from ..language.yaml.emit import inline
from ..language.yaml.reader import read
from ..language.yaml.tree import Mapping, Scalar, Sequence, Tree, plain_value

Key = str | int
Keys = tuple[Key, ...]
Stretch = tuple[int, int]
"""Offsets in the text: of the first character, and behind the last."""


def replace_value(source: Source, path: Keys, text: str) -> str:
    """Other words for the value at a path: YAML if they are such there, else quoted."""
    value = _at(_tree(source), path)
    stretch = _Text(source).stretch(value)
    return _written(source, text, lambda new: _put(source, stretch, new), path, _assign)


def remove(source: Source, path: Keys) -> str:
    """An entry of a map or an item of a list less, with the comment lines right above it."""
    container = _container(source, path)
    pieces = _Text(source).pieces(container)
    if len(pieces) == 1:
        raise UsageError(
            f"`{path[-1]}` is all that `{path[-2]}` holds; remove that or write another first"
        )
    place = _index(container, path[-1])
    start, end = pieces[place]
    if not container.flow:
        end = _Text(source).after(end)
    elif place + 1 < len(pieces):
        end = pieces[place + 1][0]
    else:
        start = pieces[place - 1][1]
    return _checked(source, _put(source, (start, end), ""), path, _drop)


def move(source: Source, path: Keys, to: int) -> str:
    """An entry or an item at another place among its neighbours, counted from 0."""
    container = _container(source, path)
    pieces = _Text(source).pieces(container)
    order = list(range(len(pieces)))
    if not 0 <= to < len(order):
        raise UsageError(f"`{path[-2]}` has {len(order)} entries; there is no {to + 1}")
    order.insert(to, order.pop(_index(container, path[-1])))
    text = source.text
    for (start, end), taken in reversed(list(zip(pieces, order, strict=True))):
        text = text[:start] + source.text[slice(*pieces[taken])] + text[end:]
    return _checked(source, text, path, lambda at, key: _shift(at, key, to))


def add(source: Source, path: Keys, name: str, text: str, after: Key | None) -> str:
    """An entry `name: text` more (of a list: an item; `name` is then ""), behind `after` or as the
    first."""
    tree = _tree(source)
    if path == ("blocks",) and "blocks" not in tree.entries:
        return _first_block(source, tree, name, text)
    container = _at(tree, path)
    if isinstance(container, Scalar):
        raise UsageError(f"`{path[-1]}` is one value, and holds no entries")
    if isinstance(container, Mapping) and name in container.entries:
        raise UsageError(f"`{path[-1]}` has an entry `{name}`; take another name")
    place = -1 if after is None else _index(container, after)
    key: Key = name if isinstance(container, Mapping) else place + 1
    return _written(
        source,
        text,
        lambda new: _inserted(source, container, name, new, place),
        (*path, key),
        lambda at, key, value: _insert(at, key, value, place + 1),
    )


def _first_block(source: Source, tree: Mapping, name: str, text: str) -> str:
    net = tree.entries.get("net")
    lines = _Text(source)
    start = lines.starts[net.key.span.line - 1] if net else len(source.text)

    def written(new: str) -> str:
        head = f"blocks:{lines.newline}  {name}: {new}{lines.newline}"
        return _put(source, (start, start), head)

    def placed(at: Any, key: Key, value: Any) -> None:
        _insert(at, "blocks", {key: value}, [*at].index("net") if net else len(at))

    return _written(source, text, written, (name,), placed)


def _inserted(
    source: Source, container: Mapping | Sequence, name: str, text: str, place: int
) -> str:
    """The text with an entry more behind the one at `place`."""
    lines = _Text(source)
    pieces = lines.pieces(container)
    entry = f"{name}: {text}" if name else text
    if container.flow:
        if not pieces:
            at = lines.stretch(container)[0] + 1
            return _put(source, (at, at), entry)
        at = pieces[0][0] if place < 0 else pieces[place][1]
        new = f"{entry}, " if place < 0 else f", {entry}"
        return _put(source, (at, at), new)
    line = lines.lead(container, name) + text + lines.newline
    at = pieces[0][0] if place < 0 else lines.after(pieces[place][1])
    if at and source.text[at - 1] != "\n":  # the last line has no end
        line = lines.newline + line.removesuffix(lines.newline)
    return _put(source, (at, at), line)


class _Text:
    """Where the parts of a tree stand in the text, as offsets."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.lines = source.text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.newline = "\r\n" if self.lines[0].endswith("\r") else "\n"

    def stretch(self, tree: Tree) -> Stretch:
        """From the first character of a value to its last."""
        span = tree.span
        start = self.starts[span.line - 1] + span.column - 1
        return start, self.starts[span.end_line - 1] + span.end_column - 1

    def pieces(self, container: Mapping | Sequence) -> list[Stretch]:
        """The stretch of each child: with its key, and in block style its whole lines and the
        comment lines right above them."""
        firsts, values = _children(container)
        if container.flow:
            return [
                (self.stretch(first)[0], self.stretch(value)[1])
                for first, value in zip(firsts, values, strict=True)
            ]
        pieces: list[Stretch] = []
        above = 0  # the last line of the one before, counted from 1
        for first, value in zip(firsts, values, strict=True):
            line = first.span.line
            while line - 1 > above and self._is_comment(line - 1, first.span.column):
                line -= 1
            above = max(_last_line(value), first.span.line)
            end = self.starts[above] - 1
            end -= self.text[end - 1] == "\r"
            pieces.append((self.starts[line - 1], end))
        return pieces

    def after(self, end: int) -> int:
        """The offset of the line behind the one that ends at an offset."""
        return (self.text.find("\n", end) + 1) or len(self.text)

    def lead(self, container: Mapping | Sequence, name: str) -> str:
        """What stands before the value in a new line of a block: the indent, the key, and spaces to
        the column in which the other values begin."""
        if isinstance(container, Sequence):
            return " " * (container.items[0].span.column - 3) + "- "
        entries = container.entries.values()
        columns = [
            entry.value.span.column - entry.key.span.column
            for entry in entries
            if entry.value.span.line == entry.key.span.line
        ]
        indent = next(iter(entries)).key.span.column - 1
        width = max(set(columns), key=columns.count) if columns else 0
        return " " * indent + f"{name}: ".ljust(width)

    def _is_comment(self, line: int, column: int) -> bool:
        """Whether a line is a comment in the column of what it speaks of."""
        text = self.lines[line - 1]
        return text.lstrip().startswith("#") and (
            len(text) - len(text.lstrip()) >= column - 1
        )


def _children(container: Mapping | Sequence) -> tuple[Items[Tree], Items[Tree]]:
    """What each child begins with, and its value."""
    if isinstance(container, Sequence):
        return container.items, container.items
    entries = container.entries.values()
    return [e.key for e in entries], [e.value for e in entries]


def _last_line(tree: Tree) -> int:
    """The line on which a value ends; the end of a block is marked where the next thing begins."""
    if isinstance(tree, Mapping | Sequence) and not tree.flow:
        _, values = _children(tree)
        return max((_last_line(value) for value in values), default=tree.span.line)
    ends_before = tree.span.end_column == 1 and tree.span.end_line > tree.span.line
    return tree.span.end_line - ends_before


def _written(
    source: Source,
    text: str,
    put: Callable[[str], str],
    path: Keys,
    assign: Callable[[Any, Key, Any], None],
) -> str:
    """The text with a value that was typed: as YAML if it says that there, else in quotes."""
    if not text.strip() or "\n" in text:
        raise UsageError("write a label or another value, on one line")
    last: UsageError | None = None
    if (value := _typed(text)) is not None:
        try:
            return _checked(source, put(text), path, _with(assign, plain_value(value)))
        except UsageError as problem:
            last = problem
    quoted = inline(Scalar(text, text, _tree(source).span, plain=False))
    if quoted == text and last:
        raise last
    return _checked(source, put(quoted), path, _with(assign, text))


def _typed(text: str) -> Tree | None:
    """What a text is as YAML, if all of it is a value."""
    line = f"value: {text.rstrip()}"
    alone, errors = read(Source("typed", line))
    if alone is None or errors or [*alone.entries] != ["value"]:
        return None
    value = alone.entries["value"].value
    return value if value.span.end_column == len(line) + 1 else None


def _with(
    assign: Callable[[Any, Key, Any], None], value: Any
) -> Callable[[Any, Key], None]:
    return lambda at, key: assign(at, key, value)


def _checked(
    source: Source, text: str, path: Keys, change: Callable[[Any, Key], None]
) -> str:
    """The text, if reading it gives what the old one says with the change, in the same order."""
    wanted = plain_value(_tree(source))
    at = wanted
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    tree, errors = read(Source(source.name, text))
    if tree is None or errors or not _same(plain_value(tree), wanted):
        raise UsageError(
            "this cannot be done here without changing other parts of the text; write it in the"
            " text"
        )
    return text


def _same(one: Any, other: Any) -> bool:
    """Equal, and maps in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [*one] == [*other] and all(_same(one[key], other[key]) for key in one)
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
    value = at.pop(key)
    _insert(at, key, value, to)


def _tree(source: Source) -> Mapping:
    tree, errors = read(source)
    if tree is None or errors:
        raise UsageError("the text is no YAML at the moment; mend that first")
    return tree


def _container(source: Source, path: Keys) -> Mapping | Sequence:
    found = _at(_tree(source), path[:-1])
    _at(found, path[-1:])
    assert not isinstance(found, Scalar)
    return found


def _at(tree: Tree, path: Keys) -> Tree:
    """The value at a path. Raises `UsageError` where there is none."""
    for key in path:
        if isinstance(tree, Mapping) and key in tree.entries:
            tree = tree.entries[str(key)].value
        elif (
            isinstance(tree, Sequence)
            and isinstance(key, int)
            and 0 <= key < len(tree.items)
        ):
            tree = tree.items[key]
        else:
            raise UsageError(f"there is no `{key}` here any more")
    return tree


def _index(container: Mapping | Sequence, key: Key) -> int:
    _at(container, (key,))
    return (
        [*container.entries].index(str(key))
        if isinstance(container, Mapping)
        else int(key)
    )


def _put(source: Source, stretch: Stretch, text: str) -> str:
    start, end = stretch
    return source.text[:start] + text + source.text[end:]
