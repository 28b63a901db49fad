"""Constructor calls as trees: their literals can be taken out, compared, and put back as
arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...ops.base import Call
from .signatures import Signatures
from .text import Group, Piece


@dataclass(frozen=True, slots=True)
class Ref:
    """Text that stands for itself in a constructor call: an argument's name, or a small expression
    over arguments."""

    text: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Equal children in a row: `*(item for loop)`."""

    item: Call
    loop: str


HOLE = Ref("?")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A literal in a tree, and its role there: the name of the parameter that it is given to."""

    role: str
    value: Any


def leaves(tree: Any, known: Signatures, role: str = "") -> Iterator[Leaf]:
    """Every literal of a tree, in the order of writing."""
    if isinstance(tree, Call):
        roles = known.roles(tree.target, len(tree.args))
        for name, arg in (*zip(roles, tree.args, strict=True), *tree.kwargs):
            yield from leaves(arg, known, name)
    elif not isinstance(tree, Ref):
        yield Leaf(role, tree)


def refill(tree: Any, values: Iterator[Any]) -> Any:
    """The same tree with its literals replaced by the next of `values`."""
    if isinstance(tree, Call):
        args = tuple(refill(arg, values) for arg in tree.args)
        return Call(
            tree.target,
            args,
            tuple((name, refill(arg, values)) for name, arg in tree.kwargs),
        )
    return tree if isinstance(tree, Ref) else next(values)


def skeleton(tree: Any) -> Any:
    """The tree with a hole for each literal: equal for instances that can share a definition."""
    if isinstance(tree, Call):
        kwargs = tuple((name, skeleton(arg)) for name, arg in tree.kwargs)
        return Call(tree.target, tuple(map(skeleton, tree.args)), kwargs)
    return tree if isinstance(tree, Ref) else HOLE


def targets(tree: Any) -> Iterator[str]:
    """The name of everything that a tree calls."""
    if isinstance(tree, Repeat):
        tree = tree.item
    if isinstance(tree, Call):
        yield tree.target
        for arg in (*tree.args, *(value for _, value in tree.kwargs)):
            yield from targets(arg)


def piece(tree: Any, head: str = "") -> Piece:
    """The tree as Python."""
    if isinstance(tree, Repeat):
        item = piece(tree.item)
        return Group(f"{head}*(", (item, f"for {tree.loop}"), chain=True)
    if isinstance(tree, Call):
        items = [piece(arg) for arg in tree.args]
        items += [piece(value, f"{name}=") for name, value in tree.kwargs]
        if tree.target == "[":
            return Group(f"{head}[", tuple(items), "]")
        return Group(f"{head}{tree.target}(", tuple(items))
    return head + (tree.text if isinstance(tree, Ref) else literal(tree))


def literal(value: Any) -> str:
    """A number, a truth value, a text or a tuple of them as Python, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def named(children: list[tuple[str, Any]]) -> Call:
    """`nn.Sequential` whose children have names: `nn.Sequential(OrderedDict(conv=..., bn=...))`."""
    return Call("nn.Sequential", (Call("OrderedDict", (), tuple(children)),))


def numbered(children: list[tuple[int, Any]], *, alone: bool = False) -> Call:
    """`nn.Sequential` of places, which need not begin at 0 (an equation) nor be without a gap (a
    1x1 pool).

    The emitted function `sequential_from` counts on from a first place; `alone` does without it.
    """
    first = children[0][0] if children else 0
    items = tuple(child for _, child in children)
    if [place for place, _ in children] != list(
        range(first, first + len(children))
    ) or (alone and first):
        pairs = tuple(Call("", (Ref(f'"{place}"'), child)) for place, child in children)
        return Call("nn.Sequential", (Call("OrderedDict", (Call("[", pairs),)),))
    if first == 0:
        return Call("nn.Sequential", items)
    return Call("sequential_from", (Ref(str(first)), *items))
