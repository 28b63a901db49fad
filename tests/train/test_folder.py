"""Images in folders: found, cropped alike by any number of workers; broken ones counted, named and skipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest
import small_plan
import torch
from PIL import Image

import resgraph
from resgraph.cli import run
from resgraph.errors import (
    MissingError,
    RunError,
    TrainingError,
    UsageError,
)
from resgraph.language.recipe import Train, resolve_train
from resgraph.language.recipe.augment import AreaCrop, SideCrop
from resgraph.language.recipe.data import Folder
from resgraph.train import Options, Silent, build, evaluate, predict, resume
from resgraph.train.augment.crops import (
    center_crop,
    cut,
    random_box,
    to_tensor,
)
from resgraph.train.data import load
from resgraph.train.data.formats.decoder import ENDINGS
from resgraph.train.data.image_files import Decoded
from resgraph.train.data.normalize import Normalization
from resgraph.train.data.sampler import Sampler
from resgraph.train.data.sets import Files
from resgraph.train.engine.assemble import make_data_loader
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import data_path
from resgraph.train.settings.decide import Workload, decide

SHAPE = (3, 16, 16)


def picture(label: int, number: int) -> Image.Image:
    draw = numpy.random.default_rng(100 * label + number)
    height, width = draw.integers(20, 40, 2)
    base = numpy.zeros((height, width, 3)) + numpy.array(
        [[200, 40, 40], [40, 40, 200]][label]
    )
    noisy = base + draw.normal(0, 25, base.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(numpy.uint8))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for part, count in (("train", 12), ("val", 4)):
        for label, name in enumerate(("red", "blue")):
            folder = tmp_path / "set" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture(label, number).save(
                    folder / f"{number}.{'png' if number % 3 else 'jpg'}"
                )
            (folder / "notes.txt").write_text("not an image")
    return tmp_path / "set"


def recipe(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "data": {"set": "folder", "path": str(path)},
        "augment": {
            "crop": {"kind": "area", "area": [0.3, 1.0]},
            "flip": True,
        },
        "epochs": 3,
        "batch": 8,
        "optimizer": {"name": "sgd", "lr": 0.05},
        **keys,
    }


def test_a_tree_is_a_set(tree: Path) -> None:
    data = load(Folder(set="folder", path=str(tree)), SHAPE, (2,))
    assert data.classes == ("blue", "red")
    assert (len(data.train), len(data.validation)) == (24, 8)
    assert data.train.labels.tolist() == [0] * 12 + [1] * 12
    assert all(path.suffix in (".png", ".jpg") for path in data.train.paths)  # type: ignore[union-attr]


ORDER = torch.tensor([[3, 20, 7, 1], [11, 2, 23, 0]])


def batches(
    train: Train, epoch: int, workers: int = 0
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What a recipe's training part gives in that order."""
    decisions = decide(
        Options(workers=workers, device="cpu"),
        World(),
        Workload(1.0, True, 1),
    )
    return list(
        Decoded(load(train.data, SHAPE, (2,)), train, decisions).train(
            epoch, ORDER
        )
    )


def check_workers_change_nothing(train: Train) -> None:
    for (images, labels), (others, their_labels) in zip(
        batches(train, 5), batches(train, 5, workers=2), strict=True
    ):
        assert torch.equal(images, others)
        assert torch.equal(labels, their_labels)


@pytest.mark.parametrize(
    "crop", [{"kind": "area"}, {"kind": "side", "side": [18, 24]}]
)
def test_pixels_do_not_depend_on_the_workers(
    tree: Path, crop: dict[str, Any]
) -> None:
    train = resolve_train(recipe(tree, augment={"crop": crop}))
    check_workers_change_nothing(train)
    first, again = batches(train, 5)[0][0], batches(train, 6)[0][0]
    assert not torch.equal(again, first)
    assert first.shape == (4, *SHAPE)


def test_a_net_is_trained_evaluated_and_asked(
    tree: Path, tmp_path: Path
) -> None:
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4, 8), blocks=1
    )
    result = build(
        plan, out=tmp_path / "run", options=Options(threads=1, workers=0)
    )
    assert result.accuracy == 100
    assert (
        100
        - evaluate(
            tmp_path / "run",
            load=small_plan.load,
            options=Options(workers=0),
        ).error
        == 100
    )
    found = predict(
        tmp_path / "run",
        [tree / "val" / "red" / "1.png"],
        load=small_plan.load,
    )
    assert found[0].classes[0][0] == "red"


