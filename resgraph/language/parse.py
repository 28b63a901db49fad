"""The tree of a spec → records: paths, items, blocks, units and values; mistakes are gathered, not raised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..errors import MOST_TOLD, Diagnostic, Fault, Span, fault
from ..ops import ACTIVATIONS, VOCABULARY
from .expressions import Name
from .labels import (
    chunks,
    parse_equation,
    parse_expr,
    parse_label,
    parse_size,
    parse_value,
    phrase_at,
)
from .misspelled import CALL_OF_AN_OP, is_counted, is_equation, misspelled_key, unknown_word
from .records import (
    BlockDef,
    Equation,
    Expr,
    Inline,
    ItemDef,
    Label,
    ListValue,
    Option,
    PathDef,
    ShortcutDef,
    Size,
    UnitDef,
    Value,
    Word,
)
from .tree import Entry, Mapping, Scalar, Sequence, Tree
from .usage import words_in
from .words import BLOCK_KEYS, CALL_KEYS, POLICIES, name_problem, policy_hint


@dataclass
class Parser:
    """What the names in a file can stand for, and the mistakes that were found."""

    words: frozenset[str]  # blocks, and `let`s whose value is a word
    errors: list[Diagnostic]
    library: bool = False
    blocks: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()  # names that are rows, and so no words
    passed: list[Diagnostic] = field(default_factory=list)  # of the errors, those that only break their path

    def report(self, problem: Fault) -> None:
        """Keep a mistake and go on."""
        self.errors.append(problem.diagnostic)

    # -- values -----------------------------------------------------------------------------------------------------

    def lets(self, tree: Tree) -> dict[str, Value]:
        """The `let:` of a file or a block."""
        out: dict[str, Value] = {}
        for key, entry in self.entries(tree, "let"):
            if problem := name_problem(key, {*VOCABULARY, *self.blocks}):
                self.report(fault("E023", f"`{key}` cannot name a value: {problem}", entry.key.span))
            if (value := self.value(entry.value)) is not None:
                out[key] = value
        return out

    def entries(self, tree: Tree, what: str) -> Iterable[tuple[str, Entry]]:
        """The entries of a mapping; a mistake and nothing where it is not one."""
        if isinstance(tree, Mapping):
            return tree.entries.items()
        self.report(fault("E022", f"`{what}` is a map of names", tree.span, f"write `{what}: {{name: …}}`"))
        return ()

    def value(self, tree: Tree) -> Value | None:
        """One value of a `let` or of a key in the long form."""
        try:
            if isinstance(tree, Sequence):
                items = [self.value(item) for item in tree.items]
                return ListValue(tuple(item for item in items if item is not None), tree.span)
            if isinstance(tree, Mapping):
                raise fault("E022", "a value is a number, a word or a list, not a map", tree.span)
            if isinstance(tree.value, bool):
                return Word("true" if tree.value else "false", tree.span)
            text = tree.text.strip()
            if re.fullmatch(r"[a-z][a-z0-9]*( [a-z][a-z0-9]*)+", text):
                return Word(text, tree.span)  # several words: a unit, or a policy
            return parse_value(text, tree.span, self.words)
        except Fault as problem:
            self.report(problem)
            return None

    # -- paths ------------------------------------------------------------------------------------------------------

    def path(self, tree: Tree) -> PathDef:
        """A row, or a path of a block: one item, or a list of them."""
        trees = tree.items if isinstance(tree, Sequence) else [tree]
        equation: Equation | None = None
        items: list[ItemDef] = []
        broken = not trees
        if not trees:
            self.report(fault("E022", "an empty path", tree.span, "write a label, or `x` for the input of a block"))
        for place, part in enumerate(trees):
            item = self.item(part, first=place == 0)
            if isinstance(item, Equation):
                equation = item
            elif item is not None:
                items.append(item)
            broken = broken or item is None
        counted = bool(items) and items[0].repeat is not None
        return PathDef(tree.span, equation, tuple(items), isinstance(tree, Sequence) or counted, broken)

    def item(self, tree: Tree, *, first: bool) -> ItemDef | Equation | None:
        """One place of a path: a label, a mapping, or (only first) an equation; None where it cannot be read."""
        if len(self.errors) > MOST_TOLD:
            return None
        try:
            if isinstance(tree, Mapping):
                return self.mapping_item(tree)
            if isinstance(tree, Sequence):
                raise fault("E022", "a list within a path", tree.span, "take the inner brackets away")
            return self.text_item(tree, first)
        except Fault as problem:
            self.report(problem)
            self.passed.append(problem.diagnostic)
            return None

    def text_item(self, tree: Scalar, first: bool) -> ItemDef | Equation:
        text, span = tree.text.strip(), tree.span
        if not isinstance(tree.value, str):
            raise fault("E011", f"`{text}` is no label", span, "a label is like `3x3 conv 64 /2`")
        label = parse_label(text, span, self.words)
        if label is not None:
            return label
        if text in self.rows and not first:
            hint = f"only the first item of a path can be a name: `[{text}, …]`, or add it in an equation"
            raise fault("E016", f"`{text}` is a row, not an op or a block", span, hint)
        if not is_equation(text) or is_counted(chunks(text, span), self.words) or CALL_OF_AN_OP.match(text):
            raise unknown_word(chunks(text, span), self.words, span)
        equation = parse_equation(text, span)
        if first:
            return equation
        if text.replace("_", "").replace(".", "").isalnum():
            raise unknown_word(chunks(text, span), self.words, span)
        raise fault("E016", "an equation can only be the first item of a path", span, "give it a path of its own")

    def mapping_item(self, tree: Mapping) -> ItemDef:
        if "op" in tree.entries and "block" in tree.entries:
            raise fault("E022", "a layer has `op`, a call has `block`; this has both", tree.span)
        for key in ("op", "block"):
            if key in tree.entries:
                return self.long_form(tree, key)
        keys = {key: tree.entries[key] for key in ("repeat", "out", "stride") if key in tree.entries}
        rest = Mapping({k: e for k, e in tree.entries.items() if k not in keys}, tree.span, tree.flow)
        block = self.block("", rest, tree.span)
        repeat, out = (self.expr(keys[key].value) if key in keys else None for key in ("repeat", "out"))
        stride = self.size(keys["stride"].value) if "stride" in keys else None
        return Inline(block, tree.span, repeat, out, stride)

    def long_form(self, tree: Mapping, kind: str) -> Label:
        """`{op: conv, kernel: 3x3, width: 64}` or `{block: bottleneck, out: 256}`."""
        word = tree.entries[kind].value
        if not isinstance(word, Scalar) or not isinstance(word.value, str):
            raise fault("E022", f"`{kind}` is a name", word.span)
        known = VOCABULARY if kind == "op" else self.words
        other = "block" if kind == "op" else "op"
        if word.value in (self.blocks if kind == "op" else VOCABULARY):
            a = "a block" if kind == "op" else "an op"
            raise fault("E011", f"`{word.value}` is {a}", word.span, f"write `{other}: {word.value}`")
        if word.value not in known and word.value not in self.words:
            raise unknown_word(chunks(word.value, word.span), self.words, word.span)
        repeat: Expr | None = None
        options: dict[str, Option] = {}
        for key, entry in tree.entries.items():
            if key == "repeat":
                repeat = self.expr(entry.value)
            elif key != kind:
                value = self.shortcut(entry.value) if key == "shortcut" else self.value(entry.value)
                if value is not None:
                    options[key] = Option(key, entry.key.span, value)
        return Label(word.value, tree.span, word.value, word.span, repeat, None, (), options)

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

    # -- blocks, units, shortcuts -----------------------------------------------------------------------------------

    def block(self, name: str, tree: Tree, span: Span) -> BlockDef:
        """The definition of a block: a bare path, or a map of paths with `let`, `unit`, `shortcut` and `merge`."""
        if not isinstance(tree, Mapping) or "op" in tree.entries or "block" in tree.entries:
            path = self.path(tree)
            return BlockDef(name, span, "", {}, None, None, {"": path}, None, frozenset(words_in(tree)), self.library)
        entries = self.respelled(tree)
        lets = self.lets(entries["let"].value) if "let" in entries else {}
        inner = replace(self, words=self.words | words_of(lets))
        paths: dict[str, PathDef] = {}
        for key, entry in entries.items():
            if key in BLOCK_KEYS:
                continue
            problem = name_problem(key, {*VOCABULARY, *self.blocks})
            if key in CALL_KEYS or problem:
                problem = problem or "it is a key of a call"
                self.report(fault("E023", f"`{key}` cannot name a path: {problem}", entry.key.span))
            paths[key] = inner.path(entry.value)
        merge = inner.path(entries["merge"].value) if "merge" in entries else None
        if merge is None and len(paths) != 1:
            what = "has no path" if not paths else f"has {len(paths)} paths and no `merge`"
            hint = "`merge:` says what it hands back: `merge: body + shortcut`"
            self.report(fault("E024", f"this block {what}", span, hint))
        about = entries["about"].value if "about" in entries else None
        return BlockDef(
            name,
            span,
            " ".join(about.text.split()) if isinstance(about, Scalar) else "",
            lets,
            inner.unit(entries["unit"].value) if "unit" in entries else None,
            inner.shortcut(entries["shortcut"].value) if "shortcut" in entries else None,
            paths if merge or len(paths) != 1 else dict(zip([""], paths.values(), strict=True)),
            merge,
            frozenset(words_in(tree)),
            self.library,
        )

    def respelled(self, tree: Mapping) -> dict[str, Entry]:
        """The entries of a block, misspelled keys under the names that were meant."""
        out: dict[str, Entry] = {}
        for key, entry in tree.entries.items():
            meant = misspelled_key(key, entry.value, tree.entries)
            if meant:
                self.report(fault("E020", f"no key `{key}` here", entry.key.span, f"did you mean `{meant}`?"))
            out[meant or key] = entry
        return out

    def unit(self, tree: Tree) -> UnitDef | None:
        """`conv bn relu`, or a list where words have options."""
        labels: list[Label] = []
        if isinstance(tree, Sequence):
            found = [self.item(item, first=False) for item in tree.items]
            labels = [item for item in found if isinstance(item, Label)]
            if len(labels) < len(found):
                self.passed.clear()
                return None
        elif isinstance(tree, Scalar) and isinstance(tree.value, str):
            parts = chunks(tree.text, tree.span)
            texts, place = [part.text for part in parts], 0
            while place < len(parts):
                word = phrase_at(texts, place) or texts[place]
                if word in self.blocks and word not in VOCABULARY:
                    message = f"`{word}` is a block, and a unit is made of ops"
                    self.report(fault("E025", message, parts[place].span, "as in `unit: conv bn relu`"))
                    return None
                if word not in VOCABULARY and word not in self.words:
                    self.report(unknown_word(parts[place:], ACTIVATIONS | {"bn", "gn", "ln"}, tree.span))
                    return None
                labels.append(Label(word, parts[place].span, word, parts[place].span))
                place += len(word.split())
        else:
            self.report(fault("E022", "`unit` is like `conv bn relu`", tree.span))
            return None
        if sum(label.word == "conv" for label in labels) != 1:
            self.report(fault("E025", "a unit has the word `conv` once", tree.span, "as in `unit: conv bn relu`"))
            return None
        return UnitDef(tuple(labels), tree.span)

    def shortcut(self, tree: Tree) -> ShortcutDef | None:
        """A policy, or a path written out."""
        if isinstance(tree, Scalar) and isinstance(tree.value, str) and tree.text.strip() in POLICIES:
            return Word(tree.text.strip(), tree.span)
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            hint = policy_hint(tree.text.strip())
            if hint and len(tree.text.split()) < 3:
                self.report(fault("E012", f"no shortcut policy `{tree.text.strip()}`", tree.span, hint))
                return None
        return self.path(tree)


def words_of(lets: dict[str, Value]) -> frozenset[str]:
    """The `let`s that stand for a word, and can begin a label: their value is one, or the name of such a `let`."""
    found = [name for name, value in lets.items() if isinstance(value, Word)]
    renaming: dict[str, list[str]] = {}
    for name, value in lets.items():
        if isinstance(value, Expr) and isinstance(value.tree, Name):
            renaming.setdefault(value.tree.name, []).append(name)
    for name in found:
        found += renaming.pop(name, ())
    return frozenset(found)
