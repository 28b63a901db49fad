"""The tree of a spec → values: `let`s, numbers and sizes; mistakes are gathered, not raised."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ...errors import Diagnostic, Fault, Hint, fault
from ...ops import ACTIVATIONS, VOCABULARY
from ..diagnose.nearest import sure
from ..yaml.tree import Entry, Mapping, Scalar, Sequence, Tree
from .expression import Name
from .label import parse_expr, parse_size, parse_value
from .records import Expr, ListValue, Size, Value, Word
from .words import ACT, CONSTANTS, name_problem, other_name


@dataclass
class ValueParser:
    """What the names in a file can stand for, and the mistakes that were found."""

    words: frozenset[str]  # blocks, and `let`s whose value is a word
    errors: list[Diagnostic]
    library: bool = False
    blocks: frozenset[str] = frozenset()
    # names that are rows, paths or `let`s, and so no words
    names: frozenset[str] = frozenset()
    # of the errors, those that hide nothing of the rest
    passed: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        if ACT not in self.names:
            self.words |= {ACT}

    def report(self, problem: Fault) -> None:
        """Keep a mistake and go on."""
        self.errors.append(problem.diagnostic)

    def pass_over(self, problem: Fault) -> None:
        """Keep a mistake that leaves the rest of the net as it is, so that this can be checked all
        the same."""
        self.report(problem)
        self.passed.append(problem.diagnostic)

    def lets(self, tree: Tree) -> dict[str, Value]:
        """The `let:` of a file or a block."""
        out: dict[str, Value] = {}
        for key, entry in self.entries(tree, "let"):
            if problem := name_problem(key, {*VOCABULARY, *self.blocks}):
                hint = other_name(key, {*VOCABULARY, *self.blocks, *self.names})
                self.report(
                    fault(
                        "E023",
                        f"`{key}` cannot name a value: {problem}",
                        entry.key.span,
                        hint,
                    )
                )
            if (value := self.value(entry.value)) is not None:
                out[key] = value
        return {key: self.worded(value, out) for key, value in out.items()}

    def worded(self, value: Value, lets: Collection[str]) -> Value:
        """The value of a `let`; of one that is nearly a word of the language and no name, that word
        and a mistake."""
        if not isinstance(value, Expr) or not re.fullmatch(
            r"[A-Za-z][\w-]*", value.text
        ):
            return value
        name, known = value.text, {*lets, *self.names, *CONSTANTS}
        hint = (
            Hint()
            if known & {*name.split("-")}
            else sure(name, {*ACTIVATIONS, *self.words})
        )
        if hint.write is None:
            return value
        self.pass_over(
            fault(
                "E030", f"nothing here is called `{name}`", value.span, hint, about=name
            )
        )
        return Word(hint.write, value.span)

    def entries(self, tree: Tree, what: str) -> Iterable[tuple[str, Entry]]:
        """The entries of a mapping; a mistake and nothing where it is not one."""
        if isinstance(tree, Mapping):
            return tree.entries.items()
        self.report(
            fault(
                "E022",
                f"`{what}` is a map of names",
                tree.span,
                f"write `{what}: {{name: …}}`",
            )
        )
        return ()

    def value(self, tree: Tree) -> Value | None:
        """One value of a `let` or of a key in the long form."""
        try:
            if isinstance(tree, Sequence):
                items = [self.value(item) for item in tree.items]
                return ListValue(
                    tuple(item for item in items if item is not None), tree.span
                )
            if isinstance(tree, Mapping):
                raise fault(
                    "E022",
                    "a value is a number, a word or a list, not a map",
                    tree.span,
                )
            if isinstance(tree.value, bool):
                return Word("true" if tree.value else "false", tree.span)
            text = tree.text.strip()
            if re.fullmatch(r"[a-z][a-z0-9]*( [a-z][a-z0-9]*)+", text):
                return Word(text, tree.span)  # several words: a unit, or a policy
            return parse_value(text, tree.span, self.words)
        except Fault as problem:
            self.report(problem)
            return None

    def expr(self, tree: Tree) -> Expr | None:
        """A number as an expression."""
        if not isinstance(tree, Scalar) or isinstance(tree.value, bool):
            self.report(fault("E022", "a number is needed here", tree.span))
            return None
        try:
            return parse_expr(tree.text.strip(), tree.span)
        except Fault as problem:
            self.report(problem)
            return None

    def size(self, tree: Tree) -> Size | None:
        """`2` or `2x1`."""
        if not isinstance(tree, Scalar):
            self.report(fault("E022", "a size is like `2` or `2x1`", tree.span))
            return None
        try:
            return parse_size(tree.text.strip(), tree.span)
        except Fault as problem:
            self.report(problem)
            return None


def words_of(lets: dict[str, Value]) -> frozenset[str]:
    """The `let`s that stand for a word, and can begin a label: their value is one, or the name of
    such a `let`."""
    found = [name for name, value in lets.items() if isinstance(value, Word)]
    renaming: dict[str, list[str]] = {}
    for name, value in lets.items():
        if isinstance(value, Expr) and isinstance(value.tree, Name):
            renaming.setdefault(value.tree.name, []).append(name)
    for name in found:
        found += renaming.pop(name, ())
    return frozenset(found)
