"""What stands around a figure is true of the net: its kind, its totals, its caption, its legend."""

from __future__ import annotations

import re

import pytest
from drawn import RESIDUAL, plan

from resgraph import loads
from resgraph.outputs.figure.figures.header import (
    caption,
    subtitle,
    unit_words,
)
from resgraph.outputs.figure.style import PALETTES


def test_a_caption_says_what_the_figure_shows() -> None:
    said = caption(plan("residual"))
    assert said.startswith("Residual: 3 × 32 × 32 in, 10 out, ")
    assert (
        "conv1 (2 layers), conv2 (3 pair), conv3 (4 pair), head (2 layers)"
        in said
    )
    assert said.endswith(
        "Dotted shortcuts change the shape, by a projection."
    )


def test_a_plain_net_has_no_shortcuts_to_speak_of() -> None:
    assert "shortcut" not in caption(plan("plain"))
    assert "shortcut" not in plan("plain").svg()


@pytest.mark.parametrize(
    ("policy", "said"),
    [("projection", "(option B)"), ("zero-pad", "(option A)")],
)
def test_the_kind_of_a_net(policy: str, said: str) -> None:
    net = loads(
        RESIDUAL.replace(
            "    merge: relu", f"    shortcut: {policy}\n    merge: relu"
        )
    )
    assert (
        subtitle(net.graph, "")
        == f"pair blocks · {policy} shortcuts {said}"
    )


def test_what_goes_with_a_convolution() -> None:
    assert unit_words(plan("residual").graph) == " (+ BN + ReLU)"
    other = RESIDUAL.replace(
        "net:", "unit: conv instance norm gelu tanh\nnet:", 1
    )
    assert (
        unit_words(loads(other).graph) == " (+ InstanceNorm + GELU (tanh))"
    )
    assert (
        unit_words(
            loads(RESIDUAL.replace("net:", "unit: conv\nnet:", 1)).graph
        )
        == ""
    )


def legend(name: str) -> set[str]:
    """The texts below the last line that runs across the picture."""
    text = plan(name).svg(view="stages")
    rule = PALETTES["light"]["rule"]
    return set(
        re.findall(
            r">([^<]+)</text>", text[text.rindex(f'stroke="{rule}"') :]
        )
    )


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("residual", {"pooling", "identity shortcut", "projection shortcut", "× N repeats"}, {"activation"}),
        ("plain", {"pooling", "fully connected"}, {"identity shortcut", "× N repeats", "normalisation"}),
        ("dense", {"blocks alike, drawn as one", "normalisation"}, {"× N repeats", "projection shortcut"}),
    ],
)  # fmt: skip
def test_the_legend_has_what_occurs_and_no_more(
    name: str, there: set[str], absent: set[str]
) -> None:
    found = legend(name)
    assert there <= found
    assert not absent & found
