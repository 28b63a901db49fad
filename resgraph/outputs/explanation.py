"""A plan and a name in it → where its numbers come from: values and who set them, shapes and costs
worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..collecting import each_name, flatten, of_type
from ..dotted import scope_of
from ..errors import UsageError, needing
from ..graph import (
    Block,
    Equation,
    Graph,
    Layer,
    Node,
    Origin,
    Path,
    Stream,
    total,
)
from ..language.diagnose.nearest import did_you_mean
from ..language.yaml.tree import entries_of
from ..ops import shape_text
from ..ops.base import value_text
from ..passes.provenance import (
    OptionOrigin,
    Setting,
    options_of,
    written_at,
)
from ..plan import Plan

Explained = Path | Block | Layer | Equation
_AXES = (
    (),
    ("numbers",),
    ("channels", "length"),
    ("channels", "height", "width"),
    ("channels", "depth", "height", "width"),
)
"""What the axes of a tensor are called, by how many there are."""


def explanation(plan: Plan, name: str) -> str:
    """All there is to say about a node, a layer, a path, a block or a row, and about a key of the
    state dict.

    Raises `UsageError` for an unknown name, `MissingError` for a key of the state dict where torch
    is not there."""
    graph = plan.graph
    found = _scopes(graph)
    if name in graph.nodes:
        return "\n".join(_node(plan, graph.nodes[name])) + "\n"
    if name in found:
        return "\n".join(_scope(plan, name, found[name])) + "\n"
    state = _state(plan) if scope_of(name) in graph.nodes else {}
    if name in state:
        return (
            "\n".join(
                [
                    state[name],
                    "",
                    *_node(plan, graph.nodes[scope_of(name)]),
                ]
            )
            + "\n"
        )
    known = [*graph.nodes, *found, *state]
    rows = ", ".join(each_name(graph.rows))
    if not name:
        raise UsageError(
            f"say what of {plan.name} to explain: its rows are {rows}"
        )
    raise UsageError(
        f"nothing in {plan.name} is called `{name}`:"
        f" {did_you_mean(name, known) or f'its rows are {rows}'}"
    )


def _state(plan: Plan) -> dict[str, str]:
    """Every parameter and buffer of the net by its name in the state dict, and what is to be said
    of it."""
    with needing("the names of parameters need PyTorch", "train"):
        net = plan.module(device="meta")
    learned = {name for name, _ in net.named_parameters()}
    out: dict[str, str] = {}
    for name, tensor in net.state_dict().items():
        count = (
            f"{tensor.numel():,} numbers"
            if tensor.numel() != 1
            else "one number"
        )
        size = (
            f"{shape_text(tuple(tensor.shape))}, "
            if tensor.ndim > 1
            else ""
        )
        what = (
            "a parameter"
            if name in learned
            else "a buffer, which is not learned"
        )
        out[name] = f"{name}: {what}, {size}{count}"
    return out


def _scopes(graph: Graph) -> dict[str, Explained]:
    """Every scope by its name; of those that share one, the outermost."""
    out: dict[str, Explained] = {}
    stack: list[Explained] = list(reversed(graph.rows))
    while stack:
        top = stack.pop()
        out.setdefault(top.name, top)
        if isinstance(top, Block):
            stack += reversed(top.paths)
        elif isinstance(top, Path):
            stack += reversed(top.items)
            if top.equation:
                stack.append(top.equation)
    return out


def _node(plan: Plan, node: Node) -> Iterator[str]:
    graph = plan.graph
    found = node.op.derive(*graph.shapes_into(node))
    yield f"{node.name}: {node.op.label()}"
    yield from _places(node.origin)
    options = options_of(plan.spec, node, plan.sources.get(node.name))
    if options:
        yield ""
        yield from _table([*flatten(map(_option, options))])
    yield ""
    readers = [
        other.name
        for other in graph.nodes.values()
        if node.name in other.inputs
    ]
    rows = [("reads", _value(graph, name)) for name in node.inputs]
    rows += [_read_by(readers), ("", ""), ("shape", shape_text(node.shape))]
    rows += _axes(graph, node, found.axes)
    rows += [
        (
            "params",
            f"those of {node.shares}"
            if node.shares
            else _worked(found.params, node.cost.params),
        ),
        ("MACs", _worked(found.macs, node.cost.macs)),
        (
            "depth",
            f"{node.depth}, counted in convolutions and fc from the input",
        ),
    ]
    yield from _table(rows)


def _axes(
    graph: Graph, node: Node, texts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Each side of a shape, and how it comes about."""
    before = graph.shape(node.inputs[0]) if node.inputs else node.shape
    axes = _AXES[len(node.shape)]
    for axis, size in enumerate(node.shape):
        text = texts[axis] if axis < len(texts) else ""
        kept = before[axis : axis + 1] == (size,)
        plain = f"{size}, as it comes in" if kept else f"{size}"
        yield f"  {axes[axis]}", _worked(text, size) if text else plain


def _readers(graph: Graph, scope: Explained, output: str) -> list[str]:
    """What reads the end of a scope."""
    inside = graph.names_of(scope)
    readers = [
        node.name
        for node in graph.nodes.values()
        if output in node.inputs and node.name not in inside
    ]
    given = graph.several and output in graph.ends
    return readers + ["whoever calls the net: it is an output"] * given


