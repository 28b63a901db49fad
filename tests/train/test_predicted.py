"""What a run says of an image by each kind of target, and with a record beside the image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from test_list import folder as folder
from test_list import recipe

import resgraph
from resgraph.cli import run as command
from resgraph.errors import UsageError
from resgraph.train import Options, build, predict

FAST = Options(threads=1, workers=0, device="cpu", compile="off")


def built(
    folder: Path,
    out: Path,
    net: str,
    train: dict[str, Any],
    shape: str = "3x16x16",
) -> Path:
    lines = "".join(
        f"  {key}: {json.dumps(value)}\n" for key, value in train.items()
    )
    text = f"name: a\ninput: {shape}\nnet: {net}\ntrain:\n{lines}"
    build(resgraph.loads(text), out=out, options=FAST)
    return out


HEAD = "{{a: [3x3 conv 8 /2, bn, relu, global avg pool, fc {0}]}}"


def test_several_labels_each_have_a_probability(
    folder: Path, tmp_path: Path
) -> None:
    train = recipe(
        folder, data={"label": "tags"}, target="labels", epochs=12
    )
    run = built(folder, tmp_path / "run", HEAD.format(3), train)
    red, blue = predict(
        run, [folder / f"pictures/{n}.png" for n in (20, 21)], options=FAST
    )
    assert red.classes[0][0] == "red" and blue.classes[0][0] == "blue"
    assert (
        all(0 <= share <= 1 for _, share in red.classes)
        and len(red.classes) == 3
    )
    assert sum(share for _, share in red.classes) != pytest.approx(
        1, abs=1e-6
    )


def test_numbers_are_named_by_their_columns(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    train = recipe(
        folder, data={"label": ["also", "age"]}, target="number", epochs=1
    )
    run = built(folder, tmp_path / "run", HEAD.format(2), train)
    picture = folder / "pictures/20.png"
    (found,) = predict(run, [picture], options=FAST)
    assert [name for name, _ in found.numbers] == [
        "also",
        "age",
    ] and not found.classes
    assert (
        command(
            ["predict", str(run), str(picture), "--json", "--device", "cpu"]
        )
        == 0
    )
    (said,) = json.loads(capsys.readouterr().out)
    assert said["numbers"] == pytest.approx(dict(found.numbers))


def test_a_mask_is_written_as_classes(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    train = recipe(folder, data={"label": "mask"}, target="map", epochs=8)
    run = built(
        folder,
        tmp_path / "run",
        "{a: 3x3 conv 8, b: 1x1 conv 2 linear}",
        train,
    )
    picture = folder / "pictures/20.png"
    (found,) = predict(run, [picture], options=FAST)
    assert found.picture is not None and found.picture.shape == (16, 16)
    assert (found.picture[2:-2, 2:6] == 1).mean() > 0.8, (
        "the brighter half is class 1"
    )
    assert (found.picture[2:-2, 10:14] == 0).mean() > 0.8
    asked = ["predict", str(run), str(picture), "--device", "cpu"]
    assert (
        command(asked) == 2
        and "say a folder with -o" in capsys.readouterr().err
    )
    assert command([*asked, "-o", str(tmp_path / "masks")]) == 0
    with Image.open(tmp_path / "masks/20.png") as image:
        assert image.mode == "L" and numpy.array_equal(
            numpy.asarray(image), found.picture
        )
    assert command([*asked, "-o", str(tmp_path / "masks")]) == 2
    assert "is there already" in capsys.readouterr().err
    # told before anything is made
    twin, out = tmp_path / "20.png", tmp_path / "more"
    twin.write_bytes(picture.read_bytes())
    assert command([*asked, str(twin), "-o", str(out)]) == 2
    assert f"would be of {picture} and of {twin}" in capsys.readouterr().err
    assert not out.exists()


def test_a_picture_comes_back_as_pixels(
    folder: Path, tmp_path: Path
) -> None:
    """A net that is the identity gives the image as it is read."""
    train = recipe(
        folder,
        target="itself",
        iterations=1,
        optimizer={"name": "sgd", "lr": 1e-9},
    )
    del train["epochs"]
    run = built(
        folder, tmp_path / "run", "{a: 1x1 conv 3 bias none linear}", train
    )
    from safetensors.torch import load_file, save_file

    weights = load_file(run / "weights.safetensors")
    (name, *others) = sorted(weights, key=lambda one: -weights[one].ndim)
    same = {
        one: torch.full_like(
            weights[one], float(one.endswith(("weight", "var")))
        )
        for one in others  # a batch norm that changes nothing
    }
    save_file(
        same | {name: torch.eye(3).view(3, 3, 1, 1)},
        run / "weights.safetensors",
    )
    facts = json.loads((run / "run.json").read_text())
    del facts["weights_sha256"]
    (run / "run.json").write_text(json.dumps(facts))
    picture = folder / "pictures/20.png"
    (found,) = predict(run, [picture], options=FAST)
    from resgraph.train.given import read_image
    from resgraph.train.inference import preprocessing

    read = read_image(picture, preprocessing(run)).permute(1, 2, 0).numpy()
    assert found.picture is not None and numpy.array_equal(
        found.picture, read
    )


def test_a_record_is_given_beside_the_image(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    train = recipe(
        folder,
        data={"inputs": {"record": ["age", "weight"]}},
        augment={},
        epochs=10,
    )
    net = "{told: [record, fc 8, relu], seen: [image, 3x3 conv 4 /4, global avg pool], head: [concat(told seen), fc 2]}"
    run = built(
        folder, tmp_path / "run", net, train, "{record: 2, image: 3x16x16}"
    )
    gray = tmp_path / "gray.png"
    Image.new("RGB", (20, 20), (90, 60, 90)).save(gray)
    old, young = (
        predict(run, [gray], beside={"record": [age, 12]}, options=FAST)[
            0
        ].classes[0][0]
        for age in (40.2, 30.2)
    )
    assert (old, young) == ("blue", "red"), "the age alone tells"
    asked = ["predict", str(run), str(gray), "--device", "cpu"]
    assert command([*asked, "--input", "record=40.2,12"]) == 0
    assert capsys.readouterr().out.startswith(f"{gray}  blue ")
    for given, words in (
        ([], "the net reads 2 as `record`, and 0 are given"),
        (
            ["--input", "record=1"],
            "the net reads 2 as `record`, and 1 are given",
        ),
        (
            ["--input", "record=1,2", "--input", "age=3"],
            "--input age: the net has no such input",
        ),
        (["--input", "record:1,2"], "write a name and numbers with commas"),
    ):
        assert command([*asked, *given]) == 2
        assert words in " ".join(capsys.readouterr().err.split())
    with pytest.raises(UsageError, match="no such input"):
        predict(
            run, [gray], beside={"record": [1, 2], "x": [1]}, options=FAST
        )
