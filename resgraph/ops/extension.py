"""Ops of installed packages → words of the language: the entry points of the group `resgraph.ops`.

A package says `[project.entry-points."resgraph.ops"]` and `asymmetric =
"mypackage.ops:AsymmetricPad"`; the class is an `Op` like ours. Only what is installed counts: a
spec can name such an op, and never a Python object."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MissingError
from .base import (
    AXES,
    Call,
    Cost,
    Op,
    Shape,
    ShapeError,
    TorchExpr,
    shape_text,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "resgraph.ops"


def installed_ops(taken: Collection[str]) -> dict[str, type[Op]]:
    """Phrase → class of every op that an installed package brings.

    Raises `MissingError`, naming the package, where one cannot be used.
    """
    found: dict[str, type[Op]] = {}
    if not _may_be_some():
        return found
    # a fourteenth of what a check takes
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=GROUP), key=attrgetter("name")):
        op = _load(entry)
        for phrase in op.phrases():
            if phrase in taken or phrase in found:
                raise _unusable(entry, f"the word `{phrase}` is taken")
            found[phrase] = op
    return found


def _may_be_some() -> bool:
    """Whether a package may be installed that brings an op, by its file of entry points."""
    others = [one for one in sys.meta_path if one is not PathFinder]
    return any(hasattr(one, "find_distributions") for one in others) or any(
        map(_may_have_some, sys.path)
    )


def _may_have_some(path: str) -> bool:
    """Whether it may be in a folder; in an archive or an egg it may."""
    folder = Path(path)
    if not folder.is_dir() or folder.suffix == ".egg":
        return folder.exists()
    files = folder.glob("*-info/entry_points.txt")
    try:
        return any(GROUP.encode() in each.read_bytes() for each in files)
    except OSError:
        return True


def _load(entry: EntryPoint) -> type[Op]:
    try:
        op = entry.load()
    # whatever another package's import raises, the user learns which package it is
    except Exception as problem:
        raise _unusable(
            entry, f"{type(problem).__name__}: {problem}"
        ) from problem
    if not (isinstance(op, type) and issubclass(op, Op) and op.phrases()):
        raise _unusable(entry, "it is no `Op` with a literal `op`")
    missing = [
        name
        for name in ("infer", "torch")
        if getattr(op, name) is getattr(Op, name)
    ]
    if missing or not hasattr(op, "role"):
        raise _unusable(
            entry,
            f"it does not say its `{missing[0] if missing else 'family'}`",
        )
    if _says_pydantic(op):
        raise _unusable(
            entry,
            "it says its options to pydantic, which does not read them: bounds are"
            " `msgspec.Meta`, and `__post_init__` is the validator",
        )
    return op


def _says_pydantic(op: type[Op]) -> bool:
    """Whether it has a field's marks or a validator that nothing would obey."""
    said = [*vars(op).values()]
    for field in op.fields().values():
        said += field.default, *getattr(field.type, "__metadata__", ())
    return any(type(x).__module__.startswith("pydantic") for x in said)


def answers(op: Op, inputs: tuple[Shape, ...]) -> tuple[Op, Shape, Cost]:
    """An op fitted to what comes in, its shape and its cost. Raises `ShapeError`, also where an
    installed op answers with what is neither."""
    if _is_ours(type(op)):
        return _our_answers(op, inputs)
    op = op.fitted(*inputs)
    try:
        shape = op.infer(*inputs)
        cost = op.cost(*inputs) if is_shape(shape) else Cost()
    except ShapeError:
        raise
    except Exception as problem:  # the user learns whose mistake it is
        message = f"{_whose(op)} fails on {_shapes(inputs)}: {type(problem).__name__}: {problem}"
        raise ShapeError(message, _MEND) from problem
    if not is_shape(shape):
        message = (
            f"{_whose(op)} gives {shape!r}, and an op gives one map (channels, height, width) or"
            " one vector"
        )
        raise ShapeError(
            message, f"for several outputs, write an op for each; {_MEND}"
        )
    if type(cost.params) is not int or type(cost.macs) is not int:
        message = f"{_whose(op)} counts {cost.params!r} parameters and {cost.macs!r} multiply-adds"
        raise ShapeError(message, f"they are whole numbers: {_MEND}")
    return op, shape, cost


@lru_cache(20_000)  # a net asks the same of many copies of a block
def _our_answers(
    op: Op, inputs: tuple[Shape, ...]
) -> tuple[Op, Shape, Cost]:
    op = op.fitted(*inputs)
    return op, op.infer(*inputs), op.cost(*inputs)


def torch_call(op: Op, inputs: Sequence[Shape]) -> Call:
    """The torch call of an op. Raises `MissingError` for an installed op that gives none."""
    return _call(op, inputs, "torch call", lambda: op.torch(*inputs))


def expression(
    op: Op, terms: Sequence[TorchExpr], inputs: Sequence[Shape]
) -> Call:
    """The expression of an op. Raises `MissingError` for an installed op that gives none."""
    return _call(
        op, inputs, "expression", lambda: op.expression(terms, inputs)
    )


def _call(
    op: Op, inputs: Sequence[Shape], what: str, ask: Callable[[], object]
) -> Call:
    try:
        call = ask()
    except Exception as problem:
        if _is_ours(type(op)):
            raise
        raise MissingError(
            f"{_whose(op)} has no {what} for {_shapes(inputs)}: {problem}; {_MEND}"
        ) from problem
    if not isinstance(call, Call):
        raise MissingError(
            f"{_whose(op)} gives {call!r} for a torch `Call`; {_MEND}"
        )
    return call


def is_shape(shape: object) -> bool:
    """Whether a value is the shape of a map or a vector."""
    return (
        isinstance(shape, tuple)
        and 1 <= len(shape) <= 1 + max(AXES)
        and all(type(side) is int and side > 0 for side in shape)
    )


_MEND = "mend the op, or uninstall its package"


@cache
def _is_ours(op: type[Op]) -> bool:
    return op.__module__.startswith(f"{__package__}.")


def package_of(op: type[Op]) -> str:
    """The importable package that brings an op; "" for one of resgraph's own."""
    return "" if _is_ours(op) else op.__module__.partition(".")[0]


def _whose(op: Op) -> str:
    return f"the op `{op.op}` of {type(op).__module__}"


def _shapes(inputs: Sequence[Shape]) -> str:
    return ", ".join(map(shape_text, inputs))


def _unusable(entry: EntryPoint, why: str) -> MissingError:
    package = entry.dist.name if entry.dist else entry.value
    return MissingError(
        f"the op `{entry.name}` of the package {package} cannot be used ({why}); mend or"
        " uninstall it"
    )
