"""The paths of a scope → the statements of its `forward`: equations inline, locals only for what is
read more than once, and for what a sum is written over."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import (
    filterfalse,
    groupby,
)
from operator import attrgetter

from msgspec.structs import replace

from ...collecting import each_node, each_value, flatten, of_type
from ...dotted import last_word
from ...graph import Block, Graph, Item, Layer, Node, Path, borrows
from ...ops import Add, Call, Ref, TorchExpr
from ...ops.extension import expression
from ...passes.starts import is_alias
from ...structs import Frozen
from .text import FreeNames, layout
from .tree import parts, piece

_TAKEN = frozenset(["F", "nn", "self", "torch", "x"])
_LARGEST = 100  # parts of an expression that is read by another
_X = Ref("x")


class Statement(Frozen):
    """A statement of a method: what stands before its expression (`x = `, `out += `, `return `),
    and the expression. Some are for training alone."""

    before: str
    value: TorchExpr
    training: bool = False

    def lines(self) -> list[str]:
        """As it is written: several lines where one is too long."""
        return layout(piece(self.value), 8 + 4 * self.training, self.before)


def statement_lines(statements: Sequence[Statement]) -> Iterator[str]:
    """The lines of a body, what training alone does under one condition."""
    for training, group in groupby(statements, attrgetter("training")):
        if training:
            yield "        if self.training:"
        for statement in group:
            yield from statement.lines()


class ForwardScope(Frozen):
    """Paths that begin at the nodes of `arguments`, each under the name that the method gives it,
    and come to the nodes `results`, a tuple where they are `listed`; in training `aux` stands
    behind them. They are those of the block `name`; those of the net, whose name is "", are its
    `rows`: each is a statement, `x = self.conv2(x)`."""

    paths: Sequence[Path]
    arguments: Mapping[str, str]
    results: tuple[str, ...]
    name: str = ""
    aux: tuple[str, ...] = ()
    listed: bool = False

    @property
    def rows(self) -> bool:
        """Whether it is the net."""
        return not self.name

    @property
    def single(self) -> bool:
        """Whether one tensor comes out, in training too."""
        return len(self.results) == 1 and not self.aux


class _Step(Frozen):
    """One value of a scope, or several streams: the nodes they are, the values they are made from,
    and how that is written."""

    values: tuple[str, ...]
    reads: tuple[str, ...]
    words: tuple[str, ...]  # the local variables that would hold them
    write: Callable[[Sequence[TorchExpr]], TorchExpr]
    call: bool  # a path's module is called (else an op of an equation)
    # a sum that is written over the first value that it reads
    over: bool = False

    @property
    def value(self) -> str:
        """The one value, or the first of several."""
        return self.values[0]


def forward(
    graph: Graph, scope: ForwardScope, inplace: frozenset[str]
) -> list[Statement]:
    """The body of `forward(self, x)`. What is read once stands where it is read."""
    modules = _modules(graph, scope.paths)
    steps = [
        *flatten(
            _steps(graph, path, inplace, modules) for path in scope.paths
        )
    ]
    steps = _live(steps, {*scope.results, *scope.aux})
    body = _Writer(steps, scope, statements=scope.rows).body()
    # Where a line is too long, the calls of paths become statements apart from the sum.
    if not scope.rows and any(
        len(statement.lines()) > 1 for statement in body
    ):
        return _Writer(steps, scope, statements=True).body()
    return body


def local_name(word: str) -> str:
    """A row's, path's or input's name as a variable's."""
    return word + "_" * (word in _TAKEN or keyword.iskeyword(word))


def working(graph: Graph, path: Path) -> list[Item]:
    """The items of a path that do anything: a block that returns its `x` makes no module."""
    return [*filter(graph.makes, path.items)]


def read_beside(graph: Graph, item: Item) -> list[str]:
    """The nodes that the module of an item is given behind its input."""
    if isinstance(item, Block):
        return each_node(item.reads)
    return sizes_read(graph, [item])


def sizes_read(graph: Graph, items: Sequence[Item]) -> list[str]:
    """The nodes whose sizes the layers among some items take on, in order."""
    layers = of_type(Layer, items)
    nodes = (graph.nodes[name] for layer in layers for name in layer.nodes)
    return [node.inputs[-1] for node in nodes if node.op.sized_by]


def own(graph: Graph, path: Path) -> list[Item]:
    """The items of a path that make a module, and do not call one that was made above."""
    return [*filterfalse(borrows, working(graph, path))]


def activations(graph: Graph, path: Path) -> list[str]:
    """The nodes of a path's equation that are modules."""
    nodes = path.equation_nodes
    return [name for name in nodes if not graph.nodes[name].op.in_forward()]


