"""The main job, end to end: digits to more than 97 %, and a directory that holds everything."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import small_plan
import torch
from safetensors.torch import load_file

from resgraph.errors import RunError, TrainingError, UsageError
from resgraph.language.recipe.data import Digits
from resgraph.train import (
    Options,
    build,
    evaluate,
    find_runs,
    predict,
    read_run,
    resume,
)
from resgraph.train.data import load
from resgraph.train.data.digits import stored
from resgraph.train.predicted import Prediction
from resgraph.train.run.result import RunResult

FAST = {"recipe": "digits", "epochs": 10}


def test_the_digits_are_those_that_scikit_learn_gives() -> None:
    images, labels = stored()
    assert (tuple(images.shape), images.dtype) == (
        (1797, 8, 8),
        torch.uint8,
    )
    digest = hashlib.sha256(
        images.numpy().tobytes() + labels.numpy().astype("uint8").tobytes()
    ).hexdigest()
    assert (
        digest
        == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
    )


def test_the_digits_beside_scikit_learn() -> None:
    """Where it is installed, which resgraph itself does not need."""
    sklearn = pytest.importorskip("sklearn.datasets")
    theirs, (images, labels) = sklearn.load_digits(), stored()
    assert (images.numpy() == theirs.images).all()
    assert (labels.numpy() == theirs.target).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    out = tmp_path_factory.mktemp("runs") / "digits"
    return build(
        small_plan.plan(FAST, blocks=1), out=out, options=Options(threads=1)
    )


def test_digits_are_learned(run: RunResult) -> None:
    assert run.accuracy >= 97
    assert run.steps == 10 * (1438 // 64)


def test_everything_is_where_the_summary_says(run: RunResult) -> None:
    text = run.summary()
    for path in run.files.values():
        assert path.exists()
        assert path.name in text
    assert f"{run.accuracy:.2f} % test accuracy" in text
    ET.parse(run.files["curves"])
    rows = [
        json.loads(line)
        for line in run.files["metrics"].read_text().splitlines()
    ]
    assert [row["epoch"] for row in rows] == list(range(1, 11))
    assert 100 - rows[-1]["validation"]["error"] == run.accuracy
    assert (
        json.loads(json.dumps(run.document()))["accuracy"] == run.accuracy
    )


def test_the_exported_weights_score_what_was_told(run: RunResult) -> None:
    again = evaluate(run.directory, load=small_plan.load)
    assert 100 - again.error == pytest.approx(run.accuracy)
    assert again.loss == pytest.approx(run.loss, rel=1e-5)
    net = small_plan.load(run.files["spec"]).module()
    net.load_state_dict(load_file(run.files["weights"]))


def test_an_image_file_is_recognized(
    run: RunResult, tmp_path: Path
) -> None:
    from PIL import Image

    data = load(Digits(), (1, 8, 8), (10,))
    files, labels = [], []
    for place in range(0, 359, 12):
        pixels = data.validation.images[place, 0].numpy()  # type: ignore[union-attr]
        files.append(tmp_path / f"{place}.png")
        Image.fromarray((pixels * 15.9375).round().astype("uint8")).save(
            files[-1]
        )
        labels.append(str(int(data.validation.labels[place])))
    found = predict(run.directory, files, load=small_plan.load, top=3)
    assert (
        sum(
            p.classes[0][0] == label
            for p, label in zip(found, labels, strict=True)
        )
        >= 28
    )
    assert all(
        len(p.classes) == 3 and p.classes[0][1] >= p.classes[1][1]
        for p in found
    )
    (tmp_path / "no.png").write_text("<html>")
    asked = [files[0], tmp_path / "no.png", files[1]]
    first, broken, last = predict(
        run.directory, asked, load=small_plan.load, top=3
    )
    assert (first, last) == (found[0], found[1])
    assert broken.unread.endswith(
        "no.png cannot be read as an image: it is a web page (HTML): download the file itself"
    )
    assert broken == Prediction(asked[1], unread=broken.unread)


def test_runs_are_listed(run: RunResult) -> None:
    (found,) = find_runs(run.directory.parent)
    assert found == read_run(run.directory)
    assert (found.status, found.epoch, found.step) == (
        "done",
        10,
        run.steps,
    )
    assert found.error == pytest.approx(100 - run.accuracy)


def test_a_finished_run_is_exported_again_and_not_trained(
    run: RunResult,
) -> None:
    before = {
        name: path.read_bytes()
        for name, path in run.files.items()
        if path.is_file()
    }
    again = resume(run.directory, load=small_plan.load)
    assert again == run
    assert {
        name: path.read_bytes()
        for name, path in run.files.items()
        if path.is_file()
    } == before


def test_a_run_is_never_overwritten_unasked(run: RunResult) -> None:
    with pytest.raises(UsageError, match="is a run already"):
        build(small_plan.plan(FAST), out=run.directory)


def test_no_weights_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        evaluate(tmp_path, load=small_plan.load)


def test_the_split_is_stratified_and_the_same_everywhere() -> None:
    data = load(Digits(), (1, 8, 8), (10,))
    assert (len(data.train), len(data.validation)) == (1438, 359)
    counts = torch.bincount(data.validation.labels)
    assert counts.tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    assert int(data.train.images.max()) == data.levels == 16  # type: ignore[union-attr]
    rows = {bytes(image.numpy()) for image in data.train.images}  # type: ignore[union-attr]
    assert not rows & {
        bytes(image.numpy()) for image in data.validation.images
    }  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("shape", "output", "words"),
    [
        ((3, 32, 32), (10,), "write `input: 1x8x8`"),
        ((1, 8, 8), (100,), "end it with `fc 10`"),
    ],
)
def test_a_net_that_does_not_fit_is_told_before_the_first_step(
    shape: tuple[int, ...], output: tuple[int, ...], words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        load(Digits(), shape, output)


def test_digits_can_be_enlarged() -> None:
    data = load(Digits(size=32, channels=3), (3, 32, 32), (10,))
    assert data.train.images.shape == (1438, 3, 32, 32)  # type: ignore[union-attr]
    assert data.levels == 255
