"""How dense the source is: tokens, tokens a code line, and complexity as radon counts it.

    python benchmarks/house.py            # the package
    python benchmarks/house.py FOLDER …   # any other source, for comparison

A token is a name, a number, a string or a sign; a code line holds at least a part of one.
Comments, docstrings and blank lines count as neither, so that explaining is free. Complexity
counts boolean operators and comprehensions, and its average is over functions, methods and
classes, all as `radon cc -a` has it.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from radon.complexity import cc_visit_ast

MOST = 10
"""Functions that are named."""
PACKAGE = Path(__file__).parents[1] / "resgraph"
_NO_CODE = {
    tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT,
    tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
_DOCUMENTED = (
    ast.Module,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: where it stands, how long it is, how much it branches."""

    file: Path
    name: str
    lines: int
    complexity: int
    parameters: int


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file, read once."""
    return ast.parse(path.read_bytes())


def tokens(path: Path) -> tuple[int, int]:
    """How many tokens of code a file has, and on how many lines they stand."""
    described = {
        node.body[0].lineno
        for node in ast.walk(tree(path))
        if isinstance(node, _DOCUMENTED)
        and ast.get_docstring(node, clean=False)
    }
    count = 0
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in _NO_CODE or (
                token.type == tokenize.STRING
                and token.start[0] in described
            ):
                continue
            count += 1
            lines.update(range(token.start[0], token.end[0] + 1))
    return count, len(lines)


@cache
def blocks(path: Path) -> list[Any]:
    """What radon finds in a file: its functions, methods and classes."""
    found: list[Any] = cc_visit_ast(tree(path))
    return found


def functions(path: Path) -> Iterator[Function]:
    """The functions and methods of a file; those within a function count as a part of it."""
    nodes = {
        node.lineno: node
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for block in blocks(path):
        if block.letter == "C":
            continue
        # radon's own last line leaves out what is defined within the function
        node = nodes[block.lineno]
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        given = (
            node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        )
        bound = block.letter == "M"
        yield Function(
            path,
            block.fullname,
            lines,
            block.complexity,
            len(given) - bound,
        )


def complexities(files: list[Path]) -> list[int]:
    """Of each function, method and class."""
    return [block.complexity for path in files for block in blocks(path)]


def report(folder: Path) -> Iterator[str]:
    files = sources(folder)
    counts, lines = zip(*map(tokens, files), strict=True)
    total, wide = sum(counts), sum(counts) / sum(lines)
    yield f"{folder.name}: {len(files)} files, {total:,} tokens, {wide:.2f} a code line"
    found = complexities(files)
    yield f"complexity {mean(found):.2f}, the mean of {len(found):,} functions, methods and classes"
    own = [function for path in files for function in functions(path)]
    yield f"the longest function has {max(f.lines for f in own)} lines; most branched:"
    for function in sorted(own, key=lambda f: -f.complexity)[:MOST]:
        yield f"  {function.complexity:3} {function.file.relative_to(folder)}: {function.name}"


if __name__ == "__main__":
    for folder in sys.argv[1:] or [str(PACKAGE)]:
        print("\n".join(report(Path(folder))))
