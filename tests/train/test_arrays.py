"""Arrays of NumPy: what MedMNIST and Keras ship, series, volumes, vectors, masks, and several inputs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

import resgraph
from resgraph.errors import MissingError, TrainingError
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.data import Arrays
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.data import load
from resgraph.train.data.formats.npy import ArrayStore
from resgraph.train.data.sets import DataSet, Resident, UnfitError

FAST = Options(threads=1, workers=0, device="cpu", compile="off")
RANDOM = numpy.random.default_rng(0)
RECIPE: dict[str, Any] = {
    "epochs": 4, "batch": 16, "optimizer": {"name": "adamw", "lr": 0.01},
}  # fmt: skip


def pixels(*shape: int) -> numpy.ndarray[Any, Any]:
    return RANDOM.integers(0, 256, shape, dtype=numpy.uint8)


def read(path: Path, shape: tuple[int, ...], output: tuple[int, ...], target: Any = "label", inputs: Any = None, **keys: Any) -> DataSet:  # fmt: skip
    train = resolve_train({**RECIPE, "data": {"set": "arrays", "path": str(path), **keys}, "target": target})  # fmt: skip
    return load(
        train.data, shape, output, target=train.target, inputs=inputs
    )


def resident(part: Any) -> Resident:
    assert isinstance(part, Resident)
    return part


def medmnist(
    path: Path, *, rgb: bool = False, classes: int = 3
) -> dict[str, Any]:
    """The six arrays of MedMNIST's files, a label in a row of its own."""
    arrays: dict[str, Any] = {}
    for part, count in (("train", 48), ("val", 16), ("test", 16)):
        arrays[f"{part}_images"] = pixels(
            count, 28, 28, *([3] if rgb else [])
        )
        labels = numpy.arange(count, dtype=numpy.uint8)[:, None] % classes
        arrays[f"{part}_labels"] = labels
    numpy.savez_compressed(path, **arrays)
    return arrays


def test_medmnist_is_read_as_it_is(tmp_path: Path) -> None:
    arrays = medmnist(tmp_path / "path.npz", rgb=True)
    data = read(tmp_path / "path.npz", (3, 28, 28), (3,))
    assert (data.classes, data.levels, data.watched) == (
        ("0", "1", "2"),
        255,
        "validation",
    )
    train = resident(data.train)
    assert train.images.dtype == torch.uint8
    assert numpy.array_equal(
        train.images.permute(0, 2, 3, 1).numpy(), arrays["train_images"]
    )
    assert train.labels.tolist() == arrays["train_labels"][:, 0].tolist()
    assert len(data.validation) == 16
    gray = medmnist(tmp_path / "gray.npz")
    one = resident(
        read(tmp_path / "gray.npz", (1, 28, 28), (3,)).train
    ).images
    assert numpy.array_equal(one[:, 0].numpy(), gray["train_images"])
    three = resident(
        read(tmp_path / "gray.npz", (3, 28, 28), (3,)).train
    ).images
    assert all(
        torch.equal(three[:, channel], one[:, 0]) for channel in range(3)
    )
    flat = read(tmp_path / "gray.npz", (784,), (3,))
    assert flat.flat and flat.shape == (1, 28, 28)
    test = read(tmp_path / "gray.npz", (1, 28, 28), (3,), validation="test")
    assert torch.equal(
        resident(test.validation).images[:, 0],
        torch.from_numpy(gray["test_images"]),
    )


