"""A seed and a number → a mutant of a zoo spec, as someone who changes a net would write it, or
write it wrongly.

One to three things are changed: numbers, words, strides, groups, rows, blocks, units, shortcuts,
`let`s, variants, recipes, sizes, `--set`. What a mutant is follows from the seed, the number and
the zoo alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from draft import Draft, pairs, small
from pool import (
    ACTIVATIONS,
    CALLS,
    EQUATIONS,
    INITS,
    INPUTS,
    KEEPING,
    KERNELS,
    LABELS,
    MODES,
    OPS,
    OPTIONS,
    RECIPES,
    SHORTCUTS,
    STRIDES,
    SWAPS,
    TRAIN,
    UNITS,
)  # fmt: skip

from resgraph.errors import Source, SpecError
from resgraph.language.format import Form, reformat

SPECS = Path(__file__).parents[2] / "specs"
Chance = random.Random
Operation = Callable[[Draft, Chance], "str | None"]


@dataclass(frozen=True)
class Mutant:
    """A spec's text under the name of the zoo's file that it was made from, and how it is read."""

    number: int
    file: Path
    text: str
    variant: str | None
    overrides: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def reference(self) -> str:
        """As a user names it."""
        return (
            f"{self.file}::{self.variant}"
            if self.variant
            else str(self.file)
        )

    def told(self) -> str:
        """All there is to know, to read."""
        command = " ".join(
            [
                self.reference,
                *(f"--set {said!r}" for said in self.overrides),
            ]
        )
        return f"# mutant {self.number}: {', '.join(self.kinds)}\n# {command}\n{self.text}"


@cache
def zoo() -> dict[str, str]:
    """The texts of the zoo by file name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(SPECS.glob("*.yaml"))
    }


@cache
def _labels_of_the_zoo() -> list[str]:
    drafts = map(Draft, zoo().values())
    return sorted(
        {draft.of(label) for draft in drafts for label in draft.labels()}
    )


OPERATIONS: dict[str, tuple[Operation, int]] = {}


def operation(
    kind: str, weight: int = 2
) -> Callable[[Operation], Operation]:
    """Enter a mutation under its kind, with how often it is made beside the others."""

    def enter(made: Operation) -> Operation:
        OPERATIONS[kind] = made, weight
        return made

    return enter


def mutant(seed: int, number: int) -> Mutant:
    """Mutant `number` of a seed."""
    chance = random.Random(f"{seed}:{number}")
    name = chance.choice(list(zoo()))
    text = zoo()[name]
    text = small(text) if chance.random() < 0.9 else text
    text = (
        Draft(text).without_key("expect")
        if chance.random() < 0.95
        else text
    )
    return mutated(number, name, text, chance)


def mutated(number: int, name: str, text: str, chance: Chance) -> Mutant:
    """One to three mutations of a text that stands for a file of the zoo."""
    kinds: list[str] = []
    overrides: list[str] = []
    count = chance.choice([1, 1, 1, 1, 2, 2, 3])
    while len(kinds) < count:
        names = (
            list(OPERATIONS) if Draft(text).inside("net") else _OF_A_FILE
        )
        kind = chance.choices(
            names, [OPERATIONS[each][1] for each in names]
        )[0]
        made = OPERATIONS[kind][0](Draft(text), chance)
        if made is None or made == text:
            continue
        if kind.startswith("set"):
            overrides.append(made)
        else:
            try:
                _ = Draft(made).root
            except yaml.YAMLError:
                continue  # no spec any more: the reader's own fuzzer has those
            text = made
        kinds.append(kind)
    known = variants(text)
    variant = "own" if "own" in known else chance.choice(known or [None])
    return Mutant(
        number, SPECS / name, text, variant, tuple(overrides), tuple(kinds)
    )


_OF_A_FILE = [
    "unit",
    "shortcut",
    "options of ops",
    "init",
    "input",
    "recipe",
    "set a key",
    "set a recipe's key",
]
"""Mutations of a file that has no rows of its own."""


def variants(text: str) -> list[str | None]:
    """The variants of a text, and of what it extends."""
    draft = Draft(text)
    base = draft.root["extends"][1].value if "extends" in draft.root else ""
    own = list(draft.inside("variants"))
    return [*variants(zoo()[base]), *own] if base in zoo() else [*own]


