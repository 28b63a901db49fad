"""The keys of a spec apart from its blocks and rows → what they say, with the mistakes in them."""

from __future__ import annotations

import re

from pydantic import ValidationError

from ..errors import Diagnostic, fault
from ..ops import VOCABULARY, Shape
from .complaints import diagnostics
from .parse import Parser
from .recipe import Train, resolve_train
from .records import Option
from .schema import Expect, File
from .targets import SHAPING
from .tree import Entry, Mapping, Scalar, Tree, plain_value
from .words import ELSEWHERE, did_you_mean, nearest

_WIDEST = 1_000_000  # channels, height or width of the input


def without_arguments(tree: Mapping) -> tuple[Mapping, list[Diagnostic]]:
    """The tree with blocks that are named like functions, `pair(out, stride)`, under their bare names."""
    definitions, found = mapping_at(tree, "blocks"), []
    entries: dict[str, Entry] = {}
    for name, entry in definitions.entries.items():
        bare = re.sub(r"\s*\(.*\)", "", name)
        if bare != name and bare not in definitions.entries:
            hint = f"write `{bare}`: what a block reads, `in`, `out`, `stride` and its `let`s, is not listed"
            message = f"`{name}` cannot name a block: it has no arguments"
            found.append(fault("E023", message, entry.key.span, hint).diagnostic)
            name = bare
        entries[name] = entry
    if not found:
        return tree, []
    blocks = Entry(tree.entries["blocks"].key, Mapping(entries, definitions.span, definitions.flow))
    return Mapping({**tree.entries, "blocks": blocks}, tree.span, tree.flow), found


def mapping_at(tree: Mapping, key: str) -> Mapping:
    """The map at a key, empty where there is none."""
    entry = tree.entries.get(key)
    return entry.value if entry and isinstance(entry.value, Mapping) else Mapping({}, tree.span, True)


def named(tree: Mapping, key: str) -> Tree | None:
    """The value of `unit` or `shortcut`; where it is the name of a `let`, that `let`'s value."""
    entry = tree.entries.get(key)
    if entry is None:
        return None
    value = entry.value
    lets = mapping_at(tree, "let").entries
    if isinstance(value, Scalar) and value.text in lets:
        return lets[value.text].value
    return value


def input_shape(tree: Mapping) -> Shape:
    value = tree.entries["input"].value
    text = value.text.replace("_", "") if isinstance(value, Scalar) else ""
    if not re.fullmatch(r"[0-9]{1,12}(x[0-9]{1,12}x[0-9]{1,12})?", text) or "0" in text.split("x"):
        hint = "`3x224x224` is channels x height x width, `784` a feature vector; the batch axis is never written"
        raise fault("E022", f"`{text or 'this'}` is no input shape", value.span, hint)
    shape = tuple(int(part) for part in text.split("x"))
    if max(shape) > _WIDEST:
        raise fault("E035", f"a side of the input must be at most {_WIDEST:,}, and this is {max(shape):,}", value.span)
    return shape


def defaults(tree: Mapping, parser: Parser) -> dict[str, dict[str, Option]]:
    """`ops:` as options of each op."""
    out: dict[str, dict[str, Option]] = {}
    for op, entry in mapping_at(tree, "ops").entries.items():
        if op not in VOCABULARY:
            plain = ELSEWHERE.get(re.sub(r"[^a-z]", "", op.lower()), "")
            hint = f"did you mean `{plain}`?" if plain else did_you_mean(op, VOCABULARY)
            parser.pass_over(fault("E011", f"no op `{op}`", entry.key.span, hint))
            continue
        fields = [name for name in VOCABULARY[op].model_fields if name not in ("op", "width")]
        for key, option in mapping_at(Mapping({op: entry}, tree.span, True), op).entries.items():
            if key not in fields:
                hint = did_you_mean(key, fields) or f"its options are {', '.join(fields)}"
                problem = fault("E012", f"`{op}` has no option `{key}`", option.key.span, hint)
                (parser.report if nearest(key, fields) in SHAPING else parser.pass_over)(problem)
            elif (value := parser.value(option.value)) is not None:
                out.setdefault(op, {})[key] = Option(key, option.key.span, value)
    return out


def claims(
    tree: Mapping, file: File, variant: str | None, variants: list[str], errors: list[Diagnostic]
) -> Expect | None:
    expect = file.expect
    if isinstance(expect, Expect) and variants:
        hint = f"write `expect: {{{variants[0]}: {{…}}}}`"
        errors.append(
            fault("E022", "a file with variants expects by variant", tree.entries["expect"].key.span, hint).diagnostic
        )
        return None
    if not isinstance(expect, dict):
        return expect
    for name in expect:
        if name not in variants:
            place = mapping_at(tree, "expect").entries[name].key.span
            hint = did_you_mean(name, variants) or ("" if variants else "this file has no variants")
            errors.append(fault("E064", f"no variant `{name}`", place, hint).diagnostic)
    return expect.get(variant) if variant else None


def recipe(tree: Mapping, errors: list[Diagnostic]) -> Train | None:
    entry = tree.entries.get("train")
    if entry is None:
        return None
    try:
        return resolve_train(plain_value(entry.value))
    except ValidationError as problems:
        errors += diagnostics(problems, entry.value, Train, "train")
    except ValueError as problem:
        errors.append(fault("E022", str(problem), entry.value.span).diagnostic)
    return None
