"""Images that cannot be read, by who meets them: a part of nothing else, another process, a worker that dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import small_plan
import torch
from test_distributed import launched
from test_folder import SHAPE, recipe, tree

from resgraph.errors import TrainingError
from resgraph.train import Options, build
from resgraph.train.augment import crops

__all__ = ["tree"]
FACTS: dict[str, Any] = {
    "input": list(SHAPE),
    "classes": 2,
    "widths": [4],
    "blocks": 1,
    "dropout": 0.0,
}


def break_image(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


def forgiving(tree: Path, **keys: Any) -> dict[str, Any]:
    return recipe(
        tree,
        data={"set": "folder", "path": str(tree), "unreadable": 1.0},
        **keys,
    )


def test_a_part_of_broken_images_alone_is_no_loss(
    tree: Path, tmp_path: Path
) -> None:
    break_image(next((tree / "train").rglob("*.jpg")))
    options = forgiving(tree)
    parts = {"accumulate": options["batch"]}  # one image each
    plan = small_plan.plan(
        {**options, **parts}, input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    assert (
        build(
            plan,
            out=tmp_path / "run",
            options=Options(threads=1, workers=0),
        ).steps
        > 0
    )


def test_each_process_tells_of_the_images_it_could_not_read(
    tree: Path, tmp_path: Path
) -> None:
    broken = sorted((tree / "val").rglob("*.??g"))[:2]
    for path in broken:
        break_image(path)
    orders = {
        "number": 0,
        "recipe": forgiving(tree),
        "facts": FACTS,
        "workers": 0,
        "tell": True,
    }
    (ended,) = launched(
        {"ranks": 2, "out": str(tmp_path / "run"), **orders}
    )
    assert [code for code, _ in ended] == [0, 0], ended
    assert all(path.name in ended[0][1] for path in broken)


def test_a_killed_worker_is_told_with_what_helps(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, trainer = crops.RandomCrop.__call__, os.getpid()

    def killed(
        self: crops.RandomCrop, image: Any, epoch: int, index: int
    ) -> tuple[torch.Tensor, ...]:
        if os.getpid() != trainer:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, image, epoch, index)

    monkeypatch.setattr(crops.RandomCrop, "__call__", killed)
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    with pytest.raises(
        TrainingError,
        match=r"a process that loads images was killed .* fewer --workers need less",
    ):
        build(
            plan,
            out=tmp_path / "run",
            options=Options(threads=1, workers=1),
        )
