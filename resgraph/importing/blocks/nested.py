"""Blocks that hold another block of the net → that block within them, or one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from ...collecting import flatten, of_type
from ..captured import CapturedOp
from ..cells import Unit
from ..kinds import Kind, of_block
from ..regions.sharing import SharedPath
from ..regions.structure import (
    Branch,
    Region,
    RegionItem,
    StepTree,
    is_called,
    leaves_of,
    times_read,
)
from .kept import lacks


def nest(items: list[RegionItem], unit: Unit) -> None:
    """Change blocks so, as long as there are any."""
    count = -1
    while count:
        lists = [items, *_paths(items)]
        known = {
            of_block(block, unit) for row in lists for block in _blocks(row)
        }
        count = sum(_nested(row, known, unit) for row in lists)


def _blocks(items: Iterable[RegionItem]) -> Iterator[Region]:
    return of_type(Region, items)


def _paths(items: Iterable[RegionItem]) -> Iterator[list[RegionItem]]:
    """The items of all paths of all blocks."""
    for block in _blocks(items):
        for branch in block.branches:
            yield branch.items
            yield from _paths(branch.items)


def _nested(
    row: list[RegionItem], known: Collection[Kind], unit: Unit
) -> int:
    """Change the blocks of a path that can be; how many were."""
    parts = [(block, _known(block, known, unit)) for block in _blocks(row)]
    changed = [(block, part) for block, part in parts if part]
    for block, part in changed:
        place = row.index(block)
        row[place : place + 1] = _around(block, part)
    return len(changed)


def _known(
    block: Region, known: Collection[Kind], unit: Unit
) -> Region | None:
    """The largest part of a block that is known as one."""
    parts = () if shares(block) else _parts(block)
    kinds = {*known} - {lacks(block, unit)}
    return next(
        (part for part in parts if of_block(part, unit) in kinds), None
    )


def shares(block: Region) -> bool:
    """Whether a path of it says `again` of another, by its place."""
    return any(isinstance(item.op, SharedPath) for item in block.within)


def _parts(block: Region) -> Iterator[Region]:
    """What may be a block: all behind a path, and an expression with the paths that nothing else
    reads."""
    if behind := _behind(block):
        yield behind
    for tree in _expressions(block):
        below = _below(tree, block)
        if below and _closed(tree, below, block):
            yield Region(
                block.entry, tree[0].name, below, tree, block.known
            )


def _behind(block: Region) -> Region | None:
    """All of a block but its first path, where all else rests on that."""
    first, rest = block.branches[:1], block.branches[1:]
    if (
        not rest
        or first[0].start is not None
        or block.entry in _read(block, rest)
    ):
        return None
    entry = first[0].value
    own = [
        Branch(b.value, None if b.start == entry else b.start, b.items)
        for b in rest
    ]
    return Region(entry, block.exit, own, block.merge, block.known)


def _read(block: Region, branches: list[Branch]) -> Counter[str]:
    """How often each value is read by some paths of a block and by its equation."""
    return times_read(
        (*replace(block, branches=branches).starts, block.merge)
    )


def _expressions(
    block: Region,
) -> Iterator[tuple[CapturedOp, tuple[StepTree, ...]]]:
    """What paths start with and what the equation is made of, whole ones first."""
    terms = block.merge[1] if isinstance(block.merge, tuple) else ()
    starts = (branch.start for branch in block.branches)
    yield from flatten(map(_subtrees, (*terms, *starts)))


def _subtrees(
    tree: StepTree | None,
) -> Iterator[tuple[CapturedOp, tuple[StepTree, ...]]]:
    if isinstance(tree, tuple):
        yield tree
        yield from flatten(map(_subtrees, tree[1]))


def _below(tree: StepTree, block: Region) -> list[Branch]:
    """The paths that an expression rests on."""
    needed = {*leaves_of(tree)}
    for branch in reversed(block.branches):
        if branch.value in needed:
            needed.update(leaves_of(branch.start or block.entry))
    return [branch for branch in block.branches if branch.value in needed]


def _closed(tree: StepTree, below: Sequence[Branch], block: Region) -> bool:
    """Whether nothing else reads these paths."""
    within = Region(block.entry, block.exit, [*below], tree, block.known)
    everywhere = _read(block, block.branches)
    own = _read(within, within.branches)
    return all(everywhere[b.value] == own[b.value] for b in below)


def _around(block: Region, inner: Region) -> list[RegionItem]:
    """A block of which a part is a block: two of them, or one in the other."""
    if inner.exit == block.exit:
        return [*block.branches[0].items, inner]
    own = {branch.value for branch in inner.branches}
    made = Branch(inner.exit, None, [inner])
    rest = [_begun(b, inner) for b in block.branches if b.value not in own]
    block.merge = _named(block.merge, inner)
    if inner.exit not in {branch.value for branch in rest}:
        rest = [made, *rest] if inner.exit in _read(block, rest) else rest
    block.branches = rest
    if rest == [made] and block.merge[1:] == ((inner.exit,),):
        return [inner, block.merge[0]]  # type: ignore[list-item]
    return [block]


def _begun(branch: Branch, inner: Region) -> Branch:
    """A path that starts with a block, where its equation was that block's, or an activation of
    it."""
    start = branch.start and _named(branch.start, inner)
    if start == inner.exit != branch.start:
        return Branch(branch.value, None, [inner, *branch.items])
    if (
        isinstance(start, tuple)
        and start[1] == (inner.exit,)
        and is_called(start[0])
    ):
        return Branch(branch.value, None, [inner, start[0], *branch.items])
    return Branch(branch.value, start, branch.items)


def _named(tree: StepTree, inner: Region) -> StepTree:
    """An expression with a block's value in place of its equation."""
    if isinstance(tree, str):
        return tree
    step, terms = tree
    if step.name == inner.exit:
        return inner.exit
    return step, tuple(_named(term, inner) for term in terms)
