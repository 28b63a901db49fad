"""Convolutions of parts of the channels, joined again → one: equal ones in groups, as that is
defined (Krizhevsky et al. 2012; MixNet's pointwise ones), depthwise ones with growing kernels as
one that is mixed (Tan & Le 2019)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter

from msgspec.structs import replace

from ...collecting import by_name, each_name, each_op, flatten
from ...ops import Concat, Conv, DepthwiseConv, Op, Part
from ...structs import Frozen
from ..captured import CapturedOp, JoinedKey


def in_groups(
    steps: Mapping[str, CapturedOp], outputs: Collection[str]
) -> Mapping[str, CapturedOp]:
    """The steps of a net with one for each of these. What is read elsewhere too, and a weight that
    layers share, stays as it is."""
    found = by_name(_splits(steps, outputs))
    gone = {step.name for split in found.values() for step in split.steps}
    kept = {name: step for name, step in steps.items() if name not in gone}
    return kept | {
        name: split.joined(kept[name]) for name, split in found.items()
    }


def _splits(
    steps: Mapping[str, CapturedOp], outputs: Collection[str]
) -> Iterator[_Split]:
    """Those of a net that are one convolution."""
    every = steps.values()
    read = Counter(chain(outputs, *map(attrgetter("inputs"), every)))
    read.update(chain(*(step.tensors.values() for step in every)))
    joined = (step for step in every if isinstance(step.op, Concat))
    splits = (_Split.of(step, steps) for step in joined)
    return (split for split in splits if split.whole and split.alone(read))


def _firsts(
    found: Sequence[CapturedOp], steps: Mapping[str, CapturedOp]
) -> list[CapturedOp]:
    """The first step that each of these reads, where it reads any."""
    return [steps[name] for step in found for name in step.inputs[:1]]


class _Split(Frozen):
    """The convolutions that a concatenation joins, the part that each reads, and the width of what
    is split."""

    name: str
    convs: Sequence[CapturedOp]
    parts: Sequence[CapturedOp]
    width: int

    @classmethod
    def of(
        cls, joined: CapturedOp, steps: Mapping[str, CapturedOp]
    ) -> _Split:
        convs = [steps[name] for name in joined.inputs]
        parts = _firsts(convs, steps)
        widths = [source.shape[0] for source in _firsts(parts, steps)]
        return cls(joined.name, convs, parts, max(widths, default=0))

    @property
    def steps(self) -> Iterator[CapturedOp]:
        return chain(self.convs, self.parts)

    @property
    def whole(self) -> bool:
        """Whether they are one convolution of all of a tensor, which they read in order."""
        sources = {part.inputs for part in self.parts}
        places = [*flatten(self.places)]
        return (
            len(sources) == 1
            and places == [*range(self.width)]
            and self.op is not None
        )

    @property
    def places(self) -> list[range]:
        """The channels that each reads."""
        return [_place(part.op, self.width) for part in self.parts]

    @property
    def op(self) -> Op | None:
        """The convolution that all are; None where they are none."""
        return _grouped(self) or _mixed(self)

    def alone(self, read: Mapping[str, int]) -> bool:
        """Whether nothing else reads them or their weights, whose axes lie as ours do."""
        keys = [*flatten(conv.tensors.values() for conv in self.convs)]
        names = (*keys, *each_name(self.steps))
        return {*map(type, keys)} == {str} and all(
            read[name] == 1 for name in names
        )

    def joined(self, step: CapturedOp) -> CapturedOp:
        """That convolution, in place of what joins them."""
        op, roles = self.op, self.convs[0].tensors
        assert op is not None
        if isinstance(op, DepthwiseConv):
            tensors: dict[str, str] = {
                f"{n}.{role}": conv.tensors[role]
                for n, conv in enumerate(self.convs)
                for role in roles
            }
        else:
            tensors = {
                role: JoinedKey.of(
                    [conv.tensors[role] for conv in self.convs]
                )
                for role in roles
            }
        return replace(
            step, op=op, inputs=self.parts[0].inputs, tensors=tensors
        )


def _place(op: Op, width: int) -> range:
    """The channels of a part."""
    return op.within(width) if isinstance(op, Part) else range(0)


def _grouped(split: _Split) -> Op | None:
    """Equal ones of equal parts."""
    first, *rest = each_op(split.convs)
    equal = len({*map(len, split.places)}) == 1 and all(
        op == first for op in rest
    )
    if (
        not (equal and isinstance(first, Conv))
        or first.groups > 1
        or first.standardize
    ):
        return None
    count = len(split.convs)
    return replace(first, groups=count, width=count * first.width)


def _mixed(split: _Split) -> Op | None:
    """Depthwise ones whose kernels grow as those of a mixed one do."""
    first, last = split.convs[0].op, split.convs[-1].op
    if not isinstance(first, DepthwiseConv) or not isinstance(
        last, DepthwiseConv
    ):
        return None
    try:
        op = replace(first, pad=last.pad, mixed=len(split.convs))
    except ValueError:  # there is none with these options
        return None
    alike = op.parts == each_op(split.convs)
    return (
        op
        if alike and op.widths(split.width) == [*map(len, split.places)]
        else None
    )
