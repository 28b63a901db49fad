"""A failure of the grammar → a mistake that is told, and what was meant in the place of what could
not be read.

The one place where the grammar's failures become diagnostics."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

from msgspec import field
from msgspec.structs import replace

from ...errors import Fault, Span, fault
from ...ops import ACTIVATIONS, VOCABULARY
from ..grammar.label import parse_label
from ..grammar.log import Log
from ..grammar.parse import Parser, UnreadItem, UnreadUnit
from ..grammar.records import Expr, Label, Poison, TensorExpr, Value, Word
from ..grammar.words import BLOCK_KEYS, POLICIES, words_in
from ..yaml.tree import KeyValue, Scalar, Tree
from ..yaml.tree import Mapping as MappingTree
from .item import item_meant, parses
from .names import other_name, policy_hint
from .nearest import certain, did_you_mean, meant, nearest, sure
from .unit import unit_problem

_WORD_OR_NUMBER = (
    "a `let` is a number, a list, or the word of an op or a block"
)


class Recovery(Log):
    """A log that guesses what was meant, so that the rest can be checked all the same."""

    # what reads names of which none is known, by the `let`
    unknown: dict[str, Expr] = field(default_factory=dict)

    def name(
        self, what: str, key: Scalar, problem: str, taken: Collection[str]
    ) -> Fault:
        hint = other_name(key.text, taken, dashes=what == "block")
        said = super().name(what, key, problem, taken).diagnostic
        return Fault(replace(said, help=hint))

    def item(
        self, problem: Fault | UnreadItem, tree: Tree, parser: Parser
    ) -> Label | TensorExpr | Poison:
        found = (
            problem
            if isinstance(problem, Fault)
            else item_meant(problem, parser)
        )
        if isinstance(found, TensorExpr):
            return found
        self.pass_over(self._of_let(found, parser.words))
        return Poison(tree.span, self._guess(found, tree, parser))

    def _of_let(self, found: Fault, words: Collection[str]) -> Fault:
        """Of a word that stands for nothing, since its `let` does not: the mistake in that."""
        word = found.diagnostic.span
        value = self.unknown.get(word.written())
        if value is None or found.diagnostic.code != "E011":
            return found
        hint = (
            did_you_mean(value.text, {*VOCABULARY, *words})
            or _WORD_OR_NUMBER
        )
        said = f"nothing here is called `{value.text}`"
        problem = fault("E030", said, value.span, hint, about=value.text)
        return problem.beside(word, "read here")

    def _guess(
        self, found: Fault, tree: Tree, parser: Parser
    ) -> Label | None:
        """The label that a text with a mistake was meant to be, where the mistake says so."""
        likely, span = found.diagnostic.likely, tree.span
        if (
            not isinstance(tree, Scalar)
            or likely is None
            or not span.on_one_line
        ):
            return None
        start = likely.span.column - span.column
        end = likely.span.end_column - span.column
        text = f"{tree.text[:start]}{likely.text}{tree.text[end:]}"
        try:
            return parse_label(text, span, parser.words)
        except Fault:
            return None

    def unit(self, problem: UnreadUnit, blocks: Collection[str]) -> None:
        self.pass_over(self._of_let(unit_problem(problem, blocks), blocks))

    def policy(self, text: str, span: Span) -> bool:
        hint = policy_hint(text) if len(text.split()) < 3 else None
        if hint:
            self.pass_over(
                fault("E012", f"no shortcut policy `{text}`", span, hint)
            )
        return bool(hint)

    def let(self, name: str, value: Expr, words: Collection[str]) -> Value:
        """Of what is nearly a word of the language, that word."""
        text = value.text
        if not re.fullmatch(r"[A-Za-z][\w-]*", text):
            return value
        hint = sure(text, {*ACTIVATIONS, *words})
        if hint.write is None:
            self.unknown[name] = value
            return value
        said = f"nothing here is called `{text}`"
        self.pass_over(fault("E030", said, value.span, hint, about=text))
        return Word(hint.write, value.span)

    def keys(self, tree: MappingTree) -> dict[str, KeyValue]:
        """The entries of a block, misspelled keys under the names that were meant."""
        out: dict[str, KeyValue] = {}
        for key, entry in tree.entries.items():
            plain = _key_meant(key, entry.value, tree.entries)
            if plain:
                hint = meant(plain, sure=certain(key, BLOCK_KEYS) == plain)
                problem = fault(
                    "E020", f"unknown key `{key}`", entry.key.span, hint
                )
                self.pass_over(problem)
            out[plain or key] = entry
        return out


def _key_meant(
    key: str, value: Tree, entries: Mapping[str, KeyValue]
) -> str:
    """The key of a block that was meant by one that reads like a path, and that no path reads; ""
    for a path."""
    read = any(key in words_in(entry.value) for entry in entries.values())
    if key in BLOCK_KEYS or read:
        return ""
    missing = BLOCK_KEYS - entries.keys()
    if isinstance(value, Scalar):
        told = _told_by(
            value.text, several=len(entries.keys() - BLOCK_KEYS) > 1
        )
        if told in missing:
            return told
    near = nearest(key, missing)
    return (
        near
        if _names_values(value) == (near == "let") and _alike(key, near)
        else ""
    )


def _told_by(text: str, *, several: bool) -> str:
    """The key whose values a text is one of, in a block that may have several paths; else ""."""
    if text in POLICIES - {"none"}:
        return "shortcut"
    return "merge" if several and _is_merge(text) else ""


def _is_merge(text: str) -> bool:
    return bool({*"(+*"} & {*text}) and parses(text)


def _names_values(tree: Tree) -> bool:
    """Whether a value is a map like that of `let`."""
    keys = tree.entries.keys() if isinstance(tree, MappingTree) else {"op"}
    return not {"op", "block", "merge"} & keys


def _alike(one: str, other: str) -> bool:
    ratio = difflib.SequenceMatcher(None, one.lower(), other).ratio()
    return one.lower() == other or ratio > 0.8
