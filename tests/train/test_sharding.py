"""A net sharded (FSDP) among gloo processes: it learns what the whole one learns, and resumes bit for bit."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from test_distributed import RECIPE, launched

import resgraph
from resgraph.train import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.settings import memory
from resgraph.train.settings.decide import Workload, decide

SPECS = Path(__file__).parents[2] / "specs"

SGD: dict[str, Any] = {**RECIPE, "epochs": 1}
ADAMW: dict[str, Any] = {
    **SGD,
    "optimizer": {
        "name": "adamw",
        "lr": 0.003,
        "weight_decay": 0.05,
        "no_decay": ["norm", "bias"],
    },
    "ema": {"decay": 0.9},
    "clip": 1.0,
}


TO_STOP_AND_GO_ON = {**ADAMW, "epochs": 1.5}
"""Ranks agree on an end at their tenth step of twelve; with shares, a step takes each sixty milliseconds."""


def close(one: Path, other: Path) -> None:
    """The weights and the losses of two runs are the same but for the order of sums."""
    mine = load_file(one / "weights.safetensors")
    theirs = load_file(other / "weights.safetensors")
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(
            mine[name], value, rtol=1e-3, atol=1e-5, msg=name
        )
    for a, b in zip(rows(one), rows(other), strict=True):
        assert a["train"]["loss"] == pytest.approx(
            b["train"]["loss"], rel=1e-3
        )
        assert a["validation"]["loss"] == pytest.approx(
            b["validation"]["loss"], rel=1e-3
        )


def rows(run: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl."""
    return [
        json.loads(line)
        for line in (run / "metrics.jsonl").read_text().splitlines()
    ]


@pytest.mark.parametrize(
    "recipe", [SGD, ADAMW], ids=["sgd", "adamw, ema, clip"]
)
def test_shares_learn_what_the_whole_learns(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    orders = {"ranks": 2, "number": 0, "recipe": recipe}
    ended = launched(
        {**orders, "out": str(tmp_path / "whole"), "sharding": "off"},
        {**orders, "out": str(tmp_path / "shared"), "sharding": "on"},
    )
    assert [code for launch in ended for code, _ in launch] == [0] * 4, (
        ended
    )
    close(tmp_path / "shared", tmp_path / "whole")
    facts = json.loads((tmp_path / "shared" / "run.json").read_text())
    assert [
        "optimizer",
        "for-each",
        "the fused ones of torch take no shares",
    ] in facts["decisions"]
    assert facts["used"]["sharding"] == "on"


@pytest.mark.parametrize(
    "ranks", [2, pytest.param(3, marks=pytest.mark.slow)]
)
def test_shares_stop_and_go_on_bit_for_bit(
    ranks: int, tmp_path: Path
) -> None:
    whole, cut = (
        {
            "out": str(tmp_path / name),
            "recipe": TO_STOP_AND_GO_ON,
            "sharding": "on",
        }
        for name in ("whole", "cut")
    )
    ended = launched(
        {"ranks": ranks, "number": 0, **whole},
        {"ranks": ranks, "number": signal.SIGTERM, **cut},
        {
            "ranks": ranks,
            "number": 0,
            **{**cut, "sharding": "auto"},
        },  # as it was begun
    )
    assert [[code for code, _ in launch] for launch in ended] == [
        [0] * ranks,
        [143] * ranks,
        [0] * ranks,
    ], ended
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (
            tmp_path / "cut" / name
        ).read_bytes()


def test_what_shares_save_is_whole(tmp_path: Path) -> None:
    orders = {"ranks": 2, "recipe": {**RECIPE, "epochs": 4}}
    run = {"out": str(tmp_path / "run"), **orders}
    ended = launched(
        {"number": signal.SIGTERM, "sharding": "on", **run},
        {"number": signal.SIGTERM, "sharding": "off", **run},
        {"number": signal.SIGTERM, "sharding": "on", **run},
        {"number": 0, "out": str(tmp_path / "whole"), **orders},
        {"number": 0, **run, "ranks": 1},
    )
    assert [[code for code, _ in launch] for launch in ended] == [
        [143] * 2
    ] * 3 + [
        [0] * 2,
        [0],
    ], ended
    for mine, theirs in zip(
        rows(tmp_path / "run")[:3], rows(tmp_path / "whole"), strict=False
    ):
        assert mine["train"]["loss"] == pytest.approx(
            theirs["train"]["loss"], rel=1e-3
        )
        assert mine["validation"]["loss"] == pytest.approx(
            theirs["validation"]["loss"], rel=1e-3
        )
    assert [row["step"] for row in rows(tmp_path / "run")] == [
        8,
        16,
        24,
        32,
    ], "one process ended what shares began"


@pytest.mark.parametrize(
    "options",
    [
        {"checkpointing": "on"},
        pytest.param({"precision": "fp16"}, marks=pytest.mark.slow),
        pytest.param({"precision": "bf16"}, marks=pytest.mark.slow),
        pytest.param(
            {"compile": "on", "checkpointing": "on"}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_shares_go_with_what_else_makes_nets_fit(
    options: dict[str, Any], tmp_path: Path
) -> None:
    orders = {
        "ranks": 2,
        "number": 0,
        "real": str(SPECS / "digits.yaml"),
        "recipe": {},
        **options,
    }
    ended = launched(
        {**orders, "out": str(tmp_path / "whole"), "sharding": "off"},
        {**orders, "out": str(tmp_path / "shared"), "sharding": "on"},
    )
    assert [code for launch in ended for code, _ in launch] == [0] * 4, (
        ended
    )
    (mine,), (theirs,) = rows(tmp_path / "shared"), rows(tmp_path / "whole")
    assert mine["train"]["loss"] == pytest.approx(
        theirs["train"]["loss"], rel=2e-2
    )
    assert theirs["train"]["loss"] < 2.3


def test_a_net_is_sharded_where_nothing_else_makes_it_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = resgraph.load(str(SPECS / "digits.yaml"))
    decided = {}
    for world, room in ((2, 2**40), (2, 400_000), (1, 400_000)):
        monkeypatch.setattr(
            memory, "device_memory", lambda device, room=room: room
        )
        options = Options(device="cpu")
        decisions = decide(
            options, World(0, world), Workload(1e6, True, 100)
        )
        decided[world, room] = memory.with_memory_plan(
            decisions, plan, plan.spec.train, options, world, 0
        )
    roomy, tight, alone = decided.values()
    assert not roomy.sharded
    assert not alone.sharded
    assert tight.sharded
    assert tight.memory < alone.memory
    (why,) = [
        why
        for what, choice, why in tight.reasons
        if (what, choice) == ("sharding", "on")
    ]
    assert "do not fit in" in why
