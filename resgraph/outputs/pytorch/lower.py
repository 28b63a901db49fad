"""Graph → Program: layers of one structure become a function, blocks of one structure a class, the
net a class."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from ...collecting import each_name, each_node, flatten, of_type
from ...dotted import last_word
from ...errors import UsageError
from ...graph import Block, Graph, Item, Layer, Path, items_in
from ...ops.base import Call, Op, Ref, Shape
from ...ops.extension import torch_call
from ...passes.starts import Start, is_alias
from .alike import Likeness
from .define import Shared, columns, share_block, share_layer
from .forward import (
    ForwardScope,
    activations,
    forward,
    last_activation,
    local_name,
    own,
    sizes_read,
)
from .program import Class, Function, Program
from .signatures import SPATIAL, Signatures
from .support import REQUIRED
from .text import FreeNames, camel, safe
from .tree import Leaf, leaves, named, numbered, refill, rewrite, skeleton

_RESERVED = [
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
_SHORTCUTS = {
    "identity": ("", "with the identity as its shortcut"),
    "projection": ("Projection", "with a projection as its shortcut"),
    "zero-pad": ("ZeroPad", "with a zero-padded identity as its shortcut"),
    "path": ("Projection", "with its shortcut as written in the spec"),
    "none": ("Plain", "without its shortcut"),
}
"""By the kind of its shortcut, what a block's class is called beside others, and is."""


