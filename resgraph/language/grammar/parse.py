"""The tree of a spec → records: paths, items, blocks and units; mistakes are gathered, not
raised."""

from __future__ import annotations

import re
from dataclasses import replace

from ...errors import MOST_TOLD, Diagnostic, Fault, Hint, Span, fault
from ...ops import ACTIVATIONS, VOCABULARY
from ..diagnose.misspelled import (
    ASSIGNED,
    CALL_OF_AN_OP,
    functions_of_tensors,
    is_counted,
    is_equation,
    is_layer,
    is_worded,
    misspelled_key,
    unit_meant,
    unknown_word,
)
from ..diagnose.nearest import certain, meant
from ..diagnose.usage import words_in
from ..foreign import CONCATS, SIGNS, plain_calls, squeezed
from ..yaml.tree import Entry, Mapping, Scalar, Sequence, Tree
from .label import chunks, parse_equation, parse_label, phrase_at
from .records import (
    BlockDef,
    Equation,
    Expr,
    Inline,
    ItemDef,
    Label,
    Option,
    PathDef,
    ShortcutDef,
    UnitDef,
    Word,
)
from .values import ValueParser, words_of
from .words import (
    BLOCK_KEYS,
    CALL_KEYS,
    CONSTANTS,
    POLICIES,
    TENSOR_NAMES,
    name_problem,
    other_name,
    policy_hint,
)


