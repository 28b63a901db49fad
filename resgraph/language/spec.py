"""A resolved tree → Spec: all that a file says, as records, with every mistake that needs no graph
to be seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import field
from msgspec.structs import replace

from ..errors import (
    Diagnostic,
    Fault,
    Source,
    Span,
    SpecError,
    fault,
    in_order,
)
from ..ops import VOCABULARY, Shape
from ..structs import Frozen
from .diagnose.recovery import Recovery
from .diagnose.usage import unused
from .extends import read_file, read_text
from .grammar.log import Log
from .grammar.own import FIRST, Words, own_names
from .grammar.parse import Parser
from .grammar.records import (
    BlockDef,
    Option,
    PathDef,
    ShortcutDef,
    UnitDef,
    Value,
)
from .grammar.values import word_lets
from .grammar.words import FILE_KEYS, LATER_KEYS, name_problem
from .init import Init
from .library import library_index, standard_block
from .lints import unknown_lints
from .outputs import OutputDef, outputs_of
from .overrides import apply_overrides, reshape, voided
from .references import locate
from .schema import Expect, File, validate
from .sections import (
    claims,
    defaults,
    input_shapes,
    named,
    recipe,
    without_arguments,
)
from .setters import Setters
from .variants import apply_variant, variants_of
from .yaml.reader import open_source
from .yaml.tree import (
    KeyValue,
    Mapping,
    Scalar,
    Sequence,
    Tree,
    bare,
    entries_of,
    mapping_at,
)

if TYPE_CHECKING:
    from .recipe import Train

T = TypeVar("T")
_RENAME = "give one of them another name"
_DEFAULT_UNIT = Source(
    "the default unit", "conv bn relu", ours=True, default=True
)


class Spec(Frozen, eq=False, dict=True):
    """One net as its author wrote it, a variant and overrides applied."""

    tree: Mapping
    variant: str | None
    title: str
    about: str
    inputs: dict[str, Shape]
    lets: dict[str, Value]
    unit: UnitDef
    shortcut: ShortcutDef | None
    defaults: dict[str, dict[str, Option]]
    blocks: dict[str, BlockDef]
    rows: dict[str, PathDef]
    words: Words
    init: Init | None
    expect: Expect | None
    train: Train | None
    variants: tuple[str, ...] = field(default=())
    # as far as `output` and `aux` name them
    outputs: tuple[OutputDef, ...] = ()
    # the variant, or an override, says what the net is called
    named: bool = False
    # overrides change the net of which its file expects something
    void: bool = False
    reshaped: bool = False  # overrides change the net
    # of labels: the rest of the net can be checked all the same
    mistakes: tuple[Diagnostic, ...] = ()
    unused: tuple[Diagnostic, ...] = ()  # definitions that nothing reads

    def __repr__(self) -> str:
        return f"<Spec {self.name}, {self.tree.span.source.name}>"

    @property
    def name(self) -> str:
        """The variant's name, unless the variant (or `--set`) sets the file's `name`; else the
        file's."""
        return (
            self.title
            if self.variant is None or self.named
            else self.variant
        )

    @property
    def input(self) -> Shape:
        """The shape of the first input, at which the first row begins."""
        return next(iter(self.inputs.values()))

    def block(self, name: str) -> BlockDef | None:
        """The block of that name: this file's, else the standard library's."""
        return self.blocks.get(name) or standard_block(name)

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

    def place(self, *keys: str | int, of_key: bool = False) -> Span:
        """Where a value of the file is written: `place("expect", "params")`, of a list by number,
        or with `of_key` its key; the nearest outer place if nowhere."""
        tree: Tree = self.tree
        span = Span(self.tree.span.source, 1, 1, 1, 2)
        for key in keys:
            match tree, key:
                case Sequence(items=items), int():
                    tree = items[key]
                    span = tree.span
                case Mapping(entries=entries), str() if key in entries:
                    tree = entries[key].value
                    span = entries[key].key.span
                    if isinstance(tree, Scalar) and not of_key:
                        span = tree.span
                case _:
                    break
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
    files = SpecFiles(allow_outside=allow_outside)
    return files.spec(reference, overrides)


class SpecFiles:
    """The files of specs, each read once, with what it extends, however many nets are made of
    it."""

    def __init__(self, *, allow_outside: bool = False) -> None:
        self.allow_outside = allow_outside
        self.read: dict[Path, tuple[Mapping, list[Diagnostic]]] = {}

    def spec(
        self,
        reference: str | os.PathLike[str],
        overrides: Iterable[str] = (),
    ) -> Spec:
        """As `load_spec`."""
        found = locate(reference)
        if found.path not in self.read:
            self.read[found.path] = read_file(
                found.path, allow_outside=self.allow_outside
            )
        tree, errors = self.read[found.path]
        return parse_spec(tree, errors, found.variant, overrides)


def text_spec(
    source: Source,
    variant: str | None = None,
    overrides: Iterable[str] = (),
) -> Spec:
    """As `load_spec`, of a text."""
    tree, errors = read_text(source)
    return parse_spec(tree, errors, variant, overrides)


def is_study(tree: Mapping) -> bool:
    """Whether a file is a study, not a spec: by its title, or by its nets where that is missing."""
    keys = tree.entries
    is_untitled = "nets" in keys and "input" not in keys
    return "net" not in keys and ("study" in keys or is_untitled)


def is_study_file(path: Path) -> bool:
    """Whether a file is there, can be read, and is a study."""
    try:
        # most files are specs: without a word of a study they are not read as YAML for this
        text = open_source(path).text if path.is_file() else ""
        if "study" not in text and "nets" not in text:
            return False
        return is_study(read_file(path)[0])
    except (SpecError, OSError):
        return False


