"""Calls as trees: their literals can be taken out, compared, and put back as arguments; and a tree
as Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ...collecting import flatten
from ...ops.base import Call, Ref
from ...structs import Frozen
from .signatures import OPERANDS, Signatures
from .text import Bracketed, TextPiece, flat


class Comprehension(Frozen):
    """Equal children in a row: `*(item for loop)`."""

    item: Call
    loop: str


HOLE = Ref("?")


class Leaf(Frozen):
    """A literal in a tree, and its role there: the name of the parameter that it is given to. In a
    block, it stands in a path."""

    role: str
    value: Any
    path: str = ""


def rewrite(
    tree: Any, known: Signatures, change: Callable[[Leaf], Any]
) -> Any:
    """The same tree with its literals changed, in the order of writing. One without a role (an
    argument of a function in an equation) stays."""
    if not isinstance(tree, Call):
        return tree
    roles = known.roles(tree.target, len(tree.args))

    def changed(role: str, arg: Any) -> Any:
        if isinstance(arg, Call):
            return rewrite(arg, known, change)
        return (
            change(Leaf(role, arg))
            if role and not isinstance(arg, Ref)
            else arg
        )

    args = tuple(map(changed, roles, tree.args))
    return Call(
        tree.target,
        args,
        tuple((name, changed(name, arg)) for name, arg in tree.kwargs),
    )


def leaves(tree: Any, known: Signatures) -> list[Leaf]:
    """Every literal of a tree that has a role, in the order of writing."""
    found: list[Leaf] = []
    rewrite(tree, known, found.append)
    return found


def refill(tree: Any, known: Signatures, values: Iterator[Any]) -> Any:
    """The same tree with its literals replaced by the next of `values`."""
    return rewrite(tree, known, lambda _: next(values))


def skeleton(tree: Any, known: Signatures) -> Any:
    """The tree with a hole for each literal: equal for instances that can share a definition."""
    return rewrite(tree, known, lambda _: HOLE)


def parts(tree: Any) -> Iterator[Any]:
    """A tree and all that stands in it."""
    yield tree
    if isinstance(tree, Comprehension):
        yield from parts(tree.item)
    if isinstance(tree, Call):
        yield from flatten(
            map(parts, (*tree.args, *(value for _, value in tree.kwargs)))
        )


def piece(tree: Any, head: str = "") -> TextPiece:
    """The tree as Python, with the fewest brackets that keep its meaning."""
    if isinstance(tree, Comprehension):
        item = piece(tree.item)
        return Bracketed(
            f"{head}*(", (item, f"for {tree.loop}"), chain=True
        )
    if not isinstance(tree, Call):
        return head + (
            tree.text if isinstance(tree, Ref) else literal(tree)
        )
    if tree.target in OPERANDS:
        return _operation(tree, head)
    if tree.target.startswith("[:"):
        return head + _held(tree.args[0], _WHOLE) + tree.target
    items = [*map(piece, tree.args)]
    items += [piece(value, f"{name}=") for name, value in tree.kwargs]
    if tree.target == ",":
        return Bracketed(head, tuple(items), "")
    if tree.target == "[":
        return Bracketed(f"{head}[", tuple(items), "]")
    return Bracketed(f"{head}{tree.target}(", tuple(items))


# how tightly an expression holds together
_SUM, _PRODUCT, _SIGN, _WHOLE = range(4)


def _precedence(tree: Any) -> int:
    if not isinstance(tree, Call) or tree.target not in OPERANDS:
        return _WHOLE
    if len(tree.args) == 1:
        return _SIGN
    return _SUM if tree.target in "+-" else _PRODUCT


def _held(tree: Any, precedence: int) -> str:
    """The tree on one line, in brackets where it holds together less than `precedence`."""
    text = flat(piece(tree))
    return text if _precedence(tree) >= precedence else f"({text})"


def _operation(tree: Call, head: str) -> TextPiece:
    """A product on one line; a sum as a chain of its terms, which can be broken."""
    *before, last = tree.args
    precedence = _precedence(tree)
    if not before:
        return f"{head}{tree.target}{_held(last, precedence)}"
    (first,) = before
    end = f"{tree.target} {_held(last, precedence + 1)}"
    if precedence == _PRODUCT:
        return f"{head}{_held(first, precedence)} {end}"
    start = piece(first)
    terms = (
        start.items
        if isinstance(start, Bracketed) and not start.tail
        else (start,)
    )
    return Bracketed(head, (*terms, end), "", chain=True)


def literal(value: Any) -> str:
    """A number, a truth value, a text or a tuple of them as Python, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def named(children: list[tuple[str, Any]]) -> Call:
    """`nn.Sequential` whose children have names: `nn.Sequential(OrderedDict(conv=..., bn=...))`."""
    return Call(
        "nn.Sequential", (Call("OrderedDict", (), tuple(children)),)
    )


def numbered(
    children: list[tuple[str, Any]],
    *,
    alone: bool = False,
    kind: str = "nn.Sequential",
) -> Call:
    """`nn.Sequential` of places, which need not begin at 0 (an equation) nor be without a gap (a
    1x1 pool), nor be numbers alone (`1_relu`, what follows an `fc`).

    The emitted function `sequential_from` counts on from a first place; one that is `alone`, or of
    another `kind`, does without it.
    """
    alone = alone or kind != "nn.Sequential"
    first = int(children[0][0]) if children else 0
    items = tuple(child for _, child in children)
    counted = [*map(str, range(first, first + len(children)))]
    if [place for place, _ in children] != counted or (alone and first):
        pairs = tuple(
            Call("", (Ref(f'"{place}"'), child))
            for place, child in children
        )
        return Call(kind, (Call("OrderedDict", (Call("[", pairs),)),))
    if first == 0:
        return Call(kind, items)
    return Call("sequential_from", (Ref(str(first)), *items))
