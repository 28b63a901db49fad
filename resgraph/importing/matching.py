"""A graph of ours and steps that were captured → which node is which step, or None where they are
not the same net."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..graph import Node
from ..ops import Add, DropPath, Mul, Op
from .captured import CapturedOp


def matched(
    nodes: Iterable[Node],
    steps: Iterable[CapturedOp | Node],
    inputs: Mapping[str, str],
) -> dict[str, str] | None:
    """Nodes → steps, with `inputs` known. Every node has a step of the same op that reads the same,
    and no step is left."""
    open_: dict[Any, list[CapturedOp | Node]] = defaultdict(list)
    for step in steps:
        open_[_key(step.op, step.inputs)].append(step)
    found = dict(inputs)
    for node in nodes:
        if isinstance(node.op, DropPath):  # as in evaluation
            found[node.name] = found.get(node.inputs[0], "")
            continue
        reads = [found.get(source, "") for source in node.inputs]
        same = open_.get(_key(node.op, reads))
        if not same:
            return None
        step = same.pop(0)
        if step.shape != node.shape:
            return None
        found[node.name] = step.name
    return None if any(open_.values()) else found


def _key(op: Op, reads: Iterable[str]) -> Any:
    commutes = isinstance(op, Add | Mul)
    return op_key(op), tuple(sorted(reads) if commutes else reads)


def op_key(op: Op) -> str:
    """An op without how its weights begin."""
    bias = getattr(op, "bias", None)
    plain = op.model_copy(update={"bias": "default"}) if isinstance(bias, float) else op
    return plain.model_dump_json(exclude={"start"})
