"""Node and Graph: a shape-checked DAG, and the scopes (row, block, path, layer) in which its nodes
were written.

The nodes stand in reading order, which is a topological order: a node reads only nodes above it.
The scopes are a tree beside the DAG, with the same names, from which tables, pictures and PyTorch
source take their structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct

from .collecting import each_name, each_node, flatten, of_type, reached
from .counting import counted
from .errors import Span
from .ops.base import Cost, Op, Shape, shape_text
from .structs import Frozen

if TYPE_CHECKING:
    import networkx

ShortcutKind = Literal["identity", "projection", "zero-pad", "path", "none"]


class Origin(Frozen):
    """Where a node was written: its label, and the calls that led there, the row's first."""

    span: Span
    calls: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """The calls and the label, from the outermost on."""
        return (*self.calls, self.span)


class Node(Frozen):
    """One op of the net, with what it reads and what comes out of it. `depth` counts weighted ops
    up to here."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    cost: Cost
    depth: int
    origin: Origin
    # the node whose module it is once more, and whose weights it has; "" for one of its own
    shares: str = ""

    @property
    def module(self) -> str:
        """The node whose module it is: itself, but for what is made once more."""
        return self.shares or self.name

    @property
    def learns(self) -> bool:
        """Whether it has parameters, of its own or of another."""
        return bool(self.cost.params or self.shares)

    @property
    def values(self) -> tuple[str, ...]:
        """The inputs whose values it reads, and not their size alone."""
        return self.inputs[:-1] if self.op.sized_by else self.inputs

    def __str__(self) -> str:
        reads = f" ({', '.join(self.inputs)})" if self.inputs else ""
        shares = f" with {self.shares}" if self.shares else ""
        return f"{self.op}{shares}{reads} → {shape_text(self.shape)}"


class Stream(Frozen):
    """One of several tensors that flow side by side: what a scope calls it, and its node."""

    name: str
    node: str

    def at(self, node: str) -> Stream:
        """The same of another node."""
        return Stream(self.name, node)


class Layer(Struct):
    """A label and its nodes in order: `3x3 conv 64` is conv, bn, relu. Each node reads the one
    before."""

    name: str
    label: str
    nodes: tuple[str, ...]
    origin: Origin
    shares: str = ""  # the layer whose modules these are
    # of what a block has: nothing
    paths: ClassVar[tuple[Path, ...]] = ()
    takes: ClassVar[tuple[Stream, ...]] = ()
    gives: ClassVar[tuple[Stream, ...]] = ()
    reads: ClassVar[tuple[Stream, ...]] = ()
    again: ClassVar[str] = ""

    @property
    def output(self) -> str:
        """The node whose value it hands on."""
        return self.nodes[-1]


class Equation(Struct):
    """What a path starts with: its nodes (none where the equation is just a name) and the node it
    comes to."""

    name: str
    text: str
    nodes: tuple[str, ...]
    output: str
    origin: Origin
    # of what a path has: nothing
    gives: ClassVar[tuple[Stream, ...]] = ()


class Path(Struct):
    """A row of the net, or a path of a block: an optional equation, then layers and blocks one
    after another.

    `input` is the node whose value the first item reads (the block's input, the row above, or the
    equation's output); `output` the node whose value the path hands on; they are the same where the
    path is empty (an identity). Where several streams flow in or come out, these are the first of
    `takes` and of `gives`."""

    name: str
    word: str
    input: str
    output: str
    equation: Equation | None = None
    items: list[Layer | Block] = []
    # written as a list or with a count, so items have a place in their names
    listed: bool = False
    shares: str = ""  # the path whose modules these are
    takes: tuple[Stream, ...] = ()
    gives: tuple[Stream, ...] = ()

    @property
    def layers(self) -> list[Layer]:
        return [*of_type(Layer, self.items)]

    @property
    def blocks(self) -> list[Block]:
        """Those that it calls, without the blocks within them."""
        return [*of_type(Block, self.items)]

    @property
    def equation_nodes(self) -> tuple[str, ...]:
        return self.equation.nodes if self.equation else ()

    def ends(self) -> dict[str, str]:
        """The nodes that it hands on: `{"stage.a": …}` of streams, `{"conv1": …}` of one tensor."""
        if not self.gives:
            return {self.word: self.output}
        return {
            f"{self.word}.{stream.name}": stream.node
            for stream in self.gives
        }


class Block(Struct):
    """One call of a block: its paths in the order they were written, of which the last is what it
    hands back.

    `into`, `out` and `stride` are the constants of the call. `shortcut` says what the path named
    "shortcut" is. Where several streams flow in (`takes`) or come out (`gives`), `input` and
    `output` are the first of them, and `into` is its width."""

    name: str
    block: str
    label: str
    input: str
    output: str
    into: int
    out: int
    stride: tuple[int, ...]
    paths: list[Path]
    shortcut: ShortcutKind
    merge: str  # the text of the merge equation, "" for a block of one path
    origin: Origin
    sized: bool = False  # a width is written in the call
    # what the call sets of the block's `let`s, worked out
    values: dict[str, str] = {}
    shares: str = ""  # the block whose modules these are
    takes: tuple[Stream, ...] = ()
    gives: tuple[Stream, ...] = ()
    # what a block that is written in a row or a path reads of the tensors around it
    reads: tuple[Stream, ...] = ()
    # what is made once more: `conv1`, or `conv1..conv3`; its paths are those, one after another
    again: str = ""

    @property
    def called(self) -> str:
        """The name of what is called, `inline` for what is written there."""
        return self.block or "inline"

    @property
    def result(self) -> Path:
        """The path that it hands back."""
        return self.paths[-1]

    @property
    def ways(self) -> list[Path]:
        """Its paths but for a shortcut."""
        return [path for path in self.paths if path.word != "shortcut"]

    @property
    def direct(self) -> set[str]:
        """What its input comes to without a branch: itself, or what a shortcut makes of it."""
        shortcuts = (path for path in self.paths if path.word == "shortcut")
        return {self.input, *(path.output for path in shortcuts)}

    def arguments(self) -> tuple[Stream, ...]:
        """What its module is given, under the names that it has there."""
        return (*(self.takes or (Stream("x", self.input),)), *self.reads)


Item = Layer | Block


def items_in(paths: Iterable[Path]) -> Iterator[Item]:
    """What stands in paths, without what stands in that."""
    return flatten(path.items for path in paths)


class Output(Frozen):
    """A row whose value the net gives, and the node that makes it; `aux` in training alone."""

    row: str
    node: str
    aux: bool = False


def borrows(item: Item) -> bool:
    """Whether an item has the modules of others, and none of its own."""
    return bool(item.shares or item.again)


def total(nodes: Iterable[Node]) -> Cost:
    """What nodes cost together."""
    return sum((node.cost for node in nodes), Cost())


class Graph(Struct, dict=True):
    """The whole net. `nodes` is in topological order and begins with the input; `rows` is the tree
    of scopes.

    `outputs` are what the net gives, in order: those of evaluation, then what training adds. The
    first is what is scored. Where they are `listed` (`output:` names them) the module gives a
    tuple, else one tensor."""

    nodes: dict[str, Node]
    rows: list[Path]
    input: str
    outputs: tuple[Output, ...]
    # ops of layers that make no node: a 1x1 pool, or any where copies are 0
    unmade: frozenset[str] = frozenset()
    listed: bool = False

    def __repr__(self) -> str:
        rows = counted(len(self.rows), "row")
        return f"<Graph of {counted(len(self.nodes), 'node')} in {rows}>"

    def __str__(self) -> str:
        """The IR, one line a node: its name, its op with all options that are not the default, what
        it reads, and the shape of what comes out."""
        width = max(map(len, self.nodes))
        lines = [
            f"{name:{width}} = {node}" for name, node in self.nodes.items()
        ]
        return "\n".join([*lines, f"return {', '.join(self.ends)}"])

    @property
    def output(self) -> str:
        """The node of the first output, which is what is scored."""
        return self.outputs[0].node

    @property
    def ends(self) -> tuple[str, ...]:
        """The nodes of all outputs, in their order: what nothing may write over."""
        return tuple(each_node(self.outputs))

    @property
    def depth(self) -> int:
        """Weighted ops on the longest path to an output of evaluation."""
        return max(self.nodes[output.node].depth for output in self.main)

    @property
    def several(self) -> bool:
        """Whether the spec says what comes out: the module gives a tuple, if in training alone."""
        return self.listed or bool(self.aux)

    @property
    def main(self) -> tuple[Output, ...]:
        """What the net gives in evaluation."""
        return tuple(output for output in self.outputs if not output.aux)

    @property
    def aux(self) -> tuple[Output, ...]:
        """What the net gives in training alone, behind the others."""
        return tuple(output for output in self.outputs if output.aux)

    @cached_property
    def training_only(self) -> frozenset[str]:
        """The nodes that only an `aux` output reads: evaluation leaves them out."""
        if not self.aux:
            return frozenset()
        main = self.above(each_node(self.main))
        return self.above(each_node(self.aux)) - main

    def above(self, ends: Iterable[str]) -> frozenset[str]:
        """Some nodes, and all that they are made from."""
        return frozenset(
            reached(ends, lambda name: self.nodes[name].inputs)
        )

    def back_to(self, name: str, asked: Callable[[Node], bool]) -> Node:
        """From a node back along first inputs, the first that answers yes; else the last there
        is."""
        node = self.nodes[name]
        while node.inputs and not asked(node):
            node = self.nodes[node.inputs[0]]
        return node

    def times_read(self) -> Counter[str]:
        """How often each node is read; what comes out is read by the caller."""
        reads = Counter(flatten(n.inputs for n in self.nodes.values()))
        reads.update(self.ends)
        return reads

    @cached_property
    def dag(self) -> networkx.DiGraph[str]:
        """The nodes as a networkx DAG (`dag.nodes[name]["node"]` is the `Node`); edges run with the
        data."""
        import networkx

        dag: networkx.DiGraph[str] = networkx.DiGraph()
        for name, node in self.nodes.items():
            dag.add_node(name, node=node)
            dag.add_edges_from((source, name) for source in node.inputs)
        return dag

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The nodes of the net's inputs, `input` the first of them."""
        return tuple(
            name
            for name, node in self.nodes.items()
            if node.op.family == "input"
        )

    @cached_property
    def cost(self) -> Cost:
        """The sum over all nodes; of what only training runs, the parameters alone."""
        costs = [node.cost for node in self.nodes.values()]
        idle, nodes = self.training_only, self.nodes.items()
        run = [node.cost for name, node in nodes if name not in idle]
        return Cost(
            sum([cost.params for cost in costs]),
            sum([cost.macs for cost in run]),
            sum([cost.activations for cost in run]),
        )

    def nodes_of(self, *scopes: Path | Item | Equation) -> Iterator[Node]:
        """The nodes written in scopes and in the scopes within them, in reading order."""
        stack = [*reversed(scopes)]
        while stack:
            top = stack.pop()
            if isinstance(top, Block):
                stack.extend(reversed(top.paths))
            elif isinstance(top, Path):
                stack.extend(reversed(top.items))
                if top.equation:
                    stack.append(top.equation)
            else:
                yield from map(self.nodes.__getitem__, top.nodes)

    def names_of(self, *scopes: Path | Item | Equation) -> list[str]:
        """As `nodes_of`, their names."""
        return each_name(self.nodes_of(*scopes))

    def cost_of(self, *scopes: Path | Item | Equation) -> Cost:
        """What the nodes of scopes cost together."""
        return total(self.nodes_of(*scopes))

    def shape(self, name: str) -> Shape:
        """What comes out of a node."""
        return self.nodes[name].shape

    def shapes_into(self, node: Node) -> tuple[Shape, ...]:
        """What goes into a node, input by input."""
        return tuple(map(self.shape, node.inputs))

    def makes(self, scope: Path | Item) -> bool:
        """Whether a scope has a node: a block that hands back what it reads has none."""
        return any(True for _ in self.nodes_of(scope))

    def paths(self) -> list[Path]:
        """The rows, and then the paths of every block call."""
        return [
            *self.rows,
            *flatten(block.paths for block in self.blocks()),
        ]

    def main_op(self, layer: Layer) -> Op:
        """What a layer is for: its convolution, else its first op."""
        ops = [self.nodes[name].op for name in layer.nodes]
        return next((op for op in ops if op.weighted), ops[0])

    def own_items(self) -> Iterator[Item]:
        """As `items`, without what is made once more with the weights of others."""
        return self.items(own=True)

    def items(self, *, own: bool = False) -> Iterator[Item]:
        """Every layer and block call in reading order, a block before what stands in it."""
        stack = [iter(path.items) for path in reversed(self.rows)]
        while stack:
            for top in stack[-1]:
                if own and borrows(top):
                    continue
                yield top
                if isinstance(top, Block):
                    stack += [
                        iter(path.items) for path in reversed(top.paths)
                    ]
                    break
            else:
                stack.pop()

    def own_blocks(self) -> Iterator[Block]:
        """As `blocks`, without what is made once more with the weights of others."""
        return of_type(Block, self.own_items())

    def blocks(self) -> Iterator[Block]:
        """Every block call in reading order, a block before the blocks within it."""
        return of_type(Block, self.items())
