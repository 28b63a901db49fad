"""A resolved tree → Spec: all that a file says, as records, with every mistake that needs no graph to be seen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pydantic import ValidationError

from ..errors import Diagnostic, Fault, Related, Source, Span, SpecError, fault, in_order
from ..ops import VOCABULARY, Shape
from .complaints import diagnostics
from .init import Init
from .library import library_block, library_index
from .lints import unknown_lints
from .parse import Parser
from .recipe import Train, resolve_train
from .records import BlockDef, Option, PathDef, ShortcutDef, UnitDef, Value
from .resolve import apply_overrides, apply_variant, read_file, read_text, split_reference, variants_of
from .schema import Expect, File, validate
from .targets import SHAPING
from .tree import Entry, Mapping, Scalar, Tree, plain_value
from .usage import unused, without_misspelled
from .values import words_of
from .words import ELSEWHERE, READ_AS, did_you_mean, name_problem, nearest

T = TypeVar("T")
_WIDEST = 1_000_000  # channels, height or width of the input
_DEFAULT_UNIT = Source("the default unit", "conv bn relu", ours=True)


@dataclass(frozen=True, eq=False)
class Spec:
    """One net as its author wrote it, a variant and overrides applied."""

    tree: Mapping
    variant: str | None
    title: str
    about: str
    input: Shape
    lets: dict[str, Value]
    unit: UnitDef
    shortcut: ShortcutDef | None
    defaults: dict[str, dict[str, Option]]
    blocks: dict[str, BlockDef]
    rows: dict[str, PathDef]
    words: frozenset[str]
    init: Init | None
    expect: Expect | None
    train: Train | None
    variants: tuple[str, ...] = field(default=())
    mistakes: tuple[Diagnostic, ...] = ()  # of labels and of use: the rest of the net can be checked all the same

    @property
    def name(self) -> str:
        """The variant's name, else the file's."""
        return self.variant or self.title

    def block(self, name: str) -> BlockDef | None:
        """The block of that name: this file's, else the standard library's."""
        if name in self.blocks:
            return self.blocks[name]
        return library_block(name) if name in library_index() else None

    def place(self, *keys: str) -> Span:
        """Where a value of the file is written: `place("expect", "params")`; the nearest outer place if nowhere."""
        tree: Tree = self.tree
        span = Span(self.tree.span.source, 1, 1, 1, 2)
        for key in keys:
            if not isinstance(tree, Mapping) or key not in tree.entries:
                break
            entry = tree.entries[key]
            tree, span = entry.value, entry.key.span
            if isinstance(tree, Scalar):
                span = tree.span
        return span


def load_spec(reference: str | os.PathLike[str], overrides: Iterable[str] = (), *, allow_outside: bool = False) -> Spec:
    """The spec of `file.yaml` or `file.yaml::variant`, with `path=value` overrides.

    Raises `SpecError` for mistakes that leave no spec to go on with, `UsageError` for an unknown variant. Mistakes in
    labels, and what nothing uses, are the spec's `mistakes`: `expand` raises them with those that it finds.
    """
    path, variant = split_reference(reference)
    tree, errors = read_file(path, allow_outside=allow_outside)
    return parse_spec(tree, errors, variant, overrides)


def text_spec(source: Source, variant: str | None = None, overrides: Iterable[str] = ()) -> Spec:
    """As `load_spec`, of a text."""
    tree, errors = read_text(source)
    return parse_spec(tree, errors, variant, overrides)


def parse_spec(tree: Mapping, errors: list[Diagnostic], variant: str | None, overrides: Iterable[str] = ()) -> Spec:
    """A tree → Spec. Raises `SpecError` as `load_spec` does; `errors` are mistakes of the reader."""
    whole = tree
    if variant is not None:
        tree = apply_variant(tree, variant)
    tree = apply_overrides(tree, overrides)
    tree, file, problems = validate(tree)
    tree, signed = _without_arguments(tree)
    aside = [*problems, *signed, *unknown_lints(tree)]
    passed = [*(error for error in errors if error.help.startswith(READ_AS)), *aside] if file else []
    errors = [*errors, *aside]
    if file is None:
        _parse_blocks_and_rows(tree, errors, passed)
        raise SpecError(in_order(errors))
    spec = _spec(tree, file, variant, variants_of(whole), errors, passed)
    found = without_misspelled(unused(spec.tree, whole, spec.blocks, spec.rows), errors)
    if len(errors) > len(passed):
        raise SpecError(in_order([*errors, *found]))
    return replace(spec, mistakes=tuple(errors + found))


def _without_arguments(tree: Mapping) -> tuple[Mapping, list[Diagnostic]]:
    """The tree with blocks that are named like functions, `pair(out, stride)`, under their bare names."""
    definitions, found = _mapping(tree, "blocks"), []
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


def _spec(
    tree: Mapping, file: File, variant: str | None, variants: list[str], errors: list[Diagnostic],
    passed: list[Diagnostic],
) -> Spec:  # fmt: skip
    """The spec; of the mistakes in it, `passed` are those that hide nothing of the rest."""
    parser, lets, blocks, rows = _parse_blocks_and_rows(tree, errors, passed)
    aside: list[Diagnostic] = []  # of keys that no shape depends on
    expect, train = _expect(tree, file, variant, variants, aside), _train(tree, aside)
    errors += aside
    passed += aside
    unit_tree = _named(tree, "unit")
    default = Scalar(_DEFAULT_UNIT.text, _DEFAULT_UNIT.text, Span(_DEFAULT_UNIT, 1, 1, 1, 13), True)
    unit = parser.unit(unit_tree or default) or parser.unit(default)
    assert unit is not None
    shortcut_tree = _named(tree, "shortcut")
    return Spec(
        tree,
        variant,
        file.name.strip(),
        " ".join(file.about.split()),
        _gather(errors, lambda: _input_shape(tree), (1,)),
        lets,
        unit,
        parser.shortcut(shortcut_tree) if shortcut_tree else None,
        _defaults(tree, parser),
        blocks,
        rows,
        parser.words,
        file.init,
        expect,
        train,
        tuple(variants),
    )


def _gather(errors: list[Diagnostic], read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Fault as problem:
        errors.append(problem.diagnostic)
        return otherwise


def _mapping(tree: Mapping, key: str) -> Mapping:
    """The map at a key, empty where there is none."""
    entry = tree.entries.get(key)
    return entry.value if entry and isinstance(entry.value, Mapping) else Mapping({}, tree.span, True)


def _named(tree: Mapping, key: str) -> Tree | None:
    """The value of `unit` or `shortcut`; where it is the name of a `let`, that `let`'s value."""
    entry = tree.entries.get(key)
    if entry is None:
        return None
    value = entry.value
    lets = _mapping(tree, "let").entries
    if isinstance(value, Scalar) and value.text in lets:
        return lets[value.text].value
    return value