def test_names_of_other_files(tmp_path: Path) -> None:
    """Keras' mnist.npz; one part that is split; .npy files in a folder, with names of classes."""
    images, labels = pixels(40, 8, 8), numpy.arange(40) % 4
    numpy.savez(
        tmp_path / "mnist.npz",
        x_train=images,
        y_train=labels,
        x_test=images[:8],
        y_test=labels[:8],
    )
    keras = read(
        tmp_path / "mnist.npz",
        (1, 8, 8),
        (4,),
        images="x",
        labels="y",
        validation="test",
    )
    assert (len(keras.train), len(keras.validation)) == (40, 8)
    keys = {"images": "x", "labels": "y"}
    whole = read(
        tmp_path / "mnist.npz", (1, 8, 8), (4,), split=0.25, **keys
    )
    assert whole.notes == ()
    keys["validation"] = "test"
    whole = read(
        tmp_path / "mnist.npz", (1, 8, 8), (4,), split=0.25, **keys
    )
    assert "`x_test` in" in whole.notes[0]
    with pytest.raises(
        TrainingError,
        match=r"no array `val_x`; it has x_test.*split: 0.1` holds out",
    ):
        read(
            tmp_path / "mnist.npz", (1, 8, 8), (4,), images="x", labels="y"
        )
    folder = tmp_path / "whole"
    folder.mkdir()
    numpy.save(folder / "images.npy", images)
    numpy.save(folder / "labels.npy", numpy.asfortranarray(labels))
    (folder / "classes.txt").write_text("a\nb\nc\nd\n")
    data = read(folder, (1, 8, 8), (4,), split=0.25)
    assert data.classes == ("a", "b", "c", "d")
    assert torch.bincount(resident(data.validation).labels).tolist() == [
        2,
        2,
        3 - 1,
        2,
    ]
    both = torch.cat(
        [resident(data.train).images, resident(data.validation).images]
    )
    assert sorted(map(bytes, both.numpy())) == sorted(map(bytes, images))


@pytest.mark.parametrize(
    ("shape", "stored", "dtype", "levels"),
    [
        ((12, 64), (12, 64), "float32", 1),
        ((1, 64), (64,), "float64", 1),
        ((1, 8, 8, 8), (8, 8, 8), "uint8", 255),
        ((5,), (5,), "float32", 1),
        ((2, 8, 8), (8, 8, 2), ">u2", 65535),
    ],
)
def test_series_volumes_vectors_and_more_bits(shape: Any, stored: Any, dtype: str, levels: int, tmp_path: Path) -> None:  # fmt: skip
    values = (RANDOM.random((6, *stored)) * 200).astype(dtype)
    labels = numpy.array([0, 1] * 3)
    numpy.savez(
        tmp_path / "a.npz",
        train_images=values,
        train_labels=labels,
        val_images=values,
        val_labels=labels,
    )
    data = read(tmp_path / "a.npz", shape, (2,))
    found = resident(data.train).images
    assert tuple(found.shape[1:]) == shape and data.levels == levels
    expected = (
        numpy.moveaxis(values, -1, 1)
        if dtype == ">u2"
        else values.reshape(6, *shape)
    )
    assert numpy.array_equal(
        found.numpy().astype("f4"), expected.astype("f4")
    )


def test_what_each_target_is_given(tmp_path: Path) -> None:
    images = pixels(6, 8, 8)
    masks = RANDOM.integers(0, 3, (6, 8, 8)).astype(numpy.uint8)
    masks[0, 0, 0] = 255
    several = numpy.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]] * 2)
    stored: dict[str, Any] = {
        "labels": (several, (3,), torch.from_numpy(several).float()),
        "number": (numpy.array([0.5, 1, -2, 3, 4, 5]), (1,), None),
        "map": (masks, (3, 8, 8), None),
    }
    for target, (values, output, expected) in stored.items():
        numpy.savez(tmp_path / "a.npz", images=images, labels=values)
        labels = resident(
            read(
                tmp_path / "a.npz", (1, 8, 8), output, target, split=0.2
            ).train
        ).labels
        if target == "labels":
            assert {tuple(row) for row in labels.tolist()} <= {
                tuple(row) for row in expected.tolist()
            }
        if target == "number":
            assert labels.shape == (5, 1) and set(labels[:, 0].tolist()) < {
                0.5,
                1,
                -2,
                3,
                4,
                5,
            }
        if target == "map":
            assert labels.dtype == torch.int16 and set(
                labels.unique().tolist()
            ) <= {
                -100,
                0,
                1,
                2,
            }
    numpy.savez(tmp_path / "b.npz", images=images)
    assert (
        resident(
            read(
                tmp_path / "b.npz",
                (1, 8, 8),
                (1, 8, 8),
                "itself",
                split=0.5,
            ).train
        ).labels.tolist()
        == [0] * 3
    )