def _in_a_label(
    draft: Draft,
    chance: Chance,
    pattern: str,
    new: Callable[[re.Match[str]], str],
) -> str | None:
    """One match of a pattern in the labels, replaced."""
    found = [
        (node, match)
        for node in draft.labels()
        for match in re.finditer(pattern, draft.of(node))
    ]
    if not found:
        return None
    node, match = chance.choice(found)
    label = draft.of(node)
    return draft.put(
        node, label[: match.start()] + new(match) + label[match.end() :]
    )


def _beside(number: str, chance: Chance) -> str:
    """A number that someone might write for another."""
    value = float(number)
    if not number.isdecimal():
        near = [
            0.0,
            value / 2,
            value * 2,
            1 - value,
            -value,
            0.1,
            0.5,
            1.0,
            1e-6,
        ]
        return f"{chance.choice(near):.6g}"
    whole = int(value)
    near = [
        whole + 1,
        whole - 1,
        whole * 2,
        whole // 2,
        whole * 3,
        whole // 4,
        0,
        1,
        2,
        3,
        7,
        8,
        16,
        24,
        48,
        100,
    ]
    return str(max(0, chance.choice(near)))


_NUMBER = r"(?<![\w./*-])\d+(\.\d+)?(e-?\d+)?(?![\w.]|x\d| x )"


@operation("number", 6)
def _number(draft: Draft, chance: Chance) -> str | None:
    return _in_a_label(
        draft, chance, _NUMBER, lambda m: _beside(m[0], chance)
    )


@operation("width as an expression")
def _width(draft: Draft, chance: Chance) -> str | None:
    said = [
        "in",
        "out",
        "2*in",
        "in/2",
        "out/2",
        "out/4",
        "in + 8",
        "make_divisible(in/3 8)",
        "max(8 in/4)",
        "in*3/2",
    ]
    return _in_a_label(
        draft, chance, _NUMBER, lambda _: chance.choice(said)
    )


@operation("kernel", 4)
def _kernel(draft: Draft, chance: Chance) -> str | None:
    return _in_a_label(
        draft, chance, r"\b\d+x\d+\b", lambda _: chance.choice(KERNELS)
    )


@operation("stride", 4)
def _stride(draft: Draft, chance: Chance) -> str | None:
    if chance.random() < 0.5:
        return _in_a_label(
            draft,
            chance,
            r"(?<=\s)/(\w+)",
            lambda _: chance.choice(STRIDES),
        )
    return _behind(
        draft,
        chance,
        r"\b(conv|pool)\b[^/]*$",
        f" {chance.choice([s for s in STRIDES if s])}",
    )


@operation("groups", 3)
def _groups(draft: Draft, chance: Chance) -> str | None:
    groups = chance.choice(["2", "4", "8", "3", "32", "in", "out", "1"])
    at = _in_a_label(
        draft, chance, r"groups \S+", lambda _: f"groups {groups}"
    )
    return (
        at
        if at and chance.random() < 0.5
        else _behind(draft, chance, r"\bconv\b.*", f" groups {groups}")
    )


def _behind(
    draft: Draft, chance: Chance, pattern: str, words: str
) -> str | None:
    return _in_a_label(draft, chance, pattern, lambda m: m[0] + words)


@operation("dilation", 3)
def _dilation(draft: Draft, chance: Chance) -> str | None:
    return _behind(
        draft,
        chance,
        r"\bconv\b.*",
        f" dilation {chance.choice(['1', '2', '3', '4', '2x1', '1x3'])}",
    )


@operation("option", 4)
def _option(draft: Draft, chance: Chance) -> str | None:
    word = chance.choice(list(OPTIONS))
    return _behind(
        draft,
        chance,
        rf"(?<![\w-]){word}(?![\w-]).*",
        f" {chance.choice(OPTIONS[word])}",
    )


@operation("mode", 4)
def _mode(draft: Draft, chance: Chance) -> str | None:
    at = rf"\b({'|'.join(MODES)})\b"
    if chance.random() < 0.5:
        return _in_a_label(
            draft,
            chance,
            at,
            lambda _: chance.choice([*MODES, *ACTIVATIONS, ""]),
        )
    return _behind(
        draft,
        chance,
        r"\b(conv|fc)\b.*",
        f" {chance.choice([*MODES, *ACTIVATIONS])}",
    )


@operation("word", 5)
def _word(draft: Draft, chance: Chance) -> str | None:
    words = {
        word: [other for other in group if other != word]
        for group in SWAPS
        for word in group
    }
    at = rf"(?<![\w-])({'|'.join(sorted(words, key=len, reverse=True))})(?![\w-])"
    return _in_a_label(
        draft, chance, at, lambda m: chance.choice(words[m[0]])
    )