def _scope(plan: Plan, name: str, scope: Explained) -> Iterator[str]:
    graph = plan.graph
    yield f"{name}: {_kind(scope)}"
    if origin := _origin(scope):
        yield from _places(origin)
    yield from _definitions(plan, scope)
    yield ""
    rows = [*_call(graph, scope)] if isinstance(scope, Block) else []
    if isinstance(scope, Path | Block) and scope.input:
        rows += _streams(graph, "reads", scope.takes, scope.input)
    output = _output(scope)
    readers = _readers(graph, scope, output)
    rows += _streams(graph, "hands on", scope.gives, output)
    rows.append(_read_by(readers))
    yield from _table(rows)
    yield ""
    parts = [
        (f"  {part}", _shape(graph, inner), *_costs(graph, inner))
        for part, inner in _parts(scope)
    ]
    yield from _table([*parts, ("  in all", "", *_costs(graph, scope))])


def _streams(
    graph: Graph, word: str, streams: Sequence[Stream], alone: str
) -> Iterator[tuple[str, str]]:
    """A line for each stream, or for the one tensor."""
    for stream in streams:
        yield f"{word} {stream.name}", _value(graph, stream.node)
    if not streams:
        yield word, _value(graph, alone)


def _origin(scope: Explained) -> Origin | None:
    """Where a scope is written; a path stands where its only item does."""
    if not isinstance(scope, Path):
        return scope.origin
    first = scope.items[0] if scope.items else scope.equation
    return first.origin if first and len(scope.items) < 2 else None


def _call(graph: Graph, block: Block) -> Iterator[tuple[str, str]]:
    """What a block is called with."""
    stride = value_text(block.stride)
    widths = [graph.shape(stream.node)[0] for stream in block.takes]
    into = value_text(tuple(widths)) if widths else block.into
    yield "its call", f"in = {into}, out = {block.out}, stride = {stride}"
    if block.merge:
        yield "merge", block.merge
    if block.shortcut != "none":
        yield "shortcut", block.shortcut


def _read_by(readers: Sequence[str]) -> tuple[str, str]:
    return "read by", ", ".join(readers) or "nobody: it is the output"


def _output(part: Explained | str) -> str:
    """The node that a part hands on."""
    if isinstance(part, str):
        return part
    return part.output


def _kind(scope: Explained) -> str:
    if isinstance(scope, Block) and scope.again:
        return f"`{scope.again}` again, with its weights"
    if isinstance(scope, Block):
        return (
            f"a call of `{scope.block}`"
            if scope.block
            else "a block written where it is called"
        )
    if isinstance(scope, Layer):
        return f"the layer `{scope.label}`"
    if isinstance(scope, Equation):
        return f"the equation `{scope.text}`"
    return (
        f"the path `{scope.word}`" if scope.word != scope.name else "a row"
    )


def _parts(scope: Explained) -> Iterator[tuple[str, Explained | str]]:
    """What a scope consists of, a level down."""
    if isinstance(scope, Layer | Equation):
        yield from ((node, node) for node in scope.nodes)
        return
    if isinstance(scope, Path) and scope.equation:
        yield from _parts(scope.equation)
    below: Sequence[Explained] = (
        scope.paths if isinstance(scope, Block) else scope.items
    )
    for part in below:
        if part.name == scope.name:  # the same thing, a level down
            yield from _parts(part)
        else:
            yield part.name, part


def _shape(graph: Graph, part: Explained | str) -> str:
    output = _output(part)
    return shape_text(graph.shape(output)) if output else ""


def _costs(graph: Graph, part: Explained | str) -> tuple[str, str]:
    nodes = (
        [graph.nodes[part]]
        if isinstance(part, str)
        else graph.nodes_of(part)
    )
    cost = total(nodes)
    return (
        f"{cost.params:,} params" if cost.params else "",
        f"{cost.macs:,} MACs" if cost.macs else "",
    )


def _places(origin: Origin) -> Iterator[str]:
    """The label and the calls that led there, the nearest first."""
    yield f"  written at {origin.span}: `{written_at(origin.span)}`"
    for call in reversed(origin.calls):
        if call != origin.span:
            yield f"   called at {call}: `{written_at(call)}`"


def _definitions(plan: Plan, scope: Explained) -> Iterator[str]:
    """Where the spec defines the blocks that a scope calls: it may be another file than that of the
    call."""
    items = (
        [scope]
        if isinstance(scope, Block)
        else scope.items
        if isinstance(scope, Path)
        else []
    )
    defined = entries_of(plan.spec.tree, "blocks")
    for name in dict.fromkeys(item.block for item in of_type(Block, items)):
        if entry := defined.get(name):
            place = (
                entry.key.span
                if entry.key.span.source == entry.value.span.source
                else entry.value.span
            )
            yield f"  `{name}` is defined at {place}"


def _option(option: OptionOrigin) -> Iterator[tuple[str, ...]]:
    text = (
        f"`{option.setting.text}`"
        if option.setting.text != option.value
        else ""
    )
    yield option.key, option.value, _where(option.setting, text)
    for name in option.names:
        yield "", "", _where(name, f"  {name.name} = {name.text}")


def _where(setting: Setting, text: str) -> str:
    place = f"at {setting.span}" if setting.span else ""
    return " ".join(
        filter(
            None, [text, place, f"({setting.note})" if setting.note else ""]
        )
    )


def _value(graph: Graph, name: str) -> str:
    return f"{name}, {shape_text(graph.shape(name))}"


def _worked(text: str, value: int) -> str:
    return (
        f"{text} = {value:,}"
        if text and text != str(value)
        else f"{value:,}"
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns that line up."""
    columns = max(map(len, rows))
    wide = [
        max((len(row[c]) for row in rows if len(row) > c + 1), default=0)
        for c in range(columns)
    ]
    for row in rows:
        yield "  ".join(
            cell.ljust(width)
            for cell, width in zip(row, wide, strict=False)
        ).rstrip()
