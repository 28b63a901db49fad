"""What a recipe's kinds are called elsewhere: mended only where it is the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import mistakes, spec

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
    (problem,) = examine(
        SPEC % "optimizer: {name: adam, lr: 0.1}", Path("x.yaml")
    )
    assert problem.help == "resgraph has no `adam`"


@pytest.mark.parametrize(
    ("target", "help_"),
    [
        ("{loss: bce}", "write `kind: label`, whose keys these are"),
        ("{ignore: 0}", "write `kind: map`, whose keys these are"),
        ("{loss: huber}", "one of `number`, `itself`"),
        (
            "{lss: bce}",
            "one of `label`, `labels`, `number`, `map`, `itself`",
        ),
    ],
)
def test_a_kind_that_is_missing_is_told_by_the_keys_that_are_there(
    target: str, help_: str
) -> None:
    top = f"train: {{recipe: digits, target: {target}}}"
    (found,) = mistakes(
        spec("one: [3x3 conv 8, global avg pool, fc 10]", top=top)
    )
    assert (found.code, found.message) == (
        "E021",
        "`kind` of `target` is missing",
    )
    assert found.help == help_