TWO = """
name: two
input: {image: 1x8x8, record: 3}
net:
  seen: [image, 3x3 conv 8 /2, global avg pool]
  told: [record, fc 8, relu]
  head: [concat(seen told), fc 2]
train:
  data: {set: arrays, path: %s, split: 0.25}
  target: %s
  augment: {flip: true, crop: {kind: pad, cells: 1}}
  epochs: 6
  batch: 16
  optimizer: {name: adamw, lr: 0.02}
"""


def clinic(path: Path, *, number: bool = False) -> None:
    """A record that says the label, in a unit of its own, and an image that says nothing."""
    record = RANDOM.normal(size=(96, 3)) * [1.0, 500.0, 0.01] + [
        0.0,
        7000.0,
        3.0,
    ]
    labels = (record[:, 1] > 7000).astype(int)
    values = (
        numpy.stack([record[:, 1] - 7000, record[:, 2] * 5e4 - 15e4], 1)
        / 500
        if number
        else labels
    )
    numpy.savez(path, images=pixels(96, 8, 8), labels=values, record=record)


@pytest.mark.parametrize("target", ["label", "number"])
def test_a_net_of_several_inputs_is_trained_scored_and_resumed(
    target: str, tmp_path: Path
) -> None:
    clinic(tmp_path / "a.npz", number=target == "number")
    text = TWO % (tmp_path / "a.npz", target)
    plan = resgraph.loads(text)
    assert plan.unmet() == []
    whole = build(plan, out=tmp_path / "whole", options=FAST)
    assert whole.accuracy > (85 if target == "label" else 40), (
        "the record alone tells"
    )
    score = evaluate(tmp_path / "whole", options=FAST)
    assert score.error == pytest.approx(100 - whole.accuracy)
    short = resgraph.loads(text.replace("epochs: 6", "epochs: 2"))
    build(short, out=tmp_path / "cut", options=FAST)
    resume(tmp_path / "cut", plan=plan, options=FAST)
    same = [
        (tmp_path / name / "weights.safetensors").read_bytes()
        for name in ("whole", "cut")
    ]
    assert same[0] == same[1], (
        "another length of a constant schedule: the same weights"
    )


def test_a_segmenter_learns_from_masks(tmp_path: Path) -> None:
    images = pixels(64, 12, 12)
    numpy.savez(
        tmp_path / "a.npz",
        images=images,
        labels=(images > 127).astype(numpy.uint8),
    )
    text = f"""
name: seg
input: 1x12x12
net: {{a: 3x3 conv 8, b: 1x1 conv 2 linear}}
train:
  data: {{set: arrays, path: {tmp_path / "a.npz"}, split: 0.25}}
  target: map
  augment: {{flip: true, rotate: 20, crop: {{kind: pad, cells: 2}}}}
  epochs: 12
  batch: 16
  optimizer: {{name: adamw, lr: 0.02}}
"""
    result = build(resgraph.loads(text), out=tmp_path / "run", options=FAST)
    assert result.measure == "mIoU" and result.accuracy > 80


def test_mixtures_are_refused_beside_a_record(tmp_path: Path) -> None:
    text = TWO % (tmp_path / "a.npz", "label")
    plan = resgraph.loads(text.replace("flip: true", "mixup: 0.2"))
    (problem,) = plan.unmet()
    assert (
        problem.code == "E051"
        and "`mixup` mixes images, and not what" in problem.message
    )


