"""Layers that are legal and rarely meant: a bias that does nothing, a stride that passes over
cells, an odd width."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from operator import (
    attrgetter,
    gt,
)

from ...counting import counted
from ...errors import NOWHERE, Span, first_few
from ...graph import Graph, Node, Origin
from ...ops import Conv, Op, UpConv, Window, ZeroPad
from .findings import Facts, Finding

# parameters; below that nobody waits for the tensor cores
_LARGE = 1_000_000
_NARROW = ((1, 1), (2, 2))  # a kernel and a stride
_LISTED = 3  # labels that a warning of many names


def bias_before_norm(facts: Facts) -> Iterator[Finding]:
    """Only `bn` takes a bias out again: `ln` and `gn` do not work channel by channel.

    The library's blocks count what their papers count, some with such a bias; nobody who calls one
    can change it. What gives many labels their bias (`ops:`, or a unit without a norm) is said
    once."""
    causes: dict[Span | str, dict[Span, Node]] = {}
    for node in facts.of(attrgetter("has_bias")):
        if not node.origin.span.source.ours and _bias_is_lost(facts, node):
            cause = _cause(facts, node)
            causes.setdefault(cause, {}).setdefault(node.origin.span, node)
    for cause, nodes in causes.items():
        given = (
            cause
            if isinstance(cause, Span) and cause not in nodes
            else NOWHERE
        )
        yield _useless_bias(list(nodes.values()), given)


def _bias_is_lost(facts: Facts, node: Node) -> bool:
    readers = facts.readers[node.name]
    return bool(readers) and all(reader.op.op == "bn" for reader in readers)


def _cause(facts: Facts, node: Node) -> Span | str:
    """What gives a layer its bias: its own label, an entry of `ops:`, or a unit without a norm."""
    span = node.origin.span
    label = span.source.line(span.line)[
        span.column - 1 : span.end_column - 1
    ]
    if "bias" in label.split():
        return span
    default = facts.spec.defaults.get(node.op.op, {}).get("bias")
    return default.value.span if default else node.op.op


def _useless_bias(nodes: list[Node], given: Span) -> Finding:
    """The finding for labels whose bias has one cause; `given` is where `ops:` gives it."""
    first, kind = nodes[0], nodes[0].op.op
    note = "Ioffe and Szegedy 2015, section 3.2: the role of the bias is subsumed by beta"
    one = len(nodes) == 1
    idle = (
        _idle(first.op) if one else f"the bias of each `{kind}` here does"
    )
    said = (
        f"{idle} nothing: the `bn` behind it takes every constant out again"
    )
    origin, hint = first.origin, "write `bias none`"
    if given:
        origin, hint = Origin(given), "take it out"
    elif not one:
        hint += f" in each, or `ops: {{{kind}: {{bias: none}}}}` for all"
    return Finding(origin, said, hint, note, "" if one else _labels(nodes))


def _idle(op: Op) -> str:
    """What of an op does nothing."""
    start = getattr(op, "bias", None)
    starts = isinstance(start, float) and start
    which = f" and its start value {start:g} do" if starts else " does"
    return f"the bias of `{op.label()}`{which}"


def _labels(nodes: list[Node]) -> str:
    labels = [
        f"`{n.op.label()}` in line {n.origin.span.line}"
        for n in nodes[:_LISTED]
    ]
    rest = [f"{len(nodes) - _LISTED} more"] if len(nodes) > _LISTED else []
    return f"they are {', '.join(labels + rest)}"


def _skips(op: Op) -> bool:
    """Whether an op passes over cells of its input: its stride is larger than its kernel."""
    window = op.window
    return window is not None and any(map(gt, window.stride, window.kernel))


def _lost(facts: Facts) -> Iterator[tuple[Node, bool]]:
    """Windows that skip cells which nothing else reads, and whether each is a 1x1 convolution at
    stride 2."""
    for node in facts.of(_skips):
        if isinstance(node.op, ZeroPad) or "shortcut" in node.name.split(
            "."
        ):
            continue
        if all(
            _skips(reader.op) for reader in facts.readers[node.inputs[0]]
        ):
            yield (
                node,
                isinstance(node.op, Conv) and node.op.window[:2] == _NARROW,
            )


def strided_1x1(facts: Facts) -> Iterator[Finding]:
    for node, usual in _lost(facts):
        if usual:
            yield Finding(
                node.origin,
                f"`{node.op.label()}` reads one cell in four, and nothing reads the others",
                "stride on the 3x3 convolution of the block, or in a pool before it",
                "He et al. 2018 (arXiv 1812.01187), section 4.1: three quarters of the input are"
                " ignored",
            )


def stride_over_kernel(facts: Facts) -> Iterator[Finding]:
    for node, usual in _lost(facts):
        if usual:
            continue
        kernel, stride, *_ = node.op.window or Window()
        share = prod(stride) / prod(map(min, kernel, stride))
        yield Finding(
            node.origin,
            f"`{node.op.label()}` reads one cell in {share:g}: its stride is larger than its"
            " kernel",
            f"if a quotient is meant, take the space away: `out/{stride[0]}`;"
            " else use a larger kernel",
        )


def odd_width(facts: Facts) -> Iterator[Finding]:
    """Once for a net. What makes the output, and maps of a few channels (a gate), are as wide as
    they have to be."""
    if facts.graph.cost.params <= _LARGE:
        return
    nodes = facts.of(lambda op: isinstance(op, Conv | UpConv))
    odd = [node for node in nodes if _is_odd(facts, node)]
    if odd:
        widths = sorted({node.shape[0] for node in odd})
        shown = first_few([*map(str, widths)], 6)
        yield Finding(
            odd[0].origin,
            f"widths that are no multiple of 8: {shown} "
            f"({counted(len(odd), 'convolution')})",
            f"`make_divisible({widths[0]} 8)` is the nearest that is",
            "tensor cores work on 8 half-precision numbers at a time; other widths are padded or"
            " take a slower path",
        )


def _is_odd(facts: Facts, node: Node) -> bool:
    graph, width = facts.graph, node.shape[0]
    odd = (
        width > 8
        and width % 8 > 0
        and node.depth < graph.nodes[graph.output].depth
    )
    return odd and node.name not in _classifiers(graph)


def _classifiers(graph: Graph) -> set[str]:
    """The last layer with weights before each output: its width is the number of classes."""
    weighted = attrgetter("op.weighted")
    return {graph.back_to(end, weighted).name for end in graph.ends}


def padded_patches(facts: Facts) -> Iterator[Finding]:
    for node in facts.of(_cuts_beyond):
        label = node.op.label()
        yield Finding(
            node.origin,
            f"`{label}` cuts patches that begin outside the map: an odd kernel is padded",
            f"`{label} pad 0` cuts them from its corner, as patch embeddings do",
        )


def _cuts_beyond(op: Op) -> bool:
    """Whether a convolution cuts patches out of a map with zeros around it."""
    return (
        isinstance(op, Conv)
        and op.kernel == op.stride
        and op.pad is None
        and any(op.padding)
    )


def window_over_map(facts: Facts) -> Iterator[Finding]:
    """Once for a net, at the first such window."""
    over = [node for node in facts.of(_is_wide) if _over_map(facts, node)]
    if over:
        rest = (
            f", and {len(over) - 1} more windows" if len(over) > 1 else ""
        )
        yield Finding(
            over[0].origin,
            f"`{over[0].op.label()}` reads a map of one cell, and zeros around it{rest}",
            "stride less before it, or give the net larger images",
        )


def _is_wide(op: Op) -> bool:
    """Whether a window slides that is larger than one cell."""
    slides = op.family in ("conv", "pool") and not isinstance(op, UpConv)
    window = op.window if slides else None
    return window is not None and window.kernel != (1, 1)


def _over_map(facts: Facts, node: Node) -> bool:
    """Whether a window reads one cell; where the net is given one cell, that is meant."""
    shape = facts.graph.shape(node.inputs[0])
    return shape[1:] == (1, 1) != facts.spec.input[1:]
