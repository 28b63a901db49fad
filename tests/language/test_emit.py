"""A tree written out reads back to the same tree, whatever its texts hold."""

from __future__ import annotations

import pytest

from resgraph.errors import Source, Span
from resgraph.language.yaml.emit import emit
from resgraph.language.yaml.reader import read
from resgraph.language.yaml.tree import Mapping, plain_value, tree_of

TEXTS = [
    "a", "", " a ", "yes", "12", "true", "a: b", "a #b", "it's", '"', "\\ud83d\\ude00", "a\nb", "😀", "\ue000",
    "\U000f0000", "- a", "-", "a ", "-a", "-.5", ".inf", "True", "NULL", "0x1F", "(", "a)", "a)(b", "f(a)",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_comes_back(text: str) -> None:
    tree = tree_of(
        {"one": text, "two": [text, "b"]},
        Span(Source("a.yaml", ""), 1, 1, 1, 1),
    )
    assert isinstance(tree, Mapping)
    again, errors = read(Source("a.yaml", emit(tree)))
    assert again is not None
    assert (plain_value(again), errors) == (plain_value(tree), [])
