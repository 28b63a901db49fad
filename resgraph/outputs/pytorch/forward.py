"""The paths of a scope → the lines of its `forward`: equations inline, locals only for what is read
more than once, and for what a sum is written over."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...graph import Graph, Item, Path
from ...ops import Add
from .text import expression, flat, statement

_TAKEN = frozenset(["F", "nn", "self", "torch", "x"])


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a scope: the node it is, the values it is made from, and how it is written."""

    value: str
    reads: tuple[str, ...]
    word: str  # the local variable that would hold it
    write: Callable[[Sequence[str]], str]
    call: bool  # a path's module is called (else an op of an equation)
    over: bool = False  # a sum that is written over the first value that it reads


def forward_lines(
    graph: Graph,
    paths: Sequence[Path],
    start: str,
    result: str,
    inplace: frozenset[str],
    *,
    rows: bool = False,
) -> list[str]:
    """The body of `forward(self, x)` for paths that begin at node `start` and come to node
    `result`.

    With `rows` each path is a statement (`x = self.conv2(x)`), else what is read once stands where
    it is read."""
    steps = _live(
        [step for path in paths for step in _steps(graph, path, inplace)], result
    )
    lines = _Writer(steps, start, result, statements=rows, chain=rows).lines()
    # too long for a line: calls apart from the sum
    if not rows and any(line.startswith(" ") for line in lines):
        return _Writer(steps, start, result, statements=True, chain=False).lines()
    return lines


def working(graph: Graph, path: Path) -> list[Item]:
    """The items of a path that do anything: a block that hands back its `x` makes no module."""
    return [item for item in path.items if next(graph.nodes_of(item), None) is not None]


def _steps(graph: Graph, path: Path, inplace: frozenset[str]) -> list[Step]:
    steps = []
    items = working(graph, path)
    for name in path.equation.nodes if path.equation else ():
        node = graph.nodes[name]
        shapes = [graph.nodes[source].shape for source in node.inputs]
        alone = path.equation is not None and name == path.equation.output and not items
        word = path.word if alone else name.rpartition(".")[2]
        write = partial(node.op.expression, shapes=shapes)
        over = name in inplace and isinstance(node.op, Add)
        if name in inplace and not over:
            write = partial(_inplace, write)
        steps.append(Step(name, node.inputs, word, write, call=False, over=over))
    if items:
        write = partial(_call, f"self.{path.word}")
        steps.append(Step(path.output, (path.input,), path.word, write, call=True))
    return steps


def _inplace(write: Callable[[Sequence[str]], str], terms: Sequence[str]) -> str:
    """`F.relu(a + b)` → `F.relu(a + b, inplace=True)`."""
    return f"{write(terms).removesuffix(')')}, inplace=True)"


def _call(module: str, terms: Sequence[str]) -> str:
    return f"{module}({terms[0]})"


def _live(steps: list[Step], result: str) -> list[Step]:
    """The steps that something reads."""
    wanted, kept = {result}, []
    for step in reversed(steps):
        if step.value in wanted:
            wanted.update(step.reads)
            kept.append(step)
    return kept[::-1]


class _Writer:
    """Writes steps one after another, knowing which local holds what and how often it will still be
    read."""

    def __init__(
        self,
        steps: list[Step],
        start: str,
        result: str,
        *,
        statements: bool,
        chain: bool,
    ) -> None:
        self.steps, self.result, self.statements, self.chain = (
            steps,
            result,
            statements,
            chain,
        )
        self.total = Counter(source for step in steps for source in step.reads)
        self.total[result] += 1
        # what a sum is written over
        self.base = {step.reads[0] for step in steps if step.over}
        self.left = Counter(self.total)
        self.text = {start: "x"}
        self.holds_x = start
        self.taken = set(_TAKEN)
        self.inlined: dict[str, str] = {}  # text that is still to be written
        self.out: list[str] = []

    def lines(self) -> list[str]:
        """Every statement, the return last."""
        for step in self.steps:
            body = flat(
                expression(step.write([self._term(source) for source in step.reads]))
            )
            self.left.subtract(step.reads)
            for source in step.reads:
                self.inlined.pop(source, None)
            if step.over:
                self._add(step)
            elif step.value == self.result and self.total[step.value] == 1:
                return [*self.out, *statement("return ", expression(body))]
            elif (
                self.total[step.value] == 1
                and step.value not in self.base
                and not (self.statements and step.call)
            ):
                self.text[step.value] = self.inlined[step.value] = body
            else:
                self._assign(step, body)
        return [*self.out, f"return {self.text[self.result]}"]

    def _term(self, source: str) -> str:
        text = self.text[source]
        return text if text.isidentifier() else f"({text})"

    def _add(self, step: Step) -> None:
        """`out += b`: the local of the first term comes to be the sum."""
        first, other = step.reads
        name = self.text[step.value] = self.text[first]
        if self.holds_x == first:
            self.holds_x = step.value
        self.out += statement(f"{name} += ", expression(self.text[other]))

    def _assign(self, step: Step, body: str) -> None:
        """Into `x` where a chain goes on and nothing needs the old `x`, else into a local of the
        path's name, or `out` where a sum follows that changes it."""
        busy = self.left[self.holds_x] or any(map(_reads_x, self.inlined.values()))
        if self.chain and self.total[step.value] == 1 and not busy:
            name, self.holds_x = "x", step.value
        else:
            name = _local("out" if step.value in self.base else step.word, self.taken)
        self.text[step.value] = name
        self.out += statement(f"{name} = ", expression(body))


def _reads_x(text: str) -> bool:
    return re.search(r"(?<![\w.])x\b", text) is not None


def _local(word: str, taken: set[str]) -> str:
    name = f"{word}_" if word in _TAKEN or keyword.iskeyword(word) else word
    number = 2
    while name in taken:
        name, number = f"{word}{number}", number + 1
    taken.add(name)
    return name