def test_broken_images_are_skipped_up_to_a_bound(
    tree: Path, tmp_path: Path
) -> None:
    broken = tree / "train" / "red" / "3.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    words = (
        r"^1 image cannot be read, more than `data\.unreadable` allows \(0\.1 % of 32, which is none\): .*3\.jpg: .*\. "
        r"Mend or remove it, or allow more by a larger `train\.data\.unreadable`"
    )
    with pytest.raises(TrainingError, match=words):
        build(
            plan, out=tmp_path / "b", options=Options(threads=1, workers=0)
        )
    keys = {
        "data": {"set": "folder", "path": str(tree), "unreadable": 0.05}
    }
    plan = small_plan.plan(
        recipe(tree, **keys), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    said: list[str] = []

    class Listener(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    build(
        plan,
        out=tmp_path / "b",
        options=Options(threads=1, workers=0),
        reporter=Listener(),
    )
    assert len([text for text in said if "3.jpg" in text]) == 1
    assert broken.stat().st_size == 300


def test_a_part_of_which_nothing_can_be_read_has_no_score(
    tree: Path, tmp_path: Path
) -> None:
    for path in (tree / "val").rglob("*.??g"):
        path.write_bytes(b"")
    keys = {"data": {"set": "folder", "path": str(tree), "unreadable": 1.0}}
    plan = small_plan.plan(
        recipe(tree, **keys), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    with pytest.raises(
        TrainingError, match="none of the validation images can be read"
    ):
        build(
            plan, out=tmp_path / "a", options=Options(threads=1, workers=0)
        )


def test_crops_are_where_they_say() -> None:
    ramp = numpy.tile(numpy.arange(64, dtype=numpy.uint8), (32, 1))
    image = Image.fromarray(ramp)
    import random

    assert torch.equal(
        center_crop(image, 32, (32, 32))[0, 0],
        torch.arange(16, 48, dtype=torch.uint8),
    )
    small = center_crop(image, 16, (16, 16))
    assert small.shape == (1, 16, 16)
    assert float(small.float().mean()) == pytest.approx(31.5, abs=0.6)
    for seed in range(20):
        rng = random.Random(seed)
        side = SideCrop(kind="side", side=(32, 32))
        area = AreaCrop(kind="area")
        part = cut(
            image, random_box(image.size, side, (16, 16), rng), (16, 16)
        )
        steps = part[0, 0].float().diff()
        assert float(steps.min()) >= 1
        assert float(steps.max()) <= 1
        box = random_box(image.size, area, (16, 16), rng)
        assert cut(image, box, (16, 16)).shape == (1, 16, 16)
    assert to_tensor(image.convert("RGB")).shape == (3, 32, 64)


def test_what_is_wrong_with_a_tree_is_told_before_the_first_step(
    tree: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    for part in ("train", "val"):
        (empty / part).mkdir(parents=True)
    with pytest.raises(
        TrainingError,
        match=r"empty/train has no folders: images are looked for as .*train/<class>",
    ):
        load(Folder(set="folder", path=str(empty)), SHAPE, (2,))
    with pytest.raises(
        MissingError,
        match=r"nowhere/train is not there: images .*`train\.data\.split: 0\.1` holds out",
    ):
        load(
            Folder(set="folder", path=str(tmp_path / "nowhere")),
            SHAPE,
            (2,),
        )
    with pytest.raises(
        MissingError, match=r"/valid is not there: .* has train, val;"
    ):
        load(
            Folder(set="folder", path=str(tree), validation="valid"),
            SHAPE,
            (2,),
        )
    picture_file = next((tree / "val").rglob("*.*"))
    for share in (0.0, 0.2):
        with pytest.raises(
            MissingError, match=r"which is a folder: .* is a file"
        ):
            load(
                Folder(set="folder", path=str(picture_file), split=share),
                SHAPE,
                (2,),
            )
    with pytest.raises(
        TrainingError, match="is empty: add images; a `split` takes"
    ):
        load(Folder(set="folder", path=str(tree), split=0.99), SHAPE, (2,))
    (tree / "train" / "green").mkdir()
    with pytest.raises(
        TrainingError,
        match="different classes: only one has green; each class",
    ):
        load(Folder(set="folder", path=str(tree)), SHAPE, (2,))
    (tree / "val" / "green").mkdir()
    with pytest.raises(
        TrainingError,
        match=r"green has no image; images end with \.jpg, \.png",
    ):
        load(Folder(set="folder", path=str(tree)), SHAPE, (3,))


def test_a_crop_for_the_wrong_kind_of_set_is_refused(
    tree: Path, tmp_path: Path
) -> None:
    plan = small_plan.plan(
        recipe(tree, augment={"crop": {"kind": "pad", "cells": 2}}),
        input=SHAPE,
        classes=2,
    )
    with pytest.raises(
        UsageError, match=r"`augment\.crop` must be of kind area or side"
    ):
        build(plan, out=tmp_path / "a", options=Options(workers=0))
    assert not (tmp_path / "a").exists()
    plan = small_plan.plan(
        {"recipe": "digits", "augment": {"crop": {"kind": "side"}}}
    )
    with pytest.raises(UsageError, match="is for folders of images"):
        build(plan, out=tmp_path / "b", options=Options(workers=0))


def test_no_image_is_left_out_unsaid(tree: Path, tmp_path: Path) -> None:
    red = tree / "train" / "red"
    before = len(
        load(Folder(set="folder", path=str(tree)), SHAPE, (2,)).train
    )
    for place in ("deep/er/a.JPG", "deep/b.jfif", "c.gif", "d.TIF"):
        (red / place).parent.mkdir(parents=True, exist_ok=True)
        picture(0, 1).save(
            red / place, "JPEG" if place.endswith("jfif") else None
        )
    for hidden in ("._c.gif", ".DS_Store", ".cache/e.png"):
        (red / hidden).parent.mkdir(exist_ok=True)
        (red / hidden).write_bytes(b"x")
    (red / "deep" / "loop").symlink_to(red)
    picture(0, 1).save(tree / "train" / "stray.png")
    (red / "video.mp4").write_bytes(b"")
    data = load(Folder(set="folder", path=str(tree)), SHAPE, (2,))
    names = {
        path.relative_to(red).as_posix()
        for path in data.train.paths
        if red in path.parents
    }  # type: ignore[union-attr]
    assert {"deep/er/a.JPG", "deep/b.jfif", "c.gif", "d.TIF"} <= names
    assert len(data.train) == before + 4
    notes = [note.replace(str(tree), "SET") for note in data.notes]
    assert notes == [
        "left out: 1 image directly in SET/train, outside the folder of any class: stray.png",
        "left out: 3 files in SET/train, not an image by its ending (.txt, .mp4): "
        "blue/notes.txt, red/notes.txt, red/video.mp4",
        "left out: 1 folder in SET/train, a second way to one that was read: red/deep/loop",
        "left out: 2 files in SET/val, not an image by its ending (.txt): blue/notes.txt, red/notes.txt",
    ]
    said: list[str] = []

    class Listener(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    plan = small_plan.plan(
        recipe(tree, epochs=1),
        input=SHAPE,
        classes=2,
        widths=(4,),
        blocks=1,
    )
    build(
        plan,
        out=tmp_path / "b",
        options=Options(threads=1, workers=0),
        reporter=Listener(),
    )
    assert tuple(said[:4]) == data.notes
    assert json.loads((tmp_path / "b" / "run.json").read_text())["data"][
        "left_out"
    ] == list(data.notes)


def test_a_class_of_other_files_is_told_what_they_are(tree: Path) -> None:
    for part in ("train", "val"):
        (tree / part / "green").mkdir()
        (tree / part / "green" / "a.heic").write_bytes(b"")
    with pytest.raises(
        TrainingError,
        match=r"green has no image \(but files that end with \.heic\)",
    ):
        load(Folder(set="folder", path=str(tree)), SHAPE, (2,))


def test_eval_scores_what_the_run_was_built_on(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And wherever it is called from; a copy to be scored needs no training part."""
    keys = {"data": {"set": "folder", "path": "nowhere"}}
    plan = small_plan.plan(
        recipe(tree, **keys),
        input=SHAPE,
        classes=2,
        widths=(4, 8),
        blocks=1,
    )
    monkeypatch.chdir(tree.parent)
    build(
        plan,
        out=tmp_path / "run",
        options=Options(threads=1, workers=0, data=Path("set")),
    )
    monkeypatch.chdir("/")
    assert (
        evaluate(
            tmp_path / "run",
            load=small_plan.load,
            options=Options(workers=0),
        ).images
        == 8
    )
    for number in range(3):
        (
            tree
            / "val"
            / "red"
            / f"{number}.{'png' if number % 3 else 'jpg'}"
        ).unlink()
    shutil.copytree(tree / "val", tmp_path / "copy" / "val")
    asked = Options(workers=0, data=tmp_path / "copy")
    assert (
        evaluate(
            tmp_path / "run", load=small_plan.load, options=asked
        ).images
        == 5
    )


def test_eval_scores_another_folder(tree: Path, tmp_path: Path) -> None:
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    build(plan, out=tmp_path / "run", options=Options(threads=1, workers=0))
    shutil.copytree(tree / "val", tree / "test")
    (tree / "test" / "red" / "1.png").unlink()
    asked = Options(workers=0)
    assert (
        evaluate(
            tmp_path / "run",
            load=small_plan.load,
            options=asked,
            split="test",
        ).images
        == 7
    )
    assert (
        evaluate(
            tmp_path / "run", load=small_plan.load, options=asked
        ).images
        == 8
    )
    with pytest.raises(MissingError, match="tests is not there"):
        evaluate(
            tmp_path / "run",
            load=small_plan.load,
            options=asked,
            split="tests",
        )


def test_eval_says_what_it_leaves_out(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("resgraph.train._load", small_plan.load)
    data = {"set": "folder", "path": str(tree), "unreadable": 0.5}
    plan = small_plan.plan(
        recipe(tree, data=data),
        input=SHAPE,
        classes=2,
        widths=(4, 8),
        blocks=1,
    )
    build(plan, out=tmp_path / "run", options=Options(threads=1, workers=0))
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    broken = copy / "val" / "red" / "1.png"
    broken.write_bytes(b"no picture")
    arguments = [
        "eval",
        str(tmp_path / "run"),
        "--device",
        "cpu",
        "--workers",
        "0",
        "--data",
        str(copy),
    ]
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    said = err.splitlines()
    left_out = f"left out: 2 files in {copy / 'val'}, not an image by its ending (.txt): blue/notes.txt, red/notes.txt"
    assert said[0] == left_out, "of the validation part alone"
    assert said[1].startswith(f"skipped, as it cannot be read: {broken}")
    assert (len(said), "7 images" in out) == (2, True)
    assert run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == said


def test_a_renamed_image_is_noticed_at_resume(
    tree: Path, tmp_path: Path
) -> None:
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    build(plan, out=tmp_path / "run", options=Options(threads=1, workers=0))
    (tree / "train" / "red" / "1.png").rename(
        tree / "train" / "red" / "z.png"
    )
    with pytest.raises(
        RunError,
        match=r"as many, but not the same \(train\). Were some renamed or replaced\?",
    ):
        resume(tmp_path / "run", load=small_plan.load)
    (tree / "train" / "red" / "z.png").rename(
        tree / "train" / "red" / "1.png"
    )
    tree.rename(tmp_path / "moved")
    moved = Options(threads=1, workers=0, data=tmp_path / "moved")
    assert (
        resume(tmp_path / "run", load=small_plan.load, options=moved).epochs
        == 3
    )


@pytest.mark.parametrize("kind", ["area", "side"])
def test_a_file_is_cropped_once(tree: Path, kind: str) -> None:
    """What the decoder cropped is not cropped again with the sets in memory."""
    crop = (
        {"kind": "area", "area": [0.3, 1.0]}
        if kind == "area"
        else {"kind": "side", "side": [18, 24]}
    )
    train = resolve_train(recipe(tree, augment={"crop": crop}))
    data = load(train.data, SHAPE, (2,))
    decisions = decide(
        Options(workers=0, device="cpu"), World(), Workload(1.0, True, 1)
    )
    plain = Normalization(
        torch.full((3, 1, 1), 1 / 255), torch.zeros(3, 1, 1)
    )
    data_loader = make_data_loader(
        train,
        data,
        Sampler(len(data.train), 8, train.seed),
        plain,
        decisions,
    )
    decoded = next(
        iter(data_loader.pixels.train(0, data_loader.sampler.epoch(0)))
    )[0]
    assert torch.equal(
        next(iter(data_loader.epoch(0, 0))).images, plain(decoded)
    )


@pytest.mark.parametrize("written", ["set", "~/set", "./set"])
def test_a_relative_path_is_one_from_the_spec(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: net\ninput: 3x16x16\nnet:\n  conv1: 3x3 conv 4\n"
        "  head: [global avg pool, fc 2]\ntrain:\n  recipe: imagenet\n"
        f"  epochs: 1\n  batch: 8\n  schedule: constant\n  data: {{path: {written}}}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    plan = resgraph.load(spec)
    assert data_path(plan, Options()) == tmp_path / "set"
    result = build(
        plan, out=tmp_path / "run", options=Options(threads=1, workers=0)
    )
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"][
        "path"
    ] == str(tmp_path / "set")
    assert (
        evaluate(tmp_path / "run", options=Options(workers=0)).images == 8
    )
    assert result.epochs == 1
    monkeypatch.chdir(tree)
    spec.write_text(spec.read_text().replace(written, "val"))
    assert data_path(resgraph.load(spec), Options()) == Path("val"), (
        "none beside the spec: one from here"
    )


def test_a_tree_without_parts_is_split_by_class(
    tree: Path, tmp_path: Path
) -> None:
    def found(place: Path, **keys: Any) -> tuple[Files, Files]:
        train = resolve_train(recipe(place, data={"set": "folder", "path": str(place), "split": 0.25, **keys}))  # fmt: skip
        data = load(train.data, SHAPE, (2,))
        assert isinstance(data.train, Files) and isinstance(
            data.validation, Files
        )
        assert data.classes == ("blue", "red")
        return data.train, data.validation

    train, held = found(tree)  # below `train`, which is there
    whole = {"set": "folder", "path": str(tree), "split": 0.25}
    notes = load(resolve_train(recipe(tree, data=whole)).data, SHAPE, (2,)).notes  # fmt: skip
    assert notes[-1] == (
        f"left out: {tree / 'val'}, as `split` holds out 0.25 of the training part to validate on;"
        " without `split` it would be validated on"
    )
    assert torch.bincount(held.labels).tolist() == [3, 3]
    assert torch.bincount(train.labels).tolist() == [9, 9]
    assert len({*train.paths, *held.paths}) == 24
    flat = found(tree / "train")
    assert [part.digest() for part in flat] == [
        part.digest() for part in (train, held)
    ]
    other = found(tree, split_seed=1)[1]
    assert set(other.paths) != set(held.paths)
    with pytest.raises(MissingError, match="nowhere/<class>"):
        found(tmp_path / "nowhere")
    keys = recipe(tree / "train", augment={}, data={"set": "folder", "path": str(tree / "train"), "split": 0.25})  # fmt: skip
    build(
        small_plan.plan(keys, input=SHAPE, classes=2),
        out=tmp_path / "run",
        options=Options(threads=1),
    )
    score = evaluate(
        tmp_path / "run", load=small_plan.load, options=Options(threads=1)
    )
    assert score.images == 6


def test_a_class_of_one_image_has_none_to_train_on(tree: Path) -> None:
    for path in sorted((tree / "train" / "red").iterdir())[1:]:
        path.unlink()
    halved = {"set": "folder", "path": str(tree), "split": 0.25}
    train = resolve_train(recipe(tree, data=halved))
    with pytest.raises(
        TrainingError, match=r"class red \(1 to validate on\)"
    ):
        load(train.data, SHAPE, (2,))


def test_every_ending_that_pillow_reads_is_one() -> None:
    """But for PostScript, and for formats that it can only name."""
    Image.init()
    known = {
        end
        for end, kind in Image.registered_extensions().items()
        if kind in Image.OPEN
    }
    others = {
        ".eps",
        ".ps",
        ".bufr",
        ".grib",
        ".h5",
        ".hdf",
        ".mpg",
        ".mpeg",
        ".wmf",
        ".emf",
    }
    assert (
        not ENDINGS - (known - others) - {".avif", ".avifs", ".jpc", ".qoi"}
    )
    torchvision = {
        ".jpg",
        ".jpeg",
        ".png",
        ".ppm",
        ".bmp",
        ".pgm",
        ".tif",
        ".tiff",
        ".webp",
    }
    assert torchvision <= ENDINGS, "IMG_EXTENSIONS of its folders"
