"""The support classes of `layers.py` → their text, parameters and imports, read without importing
torch."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from ...collecting import flatten, reached
from ...structs import Frozen

REQUIRED = object()
"""Stands for the default of a parameter that has none."""


class Definition(Frozen):
    """A class of `layers.py`: its text, what it is derived from, the names it reads (those of
    modules with a dot, `nn.Conv2d`), and the parameters of its constructor with their defaults."""

    text: str
    bases: tuple[str, ...]
    names: frozenset[str]
    parameters: dict[str, Any]


@cache
def _statements() -> list[tuple[ast.stmt, str]]:
    """Those of `layers.py`, each with its lines. (`ast.get_source_segment` splits the whole file
    for each.)"""
    text = Path(__file__).with_name("layers.py").read_text(encoding="utf-8")
    lines = text.split("\n")
    return [
        (node, "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in ast.parse(text).body
    ]


@cache
def support_classes() -> dict[str, Definition]:
    """The classes of `layers.py` by name, in its order."""
    found: dict[str, Definition] = {}
    for node, written in _statements():
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name] = _definition(node, written)
        if node.name.endswith("2d"):
            for flavor in _FLAVORS:
                other = _flavored(written, flavor)
                name = node.name.removesuffix("2d") + flavor
                found[name] = _definition(ast.parse(other).body[0], other)
    return found


_FLAVORS = {
    "1d": {
        "2d": "1d",
        "(1, 2, 3)": "(1, 2)",
        "1, 1, 1)": "1, 1)",
        "(padding,) * 4": "(padding,) * 2",
    },
    "3d": {
        "2d": "3d",
        "(1, 2, 3)": "(1, 2, 3, 4)",
        "1, 1, 1)": "1, 1, 1, 1)",
        "(padding,) * 4": "(padding,) * 6",
    },
}
"""What a window over sequences or volumes has where one over images has something else."""


def _flavored(text: str, flavor: str) -> str:
    """The text of a class for images as one for other maps."""
    for old, new in _FLAVORS[flavor].items():
        text = text.replace(old, new)
    return text.replace("tuple[int, int]", "tuple[int, ...]")


def _definition(node: ast.stmt, text: str) -> Definition:
    assert isinstance(node, ast.ClassDef)
    return Definition(
        text,
        tuple(map(ast.unparse, node.bases)),
        frozenset(
            each.id if isinstance(each, ast.Name) else ast.unparse(each)
            for each in ast.walk(node)
            if isinstance(each, ast.Name | ast.Attribute)
        ),
        _parameters(node),
    )


@cache
def support_imports() -> dict[str, str]:
    """The import statements of `layers.py` by the name that each binds."""
    return {
        alias.asname or alias.name: written
        for node, written in _statements()
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def support_needed(called: Collection[str]) -> list[Definition]:
    """The classes that are called, and those that they need, in the order of `layers.py`."""
    known = support_classes()
    wanted = reached(
        known.keys() & called,
        lambda name: known.keys() & known[name].names,
    )
    return [
        definition for name, definition in known.items() if name in wanted
    ]


def support_bases(name: str) -> tuple[str, ...]:
    """What a support class is derived from, the nearest first."""
    definition = support_classes().get(name)
    bases = definition.bases if definition else ()
    return bases + tuple(flatten(map(support_bases, bases)))


def support_reads(name: str) -> frozenset[str]:
    """What a support class names, torch's layers that it makes among them."""
    definition = support_classes().get(name)
    return definition.names if definition else frozenset()


def _parameters(node: ast.ClassDef) -> dict[str, Any]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            names = [arg.arg for arg in item.args.args[1:]]
            defaults = list(map(ast.literal_eval, item.args.defaults))
            required = [REQUIRED] * (len(names) - len(defaults))
            return dict(zip(names, required + defaults, strict=True))
    return {}