def broken(path: Path, case: str) -> None:
    images, labels = pixels(8, 8, 8), numpy.arange(8) % 2
    arrays: dict[str, Any] = {"train_images": images, "train_labels": labels,
                              "val_images": images, "val_labels": labels}  # fmt: skip
    if case == "ragged":
        arrays["train_labels"] = numpy.array(
            [[1], [1, 2]] * 4, dtype=object
        )
    if case == "short":
        arrays["val_labels"] = labels[:5]
    if case == "negative":
        arrays["train_labels"] = labels - 1
    if case == "text":
        arrays["val_labels"] = numpy.array(["a"] * 8)
    if case == "nan":
        arrays["train_images"] = numpy.where(
            images == images[0, 0, 0], numpy.nan, images
        )
    if case == "empty":
        arrays["train_images"], arrays["train_labels"] = (
            images[:0],
            labels[:0],
        )
    if case == "name":
        arrays["train_lables"] = arrays.pop("train_labels")
    numpy.savez(path, **arrays)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("ragged", "`train_labels` in .* holds Python objects, .* save numbers of one shape"),
        ("short", "`val_images` in .* has 8 images, but `labels` of that part 5 rows"),
        ("negative", r"`train_labels` in .* has -1 at \[0\], which is no class"),
        ("text", "`val_labels` in .* holds <U1, and no numbers"),
        ("nan", r"`train_images` in .* has nan at \[0, 0, 0\]"),
        ("empty", "`train_images` in .* is empty"),
        ("name", "has no array `train_labels`; did you mean `train_lables`?"),
    ],
)  # fmt: skip
def test_an_array_that_cannot_be_is_told_before_the_first_step(case: str, words: str, tmp_path: Path) -> None:  # fmt: skip
    broken(tmp_path / "a.npz", case)
    with pytest.raises(TrainingError, match=words):
        read(tmp_path / "a.npz", (1, 8, 8), (2,))


def test_labels_that_count_from_one_are_told(tmp_path: Path) -> None:
    labels = 1 + numpy.arange(12) % 3
    numpy.savez(tmp_path / "a.npz", images=pixels(12, 8, 8), labels=labels)
    with pytest.raises(
        TrainingError, match="labels from 1 to 3, and classes count from 0"
    ):
        read(tmp_path / "a.npz", (1, 8, 8), (3,), split=0.25)
    with pytest.raises(TrainingError, match="no training image of class 0"):
        read(tmp_path / "a.npz", (1, 8, 8), (4,), split=0.25)


def test_parts_that_are_odd_beside_each_other_are_told(
    tmp_path: Path,
) -> None:
    images, labels = pixels(12, 8, 8), numpy.arange(12) % 3
    images[0, 0, 0], images[1, 0, 0] = 255, 255

    def notes(scale: float, *held: int) -> tuple[str, ...]:
        numpy.savez(
            tmp_path / "a.npz",
            train_images=(images / 255).astype("float32"),
            train_labels=labels,
            val_images=(images[: len(held)] * scale).astype("float32"),
            val_labels=numpy.array(held),
        )
        return read(tmp_path / "a.npz", (1, 8, 8), (3,)).notes

    assert notes(1 / 255, 0, 1, 2) == ()
    assert notes(1 / 255, 0, 1, 0) == (
        "no validation image of 1 of 3 classes: 2",
    )
    assert notes(1.0, 0, 1, 2) == (
        "the numbers of the training part go up to 1, those of the validation part up to 255:"
        " are both scaled alike?",
    )


def test_a_part_that_is_scored_need_not_have_every_class(
    tmp_path: Path,
) -> None:
    numpy.savez(
        tmp_path / "a.npz",
        val_images=pixels(4, 8, 8),
        val_labels=numpy.array([0, 0, 1, 1]),
    )
    record = Arrays(set="arrays", path=str(tmp_path / "a.npz"))
    data = load(record, (1, 8, 8), (3,), scored=True)
    assert data.classes == ("0", "1", "2")
    with pytest.raises(UnfitError, match="puts out 1, but a has 2 classes"):
        load(record, (1, 8, 8), (1,), scored=True)


