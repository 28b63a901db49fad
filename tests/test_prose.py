"""Messages and helps are for readers: no module decides anything by their words."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from test_floors import MODULES, PACKAGE, tree

from resgraph.language.grammar.words import POLICIES
from resgraph.ops import VOCABULARY

LONG_NAMES = {name for op in VOCABULARY.values() for name in op.long_names}
PHRASES = {*VOCABULARY, *LONG_NAMES, *POLICIES}  # of the language
RENDERERS = {
    "errors.py",
    "cli/loading.py",
    "cli/report.py",
    "cli/formats.py",
    "lsp/protocol.py",
    "lsp/server.py",
    "serve/answer.py",
    "serve/server.py",
    "outputs/figure/figures/partial.py",
    "passes/recipe_fit.py",
    "study/search.py",
}
TELLERS = {"fault", "Fault", "mistake", "Diagnostic", "Hint", "write", "error", "wrong", "refused", "Mistake",
           "ExpressionError", "ShapeError", "Refusal", "Finding", "UsageError", "Related"}  # fmt: skip
MATCHERS = {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "replace",
            "find", "index", "count", "match", "fullmatch", "search", "sub", "compile", "findall"}  # fmt: skip


def constants(node: ast.AST) -> Iterator[str]:
    """Every text within a node, the fixed parts of f-strings too."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def name_of(call: ast.Call) -> str:
    return (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else getattr(call.func, "id", "")
    )


def told_texts(tree: ast.AST) -> Iterator[str]:
    """What is said in errors, as far as it is a text where it is said or was assigned in that function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in TELLERS:
            yield from constants(node)
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name)
            and t.id.strip("_")
            in ("hint", "help", "message", "said", "problem", "text")
            for t in node.targets
        ):
            yield from constants(node.value)


def matched_texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Texts that other texts are compared with, or searched for."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in MATCHERS
        ):
            for argument in node.args:
                yield from (
                    (text, node.lineno) for text in constants(argument)
                )
        elif isinstance(node, ast.Compare):
            yield from ((text, node.lineno) for text in constants(node))


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Every module of the package, by its path."""
    return {
        path.relative_to(PACKAGE).as_posix(): tree(path) for path in MODULES
    }


def test_only_renderers_read_a_message_or_a_help(
    trees: dict[str, ast.Module],
) -> None:
    read = [
        (name, node.attr, node.lineno)
        for name in sorted(trees.keys() - RENDERERS)
        for node in ast.walk(trees[name])
        if isinstance(node, ast.Attribute)
        and node.attr in ("help", "message")
        and isinstance(node.ctx, ast.Load)
    ]
    assert read == []


def test_no_module_matches_our_own_words(
    trees: dict[str, ast.Module],
) -> None:
    told = "\n".join(
        text for tree in trees.values() for text in told_texts(tree)
    )
    assert "a stride is expected after `/`" in told
    assert ("did you mean", 1) in matched_texts(
        ast.parse("x.startswith('did you mean')")
    )
    ours = [
        (name, text, line)
        for name, tree in trees.items()
        for text, line in matched_texts(tree)
        if len(text.split()) > 1
        and text.strip(" `?") in told
        and text not in PHRASES
    ]
    assert ours == []
