"""Numbers far from 0: learned in deviations from their mean, told in their own units."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_list import folder as folder
from test_list import recipe

import resgraph
from resgraph.cli import run as command
from resgraph.language.recipe.target import Regression
from resgraph.train import (
    Options,
    build,
    evaluate,
    evaluate_weights,
    predict,
    resume,
)
from resgraph.train.tasks import Units, task_of

FAST = Options(threads=1, workers=0, device="cpu", compile="off")
FAR = 5000.0


@pytest.fixture
def far(folder: Path) -> Path:
    """The ages of test_list, 5000 later: 5030 for red ones, and 5040 for blue ones."""
    for name in ("train.csv", "val.csv"):
        lines = (folder / name).read_text().splitlines()
        at = lines[0].split(",").index("age")
        out = [lines[0]]
        for line in lines[1:]:
            cells = line.split(",")
            cells[at] = str(float(cells[at]) + FAR)
            out.append(",".join(cells))
        (folder / name).write_text("\n".join(out) + "\n")
    return folder


def plan(far: Path, epochs: int = 1, **target: Any) -> resgraph.Plan:
    train = recipe(far, data={"label": "age"}, epochs=epochs)
    train["target"] = {"kind": "number", **target}
    lines = "".join(
        f"  {key}: {json.dumps(value)}\n" for key, value in train.items()
    )
    net = "{a: [3x3 conv 8 /2, bn, relu, global avg pool, fc 1]}"
    return resgraph.loads(
        f"name: a\ninput: 3x16x16\nnet: {net}\ntrain:\n{lines}"
    )


def test_units_are_those_of_what_is_known() -> None:
    values = torch.tensor([[1.0, 7.0], [3.0, 7.0], [torch.nan, 7.0]])
    units = Units.of(values)
    assert units.mean.tolist() == [2.0, 7.0] and units.std.tolist() == [
        1.0,
        1.0,
    ]
    assert units.standardized(values)[:2].tolist() == [
        [-1.0, 0.0],
        [1.0, 0.0],
    ]
    assert units.restored(torch.zeros(1, 2)).tolist() == [[2.0, 7.0]]
    dense = torch.randn(5, 2, 3, 4, dtype=torch.float64) * 30 - 400
    same = Units.of(dense).standardized(dense)
    std, mean = torch.std_mean(same, (0, 2, 3), correction=0)
    torch.testing.assert_close(std, torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(
        mean, torch.zeros(2, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_no_number_known_at_all_is_left_as_it_is() -> None:
    units = Units.of(torch.full((3, 1), torch.nan))
    assert (units.mean.tolist(), units.std.tolist()) == ([0.0], [1.0])


def test_r2_is_the_same_in_any_units_and_rmse_is_in_their_own() -> None:
    torch.manual_seed(0)
    wanted = torch.randn(50, 2) * torch.tensor([3.0, 40.0]) + FAR
    said = wanted + torch.randn(50, 2)
    units = Units.of(wanted)
    goal = Regression(kind="number")
    plain, scaled = task_of(goal, 2), task_of(goal, 2, units=units)
    sums = (
        plain.sums(said, wanted),
        scaled.sums(units.standardized(said), wanted),
    )
    errors = (
        task.error(part, 100.0)
        for task, part in zip((plain, scaled), sums, strict=True)
    )
    one, other = errors
    assert one == pytest.approx(other, rel=1e-4)
    rmse = float((said - wanted).square().mean().sqrt())
    assert dict(scaled.details(sums[1], 100.0))["RMSE"] == pytest.approx(
        rmse, rel=1e-3
    )


def test_a_far_target_is_learned_and_told_in_its_units(
    far: Path, tmp_path: Path
) -> None:
    learned = build(plan(far, 12), out=tmp_path / "run", options=FAST)
    assert learned.accuracy > 90
    raw = build(
        plan(far, 12, standardize=False), out=tmp_path / "raw", options=FAST
    )
    assert raw.accuracy < 0 and "numbers" not in document(tmp_path / "raw")
    pictures = [far / f"pictures/{n}.png" for n in (20, 21)]
    red, blue = (
        found.numbers[0][1]
        for found in predict(tmp_path / "run", pictures, options=FAST)
    )
    assert abs(red - 5030) < 3 and abs(blue - 5040) < 3
    score = evaluate(tmp_path / "run", options=FAST)
    assert 100 - score.error == pytest.approx(learned.accuracy)
    listed = [int(line.split("/")[1].split(".")[0]) for line in rows(far)]
    held = [far / f"pictures/{number}.png" for number in listed]
    said = [
        f.numbers[0][1]
        for f in predict(tmp_path / "run", held, options=FAST)
    ]
    wanted = [float(line.split(",")[3]) for line in rows(far)]
    squares = [(a - b) ** 2 for a, b in zip(said, wanted, strict=True)]
    rmse = (sum(squares) / len(squares)) ** 0.5
    assert dict(score.details)["RMSE"] == pytest.approx(rmse, rel=2e-3)


def rows(far: Path) -> list[str]:
    return (far / "val.csv").read_text().splitlines()[1:]


def document(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (run / "preprocess.json").read_text()
    )
    return found


def test_a_resume_has_the_same_units(far: Path, tmp_path: Path) -> None:
    net = plan(far, 2)
    build(net, out=tmp_path / "whole", options=FAST)
    build(
        net,
        out=tmp_path / "cut",
        options=Options(**{**vars_of(FAST), "minutes": 1e-9}),
    )
    resume(tmp_path / "cut", options=FAST)
    one, other = (
        (tmp_path / run / "weights.safetensors").read_bytes()
        for run in ("whole", "cut")
    )
    assert one == other
    assert document(tmp_path / "cut") == document(tmp_path / "whole")


def vars_of(options: Options) -> dict[str, Any]:
    return {
        name: getattr(options, name) for name in Options.__struct_fields__
    }


def test_weights_alone_do_not_say_their_units(
    far: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = plan(far)
    learned = build(net, out=tmp_path / "run", options=FAST)
    own = tmp_path / "run" / "weights.safetensors"
    for named in (own, own.parent):
        found = evaluate_weights(net, str(named), options=FAST)
        assert 100 - found.error == pytest.approx(learned.accuracy)
    shutil.copy(own, tmp_path / "alone.safetensors")
    (tmp_path / "a.yaml").write_text(net.resolved())
    asked = ["eval", str(tmp_path / "a.yaml"), "--weights", str(tmp_path / "alone.safetensors"),
             "--set", "train.normalize=imagenet", "--device", "cpu"]  # fmt: skip
    assert command(asked) == 2
    assert (
        "does not say how its numbers were standardized"
        in capsys.readouterr().err
    )
    assert command([*asked, "--set", "train.target.standardize=false"]) == 0


def test_units_that_are_none_are_damage(far: Path, tmp_path: Path) -> None:
    build(plan(far), out=tmp_path / "run", options=FAST)
    broken = {
        **document(tmp_path / "run"),
        "numbers": {"mean": ["x"], "std": [1]},
    }
    (tmp_path / "run" / "preprocess.json").write_text(json.dumps(broken))
    with pytest.raises(
        resgraph.errors.RunError, match="is not what a run writes"
    ):
        predict(tmp_path / "run", [far / "pictures/20.png"], options=FAST)
