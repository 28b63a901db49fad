"""What runs a net in an evaluation or prediction: batches, and onnxruntime where it gives the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_list import folder as folder
from test_list import recipe
from test_predicted import HEAD, built
from torch import Tensor, nn

import resgraph
from resgraph.cli import run as command
from resgraph.errors import UsageError
from resgraph.train import Options, evaluate, inference, predict, runtimes
from resgraph.train.inference import own_plan, trained
from resgraph.train.parallel.distributed import World
from resgraph.train.runtimes import Inference
from resgraph.train.settings.decide import Workload, decide


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Path:
    train = recipe(
        folder, target="label", data={"label": "label"}, epochs=1
    )
    return built(folder, tmp_path / "run", HEAD.format(2), train)


def pictures(folder: Path) -> list[Path]:
    return [folder / f"pictures/{number}.png" for number in range(20, 30)]


def chances(
    run: Path, paths: list[Path], **options: Any
) -> list[dict[str, float]]:
    how = Options(threads=1, device="cpu", **options)
    return [
        dict(found.classes) for found in predict(run, paths, options=how)
    ]


def test_images_are_predicted_in_batches_as_one_by_one(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = inference.placed

    def counted(net: nn.Module, *args: Any) -> nn.Module:
        net.register_forward_pre_hook(
            lambda _, given: sizes.append(len(given[0]))
        )
        return real(net, *args)

    monkeypatch.setattr(inference, "placed", counted)
    monkeypatch.setattr(inference, "BATCH_NUMBERS", 4 * 3 * 16 * 16)
    together = chances(run, pictures(folder))
    assert sizes == [4, 4, 2]
    for path, found in zip(pictures(folder), together, strict=True):
        assert chances(run, [path])[0] == pytest.approx(found, abs=1e-6)


def test_onnxruntime_says_what_torch_says(
    run: Path, folder: Path, capsys: Any
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    ours = chances(run, pictures(folder))
    asked = [
        *map(str, pictures(folder)),
        "--engine",
        "onnx",
        "--device",
        "cpu",
    ]
    assert command(["predict", str(run), *asked, "--json"]) == 0
    for wanted, found in zip(
        ours, json.loads(capsys.readouterr().out), strict=True
    ):
        assert dict(found["classes"]) == pytest.approx(wanted, abs=1e-5)
    scores = [
        evaluate(
            run,
            options=Options(
                threads=1, workers=0, device="cpu", engine=engine
            ),
        )
        for engine in ("torch", "onnx")
    ]
    assert scores[0].loss == pytest.approx(scores[1].loss, rel=1e-5)
    with pytest.raises(UsageError, match="--sides"):
        evaluate(
            run, sides=(20,), options=Options(device="cpu", engine="onnx")
        )


class Wrong(nn.Module):
    """Right for nothing."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, images: Tensor) -> Tensor:
        return torch.zeros(len(images), 2)


def test_what_gives_something_else_is_never_used(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "export", lambda *_: b"")
    monkeypatch.setattr(runtimes, "find_spec", lambda _: True)
    monkeypatch.setattr(runtimes, "OnnxRuntimeNet", Wrong)
    monkeypatch.setattr(runtimes, "ONNX_PAYS", 0)
    right = chances(run, pictures(folder))
    with pytest.raises(UsageError, match="is off by 1, so it is not used"):
        chances(run, pictures(folder), engine="onnx")
    assert chances(run, pictures(folder), engine="auto") == right


def test_without_its_packages_onnx_ends_with_the_line_that_installs_them(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(
        runtimes, "find_spec", lambda name: name != "onnxruntime"
    )
    asked = [
        "predict",
        str(run),
        str(pictures(folder)[0]),
        "--device",
        "cpu",
    ]
    assert command([*asked, "--engine", "onnx"]) == 4
    said = capsys.readouterr().err
    assert "onnxruntime" in said and "pip install 'resgraph[onnx]'" in said
    assert command([*asked, "--engine", "auto"]) == 0


def test_auto_exports_where_it_pays(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2e12 multiply-adds, on a CPU, in fp32, all of one size."""
    made: list[int] = []
    monkeypatch.setattr(runtimes, "export", lambda *_: b"")
    monkeypatch.setattr(runtimes, "find_spec", lambda _: True)
    monkeypatch.setattr(runtimes, "_compare", lambda *_: None)
    monkeypatch.setattr(
        runtimes,
        "OnnxRuntimeNet",
        lambda *_: made.append(1) or nn.Identity(),
    )
    plan = own_plan(run, resgraph.load)
    net = trained(run, plan.module())
    fp32, bf16 = (
        decide(
            Options(device="cpu", precision=one, threads=1),
            World(),
            Workload(1.0),
        )
        for one in ("fp32", "bf16")
    )
    enough = int(2e12 / plan.macs) + 1
    for images, one_size, decisions, used in [
        (enough, True, fp32, True),
        (enough - 2, True, fp32, False),
        (enough, False, fp32, False),
        (enough, True, bf16, False),
    ]:
        found = Inference(images, "auto", one_size).run_by(
            plan, net, decisions
        )
        assert (found is not net) == used
    assert made == [1]
    with pytest.raises(UsageError, match="fp32, and not in bf16"):
        Inference(enough, "onnx").run_by(plan, net, bf16)


def test_what_onnx_runs_is_in_fp32_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where bf16 would pay for torch: `predict` has no option that takes it back."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    found = [
        decide(
            Options(device="cpu", engine=engine, threads=1),
            World(),
            Workload(1e12),
        ).precision
        for engine in ("torch", "onnx")
    ]
    assert found == ["bf16", "fp32"]
