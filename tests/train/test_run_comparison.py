"""Several runs in one picture, and the degradation that it shows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import resgraph
from resgraph import train
from resgraph.train.run.curves import comparison

SPEC = Path(__file__).parents[2] / "specs" / "digits-degradation.yaml"


def rows(*errors: float) -> list[dict[str, object]]:
    return [
        {
            "epoch": place,
            "step": 10 * place,
            "train": {"error": error},
            "validation": {"error": error + 1},
        }
        for place, error in enumerate(errors, 1)
    ]


def test_each_run_has_a_colour_and_a_name() -> None:
    svg = comparison(
        "<two>",
        [("plain & deep", rows(60, 40, 30)), ("residual", rows(50, 9, 2))],
        "epochs",
    )
    tree = ElementTree.fromstring(svg)
    lines = [part for part in tree.iter() if part.tag.endswith("polyline")]
    assert len(lines) == 4
    assert len({line.get("stroke") for line in lines}) == 2
    texts = [
        part.text or "" for part in tree.iter() if part.tag.endswith("text")
    ]
    assert any(text.startswith("plain & deep 31.00") for text in texts)


def test_a_run_without_rows_leaves_no_line() -> None:
    svg = comparison(
        "one", [("begun", []), ("done", rows(5, 4))], "iterations"
    )
    assert svg.count("<polyline") == 2


@pytest.mark.slow
def test_plain_nets_degrade_with_depth_and_residual_nets_do_not(
    tmp_path: Path,
) -> None:
    """He et al. 2015, Figure 1: the deeper plain net has the larger training error.

    In so few epochs residual-56 ends between 1.7 and 7.4 %, by its seed, and plain-56 above 50 %.
    """
    errors = {}
    for net in ("plain-8", "plain-56", "residual-8", "residual-56"):
        plan = resgraph.load(f"{SPEC}::{net}", ["train.epochs=12"])
        errors[net] = (
            100 - train.build(plan, out=tmp_path / net).train_accuracy
        )
    assert errors["plain-56"] > 2 * errors["plain-8"] + 5
    assert errors["residual-56"] < errors["residual-8"] + 10
    assert errors["residual-56"] < errors["plain-56"] / 3
