"""Ops of installed packages → words of the language: the entry points of the group `resgraph.ops`.

A package says `[project.entry-points."resgraph.ops"]` and `asymmetric = "mypackage.ops:AsymmetricPad"`; the class is an
`Op` like ours. Only what is installed counts: a spec can name such an op, and never a Python object.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import get_args

from ..errors import MissingError
from .base import Op

GROUP = "resgraph.ops"


def installed_ops(taken: Collection[str]) -> dict[str, type[Op]]:
    """Phrase → class of every op that an installed package brings.

    Raises `MissingError`, naming the package, where one cannot be used.
    """
    found: dict[str, type[Op]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        op = _load(entry)
        for phrase in get_args(op.model_fields["op"].annotation):
            if phrase in taken or phrase in found:
                raise _unusable(entry, f"the word `{phrase}` is taken")
            found[phrase] = op
    return found


def _load(entry: EntryPoint) -> type[Op]:
    try:
        op = entry.load()
    except Exception as problem:  # whatever another package's import raises, the user learns which package it is
        raise _unusable(entry, f"{type(problem).__name__}: {problem}") from problem
    if not (isinstance(op, type) and issubclass(op, Op) and get_args(op.model_fields["op"].annotation)):
        raise _unusable(entry, "it is no `Op` with a literal `op`")
    return op


def _unusable(entry: EntryPoint, why: str) -> MissingError:
    package = entry.dist.name if entry.dist else entry.value
    return MissingError(f"the op `{entry.name}` of the package {package} cannot be used ({why}); mend or uninstall it")
