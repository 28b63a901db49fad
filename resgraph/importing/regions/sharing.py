"""Layers that a block runs twice with the same weights → `again`, of the path that they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

from msgspec.structs import replace

from ...collecting import of_type
from ...graph import Node
from ...structs import Frozen
from ..captured import Captured, CapturedOp, ImportRefused
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
    """So many items that two paths share, and where they begin in each."""

    path: int
    place: int
    other: int
    begin: int
    count: int


def _pair(block: Region) -> _Pair | None:
    paths = [branch.items for branch in block.branches]
    for (path, one), (again, other) in combinations(enumerate(paths), 2):
        for place, item in enumerate(one):
            for begin, same in enumerate(other):
                if _alike(item, same) and item.tensors:
                    count = _length(one[place:], other[begin:])
                    return _Pair(path, place, again, begin, count)
    return None


def _length(one: Sequence[RegionItem], other: Sequence[RegionItem]) -> int:
    """How many begin both."""
    pairs = zip(one, other, strict=False)
    differ = (n for n, pair in enumerate(pairs) if not _alike(*pair))
    return next(differ, min(len(one), len(other)))


def _alike(a: RegionItem, b: RegionItem) -> bool:
    return a.op is not None and (a.op, a.tensors) == (b.op, b.tensors)


def _share(block: Region, pair: _Pair) -> None:
    """What both have becomes a path of its own, and `again` in the other."""
    first, end = block.branches[pair.path], pair.place + pair.count
    cuts = (
        first.items[: pair.place],
        first.items[pair.place : end],
        first.items[end:],
    )
    parts = list(_parts(first, [*filter(None, cuts)]))
    shared = parts[bool(pair.place)].value
    block.branches[pair.path : pair.path + 1] = parts
    other = block.branches[pair.other + len(parts) - 1]
    last = other.items[pair.begin + pair.count - 1]
    begin = other.items[pair.begin]
    assert isinstance(last, CapturedOp) and isinstance(begin, CapturedOp)
    said = CapturedOp(
        last.name, SharedPath(path=shared), begin.inputs, last.shape
    )
    other.items[pair.begin : pair.begin + pair.count] = [said]


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
    """Raises `ImportRefused` where layers share a weight and our nodes do not, or the other way
    round; `found` says which step each node is."""
    seen: dict[str, str] = {}
    for node in nodes:
        step = net.steps[found[node.name]]
        for key in step.tensors.values():
            if (
                net.ties
                and seen.setdefault(key, node.module) != node.module
            ):
                raise ImportRefused(
                    f"`{key}` is a weight of several layers, which `again` says of whole rows and"
                    " of two paths of a block",
                    step.module,
                )
