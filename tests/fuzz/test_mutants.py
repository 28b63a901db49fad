"""Mutants of the zoo keep the law (law.py): a sample of a fixed seed each time, ten times as many
marked slow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import mutant, zoo
from run_mutants import SEED, make, tried


def broken(part: str, numbers: range) -> list[str]:
    """What breaks the law among some mutants."""
    found = [tried(make(SEED, number, part), part) for number in numbers]
    assert any(each["accepted"] for each in found)
    return [
        f"{each['number']}: {each['broken']}"
        for each in found
        if "broken" in each
    ]


def test_a_mutant_follows_from_its_seed_and_number() -> None:
    assert [mutant(1, number) for number in range(20)] == [
        mutant(1, number) for number in range(20)
    ]
    assert (
        len(
            {
                mutant(seed, number).text
                for seed in (1, 2)
                for number in range(40)
            }
        )
        > 60
    )
    assert len(
        {mutant(1, number).file for number in range(400)}
    ) > 0.9 * len(zoo())


def test_a_mutant_is_the_same_in_every_process() -> None:
    """Sets of words have another order in each."""
    code = "from mutants import mutant; print([mutant(1, number).told() for number in range(80)])"
    here = str(Path(__file__).parent)
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=here, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here},
            check=True, capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


def test_a_sample_keeps_the_law() -> None:
    assert broken("law", range(10)) == []


def test_a_sample_runs() -> None:
    assert broken("run", range(2)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "count"),
    [("law", 600), ("run", 120), ("export", 12), ("recipe", 120)],
)
def test_a_larger_sample_keeps_the_law(part: str, count: int) -> None:
    assert broken(part, range(count)) == []