def header(shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def test_no_header_is_believed(tmp_path: Path) -> None:
    """An array that claims a terabyte takes no memory; nor does a zip whose size is true."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("train_images.npy", header((2**40,)))
    with pytest.raises(
        TrainingError,
        match="claims 1,099,511,627,776 bytes of values and has 0",
    ):
        ArrayStore.at(tmp_path / "a.npz").read("train_images")
    folder = tmp_path / "sparse"
    folder.mkdir()
    with (folder / "x.npy").open("wb") as file:
        file.write(header((2**42,)))
        file.truncate(128 + 2**42)
    with pytest.raises(
        TrainingError, match=r"more than the .* of memory here"
    ):
        ArrayStore.at(folder).read("x")
    (tmp_path / "b.npz").write_bytes(b"<html>not found</html>")
    with pytest.raises(TrainingError, match=r"no .npz file"):
        ArrayStore.at(tmp_path / "b.npz")
    with pytest.raises(MissingError, match="is not there"):
        ArrayStore.at(tmp_path / "c.npz")


def test_masks_and_classes_outside_are_told_with_their_place(
    tmp_path: Path,
) -> None:
    images, masks = pixels(4, 8, 8), numpy.zeros((4, 8, 8), numpy.uint8)
    masks[2, 1, 1] = 7
    numpy.savez(tmp_path / "a.npz", images=images, labels=masks)
    with pytest.raises(
        TrainingError,
        match="mask 2 has a pixel of class 7, but classes go from 0 to 2",
    ):
        read(tmp_path / "a.npz", (1, 8, 8), (3, 8, 8), "map", split=0.5)
    numpy.savez(tmp_path / "a.npz", images=images, labels=masks[:, :4])
    with pytest.raises(
        TrainingError,
        match="has masks of 4x8, and the images have 8x8 pixels",
    ):
        read(tmp_path / "a.npz", (1, 8, 8), (3, 8, 8), "map", split=0.5)
    numpy.savez(tmp_path / "a.npz", images=images, labels=numpy.arange(4))
    with pytest.raises(UnfitError, match="a has 4 classes"):
        read(tmp_path / "a.npz", (1, 8, 8), (3,), split=0.5)


@pytest.mark.parametrize(
    ("target", "labels", "words"),
    [
        ("number", [0.5, numpy.inf, 1, 2], r"has inf at \[1\], which is no finite number"),
        ("number", [0.5, 1e300, 1, 2], r"has 1e\+300 at \[1\], which is no finite number"),
        ("number", [numpy.nan] * 4, "`labels` in .* says nothing of any image"),
        ("map", numpy.full((4, 8, 8), 255), "`labels` in .* says nothing of any image"),
        ("map", numpy.full((4, 8, 8), 1.5), "mask 0 has a pixel of class 1.5, but"),
        ("map", numpy.full((4, 8, 8), 2**32 + 1), "mask 0 has a pixel of class 4294967297, but"),
        ("map", numpy.full((4, 8, 8), numpy.nan), "mask 0 has a pixel of class nan, but"),
    ],
)  # fmt: skip
def test_answers_that_are_none(
    target: Any, labels: Any, words: str, tmp_path: Path
) -> None:
    images = pixels(4, 8, 8)
    numpy.savez(tmp_path / "a.npz", images=images, labels=labels)
    output = (1,) if target == "number" else (3, 8, 8)
    with pytest.raises(TrainingError, match=words):
        read(tmp_path / "a.npz", (1, 8, 8), output, target, split=0.5)


def test_a_file_whose_end_is_missing_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    numpy.savez(path, images=pixels(4, 8, 8))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TrainingError, match="its end is missing"):
        ArrayStore.at(path)


def test_an_input_of_another_width_is_told(tmp_path: Path) -> None:
    clinic(tmp_path / "a.npz")
    inputs = {"image": (1, 8, 8), "record": (28,)}
    with pytest.raises(
        TrainingError,
        match=r"`record` in .* has 3 of each image, but the net reads 28 as `record`",
    ):
        read(tmp_path / "a.npz", (1, 8, 8), (2,), inputs=inputs, split=0.5)
    with pytest.raises(TrainingError, match="has no array `train_age`"):
        read(
            tmp_path / "a.npz",
            (1, 8, 8),
            (2,),
            inputs={"image": (1, 8, 8), "age": (1,)},
            split=0.5,
        )


def test_each_number_beside_is_normalized_by_itself(tmp_path: Path) -> None:
    from resgraph.train.data.normalize import Normalization, standard

    values = torch.tensor(
        [[60.0, 1e6], [40.0, 1e6], [50.0, 1e6], [70.0, 1e6]]
    )
    way = standard(values)
    out = way(values)
    expected = (values[:, 0] - 55) / values[:, 0].std(correction=0)
    torch.testing.assert_close(out[:, 0], expected, rtol=1e-5, atol=1e-5)
    assert out[:, 1].tolist() == [0.0] * 4
    whole = Normalization(torch.ones(1), torch.zeros(1), (way,))
    again: Tensor = Normalization.read(whole.document()).beside[0](values)
    assert torch.equal(again, out)
