"""The support classes of `layers.py` → their text, parameters and imports, read without importing
torch."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

Definition = ast.ClassDef | ast.FunctionDef

REQUIRED = object()
"""Stands for the default of a parameter that has none."""


@cache
def _module() -> tuple[str, dict[str, Definition], dict[str, str]]:
    """The text of `layers.py`, what it defines, and its imports by the name that they bind."""
    text = Path(__file__).with_name("layers.py").read_text(encoding="utf-8")
    body = ast.parse(text).body
    definitions = {node.name: node for node in body if isinstance(node, Definition)}
    imports = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                imports[alias.asname or alias.name] = ast.unparse(
                    ast.ImportFrom(node.module, [alias], 0)
                )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name] = ast.unparse(ast.Import([alias]))
    return text, definitions, imports


def support_imports() -> dict[str, str]:
    """The import statements of `layers.py` by the name that each binds."""
    return _module()[2]


def support_texts(called: Iterable[str]) -> Iterator[str]:
    """The definitions that are called, and those that they need, as they stand in `layers.py`, in
    its order."""
    text, definitions, _ = _module()
    wanted = {name for name in called if name in definitions}
    waiting = list(wanted)
    while waiting:
        node = definitions[waiting.pop()]
        needed = {
            part.id for part in ast.walk(node) if isinstance(part, ast.Name)
        } & definitions.keys()
        waiting += needed - wanted
        wanted |= needed
    for name, node in definitions.items():
        if name in wanted:
            segment = ast.get_source_segment(text, node)
            assert segment is not None
            yield segment


def support_bases(name: str) -> tuple[str, ...]:
    """What a support class is derived from, the nearest first."""
    found: list[str] = []
    while isinstance(node := _module()[1].get(name), ast.ClassDef) and node.bases:
        name = ast.unparse(node.bases[0])
        found.append(name)
    return tuple(found)


@cache
def support_parameters() -> dict[str, dict[str, Any]]:
    """The parameters of each support class, with their defaults."""
    return {name: _parameters(node) for name, node in _module()[1].items()}


def _parameters(node: Definition) -> dict[str, Any]:
    inits = [
        item
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == "__init__"
    ]
    if not inits:
        return {}
    args = inits[0].args
    found: dict[str, Any] = {
        arg.arg: REQUIRED for arg in (*args.args[1:], *args.kwonlyargs)
    }
    values = [*zip(reversed(args.args), reversed(args.defaults), strict=False)]
    values += [
        (arg, value)
        for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if value
    ]
    found |= {arg.arg: ast.literal_eval(value) for arg, value in values}
    return found
