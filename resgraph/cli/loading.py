"""The specs that a command names → their plans; what is no mistake there and worth knowing goes to
stderr."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import click

from ..errors import Source, SpecError, UsageError, in_order, needing
from ..language.extends import read_file
from ..language.overrides import takes
from ..language.references import locate, names_code, names_model_file
from ..language.spec import Spec
from ..language.variants import apply_variant, variants_of
from ..language.yaml.tree import Mapping
from ..plan import Plan, load, loads
from .report import is_first


def load_plan(
    reference: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    allow_outside: bool = False,
) -> Plan:
    """The plan of a spec, or of a model that exists (`timm:resnet50`), whose code is run. What
    nothing in it uses is a warning here, and an error to `check`."""
    if is_model(reference):
        return loads(_imported(os.fspath(reference)), None, overrides)
    plan = load(
        reference, overrides, allow_outside=allow_outside, strict=False
    )
    for problem in in_order(plan.unused):
        note(
            "warning",
            f"{problem.message} ({problem.span}); `resgraph check` refuses that",
        )
    return plan


def is_model(reference: str | os.PathLike[str]) -> bool:
    """Whether a word of the command line names a model, and no spec."""
    word = os.fspath(reference)
    return names_model_file(word) or (
        names_code(word) and not Path(word).exists()
    )


def model_source(reference: str) -> Source:
    """The spec of a model that exists, as a text of its name."""
    return Source(reference, _imported(reference))


@cache
def _imported(reference: str) -> str:
    """The spec of a model that exists, proven equal."""
    with needing("importing needs PyTorch", "train"):
        from ..importing import from_model
    with redirect_stdout(StringIO()):  # what its own code prints
        found = from_model(reference)
    note("proven", f"{reference} is {found.proof}")
    return found.text


def load_plans(
    references: Sequence[str],
    overrides: Sequence[str],
    *,
    allow_outside: bool,
) -> list[Plan]:
    """The plans of several specs, as `load_plan` has them; an override is for those that have its
    path."""
    each = overrides_of_each(
        references, overrides, allow_outside=allow_outside
    )
    return [
        load_plan(reference, own, allow_outside=allow_outside)
        for reference, own in zip(references, each, strict=True)
    ]


def family_of(reference: str, *, allow_outside: bool) -> list[str]:
    """Every variant of a file, by name; a net alone where it has none, or one is named."""
    if is_model(reference) or (asked := locate(reference)).variant:
        return [reference]
    tree, _ = read_file(asked.path, allow_outside=allow_outside)
    return [f"{reference}::{name}" for name in variants_of(tree)] or [
        reference
    ]


def overrides_of_each(
    references: Sequence[str],
    overrides: Sequence[str],
    *,
    allow_outside: bool,
) -> list[tuple[str, ...]]:
    """The overrides that each spec takes: of several specs, a path may name nothing in some, but
    not in all."""
    if not overrides or len(references) == 1:
        return [tuple(overrides) for _ in references]
    own: list[list[str]] = [[] for _ in references]
    trees = [_tree(reference, allow_outside) for reference in references]
    for override in overrides:
        takers = _taking(override, trees)
        for taken, reference, takes_it in zip(
            own, references, takers, strict=True
        ):
            if takes_it:
                taken.append(override)
            else:
                path = override.partition("=")[0].strip()
                note(
                    "note",
                    f"{reference} has no `{path}`, and stays as it is",
                )
    return [*map(tuple, own)]


def _taking(override: str, trees: Sequence[Mapping | None]) -> list[bool]:
    """Which specs take an override: all where none that can be read does, to be told so."""
    lacks = [
        tree is not None and not takes(tree, override) for tree in trees
    ]
    everywhere = lacks == [tree is not None for tree in trees]
    return [everywhere or not lack for lack in lacks]


def _tree(reference: str, allow_outside: bool) -> Mapping | None:
    """The tree of a spec, None where it cannot be read, which is told when it is loaded."""
    try:
        found = locate(reference)
        tree, _ = read_file(found.path, allow_outside=allow_outside)
        return apply_variant(tree, found.variant) if found.variant else tree
    except (SpecError, UsageError):
        return None


def note_void(specs: Sequence[Spec]) -> None:
    """Say, once, that the claims of a file are not of the net that overrides make of it."""
    if any(spec.void for spec in specs):
        note(
            "note",
            "`--set` changes the net, so what the file expects of itself is not checked",
        )


def note(kind: str, text: str) -> None:
    """One line on stderr, from the first of several processes."""
    if is_first():
        color = "yellow" if kind == "warning" else "cyan"
        click.echo(
            f"{click.style(kind, fg=color, bold=True)}: {text}", err=True
        )