def _parse_blocks_and_rows(
    tree: Mapping, errors: list[Diagnostic], passed: list[Diagnostic]
) -> tuple[Parser, dict[str, Value], dict[str, BlockDef], dict[str, PathDef]]:
    definitions = _mapping(tree, "blocks").entries
    names = frozenset(definitions) | frozenset(library_index())
    first = Parser(names, errors, blocks=names, passed=passed)
    lets = first.lets(_mapping(tree, "let"))
    rows_written = _mapping(tree, "net").entries
    tensors = frozenset([*rows_written, *lets])
    parser = Parser(names | words_of(lets), errors, blocks=names, names=tensors, passed=passed)
    blocks: dict[str, BlockDef] = {}
    for name, entry in definitions.items():
        if problem := name_problem(name, VOCABULARY, dashes=True):
            told = parser.report if name in VOCABULARY else parser.pass_over
            told(fault("E023", f"`{name}` cannot name a block: {problem}", entry.key.span))
        blocks[name] = parser.block(name, entry.value, entry.key.span)
        for let in blocks[name].lets.keys() & lets.keys():
            place = _let_place(entry.value, let, entry.key.span)
            problem = f"`{let}` hides the file's `let` of that name"
            related = (Related(_mapping(tree, "let").entries[let].key.span, "the file's"),)
            hint = "give one of them another name"
            parser.pass_over(Fault(Diagnostic("E033", problem, place, "", (), hint, related)))
    rows: dict[str, PathDef] = {}
    for name, entry in rows_written.items():
        if problem := name_problem(name, [*VOCABULARY, *names]):
            parser.pass_over(fault("E023", f"`{name}` cannot name a row: {problem}", entry.key.span))
        rows[name] = parser.path(entry.value)
    return parser, lets, blocks, rows


def _let_place(block: Tree, let: str, otherwise: Span) -> Span:
    lets = _mapping(block, "let").entries if isinstance(block, Mapping) else {}
    return lets[let].key.span if let in lets else otherwise


def _input_shape(tree: Mapping) -> Shape:
    value = tree.entries["input"].value
    text = value.text.replace("_", "") if isinstance(value, Scalar) else ""
    if not re.fullmatch(r"[0-9]{1,12}(x[0-9]{1,12}x[0-9]{1,12})?", text) or "0" in text.split("x"):
        hint = "`3x224x224` is channels x height x width, `784` a feature vector; the batch axis is never written"
        raise fault("E022", f"`{text or 'this'}` is no input shape", value.span, hint)
    shape = tuple(int(part) for part in text.split("x"))
    if max(shape) > _WIDEST:
        raise fault("E035", f"a side of the input must be at most {_WIDEST:,}, and this is {max(shape):,}", value.span)
    return shape


def _defaults(tree: Mapping, parser: Parser) -> dict[str, dict[str, Option]]:
    """`ops:` as options of each op."""
    out: dict[str, dict[str, Option]] = {}
    for op, entry in _mapping(tree, "ops").entries.items():
        if op not in VOCABULARY:
            plain = ELSEWHERE.get(re.sub(r"[^a-z]", "", op.lower()), "")
            hint = f"did you mean `{plain}`?" if plain else did_you_mean(op, VOCABULARY)
            parser.pass_over(fault("E011", f"no op `{op}`", entry.key.span, hint))
            continue
        fields = [name for name in VOCABULARY[op].model_fields if name not in ("op", "width")]
        for key, option in _mapping(Mapping({op: entry}, tree.span, True), op).entries.items():
            if key not in fields:
                hint = did_you_mean(key, fields) or f"its options are {', '.join(fields)}"
                problem = fault("E012", f"`{op}` has no option `{key}`", option.key.span, hint)
                (parser.report if nearest(key, fields) in SHAPING else parser.pass_over)(problem)
            elif (value := parser.value(option.value)) is not None:
                out.setdefault(op, {})[key] = Option(key, option.key.span, value)
    return out


def _expect(
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
            place = _mapping(tree, "expect").entries[name].key.span
            hint = did_you_mean(name, variants) or ("" if variants else "this file has no variants")
            errors.append(fault("E064", f"no variant `{name}`", place, hint).diagnostic)
    return expect.get(variant) if variant else None


def _train(tree: Mapping, errors: list[Diagnostic]) -> Train | None:
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
