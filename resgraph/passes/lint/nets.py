"""Nets whose parts are legal and rarely meant together: stages, sums, paths that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from ...collecting import each_name, each_op, flatten, of_type
from ...graph import Block, Graph, Node, Origin, Path
from ...ops import Concat, Mul, Op, Part, Shape, Window, shape_text
from ...ops.base import is_map
from ..residual import kind
from .findings import Facts, Finding

if TYPE_CHECKING:
    from ...language.recipe import Train


def activation_after_sum(facts: Facts) -> Iterator[Finding]:
    for residual in facts.residuals:
        inside = f"{residual.block.name}."
        after = [
            r
            for r in facts.readers[residual.sum.name]
            if r.name.startswith(inside) and kind(r) == "activation"
        ]
        if after and residual.opening:
            yield Finding(
                after[0].origin,
                f"a {after[0].op.label()} after the sum, in a block whose branch begins with its"
                f" own {_listed(residual.opening)}",
                "in a pre-activation block the sum is handed on as it is: `merge: body + shortcut`",
                "He et al. 2016 (arXiv 1603.05027), section 3: the identity must stay free from end"
                " to end",
            )


def no_downsampling(facts: Facts) -> Iterator[Finding]:
    """A stage that doubles the width of the stage before it at the same size, where no dilation
    replaces the stride."""
    graph = facts.graph
    for before, row in pairwise(graph.rows):
        small = graph.shape(before.output)
        large = graph.shape(row.output)
        stages = _is_stage(before) and _is_stage(row)
        if not (stages and _only_widens(small, large)) or _is_meant(
            graph, row
        ):
            continue
        yield Finding(
            row.items[0].origin,
            f"`{row.name}` makes the width {large[0]} from {small[0]}, and the map stays"
            f" {shape_text(large[1:])}",
            "write `/2` behind the width, or say with `dilation` that the size is to stay",
            "He et al. 2015 (arXiv 1512.03385), section 3.1: where the width doubles the size is"
            " halved, so that each layer costs the same",
        )


def _only_widens(small: Shape, large: Shape) -> bool:
    """Whether of two maps the second has the same size and twice the channels."""
    return (
        is_map(small)
        and small[1:] == large[1:]
        and large[0] >= 2 * small[0]
    )


def _is_meant(graph: Graph, row: Path) -> bool:
    """Whether a row keeps its size by a dilation, or its width adds up."""
    ops = each_op(graph.nodes_of(row))
    return any(isinstance(op, Concat) or _dilates(op) for op in ops)


def _dilates(op: Op) -> bool:
    return max((op.window or Window()).dilation) > 1


def _is_stage(row: Path) -> bool:
    """Whether a row repeats something; a stem and a head do not."""
    items = [
        item.block if isinstance(item, Block) else item.label
        for item in row.items
    ]
    return len(items) > len(set(items))


def dead_path(facts: Facts) -> Iterator[Finding]:
    graph = facts.graph
    alive = {*graph.ends}
    void = set(each_name(facts.of(_is_zero)))
    for name, node in reversed(graph.nodes.items()):
        if name in alive and name not in void:
            alive.update(node.inputs)
    for node in graph.nodes.values():
        if node.name not in alive and node.inputs:
            help_ = "read it in an equation, or take it out"
            yield Finding(
                node.origin,
                f"nothing of `{node.name}` reaches the output",
                help_,
            )
    yield from _unread_parts(facts)


def _is_zero(op: Op) -> bool:
    """Whether a tensor is taken times 0."""
    return isinstance(op, Mul) and 0 in (op.left, op.right)


def _unread_parts(facts: Facts) -> Iterator[Finding]:
    cut = {
        node.inputs[0] for node in facts.of(lambda op: isinstance(op, Part))
    }
    for name in filter(cut.__contains__, facts.graph.nodes):
        readers = facts.readers[name]
        parts = [*of_type(Part, each_op(readers))]
        if len(parts) < len(readers):
            continue
        channels = facts.graph.shape(name)[0]
        read = {*flatten(part.within(channels) for part in parts)}
        if unread := sorted({*range(channels)} - read):
            yield Finding(readers[0].origin, *_never_read(parts, unread))


def _never_read(parts: list[Part], unread: list[int]) -> tuple[str, str]:
    """What is said of channels that no part has, and what to do."""
    count = parts[0].of
    if count is None or any(part.of != count for part in parts):
        message = f"the channels from {unread[0]} to {unread[-1] + 1} are not all read"
        return (
            message,
            f"read them too, with `part from {unread[0]}` for instance",
        )
    missing = sorted({*range(count)} - {part.which for part in parts})
    which = ", ".join(map(str, missing))
    message = (
        f"part{'s' * (len(missing) > 1)} {which} of {count} never read"
    )
    return (
        message,
        f"read `part {missing[0]} of {count}`, or make fewer parts",
    )


def missing_final_norm(facts: Facts) -> Iterator[Finding]:
    """From the last sum of a pre-activation net to the next weighted op, or to the end."""
    if not facts.residuals:
        return
    last = facts.residuals[-1]
    seen: set[str] = set()
    node = last.sum
    while (readers := facts.readers[node.name]) and not (
        node := readers[0]
    ).op.weighted:
        seen.add(kind(node))
    missing = last.opening - seen
    if missing:
        yield Finding(
            node.origin,
            "the sum of the last block reaches"
            f" {f'`{node.op.label()}`' if node.op.weighted else 'the output'} without the"
            f" {_listed(missing)} that its blocks put before their convolutions",
            "begin the head with them: `[bn, relu, global avg pool, fc 1000]`",
            "He et al. 2016 (arXiv 1603.05027), appendix: the last sum is followed by one more"
            " activation",
        )


def channels_last(facts: Facts) -> Iterator[Finding]:
    """Pictures are never three cells wide, and seldom have dozens of channels."""
    for name, shape in facts.spec.inputs.items():
        if len(shape) != 3 or _is_a_row_of_cells(facts, shape):
            continue
        if shape[2] not in (1, 3, 4) or min(shape[:2]) < 8:
            continue
        height, width, channels = shape
        yield Finding(
            Origin(facts.spec.place("input", name)),
            f"the input has {height} channels, and is {width} high and {channels} wide",
            f"channels come first: write `{channels}x{height}x{width}`",
        )


def _is_a_row_of_cells(facts: Facts, shape: Shape) -> bool:
    """Whether a map one cell wide is meant: it is no picture by its sides, or its kernels are one
    cell wide too."""
    channels, height, width = shape
    if width != 1:
        return False
    picture = max(channels, height) <= 2 * min(channels, height)
    return not picture or bool(facts.of(_is_tall))


def _is_tall(op: Op) -> bool:
    """Whether a window is one cell wide, and higher."""
    kernel = (op.window or Window()).kernel
    return len(kernel) == 2 and kernel[0] > 1 == kernel[1]


_BEHIND_NO_CLASSIFIER = {
    "activation": "take the `{}` out: `predict` turns numbers into probabilities by itself",
    "regularize": "put the `{}` before the last layer: here it sets numbers of classes to 0",
    "norm": "put the `{}` before the last layer, whose numbers the loss reads as they are",
}
"""Families of ops that change what a classifier says, and what to do about each."""


def unlike_cross_entropy(facts: Facts) -> Iterator[Finding]:
    """What a loss reads: it takes the logarithm of a softmax, or of sigmoids, itself."""
    train = facts.spec.train
    if train is None:
        return
    from ...language.recipe.target import Labels, PixelLabel, SingleLabel

    if not isinstance(train.target, SingleLabel | Labels | PixelLabel):
        return
    before = "sigmoid" if isinstance(train.target, Labels) else "softmax"
    for output, last in _scored(train, facts.graph):
        if last.op.family in _BEHIND_NO_CLASSIFIER:
            yield Finding(
                last.origin,
                f"{output} ends in `{last.op.label()}`, and the loss is the cross-entropy of what"
                f" comes before a {before}",
                _BEHIND_NO_CLASSIFIER[last.op.family].format(
                    last.op.label()
                ),
            )


def _scored(train: Train, graph: Graph) -> Iterator[tuple[str, Node]]:
    """The outputs that have a loss: what each is called, and the last node that computes."""
    from ..loss_fit import loss_weights

    weights = loss_weights(train, graph)
    for output, weight in zip(graph.outputs, weights, strict=True):
        last = graph.back_to(
            output.node, lambda node: node.op.family != "shape"
        )
        if weight:
            yield (
                "the net"
                if len(weights) == 1
                else f"the output `{output.row}`",
                last,
            )


def _listed(words: frozenset[str]) -> str:
    return " and ".join(sorted(words, reverse=True))