@operation("repeat", 3)
def _repeat(draft: Draft, chance: Chance) -> str | None:
    count = (
        f"{chance.choice(['0', '1', '2', '3', '5', 'row_index', '4/2'])} x "
    )
    at = _in_a_label(draft, chance, r"^[\w.]+ x ", lambda _: count)
    return (
        at
        if at and chance.random() < 0.7
        else _in_a_label(
            draft, chance, r"^(?=[\w-]+ [^x(]*$)", lambda _: count
        )
    )


@operation("label replaced", 4)
def _label_replaced(draft: Draft, chance: Chance) -> str | None:
    labels = draft.labels()
    return (
        draft.put(chance.choice(labels), _a_label(chance))
        if labels
        else None
    )


def _a_label(chance: Chance) -> str:
    """A label for any place: one that keeps the shape, one of the pool, or one of the zoo's."""
    return chance.choice(
        chance.choice(
            [KEEPING, KEEPING, LABELS + CALLS, _labels_of_the_zoo()]
        )
    )


def _relist(
    draft: Draft,
    chance: Chance,
    least: int,
    change: Callable[[list[str]], None],
) -> str | None:
    lists = draft.lists(least)
    if not lists:
        return None
    node = chance.choice(lists)
    items = [draft.of(item) for item in node.value]
    change(items)
    return draft.put(node, f"[{', '.join(items)}]")


@operation("label deleted", 3)
def _label_deleted(draft: Draft, chance: Chance) -> str | None:
    return _relist(
        draft, chance, 2, lambda items: items.remove(chance.choice(items))
    )


@operation("label inserted", 4)
def _label_inserted(draft: Draft, chance: Chance) -> str | None:
    return _relist(
        draft,
        chance,
        1,
        lambda items: items.insert(
            chance.randint(0, len(items)), _a_label(chance)
        ),
    )


@operation("label doubled")
def _label_doubled(draft: Draft, chance: Chance) -> str | None:
    return _relist(
        draft,
        chance,
        1,
        lambda items: items.insert(
            chance.randint(0, len(items)), chance.choice(items)
        ),
    )


@operation("labels in another order", 3)
def _labels_shuffled(draft: Draft, chance: Chance) -> str | None:
    return _relist(draft, chance, 2, chance.shuffle)


@operation("labels swapped", 3)
def _labels_swapped(draft: Draft, chance: Chance) -> str | None:
    labels = draft.labels()
    one, other = (
        (chance.choice(labels), chance.choice(labels))
        if labels
        else (None, None)
    )
    return (
        draft.swapped(one, other)
        if one and other and one is not other
        else None
    )


@operation("row deleted", 3)
def _row_deleted(draft: Draft, chance: Chance) -> str | None:
    rows = list(draft.inside("net").values())
    start, end = (
        draft.lines(*chance.choice(rows)) if len(rows) > 1 else (0, 0)
    )
    return draft.text[:start] + draft.text[end:]


@operation("rows swapped", 3)
def _rows_swapped(draft: Draft, chance: Chance) -> str | None:
    rows = [value for _, value in draft.inside("net").values()]
    return draft.swapped(*chance.sample(rows, 2)) if len(rows) > 1 else None


@operation("row doubled", 2)
def _row_doubled(draft: Draft, chance: Chance) -> str | None:
    rows = list(draft.inside("net").values())
    key, value = chance.choice(rows)
    start, end = draft.lines(key, value)
    again = draft.text[start:end].replace(
        key.value, f"{key.value}_again", 1
    )
    return draft.text[:end] + again + draft.text[end:]


@operation("row inserted", 3)
def _row_inserted(draft: Draft, chance: Chance) -> str | None:
    rows = list(draft.inside("net").items())
    name, entry = chance.choice(rows)
    start, _ = draft.lines(*entry)
    earlier, other = chance.choice(rows)[0], _a_label(chance)
    said = chance.choice(
        [
            other,
            f"[{other}, {_a_label(chance)}]",
            f"{name} + {earlier}",
            f"concat({name} {earlier})",
        ]
    )
    return f"{draft.text[:start]}  extra: {said}\n{draft.text[start:]}"


