"""What a recipe's kinds are called elsewhere: mended only where it is the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import mistakes, spec

from resgraph.language.diagnose.aliases import OWN_DATA
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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "optimizer: {name: adam, lr: 0.1}",
            "resgraph has no `adam`; `adamw` with `weight_decay: 0` is Adam",
        ),
        ("optimizer: {name: lars, lr: 0.1}", "resgraph has no `lars`"),
        (
            "data: Fashion-MNIST",
            "resgraph has no `Fashion-MNIST`; `{set: idx, path: …}` reads its official files",
        ),
        ("data: {set: svhn}", f"resgraph has no `svhn`; {OWN_DATA}"),
        ("data: photos/train", OWN_DATA),
    ],
)
def test_a_kind_that_there_is_not_is_said_to_be_none(
    written: str, said: str
) -> None:
    (problem,) = examine(SPEC % written, Path("x.yaml"))
    assert problem.help == said


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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("data: folder", "the folder of both parts"),
        ("warmup: {kind: linear}", "how long, in the run's unit"),
        (
            "ema: {every: 5}",
            "decay of the average at each update; smaller at first (a warm-up of the decay)",
        ),
    ],
)
def test_a_missing_key_is_told_with_what_it_is(
    written: str, said: str
) -> None:
    (problem,) = examine(SPEC % written, Path("x.yaml"))
    assert (problem.code, problem.help) == ("E021", said)