def lower(
    graph: Graph,
    name: str,
    inplace: frozenset[str],
    starts: Mapping[str, tuple[Start, ...]],
    taken: Iterable[str] = (),
) -> Program:
    """The program of a graph. `inplace` names the nodes that may overwrite what they read; `starts`
    gives, by the name of a block (or "" for the net), the parameters that do not start as their
    layers say, and no definition gets a name that is `taken`."""
    _check_names(graph)
    lowering = _Lowering(graph, inplace, starts)
    for name_taken in taken:
        lowering.names.new(name_taken)
    net = lowering.names.new(camel(name))
    lowering.layers()
    lowering.blocks()
    return lowering.finish(net)


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
        self.names = FreeNames(
            [*_RESERVED, *keyword.kwlist, *self.known.names()]
        )
        # by the identity of a layer or block: the calls that make it, with what each adds to its
        # name (an `fc` and its activation are two modules, "" and "_relu")
        self.calls: dict[int, list[tuple[str, Call]]] = {}
        # by op and what it reads
        self.modules_made: dict[
            tuple[int, tuple[Shape, ...], bool], Call
        ] = {}

    @cached_property
    def outer(self) -> dict[str, str]:
        """The blocks in which others are written."""
        return {
            item.name: block.block
            for block in self.graph.blocks()
            for item in items_in(block.paths)
        }

    def share(
        self, name: str, shared: Shared, alike: Iterable[Sequence[Item]]
    ) -> dict[str, Any]:
        """Make items a call of the definition that they share, those that are alike the same one;
        returns its parameters."""
        parameters = shared.parameters()
        self.known.add(name, parameters)
        for index, items in enumerate(alike):
            call = shared.call(name, parameters, index)
            self.calls |= {id(item): [("", call)] for item in items}
        return parameters

    def layers(self) -> None:
        """Every layer as calls: of its modules, or of the function that it shares with layers of
        its structure."""
        alike: dict[Any, list[Layer]] = {}
        for layer in of_type(Layer, self.graph.own_items()):
            calls = [*map(self.module, layer.nodes)]
            ends = tuple([name[len(layer.name) :] for name in layer.nodes])
            self.calls[id(layer)] = list(zip(ends, calls, strict=True))
            alike.setdefault((ends, *map(id, calls)), []).append(layer)
        groups: dict[Any, list[tuple[list[Layer], Call]]] = {}
        for (ends, *_), layers in alike.items():
            if not ends[0]:  # the first module has the name of the layer
                continue
            first, words = layers[0], tuple([end[1:] for end in ends])
            tree = named(
                [(end[1:], call) for end, call in self.calls[id(first)]]
            )
            ops = tuple(
                [self.graph.nodes[name].op.op for name in first.nodes]
            )
            key = ops, words, skeleton(tree, self.known)
            groups.setdefault(key, []).append((layers, tree))
        for (ops, words, _), members in groups.items():
            self.function(_function_name(ops, words), members)

    def module(self, name: str) -> Call:
        """The torch call of a node, the same object for nodes that are alike."""
        node = self.graph.nodes[name]
        shapes = self.graph.shapes_into(node)
        key = id(node.op), shapes, name in self.inplace
        made = self.modules_made.get(key)
        if not made:
            made = self.modules_made[key] = self.call(
                node.op, shapes, inplace=key[-1]
            )
        return made

    def call(
        self, op: Op, shapes: Sequence[Shape], *, inplace: bool
    ) -> Call:
        """The torch call of an op. That of a convolution has every option, so that two can be
        compared."""
        call = torch_call(op, shapes)
        self.known.learn(call, op, shapes)
        args = call.args
        kwargs = {key: _plain(key, value) for key, value in call.kwargs}
        if self.known.is_conv(call.target):
            options = self.known.parameters(call.target)
            kwargs = {
                **options,
                **dict(zip(options, args, strict=False)),
                **kwargs,
            }
            required = [
                key for key, value in options.items() if value is REQUIRED
            ]
            args = tuple(map(kwargs.pop, required))
        if inplace:
            kwargs["inplace"] = True
        return Call(call.target, args, tuple(kwargs.items()))

    def function(
        self, wanted: str, members: Sequence[tuple[list[Layer], Call]]
    ) -> None:
        """Define the function of layers of one structure."""
        shared = share_layer(
            columns([leaves(tree, self.known) for _, tree in members])
        )
        tree = refill(members[0][1], self.known, iter(shared.fills))
        name = self.names.new(wanted)
        parameters = self.share(
            name, shared, (layers for layers, _ in members)
        )
        self.program.functions.append(Function(name, parameters, tree))

    def blocks(self) -> None:
        """Every block as a call of the class that it shares with blocks of its structure, the
        innermost first."""
        for level in _levels(self.graph):
            alike: dict[Any, list[Block]] = {}
            for block in level:
                if not self.graph.makes(block):
                    continue
                if is_alias(block):
                    self.calls[id(block)] = self.calls[
                        id(block.result.items[0])
                    ]
                else:
                    key = Likeness(
                        self.graph, self.inplace, self.calls, block
                    ).key()
                    starts = self.starts.get(block.name, ())
                    alike.setdefault((key, starts), []).append(block)
            groups: dict[Any, list[tuple[list[Block], Class]]] = {}
            for blocks in alike.values():
                made = self.block(blocks[0])
                groups.setdefault(self.key(blocks[0], made), []).append(
                    (blocks, made)
                )
            variants = Counter(word for word, *_ in groups)
            for (word, *_), members in groups.items():
                self.define(members, alone=variants[word] == 1)

    def block(self, block: Block) -> Class:
        """The class of one block, its literals in place."""
        path = block.result
        names = self.arguments(block)
        # two streams that are one tensor are handed on as one
        results = tuple(dict.fromkeys(path.ends().values()))
        scope = ForwardScope(
            block.paths, names, results, block.name, listed=len(results) > 1
        )
        alone = len(block.paths) == 1 and path.name == block.name
        places = self.places(path) if alone and path.listed else []
        if not places:
            made = self.scope(scope)
            made.arguments = tuple(names.values())
            return made
        tree = self.numbered(path, places, alone=True)
        written = path.equation or sizes_read(self.graph, path.items)
        body = forward(self.graph, scope, self.inplace) if written else []
        starts = self.starts.get(block.name, ())
        return Class(
            [("", tree)], body, starts, True, tuple(names.values())
        )

    def arguments(self, block: Block) -> dict[str, str]:
        """What the `forward` of a block calls what flows in, and the tensors that it reads."""
        free = FreeNames([])
        names: dict[str, str] = {}
        for each in block.arguments():
            if each.node not in names:
                # the one that is called `x`
                own = not block.takes and not names
                names[each.node] = free.new(
                    each.name if own else local_name(each.name)
                )
        return names

    def scope(self, scope: ForwardScope) -> Class:
        """A class with a module for each path that does anything."""
        modules = [*flatten(map(self.modules, scope.paths))]
        body = forward(self.graph, scope, self.inplace)
        return Class(modules, body, self.starts.get(scope.name, ()))

    def modules(self, path: Path) -> list[tuple[str, Any]]:
        """What makes the modules of a path, by name: a Sequential of its places, or without a list
        its one item."""
        places = self.places(path)
        if path.listed:
            return (
                [(path.word, self.numbered(path, places))] if places else []
            )
        if not path.word:  # the block is the equation
            return self.activations(path)
        return [(path.word + end, call) for end, call in places]

    def numbered(
        self,
        path: Path,
        places: list[tuple[str, Call]],
        *,
        alone: bool = False,
    ) -> Call:
        """A Sequential of a path's places."""
        kind = _container(self.graph, own(self.graph, path))
        return numbered(places, alone=alone, kind=kind)

    def places(self, path: Path) -> list[tuple[str, Call]]:
        """The modules of a path by their names below it: what holds its equation's activations, and
        its items."""
        below = len(path.name) + path.listed
        found = []
        if path.equation and (children := self.activations(path)):
            made = named(children)
            # no module that could be called
            if not last_activation(self.graph, path):
                made = replace(made, target="nn.ModuleDict")
            found.append((path.equation.name[below:], made))
        for item in own(self.graph, path):
            found += [
                (item.name[below:] + end, call)
                for end, call in self.calls[id(item)]
            ]
        return found

    def activations(self, path: Path) -> list[tuple[str, Any]]:
        """The modules of a path's equation, by word."""
        return [
            (last_word(name), self.module(name))
            for name in activations(self.graph, path)
            if not path.shares
        ]

    def key(self, block: Block, made: Class) -> tuple[Any, ...]:
        """What is equal for blocks that can share a class."""
        return (
            block.block,
            tuple(
                (word, skeleton(tree, self.known))
                for word, tree in made.modules
            ),
            tuple(
                (s.before, skeleton(s.value, self.known))
                for s in made.forward
            ),
            made.starts,
            made.arguments,
        )

    def leaves(self, made: Class) -> Iterator[Leaf]:
        """The literals of the modules, then the numbers of the forward, whose attributes must not
        have the name of a module."""
        for word, tree in made.modules:
            yield from (
                Leaf(n.role, n.value, word)
                for n in leaves(tree, self.known)
            )
        words = {word for word, _ in made.modules}
        for statement in made.forward:
            for number in leaves(statement.value, self.known):
                yield Leaf(
                    number.role + "_" * (number.role in words), number.value
                )

    def define(
        self, members: Sequence[tuple[list[Block], Class]], *, alone: bool
    ) -> None:
        """Define the class of blocks of one structure."""
        alike = [blocks for blocks, _ in members]
        shared = share_block(
            columns([list(self.leaves(made)) for _, made in members]),
            tuple(block.into for block, *_ in alike),
            tuple(block.out for block, *_ in alike),
        )
        (block, *_), made = members[0]
        fills = iter(shared.fills)
        modules = [
            (word, refill(tree, self.known, fills))
            for word, tree in made.modules
        ]
        attributes: dict[str, Ref] = {}

        def attribute(_: Leaf) -> Any:
            fill = next(fills)
            if not isinstance(fill, Ref):
                return fill
            attributes[fill.text] = fill
            return Ref(f"self.{fill.text}")

        made.forward = [
            replace(s, value=rewrite(s.value, self.known, attribute))
            for s in made.forward
        ]
        made.modules = [*attributes.items(), *modules]
        outer = "" if block.block else self.outer.get(block.name, "")
        made.name = self.names.new(_class_name(block, outer, alone=alone))
        made.docstring = _docstring(block, made.arguments)
        made.parameters = self.share(made.name, shared, alike)
        self.program.classes.append(made)

    def finish(self, name: str) -> Program:
        """The class of the net, last."""
        graph = self.graph
        main, aux = (
            tuple(each_node(outputs)) for outputs in (graph.main, graph.aux)
        )
        names = arguments(graph)
        scope = ForwardScope(
            graph.rows, names, main, aux=aux, listed=graph.listed
        )
        made = self.scope(scope)
        made.name, made.arguments = name, tuple(names.values())
        made.docstring = _ends(graph, names)
        self.program.classes.append(made)
        return self.program


