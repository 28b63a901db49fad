"""A dotted name, `conv3.0.body` → the row, the scope and the word in it."""

from __future__ import annotations


def first_word(name: str) -> str:
    """`conv3.0.body` → `conv3`, which of a node is its row."""
    return name.partition(".")[0]


def last_word(name: str) -> str:
    """`conv3.0.body` → `body`."""
    return name.rpartition(".")[2]


def scope_of(name: str) -> str:
    """`conv3.0.body` → `conv3.0`, "" of a name without dots."""
    return name.rpartition(".")[0]