def last_activation(graph: Graph, path: Path) -> str | None:
    """The activation with which an equation ends, if it has no other: then the module of the path
    does it, `merge` in `self.merge(body + shortcut)`. It hands on no stream."""
    found = activations(graph, path)
    if not path.equation or not (path.word or path.listed):
        return None
    if path.items and path.items[0].takes:
        return None
    return found[0] if found == [path.equation.output] else None


def _modules(graph: Graph, paths: Sequence[Path]) -> dict[str, list[str]]:
    """What a method calls, one after another, for every path, layer and block below some of its own
    paths, where one of them is called by itself."""
    found: dict[str, list[str]] = {}
    if not any(map(_calls_inner, paths)):
        return found
    stack = [(path, f"self.{path.word}") for path in paths]
    while stack:
        path, text = stack.pop()
        found[path.name] = [text]
        for item, names in _children(graph, path, text):
            found[item.name] = names
            if not path.listed:
                found[path.name] = names
            for inner in item.paths:
                within = "" if inner.name == item.name else f".{inner.word}"
                stack.append((inner, names[0] + within))
    return found


def _calls_inner(path: Path) -> bool:
    """Whether it has a block that is called again, or reads a stream."""
    return any(item.again or item.reads for item in path.items)


def _children(
    graph: Graph, path: Path, text: str
) -> Iterator[tuple[Item, list[str]]]:
    """The modules of each own item of a path that is called `text`."""
    # what holds them stands first
    place = int(bool(activations(graph, path)))
    for item in own(graph, path):
        ends = _ends(item)
        if path.listed:
            yield (
                item,
                [f"{text}[{place + index}]" for index in range(len(ends))],
            )
        else:
            yield item, [text + end for end in ends]
        place += len(ends)


def _ends(item: Item) -> list[str]:
    """What is added to the name of an item by each module that it is: an `fc` and its activation
    are "" and "_relu"."""
    while isinstance(item, Block) and is_alias(item):
        item = item.result.items[0]
    if isinstance(item, Layer) and item.nodes[0] == item.name:
        return [name[len(item.name) :] for name in item.nodes]
    return [""]


def _steps(
    graph: Graph,
    path: Path,
    inplace: frozenset[str],
    modules: Mapping[str, list[str]],
) -> Iterator[_Step]:
    items = working(graph, path)
    apart = _apart(graph, path, items)
    last = None if apart else last_activation(graph, path)
    owner = f"self.{path.word}" if path.word else "self"
    owner = modules[path.shares][0] if path.shares else owner
    for step in _equation(graph, path, inplace, owner):
        if step.value != last:
            yield step
    if apart:
        yield from _one_by_one(graph, path, inplace, modules)
    elif activations(graph, path) and not last:
        yield from _places(graph, path, owner)
    elif items or last:
        names = (
            modules[path.shares]
            if path.shares
            else _called(graph, path, owner)
        )
        yield _whole(graph, path, items, last, names)


def _whole(
    graph: Graph,
    path: Path,
    items: Sequence[Item],
    last: str | None,
    names: Sequence[str],
) -> _Step:
    """A path that is called as one; `last` is the activation that it does for its equation."""
    reads = (
        graph.nodes[last].inputs if last else _read(items[0], path.input)
    )
    reads = (*reads, *sizes_read(graph, path.items))
    made = (
        _made(items[-1], path.word)
        if items
        else ((path.output,), (path.word,))
    )
    return _Step(
        made[0], reads, made[1], partial(_chain, names), call=bool(items)
    )


