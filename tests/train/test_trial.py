"""A forecast's trial: few images, few seconds, little memory, and a reason where the step itself does not fit."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small_plan
import torch
from small_plan import FakePlan
from torch import nn

import resgraph
from resgraph.errors import MissingError, TrainingError
from resgraph.train import Options, build, forecast
from resgraph.train.data.loader import BatchLoader
from resgraph.train.engine.assemble import fresh_net
from resgraph.train.estimate import Forecast

ONE = Options(threads=1, device="cpu")
NET = """
name: large
input: 3x64x64
net: {stem: 3x3 conv 8, s: 1 x basic 8, head: [global avg pool, fc 10]}
train: {recipe: synthetic, batch: 4000, data: {samples: 4_000_000}}
"""


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images of each pass through a net that is tried."""
    seen: list[int] = []

    def watched(*arguments: Any) -> nn.Module:
        net = fresh_net(*arguments)
        net.register_forward_pre_hook(
            lambda _, given: seen.append(len(given[0]))
        )
        return net

    monkeypatch.setattr("resgraph.train.trial.fresh_net", watched)
    return seen


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images of each batch that is made."""
    seen: list[int] = []
    real = BatchLoader.epoch

    def watched(self: BatchLoader, epoch: int, first: int) -> Any:
        for batch in real(self, epoch, first):
            seen.append(len(batch.images))
            yield batch

    monkeypatch.setattr(BatchLoader, "epoch", watched)
    return seen


def test_a_step_that_does_not_fit_is_neither_made_nor_hidden(
    tried: list[int],
    fed: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "resgraph.train.settings.memory.device_memory", lambda device: 2**30
    )
    monkeypatch.setattr("resgraph.train.trial.BYTES", 16 * 2**20)
    (tmp_path / "net.yaml").write_text(NET.replace("4_000_000", "16_000"))
    plan = resgraph.load(str(tmp_path / "net.yaml"))
    found = forecast(plan, options=ONE)
    held = 4 * max(tried) * 3 * plan.activations
    assert max(tried) >= 2 and held <= 16 * 2**20
    assert 1 <= max(fed) <= 16 * 2**20 // (4 * 3 * 64 * 64)
    assert found.seconds is not None and found.seconds > 0
    lines = {line.split()[0]: line for line in found.text().splitlines()}
    assert (
        "do not fit in 870 MiB: take a smaller `batch`, or `accumulate: "
        in lines["fits"]
    )
    assert "scaled" in lines["time"]
    parts = int(found.too_large.rpartition("accumulate: ")[2].rstrip("`"))
    plan = resgraph.load(
        str(tmp_path / "net.yaml"), [f"train.accumulate={parts}"]
    )
    assert forecast(plan, options=ONE).too_large == "", (
        "what is told to do helps"
    )


def test_images_that_would_be_made_are_only_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resgraph.train.trial.BYTES", 16 * 2**20)
    (tmp_path / "net.yaml").write_text(NET)  # 49 GB of images
    found = forecast(resgraph.load(str(tmp_path / "net.yaml")), options=ONE)
    assert found.images == 4_000_000


def test_nothing_else_is_said_where_a_step_fits(tried: list[int]) -> None:
    found = forecast(small_plan.plan("digits", blocks=1), options=ONE)
    assert found.too_large == "" and "do not fit" not in found.text()
    assert set(tried) == {64}


def test_one_slow_step_is_enough_after_the_first(
    tried: list[int], fed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(0.0, 4.0)
    monkeypatch.setattr(
        "resgraph.train.trial.time",
        SimpleNamespace(perf_counter=lambda: next(clock)),
    )
    found = forecast(small_plan.plan("digits", blocks=1), options=ONE)
    assert (len(tried), len(fed)) == (2, 2)
    assert found.seconds == 660 * (4 + 4)


def test_a_first_step_that_loads_libraries_says_nothing_of_the_others(
    tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine it took a hundred times as long."""
    steps = chain(
        [0.0, 11.0], (at for n in count(12) for at in (n, n + 0.1))
    )
    monkeypatch.setattr(
        "resgraph.train.trial.time",
        SimpleNamespace(perf_counter=lambda: next(steps)),
    )
    monkeypatch.setattr(
        "resgraph.train.estimate.batch_seconds", lambda ready: 0.0
    )
    found = forecast(small_plan.plan("digits", blocks=1), options=ONE)
    assert len(tried) >= 5
    assert found.seconds == pytest.approx(660 * 0.1)