def _refuse_study(tree: Mapping) -> None:
    if is_study(tree):
        hint = "`resgraph sweep` runs it, and `resgraph check` checks it"
        said = "this is a study, and a spec is needed"
        raise fault(
            "E020", said, tree.entries["study"].key.span, hint
        ).spec_error()


def parse_spec(
    tree: Mapping,
    errors: list[Diagnostic],
    variant: str | None,
    overrides: Iterable[str] = (),
) -> Spec:
    """A tree → Spec. Raises `SpecError` as `load_spec` does; `errors` are mistakes of the
    reader."""
    _refuse_study(tree)
    whole, before = tree, tree.entries.get("name")
    if variant is not None:
        tree = apply_variant(tree, variant)
    overrides = tuple(overrides)
    changed = apply_overrides(tree, overrides)
    tree = voided(changed, overrides)
    void = tree is not changed
    tree, file, problems = validate(tree)
    tree, signed = without_arguments(tree)
    # the reader read on as was meant, where it said so
    unread = file is None or any(not error.likely for error in errors)
    log = Recovery(
        [*errors, *problems, *signed, *unknown_lints(tree)], unread
    )
    setters = Setters(tree, variant)
    if file is None:
        _parse_blocks_and_rows(tree, log)
        raise SpecError(in_order(map(setters.named, log.found)))
    spec = _spec(tree, file, variant, variants_of(whole), log)
    found = unused(spec.tree, whole, spec.blocks, spec.rows)
    mistakes = tuple(map(setters.named, log.found))
    if log.fatal:
        raise SpecError(in_order([*mistakes, *found]))
    return replace(
        spec,
        named=tree.entries["name"] is not before,
        void=void,
        reshaped=reshape(overrides),
        mistakes=mistakes,
        unused=tuple(found),
    )


def _spec(
    tree: Mapping,
    file: File,
    variant: str | None,
    variants: list[str],
    log: Log,
) -> Spec:
    parser, lets, blocks, rows = _parse_blocks_and_rows(tree, log)
    # of keys that no shape depends on
    expect = claims(tree, file, variant, variants, log.found)
    train = recipe(tree, log.found)
    unit_tree = named(tree, "unit")
    text = _DEFAULT_UNIT.text
    default = bare(text, Span(_DEFAULT_UNIT, 1, 1, 1, 13))
    unit = parser.unit(unit_tree or default) or parser.unit(default)
    assert unit is not None
    shortcut_tree = named(tree, "shortcut")
    return Spec(
        tree,
        variant,
        file.name.strip(),
        " ".join(file.about.split()),
        _gather(log, lambda: input_shapes(tree, lets), {"input": (1,)}),
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
        outputs_of(tree, rows, log),
    )


def _gather(log: Log, read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Fault as problem:
        log.report(problem)
        return otherwise


def _parse_blocks_and_rows(
    tree: Mapping, log: Log
) -> tuple[
    Parser, dict[str, Value], dict[str, BlockDef], dict[str, PathDef]
]:
    definitions = entries_of(tree, "blocks")
    file_lets = mapping_at(tree, "let")
    names = Words(definitions, own_names(tree)) | library_index().keys()
    lets = Parser(names, log, blocks=names).lets(file_lets)
    _refuse_file_keys(file_lets, log)
    net = entries_of(tree, "net")
    inputs = entries_of(tree, "input")
    tensors = frozenset([*net, *lets, *inputs])
    parser = Parser(
        names | word_lets(lets), log, blocks=names, names=tensors
    )
    blocks: dict[str, BlockDef] = {}
    for name, entry in definitions.items():
        if problem := name_problem(name, FIRST, dashes=True):
            tell = log.report if name in FIRST else log.pass_over
            tell(
                log.name(
                    "block", entry.key, problem, {*VOCABULARY, *definitions}
                )
            )
        blocks[name] = parser.block(name, entry.value, entry.key.span)
        _refuse_hiding(entry, blocks[name], file_lets, log)
    _refuse_input_names(
        inputs, parser, {"row": net, "value": file_lets.entries}, log
    )
    rows: dict[str, PathDef] = {}
    for name, entry in net.items():
        parser.check_name("row", entry.key, net)
        rows[name] = parser.path(entry.value)
    return parser, lets, blocks, rows


def _refuse_file_keys(lets: Mapping, log: Log) -> None:
    """A `let` named like a key of the file: in a variant it would be that key."""
    for name, entry in lets.entries.items():
        if name in FILE_KEYS and name not in LATER_KEYS:
            hint = f"give it another name, `{name}1` for instance"
            message = f"`{name}` cannot name a value: it is a key of a file"
            log.pass_over(fault("E023", message, entry.key.span, hint))


def _refuse_input_names(
    inputs: dict[str, KeyValue],
    parser: Parser,
    others: dict[str, dict[str, KeyValue]],
    log: Log,
) -> None:
    """Inputs share one namespace with rows and `let`s."""
    for name, entry in inputs.items():
        parser.check_name("input", entry.key, inputs)
        for what, known in others.items():
            if name in known:
                said = (
                    f"`{name}` cannot name an input: a {what} has that name"
                )
                problem = fault("E023", said, entry.key.span, _RENAME)
                log.pass_over(
                    problem.beside(known[name].key.span, f"the {what}")
                )


def _refuse_hiding(
    entry: KeyValue, block: BlockDef, lets: Mapping, log: Log
) -> None:
    """A `let` of a block that is named like one of the file."""
    own = entries_of(entry.value, "let")
    for let in block.lets.keys() & lets.entries.keys():
        place = own[let].key.span if let in own else entry.key.span
        said = f"`{let}` hides the file's `let` of that name"
        problem = fault("E033", said, place, _RENAME)
        log.pass_over(
            problem.beside(lets.entries[let].key.span, "the file's")
        )
