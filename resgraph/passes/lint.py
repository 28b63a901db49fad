"""Spec and Graph → warnings: what is legal and, by the literature, rarely meant. Each can be silenced by `allow:`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..errors import Diagnostic, Related
from ..graph import Block, Graph, Node, Origin, Path
from ..language.lints import LINTS, allowed
from ..language.spec import Spec
from ..ops import Concat, Conv, Mul, Part, ZeroPad, shape_text
from .residual import Residual, kind, residuals

_LARGE = 1_000_000  # parameters; below that nobody waits for the tensor cores


@dataclass
class Facts:
    """What the lints ask of a net."""

    graph: Graph
    readers: dict[str, list[Node]] = field(init=False)
    residuals: list[Residual] = field(init=False)

    def __post_init__(self) -> None:
        self.readers = {name: [] for name in self.graph.nodes}
        for node in self.graph.nodes.values():
            for source in node.inputs:
                self.readers[source].append(node)
        self.residuals = list(residuals(self.graph))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a lint has to say, and where."""

    origin: Origin
    message: str
    help: str
    note: str = ""


Lint = Callable[[Facts], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Linted:
    """The warnings of a net in the order of their places, one for each place, and the names of those kept silent."""

    warnings: tuple[Diagnostic, ...]
    silenced: frozenset[str]


def lint(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """The warnings of a net that its spec does not allow."""
    return list(linted(spec, graph).warnings)


def linted(spec: Spec, graph: Graph) -> Linted:
    """What in a net looks unmeant; what the spec allows is only named."""
    silent, silenced, facts = allowed(spec.tree), set(), Facts(graph)
    found: dict[Any, Diagnostic] = {}
    for name, check in _CHECKS.items():
        for finding in check(facts):
            if name in silent:
                silenced.add(name)
                break
            origin = _in_spec(finding.origin)
            calls = tuple(Related(call, "called here") for call in reversed(origin.calls) if call != origin.span)
            notes = tuple(filter(None, [finding.note, f"`allow: [{name}]` in the spec silences this"]))
            warning = Diagnostic(LINTS[name], finding.message, origin.span, "", notes, finding.help, calls)
            found.setdefault((warning.code, warning.span), warning)
    in_order = sorted(found.values(), key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))
    return Linted(tuple(in_order), frozenset(silenced))


def _in_spec(origin: Origin) -> Origin:
    """The place where the spec's author can act: of what came with resgraph (a block of the library), its call."""
    calls = origin.calls
    while calls and origin.span.source.ours:
        origin, calls = Origin(calls[-1], calls[:-1]), calls[:-1]
    return origin


def _bias_before_norm(facts: Facts) -> Iterator[Finding]:
    """Only `bn` takes a bias out again: `ln` and `gn` do not work channel by channel.

    The library's blocks count what their papers count, some with such a bias; nobody who calls one can change it.
    """
    for node in facts.graph.nodes.values():
        readers = facts.readers[node.name]
        if not getattr(node.op, "has_bias", False) or not readers or any(r.op.op != "bn" for r in readers):
            continue
        if node.origin.span.source.ours:
            continue
        start = getattr(node.op, "bias", None)
        which = f" and its start value {start:g} do" if isinstance(start, float) and start else " does"
        yield Finding(
            node.origin,
            f"the bias of `{node.op.label()}`{which} nothing: the `bn` behind it takes every constant out again",
            "write `bias none`",
            "Ioffe and Szegedy 2015, section 3.2: the role of the bias is subsumed by beta",
        )


def _activation_after_sum(facts: Facts) -> Iterator[Finding]:
    for residual in facts.residuals:
        inside = f"{residual.block.name}."
        after = [r for r in facts.readers[residual.sum.name] if r.name.startswith(inside) and kind(r) == "activation"]
        if after and residual.opening:
            yield Finding(
                after[0].origin,
                f"a {after[0].op.label()} after the sum, in a block whose branch begins with its own "
                f"{_listed(residual.opening)}",
                "in a pre-activation block the sum is handed on as it is: `merge: body + shortcut`",
                "He et al. 2016 (arXiv 1603.05027), section 3: the identity must stay free from end to end",
            )


def _skips(node: Node) -> bool:
    """Whether an op passes over cells of its input: its stride is larger than its kernel."""
    stride, kernel = getattr(node.op, "stride", None), getattr(node.op, "kernel", (1, 1))
    if not isinstance(stride, tuple) or not isinstance(kernel, tuple) or node.op.op == "up conv":
        return False
    return any(s > k for s, k in zip(stride, kernel, strict=True))


def _lost(facts: Facts) -> Iterator[tuple[Node, bool]]:
    """Windows that skip cells which nothing else reads, and whether each is a 1x1 convolution at stride 2."""
    for node in facts.graph.nodes.values():
        if isinstance(node.op, ZeroPad) or "shortcut" in node.name.split(".") or not _skips(node):
            continue
        if all(_skips(reader) for reader in facts.readers[node.inputs[0]]):
            usual = node.op.op == "conv" and getattr(node.op, "kernel", None) == (1, 1)
            yield node, usual and getattr(node.op, "stride", None) == (2, 2)


def _strided_1x1(facts: Facts) -> Iterator[Finding]:
    for node, usual in _lost(facts):
        if usual:
            yield Finding(
                node.origin,
                f"`{node.op.label()}` reads one cell in four, and nothing reads the others",
                "stride on the 3x3 convolution of the block, or in a pool before it",
                "He et al. 2018 (arXiv 1812.01187), section 4.1: three quarters of the input are ignored",
            )


def _stride_over_kernel(facts: Facts) -> Iterator[Finding]:
    for node, usual in _lost(facts):
        if usual:
            continue
        down, across = node.op.stride  # type: ignore[attr-defined]
        kernel = getattr(node.op, "kernel", (1, 1))
        share = down * across / (min(kernel[0], down) * min(kernel[1], across))
        yield Finding(
            node.origin,
            f"`{node.op.label()}` reads one cell in {share:g}: its stride is larger than its kernel",
            f"if a quotient is meant, take the space away: `out/{down}`; else use a larger kernel",
        )


def _odd_width(facts: Facts) -> Iterator[Finding]:
    """Once for a net. What makes the output, and maps of a few channels (a gate), are as wide as they have to be."""
    if facts.graph.cost.params <= _LARGE:
        return
    last = facts.graph.nodes[facts.graph.output].depth
    odd = [
        node
        for node in facts.graph.nodes.values()
        if node.op.op in ("conv", "up conv") and node.shape[0] > 8 and node.shape[0] % 8 and node.depth < last
    ]
    if odd:
        widths = sorted({node.shape[0] for node in odd})
        shown = ", ".join(map(str, widths[:6])) + (", …" if len(widths) > 6 else "")
        yield Finding(
            odd[0].origin,
            f"widths that are no multiple of 8: {shown} ({len(odd)} convolution{'s' * (len(odd) > 1)})",
            f"`make_divisible({widths[0]} 8)` is the nearest that is",
            "tensor cores work on 8 half-precision numbers at a time; other widths are padded or take a slower path",
        )


def _no_downsampling(facts: Facts) -> Iterator[Finding]:
    """A stage that doubles the width of the stage before it at the same size, where no dilation replaces the stride."""
    graph = facts.graph
    for before, row in pairwise(graph.rows):
        small, large = graph.nodes[before.output].shape, graph.nodes[row.output].shape
        if len(small) != 3 or len(large) != 3 or small[1:] != large[1:] or large[0] < 2 * small[0]:
            continue
        if not (_is_stage(before) and _is_stage(row)) or any(
            isinstance(node.op, Concat) or max(getattr(node.op, "dilation", (1, 1))) > 1 for node in graph.nodes_of(row)
        ):
            continue
        yield Finding(
            row.items[0].origin,
            f"`{row.name}` makes the width {large[0]} from {small[0]}, and the map stays {shape_text(large[1:])}",
            "write `/2` behind the width, or say with `dilation` that the size is to stay",
            "He et al. 2015 (arXiv 1512.03385), section 3.1: where the width doubles the size is halved, "
            "so that each layer costs the same",
        )


def _is_stage(row: Path) -> bool:
    """Whether a row repeats something; a stem and a head do not."""
    items = [item.block if isinstance(item, Block) else item.label for item in row.items]
    return len(items) > len(set(items))


def _dead_path(facts: Facts) -> Iterator[Finding]:
    graph = facts.graph
    alive = {graph.output}
    for node in reversed(graph.nodes.values()):
        if node.name in alive and not (isinstance(node.op, Mul) and 0 in (node.op.left, node.op.right)):
            alive.update(node.inputs)
    for node in graph.nodes.values():
        if node.name not in alive and node.inputs:
            help_ = "read it in an equation, or take it out"
            yield Finding(node.origin, f"nothing of `{node.name}` reaches the output", help_)
    yield from _unread_parts(facts)


def _unread_parts(facts: Facts) -> Iterator[Finding]:
    for readers in facts.readers.values():
        parts = [reader.op for reader in readers if isinstance(reader.op, Part)]
        missing = sorted(set(range(parts[0].of if parts else 0)) - {part.which for part in parts})
        if missing and len(parts) == len(readers) and len({part.of for part in parts}) == 1:
            which = ", ".join(map(str, missing))
            message = f"part{'s' * (len(missing) > 1)} {which} of {parts[0].of} never read"
            yield Finding(readers[0].origin, message, f"read `part {missing[0]} of {parts[0].of}`, or make fewer parts")


def _missing_final_norm(facts: Facts) -> Iterator[Finding]:
    """From the last sum of a pre-activation net to the next weighted op, or to the end."""
    if not facts.residuals:
        return
    last = facts.residuals[-1]
    seen: set[str] = set()
    node = last.sum
    while (readers := facts.readers[node.name]) and not (node := readers[0]).op.weighted:
        seen.add(kind(node))
    missing = last.opening - seen
    if missing:
        yield Finding(
            node.origin,
            f"the sum of the last block reaches {f'`{node.op.label()}`' if node.op.weighted else 'the output'} "
            f"without the {_listed(missing)} that its blocks put before their convolutions",
            "begin the head with them: `[bn, relu, global avg pool, fc 1000]`",
            "He et al. 2016 (arXiv 1603.05027), appendix: the last sum is followed by one more activation",
        )


def _padded_patches(facts: Facts) -> Iterator[Finding]:
    for node in facts.graph.nodes.values():
        op = node.op
        if isinstance(op, Conv) and op.kernel == op.stride and op.pad is None and op.padding != (0, 0):
            yield Finding(
                node.origin,
                f"`{op.label()}` cuts patches that begin outside the map: an odd kernel is padded",
                f"`{op.label()} pad 0` cuts them from its corner, as patch embeddings do",
            )


def _listed(words: frozenset[str]) -> str:
    return " and ".join(sorted(words, reverse=True))


_CHECKS: dict[str, Lint] = {
    "bias-before-norm": _bias_before_norm,
    "activation-after-sum": _activation_after_sum,
    "strided-1x1": _strided_1x1,
    "stride-over-kernel": _stride_over_kernel,
    "odd-width": _odd_width,
    "no-downsampling": _no_downsampling,
    "dead-path": _dead_path,
    "missing-final-norm": _missing_final_norm,
    "padded-patches": _padded_patches,
}
