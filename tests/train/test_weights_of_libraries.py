"""Weights by the names that libraries give them: from a cache that the test lays, without a network."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from starting import plan, spec
from test_start import prepared

import resgraph
from resgraph.cli import run as command
from resgraph.errors import MissingError, RunError, UsageError
from resgraph.train import predict_weights
from resgraph.train.prepare import normalization_of
from resgraph.train.start.sources import found

CARD = {
    "architecture": "small",
    "num_classes": 5,
    "label_names": ["a", "b", "c", "d", "e"],
    "pretrained_cfg": {
        "mean": [0.5, 0.25, 0.5],
        "std": [0.5, 0.5, 0.25],
        "input_size": [3, 8, 8],
        "crop_pct": 0.95,
        "interpolation": "bicubic",
    },
}


@pytest.fixture
def state(tmp_path: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return plan(tmp_path / "old.yaml", classes=5).module().state_dict()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of huggingface_hub, in its offline mode."""
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def lay(
    cache: Path, files: dict[str, bytes], name: str = "timm/small.a1"
) -> None:
    """What `hf download` leaves: a snapshot by its commit, and the branch that names it."""
    root = cache / f"models--{name.replace('/', '--')}"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    snapshot = root / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for file, data in files.items():
        (snapshot / file).write_bytes(data)


def test_the_hubs_cache_is_read_offline_with_its_card(
    tmp_path: Path, hub: Path, state: dict[str, torch.Tensor]
) -> None:
    save_file(state, tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    card = json.dumps(CARD).encode()
    lay(hub, {"model.safetensors": data, "config.json": card})
    ready = prepared(
        plan(tmp_path / "new.yaml", "weights: hf-hub:timm/small.a1")
    )
    assert ready.start
    assert ready.start.file.sha256 == hashlib.sha256(data).hexdigest()
    assert len(ready.start.match.kept) == len(state) - 2
    assert ready.stated
    assert ready.stated.said == "3x8x8, the middle 0.95 of each, bicubic"
    assert ready.stated.classes == ("a", "b", "c", "d", "e")
    told = ready.start.lines(whole=False)
    assert "  images: 3x8x8, the middle 0.95 of each, bicubic" in told
    pixels = torch.tensor([0.5, 0.25, 0.5])[None, :, None, None] * 255
    assert normalization_of(ready)(pixels).abs().max() < 1e-6


def test_what_torch_saved_is_taken_where_there_are_no_safetensors(
    tmp_path: Path, hub: Path, state: dict[str, torch.Tensor]
) -> None:
    torch.save(state, tmp_path / "w.bin")
    lay(hub, {"pytorch_model.bin": (tmp_path / "w.bin").read_bytes()})
    ready = prepared(
        plan(tmp_path / "new.yaml", "weights: hf-hub:timm/small.a1")
    )
    assert ready.start
    assert ready.stated is None


def test_a_hub_that_cannot_be_reached_is_one_error_at_its_place(
    tmp_path: Path, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = spec(tmp_path / "new.yaml", "weights: hf-hub:timm/small.a1")
    assert command(["build", str(file), "-o", str(tmp_path / "run")]) == 4
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert (
        f"{file}:14:12: `weights`: hf-hub:timm/small.a1 is not in the cache"
        in said
    )
    assert "hf download timm/small.a1 model.safetensors config.json" in said
    assert not (tmp_path / "run").exists()


def test_a_name_that_no_model_has_is_refused(hub: Path) -> None:
    with pytest.raises(UsageError, match="no model that can be had"):
        found("hf-hub:a/b/c")


def test_without_the_hubs_library_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        MissingError, match=r"pip install 'resgraph\[hub\]'"
    ):
        found("hf-hub:timm/small.a1")


@pytest.fixture
def checkpoints(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, torch.Tensor],
) -> Path:
    """torch.hub's cache with one file, whose name has the beginning of its SHA-256."""
    monkeypatch.setattr(
        torch.hub, "get_dir", lambda: str(tmp_path / "torch")
    )
    folder = tmp_path / "torch" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    name = f"small-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(data)
    return folder / name


def fake_torchvision(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    name: str = "Small_Weights.V1",
) -> None:
    """A torchvision that has one net; its own is tested beside, where it is installed."""
    how = SimpleNamespace(
        mean=[0.5, 0.5, 0.5],
        std=[0.25, 0.25, 0.25],
        resize_size=[9],
        crop_size=[8],
        interpolation=SimpleNamespace(value="bilinear"),
    )
    meta = {"categories": ["x", "y"]}
    weights = SimpleNamespace(url=url, transforms=lambda: how, meta=meta)
    models: Any = ModuleType("torchvision.models")
    models.get_weight = {name: weights}.__getitem__
    monkeypatch.setitem(
        sys.modules, "torchvision", ModuleType("torchvision")
    )
    monkeypatch.setitem(sys.modules, "torchvision.models", models)


