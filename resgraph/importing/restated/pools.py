"""A pool that a shortcut shares with other readers → one of the shortcut's own, as a block that
strides has it: DLA pools once for a shortcut and for the root of its tree (Yu et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ...collecting import flatten, reached
from ...ops import Add, Conv, Pool
from ...structs import Frozen
from ..captured import CapturedOp, readers


def with_own_pools(
    steps: Mapping[str, CapturedOp],
) -> Mapping[str, CapturedOp]:
    """Steps that give the same: a pool has no weights."""
    moved = dict(_Pools(steps, readers(steps.values())).shared())
    own = {source: f"{source}.own" for source in moved.values()}
    found: dict[str, CapturedOp] = {}
    for name, step in steps.items():
        inputs = (own[moved[name]],) if name in moved else step.inputs
        found[name] = replace(step, inputs=inputs)
        if name in own:
            found[own[name]] = replace(step, name=own[name])
    return found


class _Pools(Frozen):
    """The pools of a net, and the steps that read each value."""

    steps: Mapping[str, CapturedOp]
    readers: Mapping[str, list[str]]

    def shared(self) -> Iterator[tuple[str, str]]:
        """Projections of a pool that others read too, and the pool."""
        for pool in self.steps.values():
            read = self._reading(pool)
            if isinstance(pool.op, Pool) and len(read) > 1:
                found = filter(_is_pointwise, read)
                yield from (
                    (s.name, pool.name)
                    for s in found
                    if self._skips(s, pool)
                )

    def _reading(self, step: CapturedOp) -> list[CapturedOp]:
        return [self.steps[name] for name in self.readers[step.name]]

    def _skips(self, step: CapturedOp, pool: CapturedOp) -> bool:
        """Whether it is summed, perhaps behind a norm, with what does not rest on the pool."""
        read = self._reading(step)
        if [each.op.role for each in read] == ["norm"]:
            return self._skips(read[0], pool)
        others = {*flatten(each.inputs for each in read)} - {step.name}
        sums = [type(each.op) for each in read] == [Add]
        return sums and not any(
            self._rests(other, pool) for other in others
        )

    def _rests(self, name: str, pool: CapturedOp) -> bool:
        """Whether a value rests on a pool, and not on what that reads alone."""
        return pool.name in reached(
            [name], lambda here: self.steps[here].inputs, pool.inputs
        )


def _is_pointwise(step: CapturedOp) -> bool:
    return isinstance(step.op, Conv) and {*step.op.kernel} == {1}
