"""What a run says of the rows of arrays: images, vectors, and further inputs with a row for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

import resgraph
from resgraph.cli import run as command
from resgraph.errors import UsageError
from resgraph.train import Options, build, predict

FAST = Options(threads=1, workers=0, device="cpu", compile="off")
RANDOM = numpy.random.default_rng(0)


def built(
    place: Path, shape: str, net: str, arrays: dict[str, Any]
) -> Path:
    numpy.savez(place / "set.npz", **arrays)
    text = f"""
name: a
input: {shape}
net: {net}
train:
  data: {{set: arrays, path: {place / "set.npz"}}}
  epochs: 6
  batch: 16
  optimizer: {{name: adamw, lr: 0.02}}
"""
    build(resgraph.loads(text), out=place / "run", options=FAST)
    return place / "run"


def bright(
    count: int,
) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """Images that are dark (0) or bright (1)."""
    labels = numpy.arange(count) % 2
    noise = RANDOM.integers(0, 60, (count, 8, 8))
    return (noise + 150 * labels[:, None, None]).astype(numpy.uint8), labels


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("images")
    arrays = dict[str, Any]()
    for part, count in (("train", 64), ("val", 16), ("test", 6)):
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = bright(count)
    net = "{a: [3x3 conv 8 /2, global avg pool, fc 2]}"
    return built(place, "1x8x8", net, arrays)


def likeliest(found: list[Any]) -> list[str]:
    return [one.classes[0][0] for one in found]


def test_each_row_of_an_array_is_an_image(images: Path) -> None:
    rows, labels = bright(70)  # more than are asked at a time
    numpy.save(images.parent / "x.npy", rows)
    found = predict(images, [images.parent / "x.npy"], options=FAST)
    assert likeliest(found) == [str(label) for label in labels]
    assert [one.row for one in found] == list(range(70))
    numpy.save(images.parent / "one.npy", rows[1])
    (alone,) = predict(images, [images.parent / "one.npy"], options=FAST)
    assert alone.classes[0][0] == "1"
    assert dict(alone.classes) == pytest.approx(
        dict(found[1].classes), abs=1e-5
    )


def test_one_of_several_arrays_in_a_file(images: Path, capsys: Any) -> None:
    file = images.parent / "set.npz"
    asked = [
        "predict",
        str(images),
        f"{file}:test_images",
        "--device",
        "cpu",
    ]
    assert command([*asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["row"] for one in said] == list(range(6))
    assert [one["classes"][0][0] for one in said] == ["0", "1"] * 3
    assert command(asked) == 0
    assert f"{file}:test_images  row 1  1 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("set.npz", "say which, as in"),
        ("set.npz:none", "say which, as in"),
        ("none.npy", "is not there"),
        ("wide.npy", "is 2x9x9: the net reads 1x8x8 of each row"),
        ("objects.npy", "which only a pickle could restore"),
        ("short.npy", "claims 128 bytes of values and has 100"),
    ],
)
def test_an_array_that_cannot_be_is_one_error(
    images: Path, name: str, words: str, capsys: Any
) -> None:
    place = images.parent
    numpy.save(place / "wide.npy", numpy.zeros((2, 9, 9)))
    ragged = numpy.array([[1], [1, 2]], dtype=object)
    numpy.save(place / "objects.npy", ragged, allow_pickle=True)
    numpy.save(place / "short.npy", numpy.zeros((2, 8, 8), numpy.uint8))
    data = (place / "short.npy").read_bytes()
    (place / "short.npy").write_bytes(data[:-28])
    assert (
        command(
            ["predict", str(images), str(place / name), "--device", "cpu"]
        )
        > 1
    )
    said = " ".join(capsys.readouterr().err.split())
    assert words in said and "Traceback" not in said


def test_vectors_and_a_further_input_with_a_row_for_each(
    tmp_path: Path,
) -> None:
    """Rows of a file are paired in order, and numbers are for all."""

    def part(
        count: int,
    ) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
        values = RANDOM.normal(size=(count, 4)).astype(numpy.float32)
        return values, RANDOM.normal(size=(count, 2)).astype(numpy.float32)

    arrays: dict[str, Any] = {}
    for name, count in (("train", 64), ("val", 16)):
        arrays[f"{name}_images"], arrays[f"{name}_record"] = part(count)
        arrays[f"{name}_labels"] = (
            arrays[f"{name}_record"][:, 0] > 0
        ).astype(int)
    net = "{a: [values, fc 8, relu], b: [record, fc 8, relu], c: [concat(a b), fc 2]}"
    run = built(tmp_path, "{values: 4, record: 2}", net, arrays)
    values, record = part(10)
    for name, rows in (("v", values), ("r", record), ("few", record[:3])):
        numpy.save(tmp_path / f"{name}.npy", rows)

    def said(beside: Any) -> list[dict[str, float]]:
        found = predict(
            run,
            [tmp_path / "v.npy"],
            beside={"record": beside},
            options=FAST,
        )
        return [dict(one.classes) for one in found]

    each = said(tmp_path / "r.npy")
    alone = [
        said([float(number) for number in row])[at]
        for at, row in enumerate(record)
    ]
    for one, other in zip(each, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    with pytest.raises(UsageError, match="has 3 rows for 10 images"):
        said(tmp_path / "few.npy")
    Image.new("L", (4, 4)).save(tmp_path / "x.png")
    with pytest.raises(
        UsageError, match="the net reads 4, and no image can be that"
    ):
        predict(
            run,
            [tmp_path / "x.png"],
            beside={"record": [1, 2]},
            options=FAST,
        )


def test_rows_are_what_the_net_was_trained_on(images: Path) -> None:
    """16-bit pixels of the same brightness: the levels are those of the training images."""
    rows, labels = bright(4)
    numpy.save(images.parent / "deep.npy", rows.astype(numpy.uint16) * 257)
    numpy.save(images.parent / "flat.npy", rows)
    deep, flat = (
        predict(images, [images.parent / f"{name}.npy"], options=FAST)
        for name in ("deep", "flat")
    )
    assert likeliest(deep) == [str(label) for label in labels]
    for one, other in zip(deep, flat, strict=True):
        assert dict(one.classes) == pytest.approx(
            dict(other.classes), abs=1e-5
        )
