"""What a recipe's kinds are called elsewhere: mended only where it is the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from resgraph.mending import examine

SPEC = """name: net
input: 1x8x8
net:
  a: 3x3 conv 8
  head: [global avg pool, fc 10]
train: {recipe: digits, %s}
"""


@pytest.mark.parametrize(
    ("written", "edit"),
    [
        ("optimizer: {name: adam, lr: 0.1}", None),
        ("optimizer: {name: nadam, lr: 0.1}", None),
        ("optimizer: {name: sgdw, lr: 0.1}", None),
        ("optimizer: {name: AdamW, lr: 0.1}", "adamw"),
        ("optimizer: {name: admaw, lr: 0.1}", "adamw"),
        ("data: {set: mnist}", None),
        ("data: {set: cifar, path: x}", None),
        ("data: {set: digts}", "digits"),
        ("schedule: {kind: cosne}", "cosine"),
        ("schedule: {kind: poly}", None),
    ],
)
def test_a_kind_is_mended_only_where_it_is_the_same(
    written: str, edit: str | None
) -> None:
    found = [
        problem
        for problem in examine(SPEC % written, Path("x.yaml"))
        if problem.severity == "error"
    ]
    assert found
    assert [e.text for problem in found for e in problem.edits] == (
        [edit] if edit else []
    )


def test_an_optimizer_that_there_is_not_is_said_to_be_none() -> None:
    (problem,) = examine(SPEC % "optimizer: {name: adam, lr: 0.1}", Path("x.yaml"))
    assert problem.help == "resgraph has no `adam`"
