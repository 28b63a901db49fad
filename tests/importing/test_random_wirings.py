"""Nets that are wired at random of layers that run again, sums and activations: what import writes
of one is read again, and proven; it never says what does not check."""

from __future__ import annotations

from random import Random

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module

Step = tuple[str, str, tuple[str, ...]]
"""The name of a value, what it is of (a layer that runs again, one alone, a word), and what it reads."""


def wiring(seed: int) -> list[Step]:
    random = Random(seed)
    values, steps = ["x"], []
    for n in range(random.randint(3, 14)):
        near, share = values[-5:], random.random()
        reads = random.choices(near, k=2 if share < 0.35 else 1)
        what = (
            "add" if share < 0.35
            else f"again{random.randrange(2)}" if share < 0.75
            else f"own{n}" if share < 0.85
            else "relu"
        )  # fmt: skip
        steps.append((f"v{n}", what, tuple(reads)))
        values.append(f"v{n}")
    return steps


class Wired(nn.Module):
    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = steps
        read = {name for _, _, reads in steps for name in reads}
        self.outputs = [name for name, _, _ in steps if name not in read]
        self.layers = nn.ModuleDict(
            {what: nn.Conv2d(4, 4, 3, padding=1) for _, what, _ in steps}
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        known = {"x": x}
        for name, what, reads in self.steps:
            first, *more = map(known.__getitem__, reads)
            made = (
                first + more[0] if more
                else first.relu() if what == "relu"
                else self.layers[what](first)
            )  # fmt: skip
            known[name] = made
        return [known[name] for name in self.outputs]


def imported(steps: list[Step]) -> str:
    found = from_module(Wired(steps), (4, 6, 6))
    assert found.proof.output == pytest.approx(0, abs=1e-12)
    assert found.proof.gradients == pytest.approx(0, abs=1e-9)
    return found.text


SUM, AGAIN, ALIKE = (
    [("a", "add", "xx"), ("b", "again", "x"), ("c", "again", "a")],
    [("a", "again", "x"), ("b", "again", "a"), ("c", "own", "x"),
     ("d", "again", "c"), ("e", "add", "db")],
    [("a", "again", "x"), ("b", "add", "ax"), ("c", "add", "ax")],
)  # fmt: skip


def test_what_stands_behind_a_sum_has_a_row_of_its_own_to_be_said_again() -> (
    None
):
    assert "  sum:    input + input\n" in imported(SUM)


def test_of_layers_that_read_alike_one_is_told_by_where_else_it_runs() -> (
    None
):
    assert "2 x again" in imported(AGAIN)


def test_what_comes_out_twice_has_two_names() -> None:
    assert "output: [conv1, same_conv1]" in imported(ALIKE)


@pytest.mark.parametrize("seed", range(12))
def test_any_is_written_so_that_it_checks(seed: int) -> None:
    imported(wiring(seed))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 700, 100))
def test_six_hundred(start: int) -> None:
    for seed in range(start, start + 100):
        torch.manual_seed(seed)
        imported(wiring(seed))