def _equation(
    graph: Graph, path: Path, inplace: frozenset[str], owner: str
) -> Iterator[_Step]:
    """The nodes of a path's equation, of whose activations `owner` is the module."""
    equation = path.equation
    for name in path.equation_nodes:
        node = graph.nodes[name]
        alone = (
            not working(graph, path)
            and equation is not None
            and name == equation.output
        )
        word = path.word if alone else last_word(name)
        over = name in inplace and isinstance(node.op, Add)
        write = partial(_chain, [owner + _indexed(name[len(path.name) :])])
        if node.op.in_forward():
            write = partial(_op, graph, node)
        yield _Step(
            (name,), node.inputs, (word,), write, call=False, over=over
        )


def _called(graph: Graph, path: Path, owner: str) -> list[str]:
    """What a path calls as a whole: its module, or without a list those of its one item."""
    if path.listed:
        # a path without a name is what an `nn.Sequential` does
        return [owner if path.word else "super().forward"]
    names = [
        name for _, found in _children(graph, path, owner) for name in found
    ]
    return names or [owner]


def _indexed(name: str) -> str:
    """`.0.relu` → `[0].relu`."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", name)


def _read(item: Item, value: str) -> list[str]:
    """The nodes that flow into an item; into a layer, `value`."""
    return [*dict.fromkeys(each_node(item.takes))] or [value]


def _made(item: Item, word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The nodes that come out of an item, and what they are called: streams by their names."""
    streams = {stream.node: stream.name for stream in reversed(item.gives)}
    named = dict(reversed(streams.items())) or {item.output: word}
    return tuple(named), tuple(named.values())


def _apart(graph: Graph, path: Path, items: Sequence[Item]) -> bool:
    """Whether the items of a path are called one by one, and not as one module: where one is a
    module of another path, or reads more than what flows in."""
    if any(item.again or item.reads for item in items):
        return True
    if any(item.takes or item.gives for item in items) and sizes_read(
        graph, items
    ):
        return True
    if path.shares:
        return bool(activations(graph, path)) and not last_activation(
            graph, path
        )
    return any(map(borrows, items))


def _one_by_one(
    graph: Graph,
    path: Path,
    inplace: frozenset[str],
    modules: Mapping[str, list[str]],
) -> Iterator[_Step]:
    """The items of a path, some of which are modules of other paths."""
    value = path.input
    for item in working(graph, path):
        if item.again:
            for inner in item.paths:
                yield from _steps(graph, inner, inplace, modules)
        else:
            names = modules[item.shares or item.name]
            yield _one(graph, item, value, path.word, names)
        value = item.output


def _places(graph: Graph, path: Path, owner: str) -> Iterator[_Step]:
    """The items of a path whose equation has called the activations at its first place."""
    value = path.input
    for item, names in _children(graph, path, owner):
        yield _one(graph, item, value, path.word, names)
        value = item.output


def _one(
    graph: Graph, item: Item, value: str, word: str, names: Sequence[str]
) -> _Step:
    """An item of a path of that `word`, whose modules have these names, behind a `value`."""
    values, words = _made(item, word)
    reads = (*_read(item, value), *read_beside(graph, item))
    return _Step(values, reads, words, partial(_chain, names), call=True)


def _op(graph: Graph, node: Node, terms: Sequence[TorchExpr]) -> TorchExpr:
    """`a + b`."""
    return expression(node.op, terms, graph.shapes_into(node))


def _chain(names: Sequence[str], terms: Sequence[TorchExpr]) -> TorchExpr:
    """`self.fc_relu(self.fc(x))`: modules one after another."""
    first, *rest = names
    value = Call(first, tuple(terms))
    for name in rest:
        value = Call(name, (value,))
    return value


def _live(steps: list[_Step], wanted: set[str]) -> list[_Step]:
    """The steps that lead to what is wanted."""
    wanted, kept = {*wanted}, []
    for step in reversed(steps):
        if not wanted.isdisjoint(step.values):
            wanted.update(step.reads)
            kept.append(step)
    return kept[::-1]