def test_torchvisions_weights_come_from_torch_hubs_cache(
    tmp_path: Path, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_torchvision(
        monkeypatch, f"https://nowhere.invalid/{checkpoints.name}"
    )
    line = "weights: torchvision:Small_Weights.V1"
    ready = prepared(plan(tmp_path / "new.yaml", line))
    assert ready.start
    assert ready.start.file.path == checkpoints
    assert ready.stated
    assert ready.stated.said == "shorter side 9, the middle 8, bilinear"
    assert (
        normalization_of(ready)(torch.full((1, 3, 1, 1), 127.5)).abs().max()
        < 1e-6
    )
    with pytest.raises(UsageError, match="no weights `Smal_Weights"):
        found("torchvision:Smal_Weights.V1")


@pytest.mark.parametrize(
    "name", ["GoogLeNet_Weights.V1", "Inception_V3_Weights.V1"]
)
def test_images_of_inception_are_turned_as_its_net_turns_them(
    name: str,
    tmp_path: Path,
    checkpoints: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`transform_input` of torchvision 0.28: `x * std / 0.5 + (mean - 0.5) / 0.5` of what is normalized
    by mean and deviation, which is `2 * x - 1` of the pixels in [0, 1]."""
    url = f"https://nowhere.invalid/{checkpoints.name}"
    fake_torchvision(monkeypatch, url, name)
    line = f"weights: torchvision:{name}"
    ready = prepared(plan(tmp_path / "new.yaml", line))
    pixels = torch.tensor([0.0, 127.5, 255.0]).expand(1, 3, 1, 3)
    seen = normalization_of(ready)(pixels)[0, 0, 0]
    assert seen.tolist() == pytest.approx([-1, 0, 1], abs=1e-6)


def test_a_file_of_torchvision_is_named_by_its_hash(
    checkpoints: Path,
) -> None:
    assert found(f"torchvision:{checkpoints.name}").path == checkpoints
    checkpoints.write_bytes(checkpoints.read_bytes()[:-1])
    with pytest.raises(RunError, match="does not begin with"):
        found(f"torchvision:{checkpoints.name}")


def test_what_cannot_be_fetched_says_where_to_put_it(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_torchvision(
        monkeypatch, "https://nowhere.invalid/other-01234567.pth"
    )

    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(
        MissingError, match=r"put it at .*other-01234567\.pth"
    ):
        found("torchvision:Small_Weights.V1")


def test_the_hub_is_not_asked_by_check(tmp_path: Path) -> None:
    file = spec(tmp_path / "new.yaml", "weights: hf-hub:timm/small.a1")
    assert resgraph.load(file).unmet() == []


def test_predict_reads_images_as_the_card_says(
    tmp_path: Path, hub: Path, state: dict[str, torch.Tensor]
) -> None:
    """The middle 0.8 of a shorter side of 8 / 0.8, by Pillow's bicubic filter."""
    save_file(state, tmp_path / "w.safetensors")
    card = CARD | {
        "pretrained_cfg": {**CARD["pretrained_cfg"], "crop_pct": 0.8}
    }  # type: ignore[dict-item]
    data = (tmp_path / "w.safetensors").read_bytes()
    lay(
        hub,
        {
            "model.safetensors": data,
            "config.json": json.dumps(card).encode(),
        },
    )
    image = Image.frombytes(
        "RGB", (20, 20), bytes(i * 7 % 256 for i in range(1200))
    )
    image.save(tmp_path / "x.png")
    net = plan(tmp_path / "new.yaml", classes=5)
    (found,) = predict_weights(
        net, "hf-hub:timm/small.a1", [tmp_path / "x.png"], top=5
    )
    middle = image.resize((8, 8), Image.Resampling.BICUBIC, (2, 2, 18, 18))
    pixels = (
        torch.from_numpy(numpy.array(middle)).permute(2, 0, 1)[None] / 255
    )
    mean = torch.tensor([0.5, 0.25, 0.5])[:, None, None]
    std = torch.tensor([0.5, 0.5, 0.25])[:, None, None]
    module = net.module().eval()
    module.load_state_dict(state)
    with torch.no_grad():
        wanted = module((pixels - mean) / std)[0].softmax(0)
    assert dict(found.classes) == pytest.approx(dict(zip("abcde", wanted.tolist(), strict=True)), abs=1e-5)  # fmt: skip
