"""What helps to write a text in the page: completions, certain fixes, and actions on entries; all
as plain data in lines and columns of UTF-16, both from 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..errors import Edit, Source, UsageError
from ..language.grammar.label import AGAIN
from ..language.grammar.words import ACT, MODES
from ..language.library import library_index
from ..lsp.analysis import Analysis, analyse
from ..lsp.completion import complete
from ..ops import ACTIVATIONS, NORMS, VOCABULARY
from .places import utf16
from .rewrite import Keys, Rewriter


class Writer:
    """Of one file; it keeps what it knows of the last text, to speak of while the next is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: Analysis | None = None

    def completions(
        self, text: str, line: int, column: int
    ) -> list[dict[str, str]]:
        """What can stand at a place, each with its kind and what it is."""
        before = self._known(text).source.line(line)
        characters = before.encode("utf-16-le", "surrogatepass")[
            : 2 * (column - 1)
        ]
        at = len(characters.decode("utf-16-le", "replace")) + 1
        found = complete(self._known(text), text, line, at)
        return [
            {"label": c.text, "kind": c.kind, "about": c.about}
            for c in found
        ]

    def fixes(self, text: str) -> list[dict[str, Any]]:
        """The edits that are sure to mend a mistake of the text, each tried."""
        known = self._known(text)
        return [
            {
                "code": problem.code,
                "line": problem.span.line,
                "edits": [*map(_edit, edits)],
            }
            for problem in known.diagnostics
            if problem.span.source.name == known.source.name
            and (edits := known.edits(problem))
        ]

    def edit(self, text: str, action: dict[str, Any]) -> dict[str, Any]:
        """The one edit that does an action. Raises `UsageError` where it cannot be done."""
        path = _path(action.get("path"))
        do = _ACTIONS.get(str(action.get("kind")))
        if do is None:
            raise UsageError(f"`kind` is one of {', '.join(_ACTIONS)}")
        rewriter = Rewriter(Source(str(self.path), text))
        return _difference(text, do(rewriter, path, action))

    def _known(self, text: str) -> Analysis:
        if self.known is None or self.known.source.text != text:
            self.known = analyse(text, self.path, self.known)
        return self.known


def label_words() -> dict[str, str]:
    """The words of labels and equations, and in which of four colours they stand."""
    words = dict.fromkeys(
        ("in", "out", "stride", "input", "shortcut", "x"), "constant"
    )
    words |= dict.fromkeys(library_index(), "op")
    words |= {
        word: "op" for phrase in VOCABULARY for word in phrase.split()
    }
    return words | dict.fromkeys(
        {*MODES, *ACTIVATIONS, *NORMS, ACT, AGAIN}, "mode"
    )


def _added(rewriter: Rewriter, path: Keys, action: dict[str, Any]) -> str:
    after = action.get("after")
    if not isinstance(after, str | int | None):
        raise UsageError("`after` is a key, an index, or null")
    return rewriter.add(
        path, _said(action, "name"), _said(action, "text"), after
    )


def _moved(rewriter: Rewriter, path: Keys, action: dict[str, Any]) -> str:
    to = action.get("to")
    if not isinstance(to, int):
        raise UsageError(
            "`to` is a place among the entries, counted from 0"
        )
    return rewriter.move(path, to)


_ACTIONS: dict[str, Callable[[Rewriter, Keys, dict[str, Any]], str]] = {
    "replace": lambda rewriter, path, action: rewriter.replace(
        path, _said(action, "text")
    ),
    "remove": lambda rewriter, path, _: rewriter.remove(path),
    "move": _moved,
    "add": _added,
}


def _said(action: dict[str, Any], key: str) -> str:
    value = action.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"`{key}` is text")
    return value


def _path(value: Any) -> Keys:
    keys = value if isinstance(value, list) else []
    if not keys or not all(type(key) in (str, int) for key in keys):
        raise UsageError("`path` is a list of keys and indices")
    return tuple(keys)


def _edit(edit: Edit) -> dict[str, Any]:
    span = edit.span
    start, end = (
        (number, utf16(span.source.line(number), column))
        for number, column in (span.start, span.end)
    )
    return _as_data(start, end, edit.text)


def _difference(old: str, new: str) -> dict[str, Any]:
    """The shortest edit that makes one text of another."""
    start = _shared(old, new)
    rest = min(len(old), len(new)) - start
    same = min(rest, _shared(reversed(old), reversed(new)))
    first, last = (
        _place(old, offset) for offset in (start, len(old) - same)
    )
    return _as_data(first, last, new[start : len(new) - same])


def _shared(one: Iterable[str], other: Iterable[str]) -> int:
    """How many characters are the same from the first on."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset].split("\n")
    return len(before), utf16(before[-1], len(before[-1]) + 1)


def _as_data(
    start: tuple[int, int], end: tuple[int, int], text: str
) -> dict[str, Any]:
    return {
        "line": start[0],
        "column": start[1],
        "end_line": end[0],
        "end_column": end[1],
        "text": text,
    }