def arguments(graph: Graph) -> dict[str, str]:
    """What the net's `forward` calls its inputs, by their nodes: one without a name is `x`."""
    return {
        name: "x" if name == "input" else local_name(name)
        for name in graph.inputs
    }


def _ends(graph: Graph, names: Mapping[str, str]) -> list[str]:
    """What goes into a net and what comes out: shapes, several with the names of their rows."""
    into = ", ".join(
        f"{'' if word == 'x' else f'{word} '}{shape_tuple(graph, node)}"
        for node, word in names.items()
    )
    if not graph.listed and not graph.aux:
        return [f"{into} → {shape_tuple(graph, graph.output)}"]
    main, aux = (
        ", ".join(f"{o.row} {shape_tuple(graph, o.node)}" for o in outputs)
        for outputs in (graph.main, graph.aux)
    )
    return [
        f"{into} → {main}",
        *([f"In training, {aux} too."] if aux else []),
    ]


def shape_tuple(graph: Graph, node: str) -> str:
    """The shape of a node as torch prints it, with the batch axis."""
    return f"({', '.join(map(str, ('batch', *graph.shape(node))))})"


def _check_names(graph: Graph) -> None:
    """The last check before a name becomes Python, whatever made the graph."""
    scopes = graph.paths()
    names = [*graph.nodes, *each_name(scopes)]
    names += [path.word for path in scopes if path.word]
    for part in dict.fromkeys(".".join(names).split(".")):
        if not re.fullmatch(
            r"[A-Za-z][A-Za-z0-9_]*|[0-9]+(_[A-Za-z0-9_]+)?", part
        ) or keyword.iskeyword(part):
            name = next(name for name in names if part in name.split("."))
            raise UsageError(
                f"`{safe(name)}` cannot be a name in Python source"
            )


