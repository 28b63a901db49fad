"""Layers that a block runs twice with the same weights → `again`, of the path that they are."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import chain, pairwise, takewhile
from typing import Literal

from msgspec.structs import replace

from ...collecting import any_of_type, by_key, of_type
from ...graph import Node
from ...structs import Frozen
from ..captured import Captured, CapturedOp, ImportRefused, MovedKey
from .layers import has_weights, item_key
from .structure import Branch, Mark, Region, RegionItem


class SharedPath(Mark):
    """A path of the same block once more, by what comes out of it, and then by its place."""

    op: Literal["again"] = "again"
    path: int | str


def say_again(items: Iterable[RegionItem]) -> None:
    """Blocks, and those within, as they say what is shared."""
    for block in of_type(Region, items):
        say_again(block.within)
        while (pair := _pair(block)) is not None:
            _share(block, pair)
        places = {
            branch.value: n for n, branch in enumerate(block.branches)
        }
        for branch in block.branches:
            branch.items = [_placed(item, places) for item in branch.items]


def _placed(item: RegionItem, places: Mapping[str, int]) -> RegionItem:
    """Blocks of one kind are not told apart by the names of their values."""
    if isinstance(item.op, SharedPath):
        return replace(item, op=SharedPath(path=places[str(item.op.path)]))
    return item


class _Pair(Frozen):
    """So many items that stand in a path and once more, there or in a later one."""

    path: int
    place: int
    other: int
    begin: int
    count: int


_Place = tuple[int, int]
"""A path, and an item of it."""


def _pair(block: Region) -> _Pair | None:
    """The first that is not said, with as many items as all have that begin so; a path that is said
    again stays whole."""
    paths = [branch.items for branch in block.branches]
    places: dict[Hashable, list[_Place]] = by_key(
        (item_key(item), (path, place))
        for path, items in enumerate(paths)
        for place, item in enumerate(items)
        if has_weights(item)
    )
    said = {
        item.op.path
        for item in block.within
        if isinstance(item.op, SharedPath)
    }
    for (path, place), *others in places.values():
        count = _length(paths, (path, place), others)
        whole = count == len(paths[path])
        if others and (whole or block.branches[path].value not in said):
            return _Pair(path, place, *others[0], count)
    return None


def _length(
    paths: Sequence[Sequence[RegionItem]],
    first: _Place,
    others: Iterable[_Place],
) -> int:
    """How many items all have from there on."""
    starts = [first, *others]
    rests = [[*map(item_key, paths[p][n:])] for p, n in starts]
    for (path, place), (behind, end) in pairwise(starts):
        if path == behind:
            rests.append(rests[0][: end - place])
    alike = (len({*keys}) == 1 for keys in zip(*rests, strict=False))
    return len([*takewhile(bool, alike)])


def _share(block: Region, pair: _Pair) -> None:
    """What both have becomes a path of its own, and `again` in the other."""
    first, end = block.branches[pair.path], pair.place + pair.count
    cuts = (
        first.items[: pair.place],
        first.items[pair.place : end],
        first.items[end:],
    )
    parts = list(_parts(first, [*filter(None, cuts)]))
    if isinstance(first.start, tuple) and not pair.place:
        # an equation is not repeated
        before = Branch(first.start[0].name, first.start, [])
        parts[0].start = before.value
        parts.insert(0, before)
    block.branches[pair.path : pair.path + 1] = parts
    # of the same path, it is in the last part
    other = block.branches[pair.other + len(parts) - 1].items
    start = pair.begin - (end if pair.path == pair.other else 0)
    last = other[start + pair.count - 1]
    said = CapturedOp(
        last.exit,
        SharedPath(path=first.items[end - 1].exit),
        (other[start].entry,),
        last.out,
    )
    other[start : start + pair.count] = [said]


def _parts(
    branch: Branch, cuts: Sequence[list[RegionItem]]
) -> Iterator[Branch]:
    """A path as several, one after another."""
    start = branch.start
    for items in cuts:
        value = items[-1].exit
        yield Branch(value, start, items)
        start = value


def untied(
    net: Captured, nodes: Iterable[Node], found: Mapping[str, str]
) -> None:
    """Raises `ImportRefused` where layers share a weight and our nodes do not; `found` says which
    step each node is."""
    seen: dict[str, Node] = {}
    for node in nodes if net.ties else ():
        step = net.steps[found[node.name]]
        for role, key in step.tensors.items():
            first = seen.setdefault(key, node)
            if first.module != node.module:
                before = net.steps[found[first.name]]
                said = _of_both(role, key, before, step)
                raise ImportRefused(said, step.module)


def parted(net: Captured, plain: Collection[str]) -> Iterator[str]:
    """The tensors of a file that layers share which are not one, each of which is two in the spec,
    but for `plain` ones, that layers may begin with."""
    first: dict[str, CapturedOp] = {}
    for step in net.steps.values():
        for role, key in step.tensors.items():
            before = first.setdefault(key, step)
            if before.layer != step.layer and key not in plain:
                one, two = _layer(before), _layer(step)
                yield f"`{key}`, the {role} of {one} and of {two}, is two here"


def _of_both(
    role: str, key: str, first: CapturedOp, other: CapturedOp
) -> str:
    """What two layers share, and what to do about it."""
    one, two = map(_layer, (first, other))
    return (
        f"`{key}` is the {role} of {one} and of {two}{_apart(first, other)}: `again` shares a whole"
        " layer with all that it has, and the language has no other word for it. Give the second a"
        f" {role} of its own, as {_copy(role, key, other)}: the net computes the same, and"
        " the two learn apart"
    )


def _layer(step: CapturedOp) -> str:
    where = f" in `{step.module}`" if step.module else ""
    return f"`{step.op.label()}`{where}"


def _turned(first: CapturedOp, other: CapturedOp) -> bool:
    """Whether one of them reads the other's weight with its axes in another order."""
    keys = [[*step.tensors.values()] for step in (first, other)]
    return any_of_type(MovedKey, chain(*keys))


def _apart(first: CapturedOp, other: CapturedOp) -> str:
    """What keeps them from being one layer, or from being said so."""
    if _turned(first, other):
        return ", there turned over"
    if first.op != other.op:
        return ", another layer"
    own = [
        role
        for role, key in other.tensors.items()
        if first.tensors.get(role) != key
    ]
    if own:
        return f", which has another {' and '.join(own)}"
    return ", one layer that no rows or paths have alike"


def _copy(role: str, key: str, other: CapturedOp) -> str:
    laid = other.tensors[role]
    turned = isinstance(laid, MovedKey) and len(laid.sizes) == 2
    return f"`nn.Parameter({key}{'.t()' * turned}.detach().clone())`"
