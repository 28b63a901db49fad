"""A resolved tree → Spec: all that a file says, as records, with every mistake that needs no graph
to be seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from ..errors import (
    Diagnostic,
    Fault,
    Related,
    Source,
    Span,
    SpecError,
    fault,
    in_order,
)
from ..ops import VOCABULARY, Shape
from .diagnose.usage import unused
from .grammar.parse import Parser
from .grammar.records import BlockDef, Option, PathDef, ShortcutDef, UnitDef, Value
from .grammar.values import words_of
from .grammar.words import FILE_KEYS, name_problem, other_name
from .init import Init
from .library import library_block, library_index
from .lints import unknown_lints
from .overrides import apply_overrides, reshape, voided
from .recipe import Train
from .references import locate
from .resolve import apply_variant, read_file, read_text, variants_of
from .schema import Expect, File, validate
from .sections import (
    claims,
    defaults,
    input_shape,
    mapping_at,
    named,
    recipe,
    without_arguments,
)
from .setters import Setters
from .yaml.tree import Mapping, Scalar, Tree

T = TypeVar("T")
_DEFAULT_UNIT = Source("the default unit", "conv bn relu", ours=True, default=True)


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
    named: bool = False  # the variant, or an override, says what the net is called
    void: bool = False  # overrides change the net of which its file expects something
    reshaped: bool = False  # overrides change the net
    mistakes: tuple[
        Diagnostic, ...
    ] = ()  # of labels: the rest of the net can be checked all the same
    unused: tuple[Diagnostic, ...] = ()  # definitions that nothing reads

    def __repr__(self) -> str:
        return f"<Spec {self.name}, {self.tree.span.source.name}>"

    @property
    def name(self) -> str:
        """The variant's name, unless the variant (or `--set`) sets the file's `name`; else the
        file's."""
        return self.title if self.variant is None or self.named else self.variant

    def block(self, name: str) -> BlockDef | None:
        """The block of that name: this file's, else the standard library's."""
        if name in self.blocks:
            return self.blocks[name]
        return library_block(name) if name in library_index() else None

    @cached_property
    def setters(self) -> Setters:
        """Who gave the spec its values."""
        return Setters(self.tree, self.variant)

    def with_setters(self, found: Diagnostic) -> Diagnostic:
        """A mistake of this net that its text alone does not explain, with what was set outside
        that text."""
        return (
            found
            if found in self.mistakes or found in self.unused
            else self.setters.at_least(found)
        )

    def place(self, *keys: str) -> Span:
        """Where a value of the file is written: `place("expect", "params")`; the nearest outer
        place if nowhere."""
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


def load_spec(
    reference: str | os.PathLike[str],
    overrides: Iterable[str] = (),
    *,
    allow_outside: bool = False,
) -> Spec:
    """The spec of `file.yaml`, `file.yaml::variant` or a net of the zoo, with `path=value`
    overrides.

    Raises `SpecError` for mistakes that leave no spec to go on with, `UsageError` for an unknown
    variant. Mistakes in labels are the spec's `mistakes`, and what nothing uses its `unused`:
    `expand` raises them with those that it finds."""
    found = locate(reference)
    tree, errors = read_file(found.path, allow_outside=allow_outside)
    return parse_spec(tree, errors, found.variant, overrides)


def text_spec(
    source: Source, variant: str | None = None, overrides: Iterable[str] = ()
) -> Spec:
    """As `load_spec`, of a text."""
    tree, errors = read_text(source)
    return parse_spec(tree, errors, variant, overrides)


def parse_spec(
    tree: Mapping,
    errors: list[Diagnostic],
    variant: str | None,
    overrides: Iterable[str] = (),
) -> Spec:
    """A tree → Spec. Raises `SpecError` as `load_spec` does; `errors` are mistakes of the
    reader."""
    whole, before = tree, tree.entries.get("name")
    if variant is not None:
        tree = apply_variant(tree, variant)
    overrides = tuple(overrides)
    changed = apply_overrides(tree, overrides)
    tree = voided(changed, overrides)
    void = tree is not changed
    tree, file, problems = validate(tree)
    tree, signed = without_arguments(tree)
    aside = [*problems, *signed, *unknown_lints(tree)]
    # the reader read on as was meant
    passed = [*(error for error in errors if error.likely), *aside] if file else []
    errors = [*errors, *aside]
    setters = Setters(tree, variant)
    if file is None:
        _parse_blocks_and_rows(tree, errors, passed)
        raise SpecError(in_order(map(setters.named, errors)))
    spec = _spec(tree, file, variant, variants_of(whole), errors, passed)
    found = unused(spec.tree, whole, spec.blocks, spec.rows)
    if len(errors) > len(passed):
        raise SpecError(in_order([*map(setters.named, errors), *found]))
    renamed = tree.entries["name"] is not before
    mistakes = tuple(map(setters.named, errors))
    return replace(
        spec,
        named=renamed,
        void=void,
        reshaped=reshape(overrides),
        mistakes=mistakes,
        unused=tuple(found),
    )


