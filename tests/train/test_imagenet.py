"""ImageNet as it is downloaded: Kaggle's archive, the devkit's numbers, and lists of names and classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from resgraph.errors import MissingError, TrainingError
from resgraph.language.recipe import resolve_train
from resgraph.train.data import load
from resgraph.train.data.formats.mat import read_structs
from resgraph.train.data.sets import DataSet, Files

savemat = pytest.importorskip("scipy.io").savemat
SHAPE = (3, 16, 16)
IDS = ("n01440764", "n01443537", "n02087394")
ORDER = (2, 0, 1)
"""The devkit numbers classes in an order of its own: number 1 is `IDS[2]`."""
TRUE = (1, 0, 2, 2, 0)
"""Places of the classes of the validation images."""


def write(root: Path) -> Path:
    for number, name in enumerate(IDS):
        (root / "train" / name).mkdir(parents=True)
        for place in range(3):
            picture(number).save(
                root / "train" / name / f"{name}_{place}.JPEG"
            )
    (root / "val").mkdir()
    for number, label in enumerate(TRUE, 1):
        picture(label).save(root / "val" / f"{stem(number)}.JPEG")
    return root


def stem(number: int) -> str:
    return f"ILSVRC2012_val_{number:08d}"


def picture(label: int) -> Image.Image:
    return Image.fromarray(
        numpy.full((20, 24, 3), 60 * label + 20, numpy.uint8)
    )


def synsets() -> Any:
    """As meta.mat has it: the classes in the devkit's order, then groups of classes."""
    kind = [
        (name, object)
        for name in ("ILSVRC2012_ID", "WNID", "words", "gloss", "children")
    ]
    rows = numpy.empty((len(IDS) + 1, 1), kind)
    names = [*(IDS[place] for place in ORDER), "n00001740"]
    for number, name in enumerate(names, 1):
        children = (
            numpy.array([[1.0, 2.0]])
            if number > len(IDS)
            else numpy.zeros((0, 0))
        )
        rows[number - 1, 0] = (
            float(number),
            name,
            f"word {number}",
            "ä gloss",
            children,
        )
    return rows


def read(path: Path, **keys: Any) -> DataSet:
    recipe = {"data": {"set": "imagenet", "path": str(path), **keys},
              "epochs": 2, "batch": 4, "optimizer": {"name": "sgd", "lr": 0.05}}  # fmt: skip
    return load(resolve_train(recipe).data, SHAPE, (3,))


def classes_of(data: DataSet) -> list[int]:
    assert isinstance(data.validation, Files)
    assert [path.stem for path in data.validation.paths] == [
        stem(n) for n in range(1, 6)
    ]
    return data.validation.labels.tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_the_devkits_numbers_mean_what_meta_mat_says(
    packed: bool, tmp_path: Path
) -> None:
    root = write(tmp_path / "imagenet")
    kit = root / "ILSVRC2012_devkit_t12/data"
    kit.mkdir(parents=True)
    numbers = [ORDER.index(label) + 1 for label in TRUE]
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(
        "\n".join(map(str, numbers)) + "\n"
    )
    with pytest.raises(
        MissingError,
        match=r"meta\.mat is not there: it says what the numbers",
    ):
        read(root)
    savemat(
        kit / "meta.mat",
        {"other": numpy.ones(3), "synsets": synsets()},
        do_compression=packed,
    )
    data = read(root)
    assert data.classes == IDS and len(data.train) == 9
    assert classes_of(data) == list(TRUE)
    rows = read_structs(kit / "meta.mat", "synsets")
    assert [row["WNID"] for row in rows[:3]] == [
        IDS[place] for place in ORDER
    ]
    assert rows[1]["words"] == "word 2" and rows[3]["children"] is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("LOC_val_solution.csv", "{stem},{id} 1 2 3 4 {id} 5 6 7 8 "),
        ("val.txt", "{stem}.JPEG {place}"),
        ("truth.txt", "val/{stem}.JPEG {id}"),
        ("ids.txt", "{id}"),
    ],
)
def test_lists_of_names_and_classes(
    name: str, line: str, tmp_path: Path
) -> None:
    root = tmp_path / "kaggle"
    inner = (
        write(root / "ILSVRC/Data/CLS-LOC")
        if name.startswith("LOC")
        else write(root)
    )
    assert inner.is_dir()
    rows = [
        line.format(stem=stem(n), id=IDS[place], place=place)
        for n, place in enumerate(TRUE, 1)
    ]
    head = ["ImageId,PredictionString"] if name.startswith("LOC") else []
    (root / name).write_text("\n".join([*head, *rows]))
    keys = {"truth": name} if name in ("truth.txt", "ids.txt") else {}
    assert classes_of(read(root, **keys)) == list(TRUE)


def test_what_flat_images_lack_is_told(tmp_path: Path) -> None:
    root = write(tmp_path / "imagenet")
    with pytest.raises(
        MissingError,
        match=r"has images and no folders of classes, and .*LOC_val_solution\.csv is not there",
    ):
        read(root)
    (root / "val.txt").write_text(f"{stem(1)}.JPEG 1\n")
    with pytest.raises(
        TrainingError, match=r"val\.txt has no class for .*00000002\.JPEG"
    ):
        read(root)
    (root / "val.txt").write_text(
        "\n".join(f"{stem(n)}.JPEG n99" for n in range(1, 6))
    )
    with pytest.raises(
        TrainingError,
        match="is of class `n99`, which has no folder to train on",
    ):
        read(root)
    table = root / "LOC_val_solution.csv"
    table.write_text(f"ImageId,PredictionString\n{stem(1)},\n")
    with pytest.raises(
        TrainingError, match=r"LOC_val_solution\.csv has no"
    ):
        read(root)
    table.unlink()
    (root / "val.txt").write_text("1\n2\n")
    with pytest.raises(
        TrainingError, match="has 2 classes, and there are 5 images"
    ):
        read(root)
    with pytest.raises(
        MissingError, match="val is not there: ImageNet is looked for as"
    ):
        read(tmp_path)


def test_folders_of_classes_are_taken_too(tmp_path: Path) -> None:
    """As the usual script sorts the validation images: then ImageNet is a folder like others."""
    root = write(tmp_path / "imagenet")
    for number, label in enumerate(TRUE, 1):
        (root / "val" / IDS[label]).mkdir(exist_ok=True)
        name = f"{stem(number)}.JPEG"
        (root / "val" / name).rename(root / "val" / IDS[label] / name)
    data = read(root)
    assert isinstance(data.validation, Files)
    assert torch.bincount(data.validation.labels).tolist() == [2, 1, 2]


@pytest.mark.parametrize("end", range(100, 900, 61))
def test_a_damaged_file_of_matlab_is_told(end: int, tmp_path: Path) -> None:
    savemat(tmp_path / "meta.mat", {"synsets": synsets()})
    whole = (tmp_path / "meta.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[:end])
    with pytest.raises(
        TrainingError, match=r"cut\.mat (is damaged|has no struct)"
    ):
        read_structs(tmp_path / "cut.mat", "synsets")
