"""The tree of a spec → records: paths, items, blocks and units. Mistakes go to the log, not up.

path  = item | "[" ( item | equation ) { "," item } "]"
item  = label | "{op: …}" | "{block: …}" | block
block = path | "{" [ about ] [ let ] [ unit ] [ shortcut ] [ "reads:" streams ] { NAME ":" path }
        [ merge | "gives:" streams ] "}"
streams = "[" NAME "," NAME { "," NAME } "]"
unit  = word { word } | "[" label { "," label } "]"
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from collections.abc import Mapping as Entries
from operator import attrgetter
from typing import TypeVar

from msgspec.structs import replace

from ...collecting import among, each_text, of_type, only_keys
from ...errors import Fault, Hint, Span, fault
from ...ops import ACTIVATIONS, AMONG, POINTWISE, REDUCTIONS, VOCABULARY
from ..yaml.tree import KeyValue, Mapping, Scalar, Sequence, Tree, each_of
from .arithmetic import FUNCTIONS
from .expression import functions_in
from .failure import Failure
from .label import (
    AGAIN,
    chunks,
    parse_again,
    parse_equation,
    parse_label,
    phrase_at,
)
from .own import is_block, is_own
from .records import (
    Again,
    BlockDef,
    Chunk,
    Inline,
    Label,
    Option,
    PathDef,
    PathItem,
    Poison,
    ShortcutDef,
    TensorExpr,
    UnitDef,
    Word,
)  # fmt: skip
from .streams import called_so, given_streams, taken_streams
from .values import ValueParser, word_lets
from .words import (
    BLOCK_KEYS,
    CALL_KEYS,
    CONSTANTS,
    POLICIES,
    TENSOR_NAMES,
    name_problem,
    words_in,
)  # fmt: skip

_T = TypeVar("_T")
_FUNCTIONS = {
    "concat",
    *ACTIVATIONS,
    *FUNCTIONS,
    *POINTWISE,
    *AMONG,
    *REDUCTIONS,
}


class UnreadItem(Failure):
    """A text that is no label and no equation over names in sight; or, by the rule "word", none of
    an op or a block."""

    def __init__(
        self, rule: str, text: str, span: Span, *, first: bool = False
    ) -> None:
        super().__init__(rule, span)
        self.text, self.first = text, first


class UnreadUnit(Failure):
    """A unit with a word that is no op: the first of `rest`."""

    def __init__(self, tree: Tree, rest: list[Chunk]) -> None:
        super().__init__("unit", tree.span)
        self.text, self.rest = tree.text, rest


class Parser(ValueParser):
    """Paths, blocks, units and shortcuts."""

    # -- paths

    def path(self, tree: Tree) -> PathDef:
        """A row, or a path of a block: one item, or a list of them."""
        listed = isinstance(tree, Sequence)
        trees = each_of(tree)
        read = [self.item(part, first=part is trees[0]) for part in trees]
        items = [item for item in read if not isinstance(item, TensorExpr)]
        equation = next(of_type(TensorExpr, read), None)
        if not trees:
            hint = "write a label, or `x` for the input of a block"
            self.log.report(fault("E022", "an empty path", tree.span, hint))
            items = [Poison(tree.span)]
        counted = bool(items) and items[0].repeat is not None
        return PathDef(tree.span, equation, tuple(items), listed or counted)

    def item(
        self, tree: Tree, *, first: bool
    ) -> PathItem | TensorExpr | Poison:
        """One place of a path: a label, a mapping, or (only first) an equation."""
        if self.log.is_full:
            return Poison(tree.span)
        try:
            if isinstance(tree, Mapping):
                return self.mapping_item(tree)
            if isinstance(tree, Scalar):
                return self.text_item(tree, first)
            hint = "take the inner brackets away"
            raise fault("E022", "a list within a path", tree.span, hint)
        except (Fault, UnreadItem) as problem:
            return self.log.item(problem, tree, self)

    def text_item(self, tree: Scalar, first: bool) -> PathItem | TensorExpr:
        text, span = tree.text.strip(), tree.span
        if not isinstance(tree.value, str):
            hint = "a label is like `3x3 conv 64 /2`"
            raise fault("E011", f"`{text}` is no label", span, hint)
        if label := parse_label(text, span, self.words):
            return label
        if again := parse_again(text, span, self.words):
            return again
        if first and (equation := self.equation(text, span)):
            return equation
        raise UnreadItem("item", text, span, first=first)

    def equation(self, text: str, span: Span) -> TensorExpr | None:
        """The equation that `text` is, None where it is none, or none of what is in sight."""
        try:
            equation = parse_equation(text, span)
        except Fault:
            return None
        names, tensors = {*equation.reads()}, self.names | TENSOR_NAMES
        known = names & tensors and names <= tensors | CONSTANTS
        functions = {*functions_in(equation.tree)}
        return (
            equation
            if known and functions <= _FUNCTIONS | self.words - self.blocks
            else None
        )

    def mapping_item(self, tree: Mapping) -> PathItem:
        match among(("op", "block"), tree.entries):
            case [key]:
                return self.long_form(tree, key)
            case [_, _]:
                message = (
                    "a layer has `op`, a call has `block`; this has both"
                )
                raise fault("E022", message, tree.span)
        if again := self.again(tree):
            return again
        return Inline(
            self.block(
                "", tree.without("repeat", "out", "stride"), tree.span
            ),
            tree.span,
            _where_said(tree.entries, "repeat", self.expr),
            _where_said(tree.entries, "out", self.expr),
            _where_said(tree.entries, "stride", self.size),
        )

    def again(self, tree: Mapping) -> Again | None:
        """`{again: conv1, repeat: 3}`; None for a block with a path of that name."""
        entry = tree.entries.get(AGAIN)
        if not entry or not tree.entries.keys() <= {AGAIN, "repeat"}:
            return None
        named = entry.value.text.strip()
        label = named and parse_label(named, entry.value.span, self.words)
        if label or not named or " " in named:
            return None
        found = parse_again(f"{AGAIN} {named}", entry.value.span, ())
        assert found is not None
        count = _where_said(tree.entries, "repeat", self.expr)
        return replace(found, target=entry.value.span, repeat=count)

    def long_form(self, tree: Mapping, kind: str) -> Label:
        """`{op: conv, kernel: 3x3, width: 64}` or `{block: bottleneck, out: 256}`."""
        entry = tree.entries[kind]
        word = self.word_of(kind, entry.key.span, entry.value)
        count = _where_said(tree.entries, "repeat", self.expr)
        options: dict[str, Option] = {}
        for key, entry in tree.entries.items():
            if key in (kind, "repeat"):
                continue
            read = self.shortcut if key == "shortcut" else self.value
            if (value := read(entry.value)) is not None:
                options[key] = Option(key, entry.key.span, value)
        return Label(
            word.text,
            tree.span,
            word.text,
            word.span,
            count,
            None,
            (),
            options,
        )

    def is_op(self, word: str) -> bool:
        """Whether a word is an op, and no name of the file."""
        return word in VOCABULARY and not is_own(word, self.words)

    def is_word(self, text: str) -> bool:
        """Whether a name begins a label: it is an op, a block, or a word that stands for one."""
        return text in self.words or self.is_op(text)

    def word_of(self, kind: str, key: Span, tree: Tree) -> Word:
        """The op or block of the long form."""
        if not isinstance(tree.value, str):
            raise fault("E022", f"`{kind}` is a name", tree.span)
        word, is_op = tree.value, kind == "op"
        if word in self.blocks if is_op else self.is_op(word):
            other, what = ("block", "a block") if is_op else ("op", "an op")
            hint = Hint(f"write `{other}: {word}`", other, True, key)
            raise fault("E011", f"`{word}` is {what}", tree.span, hint)
        if word not in self.words and not (is_op and word in VOCABULARY):
            raise UnreadItem("word", word, tree.span)
        return Word(word, tree.span)

    # -- blocks, units, shortcuts

    def block(self, name: str, tree: Tree, span: Span) -> BlockDef:
        """The definition of a block: a bare path, or a map of paths with `let`, `unit`, `shortcut`
        and `merge`."""
        words = frozenset(words_in(tree))
        if not is_block(tree):
            paths = {"": self.path(tree)}
            return BlockDef(
                name,
                span,
                "",
                {},
                None,
                None,
                paths,
                None,
                words,
                self.library,
            )
        return self.block_of_paths(name, tree, span, words)

    def block_of_paths(
        self, name: str, tree: Mapping, span: Span, words: frozenset[str]
    ) -> BlockDef:
        unread = tree.entries.keys() - BLOCK_KEYS - words
        entries = self.log.keys(tree) if unread else tree.entries
        known = BLOCK_KEYS - called_so(entries, self.is_word)
        keys = only_keys(entries, known)
        lets = _where_said(keys, "let", self.lets) or {}
        named = entries.keys() - known
        takes = taken_streams(keys, named, self.taken, self.log)
        streams = each_text(takes)
        words_here = (self.words - named) | word_lets(lets)
        names = self.names | named | lets.keys() | {*streams}
        inner = replace(self, words=words_here, names=names)
        paths = {}
        for key, entry in entries.items():
            if key in named:
                self.path_name(entry.key, entries)
                paths[key] = inner.path(entry.value)
        merge = _where_said(keys, "merge", inner.path)
        gives = given_streams(keys, [*streams, *paths], self.log)
        if merge is None and not gives:
            paths = self.only(paths, span)
        return BlockDef(
            name,
            span,
            _where_said(keys, "about", _about) or "",
            lets,
            _where_said(keys, "unit", inner.unit),
            _where_said(keys, "shortcut", inner.shortcut),
            paths,
            merge,
            words,
            self.library,
            takes,
            gives,
        )

    def path_name(self, key: Scalar, others: Collection[str]) -> None:
        call = "it is a key of a call" if key.text in CALL_KEYS else ""
        self.check_name("path", key, {*CALL_KEYS, *others}, call)

    def check_name(
        self,
        what: str,
        key: Scalar,
        others: Collection[str],
        problem: str = "",
    ) -> None:
        """Pass over a name that is a word of the language or has another `problem`."""
        if problem := name_problem(key.text, self.taken) or problem:
            taken = {*self.taken, *others}
            self.log.pass_over(self.log.name(what, key, problem, taken))

    def only(
        self, paths: dict[str, PathDef], span: Span
    ) -> dict[str, PathDef]:
        """The path of a block without a `merge`, which needs no name."""
        if len(paths) == 1:
            return {"": paths.popitem()[1]}
        what = (
            f"has {len(paths)} paths and no `merge`"
            if paths
            else "has no path"
        )
        hint = "`merge:` says what it hands back: `merge: body + shortcut`"
        self.log.report(fault("E024", f"this block {what}", span, hint))
        return paths

    def unit(self, tree: Tree) -> UnitDef | None:
        """`conv bn relu`, or a list where words have options."""
        labels = self.unit_labels(tree)
        if labels is None:
            return None
        if problem := _unit_fault(labels, tree.span):
            self.log.pass_over(problem)
            return None
        return UnitDef(tuple(labels), tree.span)

    def unit_labels(self, tree: Tree) -> list[Label] | None:
        if isinstance(tree, Sequence):
            items = [self.item(item, first=False) for item in tree.items]
            labels = [*of_type(Label, items)]
            return labels if len(labels) == len(items) else None
        if not isinstance(tree.value, str):
            problem = fault(
                "E022", "`unit` is like `conv bn relu`", tree.span
            )
            self.log.pass_over(problem)
            return None
        try:
            return list(self.unit_words(tree))
        except UnreadUnit as failure:
            self.log.unit(failure, self.blocks)
            return None

    def unit_words(self, tree: Tree) -> Iterator[Label]:
        parts = chunks(tree.text, tree.span)
        while parts:
            text = phrase_at(each_text(parts), 0) or parts[0].text
            if (
                text not in VOCABULARY
                and text not in self.words - self.blocks
            ):
                raise UnreadUnit(tree, parts)
            yield Label(text, parts[0].span, text, parts[0].span)
            parts = parts[len(text.split()) :]

    def shortcut(self, tree: Tree) -> ShortcutDef | None:
        """A policy, or a path written out."""
        if isinstance(tree.value, str):
            text = tree.text.strip()
            if text in POLICIES:
                return Word(text, tree.span)
            if self.log.policy(text, tree.span):
                return None
        return self.path(tree)


def _unit_fault(labels: list[Label], span: Span) -> Fault | None:
    """What keeps the labels of a unit from being one: every `conv` is to mean them."""
    convs = [label for label in labels if label.word == "conv"]
    if len(convs) != 1:
        hint = "as in `unit: conv bn relu`"
        return fault("E025", "a unit has the word `conv` once", span, hint)
    if repeated := next(filter(attrgetter("repeat"), labels), None):
        said = "a unit has no repeats"
        return fault(
            "E025", said, repeated.span, "write its ops one by one"
        )
    (conv,) = convs
    if any((conv.kernel, conv.rest, conv.options)):
        said = "the `conv` of a unit has no options, which every layer has of its own"
        hint = "write them where the layers are, or as `ops: {conv: {bias: none}}` for all"
        return fault("E025", said, conv.span, hint)
    return None


def _where_said(
    entries: Entries[str, KeyValue], key: str, read: Callable[[Tree], _T]
) -> _T | None:
    """What is read at a key; None where it is left out."""
    return read(entries[key].value) if key in entries else None


def _about(tree: Tree) -> str:
    return " ".join(tree.text.split())