class Parser(ValueParser):
    """Paths, blocks, units and shortcuts."""

    # -- paths
    # ----------------------------------------------------------------------------------

    def path(self, tree: Tree) -> PathDef:
        """A row, or a path of a block: one item, or a list of them."""
        trees = tree.items if isinstance(tree, Sequence) else [tree]
        equation: Equation | None = None
        items: list[ItemDef] = []
        sound = None if trees else 0
        if not trees:
            self.report(
                fault(
                    "E022",
                    "an empty path",
                    tree.span,
                    "write a label, or `x` for the input of a block",
                )
            )
        for place, part in enumerate(trees):
            item = self.item(part, first=place == 0) or self.meant(
                part, self.errors[-1]
            )
            if isinstance(item, Equation):
                equation = item
            elif item is not None:
                items.append(item)
            elif sound is None:
                sound = len(items)
        counted = bool(items) and items[0].repeat is not None
        return PathDef(
            tree.span,
            equation,
            tuple(items),
            isinstance(tree, Sequence) or counted,
            sound,
        )

    def item(self, tree: Tree, *, first: bool) -> ItemDef | Equation | None:
        """One place of a path: a label, a mapping, or (only first) an equation; None where it
        cannot be read."""
        if len(self.errors) > MOST_TOLD:
            return None
        try:
            if isinstance(tree, Mapping):
                return self.mapping_item(tree)
            if isinstance(tree, Sequence):
                raise fault(
                    "E022",
                    "a list within a path",
                    tree.span,
                    "take the inner brackets away",
                )
            return self.text_item(tree, first)
        except Fault as problem:
            self.pass_over(problem)
            return None

    def meant(self, tree: Tree, problem: Diagnostic) -> Label | None:
        """The label that a text with a mistake was meant to be, where the mistake says so; for its
        shape alone."""
        if (
            not isinstance(tree, Scalar)
            or problem.span is None
            or tree.span.line != tree.span.end_line
        ):
            return None
        likely = problem.likely
        if likely is None:
            return None
        start, end = (
            column - tree.span.column
            for column in (likely.span.column, likely.span.end_column)
        )
        try:
            label = parse_label(
                f"{tree.text[:start]}{likely.text}{tree.text[end:]}",
                tree.span,
                self.words,
            )
        except Fault:
            return None
        return replace(label, guessed=True) if label else None

    def text_item(self, tree: Scalar, first: bool) -> ItemDef | Equation:
        text, span = tree.text.strip(), tree.span
        if not isinstance(tree.value, str):
            raise fault(
                "E011",
                f"`{text}` is no label",
                span,
                "a label is like `3x3 conv 64 /2`",
            )
        label = parse_label(text, span, self.words)
        if label is not None:
            return label
        if found := ASSIGNED.match(text):
            hint = f"write `{found[1]}: …`"
            raise fault(
                "E010",
                "a name and what it stands for are parted by a colon",
                span.part(0, found.end()),
                hint,
            )
        if not first and (text in self.names or text in TENSOR_NAMES):
            hint = (
                f"only the first item of a path can be a name: `[{text}, …]`, or add it in an"
                " equation"
            )
            raise fault("E016", f"`{text}` is a name, not an op or a block", span, hint)
        parts = chunks(text, span)
        if (
            first
            and len(parts) > 1
            and all(p.text in self.names or p.text in TENSOR_NAMES for p in parts)
        ):
            plain = " + ".join(part.text for part in parts)
            raise fault(
                "E010",
                "an equation has a sign between its values",
                span,
                Hint(f"write `{plain}`", plain),
            )
        plain = plain_calls(text) if first else text
        if plain != text and {*re.findall(r"(\w+)\(", plain)} <= {
            *functions_of_tensors()
        }:
            said = "an equation calls functions by their names here, not as Python does"
            raise fault(
                "E010",
                said,
                span,
                Hint(f"write `{plain}`", plain, text.endswith(plain)),
            )
        if (
            squeezed(text.partition(" ")[0]) in {*SIGNS, *CONCATS}
            and text not in self.names
        ):
            raise unknown_word(parts, self.words, span)
        if not is_equation(text) or is_counted(parts, self.words) or self.is_call(text):
            raise unknown_word(parts, self.words, span)
        if is_worded(parts, {*self.names, *CONSTANTS}):
            raise unknown_word(parts, self.words, span)
        if is_layer(text, self.words, self.names | TENSOR_NAMES):
            raise unknown_word(chunks(text, span), self.words, span)
        equation = parse_equation(text, span)
        if first:
            return equation
        if text.replace("_", "").replace(".", "").isalnum():
            raise unknown_word(chunks(text, span), self.words, span)
        raise fault(
            "E016",
            "an equation can only be the first item of a path",
            span,
            "give it a path of its own",
        )

    def is_call(self, text: str) -> bool:
        """Whether a text is an op or a block with its arguments in brackets, as Python has it."""
        called = re.match(r"([A-Za-z][\w-]*)\(", text)
        return CALL_OF_AN_OP.match(text) is not None or (
            called is not None and called[1] in self.blocks
        )

    def mapping_item(self, tree: Mapping) -> ItemDef:
        if "op" in tree.entries and "block" in tree.entries:
            raise fault(
                "E022", "a layer has `op`, a call has `block`; this has both", tree.span
            )
        for key in ("op", "block"):
            if key in tree.entries:
                return self.long_form(tree, key)
        keys = {
            key: tree.entries[key]
            for key in ("repeat", "out", "stride")
            if key in tree.entries
        }
        rest = Mapping(
            {k: e for k, e in tree.entries.items() if k not in keys},
            tree.span,
            tree.flow,
        )
        block = self.block("", rest, tree.span)
        repeat, out = (
            self.expr(keys[key].value) if key in keys else None
            for key in ("repeat", "out")
        )
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
            hint = Hint(
                f"write `{other}: {word.value}`",
                other,
                True,
                tree.entries[kind].key.span,
            )
            raise fault("E011", f"`{word.value}` is {a}", word.span, hint)
        if word.value not in known and word.value not in self.words:
            raise unknown_word(chunks(word.value, word.span), self.words, word.span)
        repeat: Expr | None = None
        options: dict[str, Option] = {}
        for key, entry in tree.entries.items():
            if key == "repeat":
                repeat = self.expr(entry.value)
            elif key != kind:
                value = (
                    self.shortcut(entry.value)
                    if key == "shortcut"
                    else self.value(entry.value)
                )
                if value is not None:
                    options[key] = Option(key, entry.key.span, value)
        return Label(
            word.value, tree.span, word.value, word.span, repeat, None, (), options
        )

    # -- blocks, units, shortcuts
    # -----------------------------------------------------------------------------------

    def block(self, name: str, tree: Tree, span: Span) -> BlockDef:
        """The definition of a block: a bare path, or a map of paths with `let`, `unit`, `shortcut`
        and `merge`."""
        if (
            not isinstance(tree, Mapping)
            or "op" in tree.entries
            or "block" in tree.entries
        ):
            path = self.path(tree)
            return BlockDef(
                name,
                span,
                "",
                {},
                None,
                None,
                {"": path},
                None,
                frozenset(words_in(tree)),
                self.library,
            )
        entries = self.respelled(tree)
        lets = self.lets(entries["let"].value) if "let" in entries else {}
        paths_named = entries.keys() - BLOCK_KEYS
        inner = replace(
            self,
            words=(self.words - paths_named) | words_of(lets),
            names=self.names | paths_named | lets.keys(),
        )
        paths: dict[str, PathDef] = {}
        for key, entry in entries.items():
            if key in BLOCK_KEYS:
                continue
            problem = name_problem(key, {*VOCABULARY, *self.blocks})
            if key in CALL_KEYS or problem:
                problem = problem or "it is a key of a call"
                hint = other_name(
                    key, {*VOCABULARY, *self.blocks, *CALL_KEYS, *entries}
                )
                self.pass_over(
                    fault(
                        "E023",
                        f"`{key}` cannot name a path: {problem}",
                        entry.key.span,
                        hint,
                    )
                )
            paths[key] = inner.path(entry.value)
        merge = inner.path(entries["merge"].value) if "merge" in entries else None
        if merge is None and len(paths) != 1:
            what = (
                "has no path" if not paths else f"has {len(paths)} paths and no `merge`"
            )
            hint = "`merge:` says what it hands back: `merge: body + shortcut`"
            self.report(fault("E024", f"this block {what}", span, hint))
        about = entries["about"].value if "about" in entries else None
        return BlockDef(
            name,
            span,
            " ".join(about.text.split()) if isinstance(about, Scalar) else "",
            lets,
            inner.unit(entries["unit"].value) if "unit" in entries else None,
            inner.shortcut(entries["shortcut"].value)
            if "shortcut" in entries
            else None,
            paths
            if merge or len(paths) != 1
            else dict(zip([""], paths.values(), strict=True)),
            merge,
            frozenset(words_in(tree)),
            self.library,
        )

    def respelled(self, tree: Mapping) -> dict[str, Entry]:
        """The entries of a block, misspelled keys under the names that were meant."""
        out: dict[str, Entry] = {}
        for key, entry in tree.entries.items():
            plain = misspelled_key(key, entry.value, tree.entries)
            if plain:
                hint = meant(plain, sure=certain(key, BLOCK_KEYS) == plain)
                self.pass_over(
                    fault("E020", f"no key `{key}` here", entry.key.span, hint)
                )
            out[plain or key] = entry
        return out

    def unit(self, tree: Tree) -> UnitDef | None:
        """`conv bn relu`, or a list where words have options."""
        labels: list[Label] = []
        if isinstance(tree, Sequence):
            found = [self.item(item, first=False) for item in tree.items]
            labels = [item for item in found if isinstance(item, Label)]
            if len(labels) < len(found):
                return None
        elif isinstance(tree, Scalar) and isinstance(tree.value, str):
            parts = chunks(tree.text, tree.span)
            texts, place = [part.text for part in parts], 0
            while place < len(parts):
                word = phrase_at(texts, place) or texts[place]
                if word in self.blocks and word not in VOCABULARY:
                    message = f"`{word}` is a block, and a unit is made of ops"
                    self.pass_over(
                        fault(
                            "E025",
                            message,
                            parts[place].span,
                            "as in `unit: conv bn relu`",
                        )
                    )
                    return None
                if word not in VOCABULARY and word not in self.words:
                    if word == "none":
                        hint = "without a norm and an activation it is `unit: conv`"
                        problem = fault(
                            "E025", "a unit has no `none`", parts[place].span, hint
                        )
                    elif meant_unit := unit_meant(tree.text):
                        problem = fault(
                            "E025",
                            "a unit is ops with spaces between them",
                            tree.span,
                            meant_unit,
                        )
                    else:
                        problem = unknown_word(
                            parts[place:], ACTIVATIONS | {"bn", "gn", "ln"}, tree.span
                        )
                    self.pass_over(problem)
                    return None
                labels.append(Label(word, parts[place].span, word, parts[place].span))
                place += len(word.split())
        else:
            self.pass_over(fault("E022", "`unit` is like `conv bn relu`", tree.span))
            return None
        if sum(label.word == "conv" for label in labels) != 1:
            self.pass_over(
                fault(
                    "E025",
                    "a unit has the word `conv` once",
                    tree.span,
                    "as in `unit: conv bn relu`",
                )
            )
            return None
        return UnitDef(tuple(labels), tree.span)

    def shortcut(self, tree: Tree) -> ShortcutDef | None:
        """A policy, or a path written out."""
        if (
            isinstance(tree, Scalar)
            and isinstance(tree.value, str)
            and tree.text.strip() in POLICIES
        ):
            return Word(tree.text.strip(), tree.span)
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            hint = policy_hint(tree.text.strip())
            if hint and len(tree.text.split()) < 3:
                self.pass_over(
                    fault(
                        "E012",
                        f"no shortcut policy `{tree.text.strip()}`",
                        tree.span,
                        hint,
                    )
                )
                return None
        return self.path(tree)
