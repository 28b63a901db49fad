"""Graph → one record for each row of the net, as in Table 1 of the ResNet paper: output, layers × repeats, costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..graph import Block, Graph, Item, Layer, Path
from ..ops import Cost, Op, Shape


@dataclass(frozen=True, slots=True)
class Group:
    """Layers (of one block, where `block` is not "") that stand `count` times one after another."""

    lines: tuple[str, ...]
    count: int
    block: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a net: its name, the shape that it hands on, its groups, and what it costs for one image."""

    name: str
    output: Shape
    groups: tuple[Group, ...]
    cost: Cost


def summarize(graph: Graph) -> list[Row]:
    """The rows of a net in order."""
    return [
        Row(
            row.name,
            graph.nodes[row.output].shape,
            tuple(_groups(graph, row)),
            sum((node.cost for node in graph.nodes_of(row)), Cost()),
        )
        for row in graph.rows
    ]


def _groups(graph: Graph, row: Path) -> Iterator[Group]:
    last: Group | None = None
    if row.equation is not None and row.equation.nodes:
        yield Group((row.equation.text,), 1, "")
    for item in row.items:
        block = item.block if isinstance(item, Block) else ""
        lines = tuple(_lines(graph, item, inside=isinstance(item, Block)))
        if last is not None and (lines, block) == (last.lines, last.block):
            last = Group(lines, last.count + 1, block)
            continue
        if last is not None:
            yield last
        last = Group(lines, 1, block)
    if last is not None:
        yield last


def _lines(graph: Graph, item: Item, *, inside: bool) -> Iterator[str]:
    """The labels of a layer, or of a block's layers without its strides and its shortcut, as in the paper."""
    if isinstance(item, Layer):
        yield _label(graph, item, stride=not inside)
        return
    branches = {path.word: list(_path_lines(graph, path)) for path in item.paths if path.word != "shortcut"}
    several = sum(map(bool, branches.values())) > 1
    for word, lines in branches.items():
        yield from (f"{word}: {line}" if several and place == 0 else line for place, line in enumerate(lines))


def _path_lines(graph: Graph, path: Path) -> Iterator[str]:
    for item in path.items:
        if isinstance(item, Block):
            width = [str(item.out)] if item.sized else []
            yield " ".join([item.block or "block", *width, *(f"{key} {value}" for key, value in item.values.items())])
        elif _speaks(graph, item):
            yield _label(graph, item, stride=False)


def _main(graph: Graph, layer: Layer) -> Op:
    """The op that a layer is for: its convolution, else its first."""
    ops = [graph.nodes[name].op for name in layer.nodes]
    return next((op for op in ops if op.weighted), ops[0])


def _speaks(graph: Graph, layer: Layer) -> bool:
    """Batch norms and ReLUs on their own go without saying in a block's lines, as in the paper; all else is said."""
    return any(graph.nodes[name].op.op not in ("bn", "relu") for name in layer.nodes)


def _label(graph: Graph, layer: Layer, *, stride: bool) -> str:
    """Its op, and an activation other than ReLU, which goes without saying as in the paper."""
    op = _main(graph, layer)
    last = graph.nodes[layer.nodes[-1]].op
    if not stride and hasattr(op, "stride"):
        op = op.model_copy(update={"stride": (1, 1)})
    says = last is not op and last.family == "activation" and last.op != "relu"
    return f"{op.label()} {last.label()}" if says else op.label()
