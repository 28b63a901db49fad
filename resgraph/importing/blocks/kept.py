"""Blocks that sum a normed identity where they change nothing → of one kind with those that change
something, and so lack it (RepVGG, Ding et al. 2021, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...collecting import flatten, of_type
from ...ops import Add
from ..captured import CapturedOp
from ..cells import Unit
from ..kinds import Kind, changes, of_block, skip_of
from ..regions.structure import Branch, Region, StepTree, times_read

_FEWEST = 3
"""Terms of such a sum: of two, one layer would be left."""


def kept(block: Region) -> Branch | None:
    """The norm of what comes in that is a term of a block's sum, and read by nothing else."""
    terms = [*_summed(block.merge)]
    if len(terms) < _FEWEST or changes(block) or skip_of(block) is not None:
        return None
    norms = [*filter(_norms, block.branches)]
    if len(norms) != 1:
        return None
    (norm,), read = norms, times_read((*block.starts, block.merge))
    return norm if read[norm.value] == 1 and norm.value in terms else None


def _norms(branch: Branch) -> bool:
    """Whether a path is a norm of a block's input, and nothing else."""
    roles = [i.op.role for i in of_type(CapturedOp, branch.items)]
    return (
        branch.start is None
        and roles == ["norm"]
        and len(branch.items) == 1
    )


def _summed(tree: StepTree) -> Iterator[str]:
    """The values that are terms of a block's sum."""
    if isinstance(tree, str):
        yield tree
    elif tree[0].op == Add() or len(tree[1]) == 1:
        yield from flatten(map(_summed, tree[1]))


def with_kept(
    groups: Sequence[list[Region]], unit: Unit
) -> list[list[Region]]:
    """Groups of blocks of one kind: those that have the norm with those that lack it."""
    lacking = {
        of_block(g[0], unit): n for n, g in enumerate(groups) if _lack(g)
    }
    found = [[*group] for group in groups]
    for n, group in enumerate(groups):
        other = lacking.get(lacks(group[0], unit))
        if other is not None and all(map(kept, group)):
            first, last = sorted((n, other))
            found[first] += found[last]
            found[last] = []
    return [*filter(None, found)]


def _lack(group: Sequence[Region]) -> bool:
    return all(
        b.summed and changes(b) and skip_of(b) is None for b in group
    )


def lacks(block: Region, unit: Unit) -> Kind:
    """The kind of a block without the norm; None where it has none."""
    branch = kept(block)
    if branch is None:
        return None
    others = [each for each in block.branches if each is not branch]
    merge = _less(block.merge, branch.value)
    return of_block(
        Region(block.entry, block.exit, others, merge, block.known), unit
    )


def _less(tree: StepTree, value: str) -> StepTree:
    """An expression without a term of its sum."""
    if isinstance(tree, str):
        return tree
    step, terms = tree
    rest = tuple(_less(term, value) for term in terms if term != value)
    return rest[0] if len(rest) == 1 < len(terms) else (step, rest)