@operation("row reads a row", 2)
def _row_reads(draft: Draft, chance: Chance) -> str | None:
    rows = draft.inside("net")
    names = list(rows)
    place = chance.randrange(len(names))
    value = rows[names[place]][1]
    before = names[max(0, place - 2) : place] or ["input"]
    one, other = before[-1], chance.choice([*before, "input"])
    sums = [f"{one} + {other}", f"{one} * {other}", f"{other} - 0.5*{one}"]
    read = chance.choice(
        [
            *sums,
            f"concat({one} {other})",
            one,
            f"relu({one})",
            f"{one} * sigmoid({one})",
            other,
        ]
    )
    label = draft.of(value)
    return draft.put(
        value,
        f"[{read}, {label[1:]}"
        if label.startswith("[")
        else f"[{read}, {label}]",
    )


@operation("row split in blocks", 2)
def _row_as_block(draft: Draft, chance: Chance) -> str | None:
    rows = [value for _, value in draft.inside("net").values()]
    value = chance.choice(rows)
    merge = chance.choice(
        [
            "body + x",
            "concat(body x)",
            "body",
            "relu(body + shortcut)",
            "body * x",
        ]
    )
    return draft.put(value, f"{{body: {draft.of(value)}, merge: {merge}}}")


@operation("block swapped", 5)
def _block_swapped(draft: Draft, chance: Chance) -> str | None:
    own = [name for name in draft.blocks() if name not in ("let",)]
    used = sorted(
        {*own, *(call.split()[0] for call in CALLS)},
        key=lambda name: (-len(name), name),
    )
    other = chance.choice(used)
    return _in_a_label(
        draft,
        chance,
        rf"(?<![\w-])({'|'.join(used)})(?![\w-])",
        lambda _: other,
    )


@operation("blocks' bodies swapped")
def _bodies_swapped(draft: Draft, chance: Chance) -> str | None:
    blocks = list(draft.blocks().values())
    return (
        draft.swapped(*chance.sample(blocks, 2))
        if len(blocks) > 1
        else None
    )


@operation("path deleted")
def _path_deleted(draft: Draft, chance: Chance) -> str | None:
    blocks = [
        block
        for block in draft.blocks().values()
        if isinstance(block, yaml.MappingNode) and not block.flow_style
    ]
    entries = list(pairs(chance.choice(blocks)).values()) if blocks else []
    start, end = draft.lines(*chance.choice(entries)) if entries else (0, 0)
    return draft.text[:start] + draft.text[end:]


@operation("merge", 4)
def _merge(draft: Draft, chance: Chance) -> str | None:
    merges = [
        entry["merge"][1]
        for block in draft.blocks().values()
        if "merge" in (entry := pairs(block))
    ]
    return (
        draft.put(chance.choice(merges), chance.choice(EQUATIONS))
        if merges
        else None
    )


def _block_key(
    draft: Draft, chance: Chance, key: str, said: str
) -> str | None:
    blocks = [
        b
        for b in draft.blocks().values()
        if isinstance(b, yaml.MappingNode) and not b.flow_style and b.value
    ]
    if not blocks:
        return None
    entries = pairs(chance.choice(blocks))
    if key in entries:
        return draft.put(entries[key][1], said)
    first = next(iter(entries.values()))[0]
    start = draft.lines(first, first)[0]
    return f"{draft.text[:start]}{' ' * first.start_mark.column}{key}: {said}\n{draft.text[start:]}"


@operation("unit of a block", 2)
def _block_unit(draft: Draft, chance: Chance) -> str | None:
    return _block_key(draft, chance, "unit", chance.choice(UNITS))


@operation("shortcut of a block", 2)
def _block_shortcut(draft: Draft, chance: Chance) -> str | None:
    return _block_key(draft, chance, "shortcut", chance.choice(SHORTCUTS))


@operation("unit", 4)
def _unit(draft: Draft, chance: Chance) -> str | None:
    return draft.with_key("unit", chance.choice(UNITS))


@operation("shortcut", 4)
def _shortcut(draft: Draft, chance: Chance) -> str | None:
    return draft.with_key("shortcut", chance.choice(SHORTCUTS))


@operation("shortcut of a call", 2)
def _call_shortcut(draft: Draft, chance: Chance) -> str | None:
    policies = [
        "zero-pad",
        "zero-pad centered",
        "projection",
        "projection always",
        "identity",
        "none",
    ]
    names = "|".join(
        sorted(
            {*draft.blocks(), "block", "basic", "bottleneck"},
            key=len,
            reverse=True,
        )
    )
    return _behind(
        draft,
        chance,
        rf"(?<![\w-])({names})(?![\w-]).*",
        f" shortcut {chance.choice(policies)}",
    )


