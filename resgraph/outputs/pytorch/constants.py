"""The numbers in the equations of like blocks → attributes where they differ, so that the blocks
can share a class."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .text import expression, statement

_NAMES: dict[type[ast.operator], str] = {
    ast.Div: "divisor",
    ast.Mult: "factor",
    ast.Add: "offset",
    ast.Sub: "offset",
}


@dataclass(frozen=True, slots=True)
class Constant:
    """A number beside an operator: its value, and what it would be called."""

    value: Any
    name: str


class _Numbers(ast.NodeTransformer):
    """Finds every number beside an operator, and puts `fills` in their places where it is given
    any."""

    def __init__(self, fills: Sequence[str | None] | None = None) -> None:
        self.found: list[Constant] = []
        self.fills = fills

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        node.left = self._side(node.left, node)
        node.right = self._side(node.right, node)
        return node

    def _side(self, side: ast.expr, node: ast.BinOp) -> ast.expr:
        if not (isinstance(side, ast.Constant) and isinstance(side.value, int | float)):
            found = self.visit(side)
            assert isinstance(found, ast.expr)
            return found
        self.found.append(Constant(side.value, _NAMES.get(type(node.op), "constant")))
        fill = self.fills[len(self.found) - 1] if self.fills else None
        return ast.Name(fill) if fill else side


def constants(lines: Sequence[str]) -> tuple[tuple[Any, ...], list[Constant]]:
    """The body of a `forward` without its numbers, to be compared, and the numbers."""
    tree = ast.parse("\n".join(lines))
    finder = _Numbers()
    for node in tree.body:
        finder.visit(node)
    blank = ast.parse("\n".join(lines))
    _Numbers(["_"] * len(finder.found)).visit(blank)
    return (ast.unparse(blank),), finder.found


def replaced(lines: Sequence[str], fills: Sequence[str | None]) -> list[str]:
    """The body of a `forward` with a name in place of each number that has a fill."""
    out: list[str] = []
    finder = _Numbers(fills)
    for node in ast.parse("\n".join(lines)).body:
        changed = finder.visit(node)
        if isinstance(changed, ast.Assign):
            out += statement(
                f"{ast.unparse(changed.targets[0])} = ",
                expression(ast.unparse(changed.value)),
            )
        elif isinstance(changed, ast.AugAssign):
            out += statement(
                f"{ast.unparse(changed.target)} += ",
                expression(ast.unparse(changed.value)),
            )
        else:
            assert isinstance(changed, ast.Return)
            assert changed.value is not None
            out += statement("return ", expression(ast.unparse(changed.value)))
    return out