class _Writer:
    """Writes steps one after another, knowing which local holds what and how often it will still be
    read. With `statements` each call of a path is one."""

    def __init__(
        self, steps: list[_Step], scope: ForwardScope, *, statements: bool
    ) -> None:
        self.steps, self.scope, self.statements = steps, scope, statements
        self.total = Counter(flatten(step.reads for step in steps))
        self.total.update((*scope.results, *scope.aux))
        # both returns read them
        self.total.update(scope.results if scope.aux else ())
        self.left = Counter(self.total)
        # what a sum is written over
        self.base = {step.reads[0] for step in steps if step.over}
        self.terms: dict[str, TorchExpr] = each_value(Ref, scope.arguments)
        self.locals = FreeNames({*_TAKEN, *scope.arguments.values()})
        self.streams: set[str] = set()  # the locals that hold streams
        self.out: list[Statement] = []

    def body(self) -> list[Statement]:
        """Every statement, the return last; before it, what training alone does."""
        scope = self.scope
        kept = _live(self.steps, {*scope.results})
        for step in kept:
            self._step(step)
        result = self._returned(scope.results, listed=scope.listed)
        if not scope.aux:
            return [*self.out, result]
        before = len(self.out)
        for step in self.steps:
            if step not in kept:
                self._step(step)
        both = self._returned((*scope.results, *scope.aux), listed=True)
        training = [*self.out[before:], both]
        return [
            *self.out[:before],
            *(replace(statement, training=True) for statement in training),
            result,
        ]

    def _returned(
        self, results: Sequence[str], *, listed: bool
    ) -> Statement:
        terms = tuple(self.terms[result] for result in results)
        several = Call("," if len(terms) > 1 else "", terms)
        return Statement("return ", several if listed else terms[0])

    def _step(self, step: _Step) -> None:
        terms = [self.terms[source] for source in step.reads]
        self.left.subtract(step.reads)
        if step.over:
            self._add(step, *terms)
            return
        value = step.write(terms)
        if len(step.values) > 1:
            self._assign_streams(step, value)
        elif self._is_inline(step, value):
            self.terms[step.value] = value
        else:
            self._assign(step, value)

    def _is_inline(self, step: _Step, value: TorchExpr) -> bool:
        """Whether a value stands where it is read, without a local."""
        if self.total[step.value] > 1 or step.value in self.base:
            return False
        if self.scope.single and step.value in self.scope.results:
            return True
        if step.value in self.scope.aux:
            return True
        # Python's parser gives up at 200 brackets in one another, and people long before.
        large = sum(1 for _ in parts(value)) > _LARGEST
        return not (large or (self.statements and step.call))

    def _add(self, step: _Step, local: TorchExpr, other: TorchExpr) -> None:
        """`out += b`: the local of the first term comes to be the sum."""
        assert isinstance(local, Ref)
        self.terms[step.value] = local
        self.out.append(Statement(f"{local.text} += ", other))

    def _assign(self, step: _Step, value: TorchExpr) -> None:
        """Into `x` where a chain of rows goes on and nothing needs the old `x`, else into a local
        of the path's name, or `out` where a sum follows that changes it."""
        local = _X
        if (
            not self.scope.rows
            or self.total[step.value] > 1
            or self._reads_x()
        ):
            word = "out" if step.value in self.base else step.words[0]
            local = Ref(self.locals.new(local_name(word)))
        self.terms[step.value] = local
        self.out.append(Statement(f"{local.text} = ", value))

    def _assign_streams(self, step: _Step, value: TorchExpr) -> None:
        """Streams into a local each: that of its name, where nothing needs what it held."""
        for node in step.values:
            self.terms.pop(node, None)
        waiting = [
            term for node, term in self.terms.items() if self.left[node]
        ]
        busy = {
            part.text for t in waiting for part in of_type(Ref, parts(t))
        }
        names = []
        for node, word in zip(
            step.values, map(local_name, step.words), strict=True
        ):
            free = word in self.streams and word not in busy
            names.append(word if free else self.locals.new(word))
            self.terms[node] = Ref(names[-1])
        self.streams.update(names)
        self.out.append(Statement(f"{', '.join(names)} = ", value))

    def _reads_x(self) -> bool:
        """Whether what is still to be written reads the `x` of now."""
        waiting = (
            term for value, term in self.terms.items() if self.left[value]
        )
        return any(_X in parts(term) for term in waiting)
