"""The keys of a spec apart from its blocks and rows → what they say, with the mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..collecting import without
from ..errors import Diagnostic, Hint, Span, fault, write
from ..ops import VOCABULARY, Shape
from ..ops.base import AXES
from .diagnose.names import foreign_letters
from .diagnose.nearest import (
    did_you_mean,
    near_or_all,
    nearest,
    op_meant,
)
from .environment import Environment
from .grammar.arithmetic import FUNCTIONS, spec_text
from .grammar.label import parse_expr
from .grammar.parse import Parser
from .grammar.records import Option, Value
from .grammar.targets import SHAPING
from .schema import Expect, File
from .yaml.tree import (
    KeyValue,
    Mapping,
    Scalar,
    Tree,
    entries_of,
    mapping_at,
    plain_value,
)

if TYPE_CHECKING:
    from .recipe import Train

_WIDEST = 1_000_000  # channels, or cells along an axis of the input


def without_arguments(tree: Mapping) -> tuple[Mapping, list[Diagnostic]]:
    """The tree with blocks that are named like functions, `pair(out, stride)`, under their bare
    names."""
    definitions = mapping_at(tree, "blocks")
    found = []
    entries: dict[str, KeyValue] = {}
    for name, entry in definitions.entries.items():
        bare = re.sub(r"\s*\(.*\)", "", name)
        if bare != name and bare not in definitions.entries:
            hint = write(
                bare,
                ": what a block reads, `in`, `out`, `stride` and its `let`s, is not listed",
            )
            message = f"`{name}` cannot name a block: it has no arguments"
            found.append(
                fault("E023", message, entry.key.span, hint).diagnostic
            )
            name = bare
        entries[name] = entry
    if not found:
        return tree, []
    blocks = KeyValue(
        tree.entries["blocks"].key, definitions.holding(entries)
    )
    return tree.holding({**tree.entries, "blocks": blocks}), found


def named(tree: Mapping, key: str) -> Tree | None:
    """The value of `unit` or `shortcut`; where it is the name of a `let`, that `let`'s value."""
    entry = tree.entries.get(key)
    if entry is None:
        return None
    value = entry.value
    lets = entries_of(tree, "let")
    if value.text in lets:
        return lets[value.text].value
    return value


def input_shapes(tree: Mapping, lets: dict[str, Value]) -> dict[str, Shape]:
    """The inputs by their names, one without a name as `input`. Raises `Fault`."""
    value = tree.entries["input"].value
    named = (
        value.entries
        if isinstance(value, Mapping)
        else {"input": tree.entries["input"]}
    )
    return {
        name: _shape(entry.value, lets) for name, entry in named.items()
    }


def _shape(value: Tree, lets: dict[str, Value]) -> Shape:
    """The shape of a map or a vector: `3x224x224`, `784`, or with `let`s, `3xsidexside`. Raises
    `Fault`."""
    text = value.text
    if meant := _shape_meant(text, lets):
        notes = filter(None, [foreign_letters(text)])
        raise fault(
            "E022",
            f"`{text}` is no input shape",
            value.span,
            meant,
            *notes,
        )
    parts = _sides(text, lets)
    if not 1 <= len(parts) <= 1 + max(AXES):
        hint = (
            "`3x224x224` is channels x height x width, `12x4096` a sequence, `3x16x112x112` a"
            " volume, `784` a feature vector; the batch axis is never written"
        )
        raise fault(
            "E022",
            f"`{text or 'this'}` is no input shape",
            value.span,
            hint,
        )
    env = Environment(lets, {})
    sides = [
        _side(part, value.span.part(start, start + len(part)), env)
        for start, part in parts
    ]
    if max(sides) > _WIDEST:
        raise fault(
            "E035",
            f"a side of the input must be at most {_WIDEST:,}, and this is {max(sides):,}",
            value.span,
        )
    return tuple(sides)


