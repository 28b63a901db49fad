"""Convolutions of equal parts side by side, joined again → one in groups, as a grouped convolution
is defined (Krizhevsky et al. 2012; MixNet has its pointwise ones so)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter

from ...ops import Concat, Conv, Op, Part
from ..captured import CapturedOp, JoinedKey


def in_groups(
    steps: Mapping[str, CapturedOp], outputs: Collection[str]
) -> Mapping[str, CapturedOp]:
    """The steps of a net with one for each of these. What is read elsewhere too, and a weight that
    layers share, stays as it is."""
    found = {split.name: split for split in _splits(steps, outputs)}
    gone = {step.name for split in found.values() for step in split.steps}
    kept = {name: step for name, step in steps.items() if name not in gone}
    return kept | {name: split.grouped(kept[name]) for name, split in found.items()}


def _splits(
    steps: Mapping[str, CapturedOp], outputs: Collection[str]
) -> Iterator[_Split]:
    """Those of a net that are grouped convolutions."""
    every = steps.values()
    read = Counter(chain(outputs, *map(attrgetter("inputs"), every)))
    read.update(chain(*(step.tensors.values() for step in every)))
    joined = (step for step in every if isinstance(step.op, Concat))
    splits = (_Split.of(step, steps) for step in joined)
    return (split for split in splits if split.groups and split.alone(read))


def _firsts(
    found: Sequence[CapturedOp], steps: Mapping[str, CapturedOp]
) -> list[CapturedOp]:
    """The first step that each of these reads, where it reads any."""
    return [steps[name] for step in found for name in step.inputs[:1]]


@dataclass(frozen=True, slots=True)
class _Split:
    """What a concatenation joins, what each of these reads, and the width of what that is of."""

    name: str
    convs: Sequence[CapturedOp]
    parts: Sequence[CapturedOp]
    width: int

    @classmethod
    def of(cls, joined: CapturedOp, steps: Mapping[str, CapturedOp]) -> _Split:
        convs = [steps[name] for name in joined.inputs]
        parts = _firsts(convs, steps)
        widths = [source.shape[0] for source in _firsts(parts, steps)]
        return cls(joined.name, convs, parts, max(widths, default=0))

    @property
    def steps(self) -> Iterator[CapturedOp]:
        return chain(self.convs, self.parts)

    @property
    def groups(self) -> bool:
        """Whether the convolutions are alike, and read all of a tensor in equal parts, in order."""
        ops = {conv.op for conv in self.convs}
        sources = {part.inputs for part in self.parts}
        places = [_place(part.op, self.width) for part in self.parts]
        alike = len(ops) == len(sources) == len({*map(len, places)}) == 1
        whole = [*chain.from_iterable(places)] == [*range(self.width)]
        return alike and whole and all(map(_plain, ops))

    def alone(self, read: Mapping[str, int]) -> bool:
        """Whether nothing else reads them, or their weights, which lie as ours do."""
        keys = [key for conv in self.convs for key in conv.tensors.values()]
        names = (*keys, *(step.name for step in self.steps))
        return {*map(type, keys)} == {str} and all(read[name] == 1 for name in names)

    def grouped(self, joined: CapturedOp) -> CapturedOp:
        """The convolution in groups, in place of what joins them."""
        first = self.convs[0]
        said = {"groups": len(self.convs), "width": joined.shape[0]}
        tensors = {
            role: JoinedKey.of([conv.tensors[role] for conv in self.convs])
            for role in first.tensors
        }
        op = first.op.model_copy(update=said)
        return replace(joined, op=op, inputs=self.parts[0].inputs, tensors=tensors)


def _place(op: Op, width: int) -> range:
    """The channels of a part."""
    return op.within(width) if isinstance(op, Part) else range(0)


def _plain(op: Op) -> bool:
    return isinstance(op, Conv) and op.groups == 1 and op.standardize is None
