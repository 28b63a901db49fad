"""MNIST's files: read as torchvision reads them, packed or not; what is no such file is told."""

from __future__ import annotations

import gzip
from pathlib import Path
from struct import pack

import numpy
import pytest
import small_plan
import torch
from references import torchvision

from resgraph.errors import MissingError, TrainingError
from resgraph.language.recipe.data import Idx
from resgraph.train import Options, build, evaluate
from resgraph.train.data import load
from resgraph.train.data.sets import Resident

COUNTS = {"train": 60, "t10k": 20}
SHAPE = (1, 12, 10)


def idx(values: numpy.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, values.ndim])
        + pack(f">{values.ndim}I", *values.shape)
        + values.astype(numpy.uint8).tobytes()
    )


def lay(
    folder: Path,
    ending: str = "",
    size: tuple[int, int] = SHAPE[1:],
    classes: int = 3,
) -> dict[str, numpy.ndarray]:
    """The four official files, of two parts whose classes differ in brightness."""
    draw, out = numpy.random.default_rng(0), {}
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in COUNTS.items():
        labels = numpy.arange(count) % classes
        images = 60 * labels[:, None, None] + draw.integers(
            0, 99, (count, *size)
        )
        for kind, values in (("images", images), ("labels", labels)):
            data = idx(values)
            name = f"{part}-{kind}-idx{values.ndim}-ubyte{ending}"
            (folder / name).write_bytes(
                gzip.compress(data) if ending else data
            )
            out[f"{part}-{kind}"] = values
    return out


def read(folder: Path, **keys: object):
    recipe = Idx(set="idx", path=str(folder), **keys)  # type: ignore[arg-type]
    pad = 2 * recipe.pad
    shape = (recipe.channels, SHAPE[1] + pad, SHAPE[2] + pad)
    data = load(recipe, shape, (3,))
    assert isinstance(data.train, Resident) and isinstance(
        data.validation, Resident
    )
    return data


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_every_pixel_and_label_is_read(tmp_path: Path, ending: str) -> None:
    written = lay(tmp_path, ending)
    data = read(tmp_path)
    for part, name in ((data.train, "train"), (data.validation, "t10k")):
        assert numpy.array_equal(
            part.images[:, 0].numpy(), written[f"{name}-images"]
        )
        assert numpy.array_equal(
            part.labels.numpy(), written[f"{name}-labels"]
        )
    assert data.classes == ("0", "1", "2") and data.watched == "test"


def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    reader = torchvision().datasets.mnist.read_image_file
    lay(tmp_path)
    theirs = reader(str(tmp_path / "train-images-idx3-ubyte"))
    assert torch.equal(read(tmp_path).train.images[:, 0], theirs)


def test_a_part_is_held_out_of_the_training_images(tmp_path: Path) -> None:
    lay(tmp_path)
    data = read(tmp_path, held_out=0.2)
    assert torch.bincount(data.train.labels).tolist() == [16, 16, 16]
    assert torch.bincount(data.validation.labels).tolist() == [4, 4, 4]
    assert data.watched == "validation"
    (tmp_path / "classes.txt").write_text("dark\ngrey\nlight\n")
    assert read(tmp_path).classes == ("dark", "grey", "light")


def test_padding_and_channels(tmp_path: Path) -> None:
    written = lay(tmp_path)
    images = read(tmp_path, pad=2, channels=3).train.images
    assert images.shape == (60, 3, 16, 14)
    for channel in range(3):
        inside = images[:, channel, 2:-2, 2:-2].numpy()
        assert numpy.array_equal(inside, written["train-images"])
    assert int(images.sum()) == 3 * written["train-images"].sum()


def test_a_net_is_trained_on_it(tmp_path: Path) -> None:
    lay(tmp_path / "set")
    recipe = {
        "data": {"set": "idx", "path": str(tmp_path / "set")},
        "augment": {"crop": {"kind": "pad", "cells": 1}},
        "epochs": 6, "batch": 20, "optimizer": {"name": "sgd", "lr": 0.1},
    }  # fmt: skip
    plan = small_plan.plan(
        recipe, input=SHAPE, classes=3, widths=(4, 8), blocks=1
    )
    result = build(plan, out=tmp_path / "run", options=Options(threads=1))
    assert result.accuracy == 100
    assert evaluate(tmp_path / "run", load=small_plan.load).error == 0


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("train-images-idx3-ubyte", b"", "it begins with nothing"),
        ("train-images-idx3-ubyte", idx(numpy.zeros(60)), "it begins with 00 00 08 01"),
        ("train-images-idx3-ubyte", bytes([0, 0, 8, 3]) + bytes([255] * 12), "claims 4294967295 x"),
        ("train-images-idx3-ubyte", idx(numpy.zeros((60, 12, 10)))[:-7], "ends 7 before them"),
        ("train-labels-idx1-ubyte", idx(numpy.zeros(60)) + b"x", "goes on after them"),
        ("train-labels-idx1-ubyte", idx(numpy.zeros(59)), "has 59 labels for 60 images"),
        ("t10k-images-idx3-ubyte", idx(numpy.zeros((20, 9, 9))), "have different sizes"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_told(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    lay(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TrainingError, match=words):
        read(tmp_path)


def test_a_torn_gzip_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        MissingError, match="train-images-idx3-ubyte is not there"
    ):
        read(tmp_path)
    lay(tmp_path, ".gz")
    torn = tmp_path / "train-images-idx3-ubyte.gz"
    torn.write_bytes(torn.read_bytes()[:200])
    with pytest.raises(
        TrainingError, match=r"ubyte\.gz cannot be read: .*end"
    ):
        read(tmp_path)
