"""A graph of ours and steps that were captured → which node is which step, or None where they are
not the same net."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import nan
from typing import Any

from msgspec.structs import asdict, replace

from ..collecting import by_key, each_op, flatten, of_type, present
from ..graph import Graph, Node
from ..ops import Add, DropPath, Mul, Op, Part, Upsample
from ..ops.merge import Binary
from ..ops.padding import Padded
from .captured import CapturedOp
from .numbers.factors import number_of


def matched_nets(
    graph: Graph,
    steps: Mapping[str, CapturedOp | Node],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> dict[str, str] | None:
    """Nodes of a graph → steps of a whole net, as `matched` has them, where they give the same."""
    known = dict(zip(graph.inputs, inputs, strict=True))
    nodes = [
        node for node in graph.nodes.values() if node.name not in known
    ]
    others = [step for step in steps.values() if step.name not in inputs]
    found = matched(nodes, others, known)
    ends = found and [found[output.node] for output in graph.outputs]
    return found if ends == [*outputs] else None


def matched(
    nodes: Iterable[Node],
    steps: Iterable[CapturedOp | Node],
    inputs: Mapping[str, str],
) -> dict[str, str] | None:
    """Nodes → steps, with `inputs` known. Every node has a step of the same op that reads the same,
    and no step is left."""
    nodes, steps = _alike(list(nodes), list(_evaluated(steps)))
    sure = all(step.sure for step in of_type(CapturedOp, steps))
    places, theirs = (_places(each, shared=sure) for each in (nodes, steps))
    open_: dict[Any, list[CapturedOp | Node]] = defaultdict(list)
    for step in steps:
        open_[_key(step, step.inputs), theirs[step.name]].append(step)
    found = dict(inputs)
    for node in nodes:
        if passes(node.op):
            found[node.name] = found.get(node.inputs[0], "")
            continue
        reads = [found.get(source, "") for source in node.inputs]
        same = open_.get((_key(node, reads), places[node.name]))
        if not same:
            return None
        step = same.pop(0)
        if step.shape != node.shape:
            return None
        found[node.name] = step.name
    return None if any(open_.values()) else found


def _alike(
    nodes: Sequence[Node], steps: Sequence[CapturedOp | Node]
) -> tuple[Sequence[Node], Sequence[CapturedOp | Node]]:
    """Both with the same numbers in equations, and without what is read for its size alone."""
    numbers = SameNumbers(each_op((*nodes, *steps)))
    return (
        [replace(n, op=numbers.said(n.op), inputs=n.values) for n in nodes],
        [replace(step, op=numbers.said(step.op)) for step in steps],
    )


def passes(op: Op) -> bool:
    """Whether an op passes on what it reads, in evaluation: a drop path, a product with 1."""
    return isinstance(op, DropPath) or number_of(op) == 1.0


def _evaluated(
    steps: Iterable[CapturedOp | Node],
) -> Iterator[CapturedOp | Node]:
    """Steps without those that pass on what they read."""
    passed: dict[str, str] = {}
    for step in steps:
        inputs = tuple(passed.get(name, name) for name in step.inputs)
        if passes(step.op):
            (passed[step.name],) = inputs
        else:
            yield replace(step, inputs=inputs)


def _key(step: CapturedOp | Node, reads: Iterable[Any]) -> Any:
    return _word(step), tuple(
        sorted(reads) if _commutes(step.op) else reads
    )


def _commutes(op: Op) -> bool:
    return isinstance(op, Add | Mul)


def _word(step: CapturedOp | Node) -> str:
    """What a step does: the channels of a part, and the size of a map that is enlarged, may be said
    in two ways."""
    op = step.op
    if isinstance(op, Upsample):
        return op_key(replace(op, factor=None, to=step.shape[1:]))
    if not isinstance(op, Part):
        return op_key(op)
    width = step.shape[0]
    start = (op.which or 0) * width if op.of else op.start
    return f"part {start} {width}"


def _places(
    steps: Sequence[CapturedOp | Node], *, shared: bool
) -> dict[str, int]:
    """What each step is in its net, and where its layer runs, too, where layers are `shared`."""
    found = _hashed(steps, {})
    if not shared:
        return found
    runs = by_key(
        (_layer(step), found[step.name])
        for step in steps
        if step.op.weighted
    )
    again = {
        layer: tuple(sorted(each))
        for layer, each in runs.items()
        if len(each) > 1
    }
    marks = {step.name: again.get(_layer(step), ()) for step in steps}
    return _hashed(steps, marks) if again else found


def _layer(step: CapturedOp | Node) -> Hashable:
    return step.module if isinstance(step, Node) else step.layer


def _hashed(
    steps: Sequence[CapturedOp | Node], marks: Mapping[str, tuple[int, ...]]
) -> dict[str, int]:
    """A hash of all that a step rests on and all that rests on it, with the marks of each. Of two
    layers that are alike and read the same, it tells which is which."""
    past: dict[str, int] = {}
    for step in steps:
        reads = [past.get(source, 0) for source in step.inputs]
        key = _key(step, reads), marks.get(step.name)
        own = reads[0] if passes(step.op) else hash(key)
        past[step.name] = own
    users: dict[str, list[int]] = defaultdict(list)
    found: dict[str, int] = {}
    for step in reversed(steps):
        own = hash((past[step.name], tuple(sorted(users[step.name]))))
        found[step.name] = own
        for place, source in enumerate(step.inputs):
            at = 0 if _commutes(step.op) else place
            users[source] += (
                users[step.name] if passes(step.op) else [hash((own, at))]
            )
    return found


_NEAR = 1e-12
"""Numbers of equations that differ by less, relative to them, are one: what a formula gives and
what a model computes are rounded in other places."""


class SameNumbers:
    """The numbers in equations of some ops, near ones as the least of them."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self.one: dict[float, float] = {}
        before = nan
        for number in sorted({*flatten(map(_numbers, ops))}):
            near = number - before <= _NEAR * abs(number)
            self.one[number] = self.one[before] if near else number
            before = number

    def said(self, op: Op) -> Op:
        """An op with those in place of its own; a quotient is a product."""
        number = number_of(op)
        if number is not None:
            return Mul(left=self.one[number])
        if not isinstance(op, Binary):
            return op
        left, right = (
            None if n is None else self.one[n] for n in (op.left, op.right)
        )
        return replace(op, left=left, right=right)


def _numbers(op: Op) -> Iterator[float]:
    if (factor := number_of(op)) is not None:
        yield factor
    elif isinstance(op, Binary):
        yield from present((op.left, op.right))


@lru_cache(maxsize=4096)
def op_key(op: Op) -> str:
    """An op without how its weights begin, and without cells around its map that are as many as
    where none are said."""
    bias = getattr(op, "bias", None)
    fields = asdict(op)
    fields.pop("start", None)
    if isinstance(bias, float):
        fields["bias"] = "default"
    if isinstance(op, Padded) and op.pad == op.usual_padding:
        fields["pad"] = None
    return str(fields)
