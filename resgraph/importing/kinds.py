"""What blocks share that differ in numbers only: the same paths, of the same ops, joined alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..collecting import of_type
from ..ops import ACTIVATIONS, Add, Mul, Op
from .cells import Cell, Unit, cells
from .matching import op_key
from .numbers.formulas import CallSizes
from .regions.structure import Branch, Region, StepTree, steps_of

Kind = Any
"""Nested tuples, to be compared."""
SHORTCUT = "shortcut"


def sizes_of(block: Region) -> CallSizes:
    """The constants of a block's call."""
    into, out = block.into, block.out
    stride: tuple[int, ...] = (1, 1)
    if len(into) == len(out) > 1:
        pairs = zip(into[1:], out[1:], strict=True)
        stride = tuple(max(1, round(a / b)) for a, b in pairs)
    return CallSizes(into[0], out[0], stride)


def changes(block: Region) -> bool:
    """Whether what comes out is of another shape than what comes in."""
    sizes = sizes_of(block)
    return sizes.into != sizes.out or max(sizes.stride) > 1


def skip_of(block: Region) -> str | None:
    """The value that `shortcut` stands for: the block's input where it changes nothing, and a path
    of its own where it does."""
    skip = block.shortcut()
    if skip is None or changes(block) == (skip != block.entry):
        return skip
    return None


def mains(block: Region) -> list[Branch]:
    """The paths of a block but its shortcut."""
    skip = skip_of(block)
    return [branch for branch in block.branches if branch.value != skip]


def skip_branch(block: Region) -> Branch | None:
    """The path that is a block's shortcut."""
    skip = skip_of(block)
    return next(
        (branch for branch in block.branches if branch.value == skip), None
    )


def of_block(block: Region, unit: Unit) -> Kind:
    """The kind of a block, without its shortcut's path. Where it has one activation only, that is
    an option of it."""
    branches = mains(block)
    known, inner = known_in(block), known_in(block, path=True)
    one = bool(activation_of(block, unit))
    paths = tuple(
        (
            of_expression(branch.start, inner, one=one),
            of_elements(cells(branch.items, unit), unit, one=one),
        )
        for branch in branches
    )
    if not block.summed:
        return paths, (Add().op, _sides(Add()), (0, SHORTCUT))
    return paths, of_expression(block.merge, known, one=one)


def known_in(block: Region, *, path: bool = False) -> Mapping[str, Kind]:
    """What stands for the values of a block: `shortcut` is its input in its equation, and in a path
    that is `x`."""
    found: dict[str, Kind] = {
        b.value: n for n, b in enumerate(mains(block))
    }
    ends = {block.entry: "x", skip_of(block) or "": SHORTCUT}
    return found | ends | ({block.entry: "x"} if path else {})


def activation_of(block: Region, unit: Unit) -> str:
    """The activation of all layers and equations of a block but its shortcut's; "" where there are
    several or none, or one that no word says, as `leaky relu 0.2`."""
    found = activations_of(block, unit)
    return found.pop() if len(found) == 1 and found <= ACTIVATIONS else ""


def activations_of(block: Region, unit: Unit) -> set[str]:
    """Those of all layers and equations of a block but its shortcut's."""
    return {*_in_labels(block, unit), *_in_equations(block)} - {""}


def _in_labels(block: Region, unit: Unit) -> Iterator[str]:
    for branch in mains(block):
        labels = cells(branch.items, unit)
        yield from (each.activation for each in of_type(Cell, labels))


def _in_equations(block: Region) -> Iterator[str]:
    for tree in (block.merge, *(branch.start for branch in mains(block))):
        yield from (
            s.op.op for s in steps_of(tree) if s.op.role == "activation"
        )


def of_elements(
    elements: Sequence[Cell | Region], unit: Unit, *, one: bool = False
) -> Kind:
    """The kinds of a path's labels and blocks, equal neighbours as one; what may vanish is left
    out."""
    return tuple(
        of_element(first, unit, one=one)
        for first, _ in runs(elements)
        if not first.vanishes
    )


def runs(
    elements: Sequence[Cell | Region],
) -> list[tuple[Cell | Region, int]]:
    """What stands in a path, equal blocks one after another as the first of them and their
    number."""
    found = [list(group) for _, group in groupby(elements, key=_same)]
    return [(group[0], len(group)) for group in found]


def _same(element: Cell | Region) -> Any:
    """What equal blocks share; a layer is equal to none."""
    if isinstance(element, Cell):
        return id(element)
    return element.into, *(op_key(step.op) for step in element.steps)


def of_element(
    element: Cell | Region, unit: Unit, *, one: bool = False
) -> Kind:
    if isinstance(element, Region):
        return of_block(element, unit)
    return element.kind_of(one=one)


def of_body(element: Cell | Region, unit: Unit) -> Kind:
    """The kinds of a block's one path beside an identity, that are summed; else ()."""
    if isinstance(element, Cell) or len(element.branches) != 1:
        return ()
    merge = element.merge
    if not isinstance(merge, tuple) or not isinstance(merge[0].op, Add):
        return ()
    if element.shortcut() != element.entry:
        return ()
    return of_elements(cells(element.branches[0].items, unit), unit)


def of_expression(
    expression: StepTree | None,
    known: Mapping[str, Kind],
    *,
    one: bool = False,
) -> Kind:
    if isinstance(expression, tuple):
        step, _ = expression
        return (
            "act" if one and step.op.role == "activation" else step.op.op,
            _sides(step.op),
            tuple(
                of_expression(t, known, one=one)
                for t in terms_of(expression, known)
            ),
        )
    return (
        known.get(expression, expression)
        if expression is not None
        else None
    )


def _sides(op: Op) -> tuple[bool, ...]:
    """On which side of an op a number stands."""
    return tuple(
        getattr(op, side, None) is not None for side in ("left", "right")
    )


def terms_of(
    expression: StepTree, known: Mapping[str, Kind]
) -> tuple[StepTree, ...]:
    """The terms of an equation in an order that does not rest on how it was written: of a sum and
    a product, sums first; `body + x`, and `x*s`."""
    assert isinstance(expression, tuple)
    step, terms = expression
    if not isinstance(step.op, Add | Mul) or len(terms) != 2:
        return terms

    def order(term: StepTree) -> tuple[bool, bool, str]:
        kind = of_expression(term, known)
        nested = isinstance(term, tuple) and type(term[0].op) is type(
            step.op
        )
        skip = kind in ("x", SHORTCUT)  # `body + x`, `x*s`
        return not nested, skip != isinstance(step.op, Mul), str(kind)

    return tuple(sorted(terms, key=order))