def _spec(
    tree: Mapping, file: File, variant: str | None, variants: list[str], errors: list[Diagnostic],
    passed: list[Diagnostic],
) -> Spec:  # fmt: skip
    """The spec; of the mistakes in it, `passed` are those that hide nothing of the rest."""
    parser, lets, blocks, rows = _parse_blocks_and_rows(tree, errors, passed)
    aside: list[Diagnostic] = []  # of keys that no shape depends on
    expect, train = claims(tree, file, variant, variants, aside), recipe(tree, aside)
    errors += aside
    passed += aside
    unit_tree = named(tree, "unit")
    default = Scalar(
        _DEFAULT_UNIT.text, _DEFAULT_UNIT.text, Span(_DEFAULT_UNIT, 1, 1, 1, 13), True
    )
    unit = parser.unit(unit_tree or default) or parser.unit(default)
    assert unit is not None
    shortcut_tree = named(tree, "shortcut")
    return Spec(
        tree,
        variant,
        file.name.strip(),
        " ".join(file.about.split()),
        _gather(errors, lambda: input_shape(tree, lets), (1,)),
        lets,
        unit,
        parser.shortcut(shortcut_tree) if shortcut_tree else None,
        defaults(tree, parser),
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


def _refuse_file_keys(lets: Mapping, parser: Parser) -> None:
    """A `let` named like a key of the file: in a variant it would be that key."""
    for name, entry in lets.entries.items():
        if name in FILE_KEYS:
            hint = f"give it another name, `{name}1` for instance"
            parser.pass_over(
                fault(
                    "E023",
                    f"`{name}` cannot name a value: it is a key of a file",
                    entry.key.span,
                    hint,
                )
            )


def _parse_blocks_and_rows(
    tree: Mapping, errors: list[Diagnostic], passed: list[Diagnostic]
) -> tuple[Parser, dict[str, Value], dict[str, BlockDef], dict[str, PathDef]]:
    definitions = mapping_at(tree, "blocks").entries
    names = frozenset(definitions) | frozenset(library_index())
    first = Parser(names, errors, blocks=names, passed=passed)
    lets = first.lets(mapping_at(tree, "let"))
    _refuse_file_keys(mapping_at(tree, "let"), first)
    rows_written = mapping_at(tree, "net").entries
    tensors = frozenset([*rows_written, *lets])
    parser = Parser(
        names | words_of(lets), errors, blocks=names, names=tensors, passed=passed
    )
    blocks: dict[str, BlockDef] = {}
    for name, entry in definitions.items():
        if problem := name_problem(name, VOCABULARY, dashes=True):
            told = parser.report if name in VOCABULARY else parser.pass_over
            hint = other_name(name, {*VOCABULARY, *definitions}, dashes=True)
            told(
                fault(
                    "E023",
                    f"`{name}` cannot name a block: {problem}",
                    entry.key.span,
                    hint,
                )
            )
        blocks[name] = parser.block(name, entry.value, entry.key.span)
        for let in blocks[name].lets.keys() & lets.keys():
            place = _let_place(entry.value, let, entry.key.span)
            problem = f"`{let}` hides the file's `let` of that name"
            related = (
                Related(mapping_at(tree, "let").entries[let].key.span, "the file's"),
            )
            hint = "give one of them another name"
            parser.pass_over(
                Fault(Diagnostic("E033", problem, place, "", (), hint, related))
            )
    rows: dict[str, PathDef] = {}
    for name, entry in rows_written.items():
        if problem := name_problem(name, [*VOCABULARY, *names]):
            hint = other_name(name, {*VOCABULARY, *names, *rows_written})
            parser.pass_over(
                fault(
                    "E023",
                    f"`{name}` cannot name a row: {problem}",
                    entry.key.span,
                    hint,
                )
            )
        rows[name] = parser.path(entry.value)
    return parser, lets, blocks, rows


def _let_place(block: Tree, let: str, otherwise: Span) -> Span:
    lets = mapping_at(block, "let").entries if isinstance(block, Mapping) else {}
    return lets[let].key.span if let in lets else otherwise