def _shape_meant(text: str, lets: Collection[str]) -> Hint:
    """`3x224x224` for `3X224X224`, `3×224×224` and `(3, 224, 224)`; of sizes with the channels last
    it is a guess."""
    if re.fullmatch(r"\(?\s*[0-9]+(\s*,\s*[0-9]+){2}\s*\)?", text):
        axes = re.findall("[0-9]+", text)
        return replace(
            write("x".join(axes)), certain=int(axes[0]) <= int(axes[2])
        )
    plain = re.sub(r"\s*[X×\u0445]\s*", "x", text)
    wrong = (
        plain != text
        and not _sides(text, lets)
        and len(_sides(plain, lets)) == 3
    )
    return write(plain) if wrong else Hint()


def _sides(text: str, lets: Collection[str]) -> list[tuple[int, str]]:
    """What stands between the `x` of a shape, each with its place; none where it is no number and
    no name.

    The longest name goes first, so that a `let` may have an `x` in its name.
    """
    names = "|".join(
        map(re.escape, sorted({*lets, *FUNCTIONS}, key=len, reverse=True))
    )
    token = re.compile(rf"[0-9_]+|(?:{names})(?:\.[0-9]+)*|[-+*/(), ]|x")
    out = []
    start = 0
    place = 0
    while found := token.match(text, place):
        if found[0] == "x":
            out.append((start, text[start:place]))
            start = found.end()
        place = found.end()
    out.append((start, text[start:]))
    return (
        out
        if place == len(text) and all(part.strip() for _, part in out)
        else []
    )


def _side(text: str, span: Span, env: Environment) -> int:
    value = env.number(
        parse_expr(
            text.strip().replace("_", "")
            if text[0].isdigit()
            else text.strip(),
            span,
        )
    )
    if value.denominator != 1 or value < 1:
        raise fault(
            "E022",
            f"`{text.strip()}` is {spec_text(value)}, and a side of the input is 1 or more",
            span,
        )
    return int(value)


def defaults(tree: Mapping, parser: Parser) -> dict[str, dict[str, Option]]:
    """`ops:` as options of each op."""
    out: dict[str, dict[str, Option]] = {}
    written = mapping_at(tree, "ops")
    for op, entry in written.entries.items():
        if op not in VOCABULARY:
            near = op_meant(op, VOCABULARY)
            problem = fault("E011", f"no op `{op}`", entry.key.span, near)
            parser.log.pass_over(problem)
            continue
        fields = without(VOCABULARY[op].fields(), ("op", "width"))
        for key, option in entries_of(written, op).items():
            if key not in fields:
                _no_option(op, option.key, fields, parser)
            elif (value := parser.value(option.value)) is not None:
                out.setdefault(op, {})[key] = Option(
                    key, option.key.span, value
                )
    return out


def _no_option(
    op: str, key: Scalar, fields: list[str], parser: Parser
) -> None:
    hint = near_or_all(key.text, fields, "its options are")
    problem = fault(
        "E012", f"`{op}` has no option `{key.text}`", key.span, hint
    )
    shaping = nearest(key.text, fields) in SHAPING
    (parser.log.report if shaping else parser.log.pass_over)(problem)


def claims(
    tree: Mapping,
    file: File,
    variant: str | None,
    variants: list[str],
    errors: list[Diagnostic],
) -> Expect | None:
    expect = file.expect
    if isinstance(expect, Expect) and variants:
        hint = f"write `expect: {{{variants[0]}: {{…}}}}`"
        errors.append(
            fault(
                "E022",
                "a file with variants expects by variant",
                tree.entries["expect"].key.span,
                hint,
            ).diagnostic
        )
        return None
    if not isinstance(expect, dict):
        return expect
    for name in expect:
        if name not in variants:
            place = entries_of(tree, "expect")[name].key.span
            near = did_you_mean(name, variants) or (
                "" if variants else "this file has no variants"
            )
            errors.append(
                fault(
                    "E064", f"no variant `{name}`", place, near
                ).diagnostic
            )
    return expect.get(variant or "")


def recipe(tree: Mapping, errors: list[Diagnostic]) -> Train | None:
    entry = tree.entries.get("train")
    if entry is None:
        return None
    from .recipe import WrongRecipe, resolve_train  # most nets have none

    try:
        return resolve_train(plain_value(entry.value))
    except WrongRecipe as problem:
        errors += (mistake.at(entry.value) for mistake in problem.mistakes)
    except ValueError as problem:
        errors.append(
            fault("E022", str(problem), entry.value.span).diagnostic
        )
    return None