@operation("options of ops", 2)
def _ops(draft: Draft, chance: Chance) -> str | None:
    return draft.with_key("ops", chance.choice(OPS))


@operation("init", 2)
def _init(draft: Draft, chance: Chance) -> str | None:
    return draft.with_key("init", chance.choice(INITS))


@operation("input", 4)
def _input(draft: Draft, chance: Chance) -> str | None:
    return draft.with_key("input", chance.choice(INPUTS))


def _scalars(node: yaml.Node) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        return [node]
    inner = (
        node.value
        if isinstance(node, yaml.SequenceNode)
        else [value for _, value in node.value]
    )
    return [scalar for value in inner for scalar in _scalars(value)]


def _another(value: str, draft: Draft, chance: Chance) -> str:
    """Another value of a `let`."""
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return _beside(value, chance)
    if re.fullmatch(r"\d+x\d+", value):
        return chance.choice(KERNELS)
    calls = [call.split()[0] for call in CALLS]
    return chance.choice(
        [
            *draft.blocks(),
            *calls,
            *ACTIVATIONS,
            "in",
            "out/2",
            "4",
            "none",
            "linear",
        ]
    )


def _changed_value(
    draft: Draft, chance: Chance, holders: list[yaml.Node]
) -> str | None:
    found = [scalar for holder in holders for scalar in _scalars(holder)]
    node = chance.choice(found) if found else None
    return (
        draft.put(node, _another(draft.of(node), draft, chance))
        if node
        else None
    )


@operation("let", 4)
def _let(draft: Draft, chance: Chance) -> str | None:
    return _changed_value(
        draft, chance, [draft.root["let"][1]] if "let" in draft.root else []
    )


@operation("let of a block", 3)
def _block_let(draft: Draft, chance: Chance) -> str | None:
    lets = [
        entry["let"][1]
        for block in draft.blocks().values()
        if "let" in (entry := pairs(block))
    ]
    return _changed_value(draft, chance, lets)


@operation("value of a variant", 3)
def _variant(draft: Draft, chance: Chance) -> str | None:
    return _changed_value(
        draft,
        chance,
        [value for _, value in draft.inside("variants").values()],
    )


@operation("variant sets more", 3)
def _variant_more(draft: Draft, chance: Chance) -> str | None:
    variants = [
        value
        for _, value in draft.inside("variants").values()
        if value.flow_style
    ]
    if not variants:
        return None
    name = chance.choice(
        ["input", "unit", "shortcut", "init", *draft.inside("let")]
    )
    more = {
        "input": INPUTS,
        "unit": UNITS,
        "shortcut": SHORTCUTS,
        "init": INITS,
    }
    said = f"{name}: {chance.choice(more.get(name, ['1', '2', '3', 'basic', 'relu']))}"
    node = chance.choice(variants)
    return draft.put(
        node, f"{{{said}, {draft.of(node)[1:]}".replace(", }", "}")
    )


@operation("recipe", 6)
def _recipe(draft: Draft, chance: Chance) -> str | None:
    said = (
        [f"recipe: {chance.choice(RECIPES)}"]
        if chance.random() < 0.9
        else []
    )
    said += chance.sample(
        [f"{key}: {value}" for key, value in TRAIN], chance.randint(0, 3)
    )
    return draft.with_key("train", f"{{{', '.join(said)}}}")


@operation("set a row", 2)
def _set_row(draft: Draft, chance: Chance) -> str | None:
    row = chance.choice(list(draft.inside("net")))
    return f"net.{row}={chance.choice([_a_label(chance), f'[{_a_label(chance)}, {_a_label(chance)}]'])}"


@operation("set a let", 2)
def _set_let(draft: Draft, chance: Chance) -> str | None:
    lets = draft.inside("let")
    if not lets:
        return None
    name, (_, value) = chance.choice(list(lets.items()))
    if isinstance(value, yaml.SequenceNode):
        return f"let.{name}=[{', '.join(str(chance.choice([0, 1, 2])) for _ in value.value)}]"
    return f"let.{name}={_another(draft.of(value), draft, chance)}"


@operation("set a key", 3)
def _set_key(draft: Draft, chance: Chance) -> str | None:
    values = {
        "input": INPUTS,
        "unit": UNITS,
        "shortcut": SHORTCUTS,
        "init": INITS,
        "ops": OPS,
        "train": RECIPES,
    }
    key = chance.choice(list(values))
    return f"{key}={chance.choice(values[key])}"


