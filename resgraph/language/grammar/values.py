"""The tree of a spec → values: `let`s, numbers and sizes. Mistakes go to the log, not up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from ...collecting import by_key, each_name
from ...errors import Fault, Span, fault
from ..yaml.tree import KeyValue, Mapping, Scalar, Sequence, Tree
from .expression import Name, names_in
from .label import parse_expr, parse_size, parse_value
from .log import Log
from .own import FIRST, Words
from .records import Expr, ListValue, Sizes, Value, Word
from .words import ACT, CONSTANTS, name_problem

T = TypeVar("T")
_WORDS = re.compile(r"[a-z][a-z0-9]*( [a-z][a-z0-9]*)+")
"""Several words: a unit, or a policy."""


class ValueParser(Struct):
    """What the names in a file can stand for, and where mistakes go."""

    words: Words  # blocks, and `let`s whose value is a word
    log: Log
    library: bool = False
    blocks: frozenset[str] = frozenset()
    # of rows, paths or `let`s, and so no words
    names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if ACT not in self.names:
            self.words |= {ACT}

    @property
    def taken(self) -> frozenset[str]:
        """The names of blocks, and of ops of the first version, which nothing else can have."""
        return self.blocks | FIRST

    def lets(self, tree: Tree) -> dict[str, Value]:
        """The `let:` of a file or a block."""
        out: dict[str, Value] = {}
        for key, entry in self.entries(tree, "let"):
            if problem := name_problem(key, self.taken):
                taken = self.taken | self.names
                self.log.report(
                    self.log.name("value", entry.key, problem, taken)
                )
            if (value := self.value(entry.value)) is not None:
                out[key] = value
        known = {*out, *self.names, *CONSTANTS}
        for key, value in out.items():
            if isinstance(value, Expr) and _reads_unknown(value, known):
                out[key] = self.log.let(key, value, self.words)
        return out

    def entries(
        self, tree: Tree, what: str
    ) -> Iterable[tuple[str, KeyValue]]:
        """The entries of a mapping; a mistake and nothing where it is not one."""
        if isinstance(tree, Mapping):
            return tree.entries.items()
        hint = f"write `{what}: {{name: …}}`"
        self.log.report(
            fault("E022", f"`{what}` is a map of names", tree.span, hint)
        )
        return ()

    def value(self, tree: Tree) -> Value | None:
        """One value of a `let` or of a key in the long form."""
        if isinstance(tree, Sequence):
            items = [*map(self.value, tree.items)]
            return ListValue(tuple(filter(None, items)), tree.span)
        if isinstance(tree, Mapping):
            message = "a value is a number, a word or a list, not a map"
            self.log.report(fault("E022", message, tree.span))
            return None
        if isinstance(tree.value, bool):
            return Word("true" if tree.value else "false", tree.span)
        if _WORDS.fullmatch(text := tree.text.strip()):
            return Word(text, tree.span)
        return self._read(
            tree, lambda text, span: parse_value(text, span, self.words)
        )

    def expr(self, tree: Tree) -> Expr | None:
        """A number as an expression."""
        if isinstance(tree, Scalar) and not isinstance(tree.value, bool):
            return self._read(tree, parse_expr)
        self.log.report(fault("E022", "a number is needed here", tree.span))
        return None

    def size(self, tree: Tree) -> Sizes | None:
        """`2` or `2x1`."""
        if isinstance(tree, Scalar):
            return self._read(tree, parse_size)
        self.log.report(
            fault("E022", "a size is like `2` or `2x1`", tree.span)
        )
        return None

    def _read(
        self, tree: Scalar, read: Callable[[str, Span], T]
    ) -> T | None:
        try:
            return read(tree.text.strip(), tree.span)
        except Fault as problem:
            self.log.report(problem)
            return None


def _reads_unknown(value: Expr, known: set[str]) -> bool:
    """Whether a value is made of names, and none of them is known."""
    names = set(each_name(names_in(value.tree)))
    return bool(names) and not names & known


def word_lets(lets: dict[str, Value]) -> frozenset[str]:
    """The `let`s that stand for a word, and can begin a label: their value is one, or the name of
    such a `let`."""
    found = [
        name for name, value in lets.items() if isinstance(value, Word)
    ]
    renaming = by_key(
        (value.tree.name, name)
        for name, value in lets.items()
        if isinstance(value, Expr) and isinstance(value.tree, Name)
    )
    for name in found:
        found += renaming.pop(name, ())
    return frozenset(found)
