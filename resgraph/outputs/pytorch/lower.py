"""Graph → Program: layers of one structure become a function, blocks of one structure a class, the
net a class."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError
from ...graph import Block, Equation, Graph, Item, Layer, Path
from ...ops.base import Call, Ref
from ...ops.extension import torch_call
from ...passes.starts import Start, is_alias
from .define import Column, Shared, is_width, share_block, share_layer
from .forward import Scope, Statement, forward, working
from .program import Class, Function, Program
from .signatures import SPATIAL, Signatures
from .support import REQUIRED
from .text import Names, camel, safe
from .tree import Leaf, leaves, named, numbered, refill, skeleton

_RESERVED = frozenset(
    [
        "F",
        "OrderedDict",
        "Tensor",
        "math",
        "nn",
        "self",
        "sequential_from",
        "super",
        "torch",
        "x",
    ]
)
_KINDS = {
    "identity": "",
    "projection": "Projection",
    "zero-pad": "ZeroPad",
    "path": "Projection",
    "none": "Plain",
}
_SHORTCUTS = {
    "identity": "with the identity as its shortcut",
    "projection": "with a projection as its shortcut",
    "zero-pad": "with a zero-padded identity as its shortcut",
    "path": "with its shortcut as written in the spec",
    "none": "without its shortcut",
}


def lower(
    graph: Graph,
    name: str,
    inplace: frozenset[str],
    starts: Mapping[str, tuple[Start, ...]],
) -> Program:
    """The program of a graph. `inplace` names the nodes that may overwrite what they read; `starts`
    gives, by the name of a block (or "" for the net), the parameters that do not start as their
    layers say."""
    _check_names(graph)
    lowering = _Lowering(graph, inplace, starts)
    net = lowering.names.new(camel(name))
    lowering.layers()
    lowering.blocks()
    return lowering.finish(net)


@dataclass(slots=True)
class _Instance:
    """A block on its way to a class: its constructor trees, and its forward."""

    block: Block
    modules: list[tuple[str, Call]]
    forward: list[Statement]
    starts: tuple[Start, ...]
    sequential: bool

    def leaves(self, known: Signatures) -> list[Leaf]:
        """The literals of the trees, then the numbers of the equations."""
        words = {word for word, _ in self.modules}
        numbers = [leaf for s in self.forward for leaf in leaves(s.value, known)]
        return [
            *(leaf for _, tree in self.modules for leaf in leaves(tree, known)),
            # an attribute must not have the name of a path
            *(Leaf(n.role + "_" * (n.role in words), n.value) for n in numbers),
        ]

    def key(self, known: Signatures) -> tuple[Any, ...]:
        """What is equal for blocks that can share a class."""
        return (
            self.block.block,
            tuple((word, skeleton(tree, known)) for word, tree in self.modules),
            tuple((s.before, skeleton(s.value, known)) for s in self.forward),
            self.starts,
        )


class _Lowering:
    def __init__(
        self,
        graph: Graph,
        inplace: frozenset[str],
        starts: Mapping[str, tuple[Start, ...]],
    ) -> None:
        self.graph, self.inplace, self.starts = graph, inplace, starts
        self.known = Signatures()
        self.program = Program(self.known)
        self.names = Names(_RESERVED.union(keyword.kwlist, self.known.names()))
        self.calls: dict[
            int, Call
        ] = {}  # by the identity of a layer or block: the call that makes it

    # -- layers
    # ----------------------------------------------------------------------------------

    def layers(self) -> None:
        """Every layer as a call: of its one module, or of the function that it shares with layers
        of its structure."""
        groups: dict[Any, list[tuple[Layer, Call]]] = {}
        for layer in _layers(self.graph):
            words = [name[len(layer.name) + 1 :] for name in layer.nodes]
            calls = [self.module(name) for name in layer.nodes]
            if not words[0]:
                self.calls[id(layer)] = _within(calls, words)
                continue
            tree = named(list(zip(words, calls, strict=True)))
            ops = tuple(self.graph.nodes[name].op.op for name in layer.nodes)
            key = ops, tuple(words), skeleton(tree, self.known)
            groups.setdefault(key, []).append((layer, tree))
        for (ops, words, _), members in groups.items():
            self.function(_function_name(ops, words), members)

    def module(self, name: str) -> Call:
        """The torch call of a node, its options written so that calls can be compared."""
        node = self.graph.nodes[name]
        shapes = [self.graph.nodes[source].shape for source in node.inputs]
        call = torch_call(node.op, shapes)
        self.known.learn(call, node.op, shapes)
        kwargs = {key: _plain(key, value) for key, value in call.kwargs}
        args = call.args
        if self.known.is_conv(call.target):
            if "kernel_size" in kwargs and len(args) == 2:
                args = (*args, kwargs.pop("kernel_size"))
            options = self.known.parameters(call.target)
            given = self.known.roles(call.target, len(args))
            full = {
                key: value
                for key, value in options.items()
                if key not in given and value is not REQUIRED
            }
            kwargs = {**full, **kwargs}
        if name in self.inplace:
            kwargs["inplace"] = True
        return Call(call.target, args, tuple(kwargs.items()))

    def function(self, wanted: str, members: Sequence[tuple[Layer, Call]]) -> None:
        """Define the function of layers of one structure, and each layer as a call of it."""
        found = [leaves(tree, self.known) for _, tree in members]
        shared = share_layer(found[0], _columns(found))
        tree = refill(members[0][1], self.known, iter(shared.fills))
        name = self.names.new(wanted)
        parameters = shared.parameters()
        self.program.functions.append(Function(name, parameters, tree))
        self.known.add(name, parameters)
        for index, (layer, _) in enumerate(members):
            self.calls[id(layer)] = _call(name, shared, parameters, index)

    # -- blocks
    # ----------------------------------------------------------------------------------

    def blocks(self) -> None:
        """Every block as a call of the class that it shares with blocks of its structure, the
        innermost first."""
        for level in _levels(self.graph):
            groups: dict[Any, list[_Instance]] = {}
            for block in level:
                if next(self.graph.nodes_of(block), None) is None:
                    continue
                if is_alias(block):
                    self.calls[id(block)] = self.calls[id(block.result.items[0])]
                else:
                    instance = self.instance(block)
                    groups.setdefault(instance.key(self.known), []).append(instance)
            variants: dict[str, int] = {}
            for key in groups:
                variants[key[0]] = variants.get(key[0], 0) + 1
            for key, members in groups.items():
                self.define(members, alone=variants[key[0]] == 1)

    def instance(self, block: Block) -> _Instance:
        """The trees and the forward of one block."""
        starts = self.starts.get(block.name, ())
        path = block.result
        scope = Scope(block.paths, block.input, path.output)
        alone = len(block.paths) == 1 and path.name == block.name
        if alone and working(self.graph, path):
            tree = self.sequential(path, alone=True)
            body = forward(self.graph, scope, self.inplace) if path.equation else []
            return _Instance(block, [("", tree)], body, starts, sequential=True)
        modules = [
            (path.word, self.sequential(path))
            for path in block.paths
            if working(self.graph, path)
        ]
        body = forward(self.graph, scope, self.inplace)
        return _Instance(block, modules, body, starts, sequential=False)

    def sequential(self, path: Path, *, alone: bool = False) -> Call:
        """What makes the module of a path: its one item where it is not a list, else a Sequential
        of its places."""
        items = working(self.graph, path)
        if not path.listed:
            return self.calls[id(items[0])]
        places = [
            (int(item.name[len(path.name) + 1 :]), self.calls[id(item)])
            for item in items
        ]
        return numbered(places, alone=alone)

    def define(self, members: Sequence[_Instance], *, alone: bool) -> None:
        """Define the class of blocks of one structure, and each block as a call of it."""
        first = members[0]
        found = [member.leaves(self.known) for member in members]
        hints = [word for word, tree in first.modules for _ in leaves(tree, self.known)]
        hints += [""] * (len(found[0]) - len(hints))
        into, out = (
            tuple(m.block.into for m in members),
            tuple(m.block.out for m in members),
        )
        shared = share_block(found[0], _columns(found), hints, into, out)
        fills = iter(shared.fills)
        modules = [
            (word, refill(tree, self.known, fills)) for word, tree in first.modules
        ]
        numbers = list(fills)
        attributes = [(n.text, n) for n in dict.fromkeys(numbers) if isinstance(n, Ref)]
        fills = (Ref(f"self.{n.text}") if isinstance(n, Ref) else n for n in numbers)
        body = [
            Statement(s.before, refill(s.value, self.known, fills))
            for s in first.forward
        ]
        name = self.class_name(first.block, alone=alone)
        parameters = shared.parameters()
        docstring = _docstring(first.block)
        self.program.classes.append(
            Class(
                name,
                docstring,
                parameters,
                [*attributes, *modules],
                body,
                first.starts,
                first.sequential,
            )
        )
        self.known.add(name, parameters)
        for index, member in enumerate(members):
            self.calls[id(member.block)] = _call(name, shared, parameters, index)

    def class_name(self, block: Block, *, alone: bool) -> str:
        """`Bottleneck`; with variants `BottleneckProjection`; else with a number."""
        base = camel(block.block or block.name.rpartition(".")[2])
        suffix = "" if alone or not block.merge else _KINDS[block.shortcut]
        return self.names.new(base + suffix) if suffix else self.names.new(base)

    def finish(self, name: str) -> Program:
        """The class of the net, last."""
        graph = self.graph
        into, out = (
            ("batch", *graph.nodes[end].shape) for end in (graph.input, graph.output)
        )
        docstring = [f"({', '.join(map(str, into))}) → ({', '.join(map(str, out))})"]
        modules = [
            (row.word, self.sequential(row))
            for row in graph.rows
            if working(graph, row)
        ]
        scope = Scope(graph.rows, graph.input, graph.output, rows=True)
        body = forward(graph, scope, self.inplace)
        self.program.classes.append(
            Class(name, docstring, {}, modules, body, self.starts.get("", ()))
        )
        return self.program


def _check_names(graph: Graph) -> None:
    """The last check before a name becomes Python, whatever made the graph."""
    scopes = [*graph.rows, *(path for block in graph.blocks() for path in block.paths)]
    for name in (
        *graph.nodes,
        *(path.name for path in scopes),
        *(path.word for path in scopes if path.word),
    ):
        for part in name.split("."):
            if not re.fullmatch(
                r"[A-Za-z][A-Za-z0-9_]*|[0-9]+", part
            ) or keyword.iskeyword(part):
                raise UsageError(f"`{safe(name)}` cannot be a name in Python source")


def _layers(graph: Graph) -> Iterable[Layer]:
    stack: list[Path | Item | Equation] = list(reversed(graph.rows))
    while stack:
        top = stack.pop()
        if isinstance(top, Layer):
            yield top
        elif isinstance(top, Block):
            stack.extend(reversed(top.paths))
        elif isinstance(top, Path):
            stack.extend(reversed(top.items))


def _levels(graph: Graph) -> list[list[Block]]:
    """The blocks in reading order, by how many blocks stand within one another in them."""
    blocks = list(graph.blocks())
    heights: dict[int, int] = {}
    for block in reversed(blocks):  # a block comes before those within it
        inner = [
            item
            for path in block.paths
            for item in path.items
            if isinstance(item, Block)
        ]
        heights[id(block)] = 1 + max((heights[id(item)] for item in inner), default=0)
    levels: list[list[Block]] = [[] for _ in range(max(heights.values(), default=0))]
    for block in blocks:
        levels[heights[id(block)] - 1].append(block)
    return levels


def _within(calls: list[Call], words: list[str]) -> Call:
    """A module that keeps its own name, with what follows it (the activation of an `fc`) as its
    child."""
    first = calls[0]
    rest = tuple(zip(words[1:], calls[1:], strict=True))
    return (
        Call("LinearWithActivation", first.args, first.kwargs + rest) if rest else first
    )


def _columns(found: Sequence[Sequence[Leaf]]) -> list[Column]:
    return list(zip(*([leaf.value for leaf in one] for one in found), strict=True))


def _call(name: str, shared: Shared, parameters: Mapping[str, Any], index: int) -> Call:
    """One instance: widths by place, the rest by name."""
    args = tuple(shared.arguments[name][index] for name in parameters if is_width(name))
    kwargs = tuple(
        (name, shared.arguments[name][index])
        for name in parameters
        if not is_width(name)
    )
    return Call(name, args, kwargs)


def _plain(key: str, value: Any) -> Any:
    """`(3, 3)` → 3 for what is down and across."""
    square = key in SPATIAL and isinstance(value, tuple) and len(set(value)) == 1
    return value[0] if square else value


def _function_name(ops: Sequence[str], words: Sequence[str]) -> str:
    """`conv_bn_relu`; a conv of another kind by its op: `depthwise_conv_bn`."""
    texts = [
        op if word == "conv" else word for op, word in zip(ops, words, strict=True)
    ]
    return "_".join(texts).replace(" ", "_").lower()


def _docstring(block: Block) -> list[str]:
    """The merge equation, and which block this is."""
    name = f"Block `{block.block}`" if block.block else "A block written inline"
    if not block.merge:
        return [f"{name}."]
    optional = block.shortcut != "none" or re.search(r"\bshortcut\b", block.merge)
    return [
        block.merge,
        f"{name}, {_SHORTCUTS[block.shortcut]}." if optional else f"{name}.",
    ]