def _levels(graph: Graph) -> Iterator[list[Block]]:
    """The blocks in reading order, by how many blocks stand within one another in them."""
    blocks = list(graph.own_blocks())
    heights: dict[int, int] = {}
    for block in reversed(blocks):  # a block comes before those within it
        inner = (heights.get(id(item), 0) for item in items_in(block.paths))
        heights[id(block)] = 1 + max(inner, default=0)
    for height in range(1, 1 + max(heights.values(), default=0)):
        yield [block for block in blocks if heights[id(block)] == height]


def _class_name(block: Block, outer: str, *, alone: bool) -> str:
    """`Bottleneck`; with variants `BottleneckProjection`. One written inline is called as where it
    stands: `Stage2` in a row, `ExchangeY1` in a path of the block `outer`."""
    word = block.block
    if not word:
        words = [
            part for part in block.name.split(".") if not part.isdecimal()
        ]
        alone = alone or block.shortcut == "none"
        word = f"{outer}-{words[-1]}"
    suffix = (
        "" if alone or not block.merge else _SHORTCUTS[block.shortcut][0]
    )
    return camel(word.strip("-")) + suffix


def _plain(key: str, value: Any) -> Any:
    """`(3, 3)` → 3 for what is down and across."""
    square = (
        key in SPATIAL and isinstance(value, tuple) and len(set(value)) == 1
    )
    return value[0] if square else value


def _container(graph: Graph, items: Sequence[Item]) -> str:
    """The Sequential that holds some items."""
    if any(item.takes or item.gives for item in items):
        return "StreamSequential"
    return (
        "SizedSequential" if sizes_read(graph, items) else "nn.Sequential"
    )


def _function_name(ops: Sequence[str], words: Sequence[str]) -> str:
    """`conv_bn_relu`; a conv of another kind by its op: `depthwise_conv_bn`."""
    texts = [
        op if word == "conv" else word
        for op, word in zip(ops, words, strict=True)
    ]
    return "_".join(texts).replace(" ", "_").lower()


def _docstring(block: Block, arguments: Sequence[str]) -> list[str]:
    """The merge equation or the streams, and which block this is."""
    name = (
        f"Block `{block.block}`"
        if block.block
        else "A block written inline"
    )
    if not block.merge:
        given = ", ".join(each_name(block.gives))
        ends = [f"{', '.join(arguments)} → {given}"] if given else []
        return [*ends, f"{name}."]
    optional = block.shortcut != "none" or re.search(
        r"\bshortcut\b", block.merge
    )
    return [
        block.merge,
        f"{name}, {_SHORTCUTS[block.shortcut][1]}."
        if optional
        else f"{name}.",
    ]
