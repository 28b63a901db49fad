"""A plan and a name in it → where its numbers come from: values and who set them, shapes and costs
worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import MissingError, UsageError
from ..graph import Block, Equation, Graph, Layer, Node, Origin, Path
from ..language.diagnose.nearest import did_you_mean
from ..language.yaml.tree import entries_of
from ..ops import Cost, shape_text
from ..passes.provenance import OptionOrigin, Setting, options_of, written_at
from ..plan import Plan

Scope = Path | Block | Layer | Equation


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
    state = _state(plan) if name.rpartition(".")[0] in graph.nodes else {}
    if name in state:
        return (
            "\n".join(
                [state[name], "", *_node(plan, graph.nodes[name.rpartition(".")[0]])]
            )
            + "\n"
        )
    known = [*graph.nodes, *found, *state]
    rows = ", ".join(row.name for row in graph.rows)
    if not name:
        raise UsageError(f"say what of {plan.name} to explain: its rows are {rows}")
    raise UsageError(
        f"nothing in {plan.name} is called `{name}`:"
        f" {did_you_mean(name, known) or f'its rows are {rows}'}"
    )


def _state(plan: Plan) -> dict[str, str]:
    """Every parameter and buffer of the net by its name in the state dict, and what is to be said
    of it."""
    try:
        net = plan.module(device="meta")
    except ModuleNotFoundError as error:
        raise MissingError(
            "the names of parameters need PyTorch: pip install 'resgraph[train]'"
        ) from error
    learned = {name for name, _ in net.named_parameters()}
    out: dict[str, str] = {}
    for name, tensor in net.state_dict().items():
        count = f"{tensor.numel():,} numbers" if tensor.numel() != 1 else "one number"
        size = f"{shape_text(tuple(tensor.shape))}, " if tensor.ndim > 1 else ""
        what = "a parameter" if name in learned else "a buffer, which is not learned"
        out[name] = f"{name}: {what}, {size}{count}"
    return out


def _scopes(graph: Graph) -> dict[str, Scope]:
    """Every scope by its name; of those that share one, the outermost."""
    out: dict[str, Scope] = {}
    stack: list[Scope] = list(reversed(graph.rows))
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
    found = node.op.derive(*(graph.nodes[name].shape for name in node.inputs))
    yield f"{node.name}: {node.op.label()}"
    yield from _places(node.origin)
    options = options_of(plan.spec, node, plan.sources.get(node.name))
    if options:
        yield ""
        yield from _table([line for option in options for line in _option(option)])
    yield ""
    readers = [
        other.name for other in graph.nodes.values() if node.name in other.inputs
    ]
    rows = [("reads", _value(graph, name)) for name in node.inputs]
    rows += [("read by", ", ".join(readers) or "nobody: it is the output")]
    before = graph.nodes[node.inputs[0]].shape if node.inputs else node.shape
    axes = ("channels", "height", "width") if len(node.shape) == 3 else ("numbers",)
    rows += [("", ""), ("shape", shape_text(node.shape))]
    for axis in range(len(node.shape)):
        text = found.axes[axis] if axis < len(found.axes) else ""
        kept = before[axis] == node.shape[axis] if axis < len(before) else False
        said = (
            _worked(text, node.shape[axis])
            if text
            else f"{node.shape[axis]}, {'as it comes in' if kept else ''}"
        )
        rows.append((f"  {axes[axis]}", said.rstrip(", ")))
    rows += [
        ("params", _worked(found.params, node.cost.params)),
        ("MACs", _worked(found.macs, node.cost.macs)),
        ("depth", f"{node.depth}, counted in convolutions and fc from the input"),
    ]
    yield from _table(rows)


def _scope(plan: Plan, name: str, scope: Scope) -> Iterator[str]:
    graph = plan.graph
    yield f"{name}: {_kind(scope)}"
    if isinstance(scope, Path):
        first = scope.items[0] if scope.items else scope.equation
        origin = (
            Origin(first.origin.span, first.origin.calls)
            if first and len(scope.items) < 2
            else None
        )
    else:
        origin = scope.origin
    if origin:
        yield from _places(origin)
    yield from _definitions(plan, scope)
    yield ""
    rows: list[tuple[str, ...]] = []
    if isinstance(scope, Block):
        stride = (
            scope.stride[0]
            if scope.stride[0] == scope.stride[1]
            else shape_text(scope.stride)
        )
        rows.append(
            ("its call", f"in = {scope.into}, out = {scope.out}, stride = {stride}")
        )
        rows += [("merge", scope.merge)] if scope.merge else []
        rows += [("shortcut", scope.shortcut)] if scope.shortcut != "none" else []
    if isinstance(scope, Path | Block) and scope.input:
        rows.append(("reads", _value(graph, scope.input)))
    output = scope.nodes[-1] if isinstance(scope, Layer) else scope.output
    inside = {node.name for node in graph.nodes_of(scope)}
    readers = [
        node.name
        for node in graph.nodes.values()
        if output in node.inputs and node.name not in inside
    ]
    rows += [
        ("hands on", _value(graph, output)),
        ("read by", ", ".join(readers) or "nobody: it is the output"),
    ]
    yield from _table(rows)
    yield ""
    yield from _table(
        [
            *(
                (f"  {part}", _shape(graph, inner), *_costs(graph, inner))
                for part, inner in _parts(scope)
            ),
            ("  in all", "", *_costs(graph, scope)),
        ]
    )


def _kind(scope: Scope) -> str:
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
    return f"the path `{scope.word}`" if scope.word != scope.name else "a row"


def _parts(scope: Scope) -> Iterator[tuple[str, Scope | str]]:
    """What a scope consists of, a level down."""
    if isinstance(scope, Block):
        for path in scope.paths:
            if path.name != scope.name:
                yield path.name, path
            else:
                yield from _parts(path)
    elif isinstance(scope, Path):
        if scope.equation:
            for node in scope.equation.nodes:
                yield node, node
        for item in scope.items:
            if item.name != scope.name:
                yield item.name, item
            else:
                yield from _parts(item)
    else:
        for node in scope.nodes:
            yield node, node


def _shape(graph: Graph, part: Scope | str) -> str:
    name = (
        part
        if isinstance(part, str)
        else part.nodes[-1]
        if isinstance(part, Layer)
        else part.output
    )
    return shape_text(graph.nodes[name].shape) if name else ""


def _costs(graph: Graph, part: Scope | str) -> tuple[str, str]:
    cost = sum(
        (
            n.cost
            for n in (
                [graph.nodes[part]] if isinstance(part, str) else graph.nodes_of(part)
            )
        ),
        Cost(),
    )
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


def _definitions(plan: Plan, scope: Scope) -> Iterator[str]:
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
    for name in dict.fromkeys(item.block for item in items if isinstance(item, Block)):
        if entry := defined.get(name):
            place = (
                entry.key.span
                if entry.key.span.source == entry.value.span.source
                else entry.value.span
            )
            yield f"  `{name}` is defined at {place}"


def _option(option: OptionOrigin) -> Iterator[tuple[str, ...]]:
    text = f"`{option.setting.text}`" if option.setting.text != option.value else ""
    yield option.key, option.value, _where(option.setting, text)
    for name in option.names:
        yield "", "", _where(name, f"  {name.name} = {name.text}")


def _where(setting: Setting, text: str) -> str:
    place = f"at {setting.span}" if setting.span else ""
    return " ".join(
        filter(None, [text, place, f"({setting.note})" if setting.note else ""])
    )


def _value(graph: Graph, name: str) -> str:
    return f"{name}, {shape_text(graph.nodes[name].shape)}"


def _worked(text: str, value: int) -> str:
    return f"{text} = {value:,}" if text and text != str(value) else f"{value:,}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns that line up."""
    columns = max(map(len, rows))
    wide = [
        max((len(row[c]) for row in rows if len(row) > c + 1), default=0)
        for c in range(columns)
    ]
    for row in rows:
        yield "  ".join(
            cell.ljust(width) for cell, width in zip(row, wide, strict=False)
        ).rstrip()