class Huge(FakePlan):
    @property
    def macs(self) -> int:
        return 10**12


def test_a_net_that_is_too_large_to_try_has_no_time(
    tried: list[int],
) -> None:
    plan = small_plan.plan("digits", blocks=1)
    found = forecast(Huge(plan.train), options=ONE)
    assert found.seconds is None and tried == []
    assert "unknown" in found.text()


LACKING = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", LACKING)
@pytest.mark.parametrize(
    "place",
    [
        "resgraph.train.trial.fresh_net",
        "resgraph.train.trial.make_data_loader",
    ],
)
def test_a_lack_of_memory_leaves_the_time_unknown(
    place: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(place, fail)
    assert (
        forecast(small_plan.plan("digits", blocks=1), options=ONE).seconds
        is None
    )


@pytest.mark.parametrize("error", LACKING)
def test_data_for_which_there_is_no_memory(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("resgraph.train.data.load", fail)
    with pytest.raises(
        TrainingError,
        match="out of memory while the images of small are read",
    ):
        forecast(small_plan.plan("digits", blocks=1), options=ONE)


def test_a_bug_of_a_trial_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("resgraph.train.trial.fresh_net", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        forecast(small_plan.plan("digits", blocks=1), options=ONE)


TREE = """\
name: net
input: 3x32x32
net: {stem: 3x3 conv 8, head: [global avg pool, fc 7]}
train: {recipe: imagenet-90, batch: 64, epochs: 9, data: {path: nowhere}}
"""


def planned(text: str, folder: Path) -> Forecast:
    """By a step of two images."""
    (folder / "net.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resgraph.train.trial.BUDGET", 0)
        return forecast(resgraph.load(folder / "net.yaml"), options=ONE)


def test_images_that_are_not_there_are_planned_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = planned(TREE, tmp_path)
    assert (found.images, found.steps, found.epochs, found.seconds) == (
        None,
        None,
        9,
        None,
    )
    assert found.step_seconds is not None and found.step_seconds > 0
    rows = {line.split()[0]: line for line in found.text().splitlines()}
    assert rows["steps"].split(maxsplit=2)[1:] == [
        "unknown",
        "9 epochs of images that cannot be counted yet",
    ]
    assert "a step, measured here" in rows["time"]
    assert (
        rows["data"].split(maxsplit=2)[1] == "missing"
        and "nowhere/train is not there" in rows["data"]
    )


def test_a_length_in_iterations_needs_no_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = planned(
        TREE.replace("imagenet-90", "imagenet").replace(
            "epochs: 9", "iterations: 500"
        ),
        tmp_path,
    )
    assert (found.images, found.steps, found.epochs) == (None, 500, None)
    assert found.seconds == pytest.approx(500 * (found.step_seconds or 0))


@pytest.mark.parametrize(
    ("more", "images"), [("", 50_000), ("data: {held_out: 5000}, ", 45_000)]
)
def test_how_many_images_cifar_has_is_known(
    more: str, images: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = f"train: {{recipe: cifar, {more}epochs: 2}}"
    found = planned(
        f"{TREE.partition('train:')[0].replace('fc 7', 'fc 10')}{recipe}\n",
        tmp_path,
    )
    assert (found.images, found.steps, found.epochs) == (
        images,
        2 * (images // 128),
        2,
    )
    assert "data: download https" in found.missing
    with pytest.raises(MissingError, match="cifar10 is not in "):
        build(resgraph.load(tmp_path / "net.yaml"), options=ONE)