@operation("set in a block", 2)
def _set_in_block(draft: Draft, chance: Chance) -> str | None:
    blocks = draft.blocks()
    if not blocks:
        return None
    key, values = chance.choice(
        [
            ("merge", EQUATIONS),
            ("unit", UNITS),
            ("shortcut", SHORTCUTS),
            ("body", LABELS),
        ]
    )
    return f"blocks.{chance.choice(list(blocks))}.{key}={chance.choice(values)}"


@operation("set a recipe's key", 3)
def _set_train(draft: Draft, chance: Chance) -> str | None:
    key, value = chance.choice(TRAIN)
    return f"train.{key}={value}"


@operation("long form", 3)
def _long(draft: Draft, _: Chance) -> str | None:
    return _styled(draft, "long")


@operation("short form", 1)
def _short(draft: Draft, _: Chance) -> str | None:
    return _styled(draft, "short")


def _styled(draft: Draft, form: Form) -> str | None:
    try:
        return reformat(Source("mutant", draft.text), form)
    except SpecError:
        return None


@operation("label in quotes", 2)
def _quoted(draft: Draft, chance: Chance) -> str | None:
    labels = [label for label in draft.labels() if label.style is None]
    node = chance.choice(labels) if labels else None
    quote = chance.choice(["'", '"'])
    return (
        draft.put(node, f"{quote}{draft.of(node)}{quote}") if node else None
    )


@operation("list in lines", 3)
def _in_lines(draft: Draft, chance: Chance) -> str | None:
    """A flow list as one with a line and a comment for each item."""
    places = [value for _, value in draft.inside("net").values()]
    places += [
        value
        for block in draft.blocks().values()
        for _, value in pairs(block).values()
    ]
    lists = [
        p
        for p in places
        if isinstance(p, yaml.SequenceNode)
        and p.flow_style
        and p.start_mark.column < 30
    ]
    if not lists:
        return None
    node = chance.choice(lists)
    rows = [
        f"\n      - {draft.of(item)}{chance.choice(['', '   # why', ' '])}"
        for item in node.value
    ]
    return draft.put(node, "".join(rows))


@operation("let introduced", 3)
def _let_introduced(draft: Draft, chance: Chance) -> str | None:
    found = [
        (node, match)
        for node in draft.labels()
        for match in re.finditer(_NUMBER, draft.of(node))
    ]
    if not found:
        return None
    node, match = chance.choice(found)
    label, value = draft.of(node), match[0]
    said = chance.choice(
        [
            value,
            f"2*{value}/2",
            f"max(1 {value})",
            f"{value} + extra - extra",
        ]
    )
    text = draft.put(
        node, f"{label[: match.start()]}fresh{label[match.end() :]}"
    )
    lets = draft.root.get("let")
    new = f"fresh: {said}" + (", extra: 3" if "extra" in said else "")
    if lets is None:
        return Draft(text).with_key("let", f"{{{new}}}")
    held = Draft(text).root["let"][1]
    return (
        Draft(text).put(held, f"{{{new}, {Draft(text).of(held)[1:]}")
        if held.flow_style
        else None
    )


@operation("variant of its own", 3)
def _variant_new(draft: Draft, chance: Chance) -> str | None:
    said = [f"{name}: {_another(draft.of(value), draft, chance)}" for name, (_, value) in draft.inside("let").items()
            if isinstance(value, yaml.ScalarNode)]  # fmt: skip
    said = chance.sample(said, chance.randint(0, len(said)))
    more = [f"input: {chance.choice(INPUTS)}", f"unit: {chance.choice(UNITS)}", f"train: {chance.choice(RECIPES)}",
            f"shortcut: {chance.choice(SHORTCUTS)}", f"ops: {chance.choice(OPS)}", "name: Another",
            "about: a line"]  # fmt: skip
    said += chance.sample(more, chance.choice([0, 1, 1, 2]))
    held = draft.root.get("variants")
    if held is None:
        return draft.with_key("variants", f"{{own: {{{', '.join(said)}}}}}")
    start = held[1].start_mark.index - held[1].start_mark.column
    return (
        f"{draft.text[:start]}  own: {{{', '.join(said)}}}\n{draft.text[start:]}"
        if not held[1].flow_style
        else None
    )
