"""A spec of the gallery → the text that its user sees: every frame of every variant, each once."""

from __future__ import annotations

import os
from pathlib import Path

import resgraph
from resgraph.errors import Diagnostic, SpecError, in_order
from resgraph.language.extends import read_file
from resgraph.language.variants import variants_of

GALLERY = Path(__file__).parent


def mistakes_in(path: Path) -> list[Diagnostic]:
    """The diagnostics of all variants of a file, as `resgraph check` gathers them."""
    here = Path.cwd()
    os.chdir(path.parent)  # places are named as the user named the file
    try:
        name = path.name
        try:
            variants = variants_of(read_file(Path(name))[0])
        except SpecError as problem:
            return list(problem.diagnostics)
        references = [f"{name}::{variant}" for variant in variants] or [
            name
        ]
        return in_order(
            problem
            for reference in references
            for problem in _of(reference)
        )
    finally:
        os.chdir(here)


def _of(reference: str) -> list[Diagnostic]:
    try:
        return resgraph.load(reference).unmet()
    except SpecError as problem:
        return list(problem.diagnostics)


def text_of(path: Path) -> str:
    """The frames of a file, as they are printed."""
    return (
        "\n\n".join(problem.frame() for problem in mistakes_in(path)) + "\n"
    )
