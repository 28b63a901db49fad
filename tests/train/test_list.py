"""Images that a CSV file lists: labels, several labels, numbers, masks, and what a net reads beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

import resgraph
from resgraph.errors import MissingError, TrainingError
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.augment import AreaCrop, SideCrop
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.augment.crops import CenterCrop, RandomCrop
from resgraph.train.data import load
from resgraph.train.data.formats.decoder import open_image, open_mask
from resgraph.train.data.sets import DataSet, Files

FAST = Options(threads=1, workers=0, device="cpu", compile="off")
SHAPE = (3, 16, 16)
NET = "name: a\ninput: {shape}\nnet: {net}\ntrain:\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty red and blue pictures, a mask of each (its brighter half), and a row about it."""
    place = tmp_path / "set"
    (place / "pictures").mkdir(parents=True)
    rng = numpy.random.default_rng(0)
    rows = ["path,label,also,age,weight,tags,mask"]
    for number in range(30):
        height, width = rng.integers(20, 32, 2)
        picture = rng.integers(0, 90, (height, width, 3), dtype=numpy.uint8)
        mask = numpy.zeros((height, width), numpy.uint8)
        mask[:, : width // 2] = 1
        mask[0] = 255
        picture[..., 2 * (number % 2)] += 60 + 100 * mask.astype(
            bool
        ).astype(numpy.uint8)
        Image.fromarray(picture).save(place / "pictures" / f"{number}.png")
        Image.fromarray(mask).save(
            place / "pictures" / f"{number}_mask.png"
        )
        color, even = ("red", "blue")[number % 2], number % 3 == 0
        age = 30 + 10 * (number % 2) + number / 100
        tags = " ".join([color, *(["even"] if even else [])])
        rows.append(
            f"pictures/{number}.png,{color},{int(even)},{age},{number},{tags},pictures/{number}_mask.png"
        )
    (place / "all.csv").write_text("\n".join(rows))
    (place / "train.csv").write_text("\n".join(rows[:21]))
    (place / "val.csv").write_text("\n".join([rows[0], *rows[21:]]))
    return place


def read(path: Path, target: Any = "label", output: tuple[int, ...] = (2,), inputs: Any = None, **keys: Any) -> DataSet:  # fmt: skip
    recipe = {"data": {"set": "list", "path": str(path), **keys}, "target": target,
              "epochs": 2, "batch": 4, "optimizer": {"name": "sgd", "lr": 0.05}}  # fmt: skip
    train = resolve_train(recipe)
    return load(
        train.data, SHAPE, output, target=train.target, inputs=inputs
    )


def files(part: Any) -> Files:
    assert isinstance(part, Files)
    return part


def test_labels_are_words_of_the_training_list(folder: Path) -> None:
    data = read(folder)
    assert (
        data.classes == ("blue", "red")
        and len(data.train) == 20
        and len(data.validation) == 10
    )
    assert files(data.train).labels.tolist() == [1, 0] * 10
    assert files(data.train).paths[3] == folder / "pictures/3.png"
    one = read(folder, train="all.csv", split=0.2)
    assert (len(one.train), len(one.validation)) == (24, 6)
    assert torch.bincount(files(one.validation).labels).tolist() == [3, 3]
    assert data.notes == ()
    rows = (folder / "train.csv").read_text().splitlines()
    (folder / "more.csv").write_text("\n".join([*rows, *rows[1:4]]))
    twice = read(folder, train="more.csv", validation="train.csv")
    assert twice.notes[0].startswith(
        "in both parts: 20 of 20 images to validate on are trained on, too: "
    )
    assert read(folder, validation="train.csv").notes[0].endswith(", …")
    assert "val.csv, as `split` holds out 0.2" in one.notes[0]
    numbers = read(
        folder, label="weight", output=(20,), validation="train.csv"
    )
    assert numbers.classes == tuple(map(str, range(20))), (
        "numbers are in the order of numbers"
    )


def test_numbers_of_one_value_and_long_ones_have_an_order(
    folder: Path,
) -> None:
    """Classes of one place in the order of a set would change places from one start to the next."""
    rows = (folder / "train.csv").read_text().splitlines()
    words = ["01", "1", "001", "9" * 5000, "0001"]
    listed = [
        f"pictures/{n}.png,{words[n % 5]},0,0,0,x,x" for n in range(10)
    ]
    (folder / "odd.csv").write_text("\n".join([rows[0], *listed]))
    data = read(folder, output=(5,), train="odd.csv", validation="odd.csv")
    assert data.classes == ("0001", "001", "01", "1", words[3])


def test_a_line_that_names_no_class_is_told(folder: Path) -> None:
    (folder / "classes.txt").write_bytes(b"\xef\xbb\xbfblue\r\n\r\nred\r\n")
    with pytest.raises(
        TrainingError, match=r"classes\.txt:2 is empty, and each line names"
    ):
        read(folder)
    (folder / "classes.txt").write_bytes(b"\xef\xbb\xbfred\r\nblue\r\n")
    assert read(folder).classes == ("red", "blue")


def test_several_labels_and_numbers(folder: Path) -> None:
    (folder / "val.csv").write_text(
        (folder / "val.csv").read_text() + "\npictures/0.png,red,,,1,,x"
    )
    words = read(folder, "labels", (3,), label="tags")
    assert words.classes == ("blue", "even", "red")
    assert files(words.train).labels[:2].tolist() == [[0, 1, 1], [1, 0, 0]]
    columns = read(folder, "labels", (2,), label=["also", "also"])
    assert files(columns.train).labels[:4].tolist() == [
        [1, 1],
        [0, 0],
        [0, 0],
        [1, 1],
    ]
    assert files(columns.validation).labels[-1].isnan().all(), (
        "an empty cell is not known"
    )
    numbers = read(folder, "number", (2,), label=["age", "weight"])
    torch.testing.assert_close(
        files(numbers.train).labels[3], torch.tensor([40.03, 3.0])
    )
    assert numbers.classes == ("age", "weight")


SEMICOLONS = (
    '\ufeffpath;label\r\n"pictures/0.png";a, b\r\n\r\npictures/1.png;c\r\n'
)


def test_a_list_as_spreadsheets_write_it(folder: Path) -> None:
    for name in ("train.csv", "val.csv"):
        (folder / name).write_text(SEMICOLONS, encoding="utf-8")
    data = read(folder)
    assert data.classes == ("a, b", "c")


@pytest.mark.parametrize(
    ("crop", "how"),
    [
        (AreaCrop(kind="area", area=(0.3, 1.0)), "random"),
        (SideCrop(kind="side", side=(18, 24)), "random"),
        (None, "middle"),
    ],
)
def test_a_mask_is_cut_where_its_image_is(
    crop: Any, how: str, folder: Path
) -> None:
    """An image whose pixels are one class in each half: where none are mixed, the mask says so."""
    picture = numpy.zeros((40, 60, 3), numpy.uint8)
    picture[:, 30:] = 200
    Image.fromarray(picture).save(folder / "half.png")
    Image.fromarray((picture[..., 0] > 0).astype(numpy.uint8)).save(
        folder / "mask.png"
    )
    policy = (
        RandomCrop(crop, (16, 16), 0) if crop else CenterCrop(18, (16, 16))
    )
    image = open_image(folder / "half.png", 3, None)
    mask = open_mask(folder / "mask.png")
    seen = set()
    for index in range(20):
        (view,), (cut,) = policy(image, 1, index), policy(mask, 1, index)
        assert cut.shape == (1, 16, 16) and set(cut.unique().tolist()) <= {
            0,
            1,
        }
        for value, label in ((0, 0), (200, 1)):
            sure = view[0] == value
            assert (cut[0][sure] == label).all()
            seen.add((label, bool(sure.any())))
    assert {(0, True), (1, True)} <= seen, how


def build_on(folder: Path, tmp_path: Path, net: str, train: dict[str, Any], shape: str = "3x16x16", name: str = "run") -> Any:  # fmt: skip
    text = NET.format(shape=shape, net=net) + "".join(
        f"  {key}: {json.dumps(value)}\n" for key, value in train.items()
    )
    plan = resgraph.loads(text)
    assert plan.unmet() == []
    return plan, build(plan, out=tmp_path / name, options=FAST)


def recipe(folder: Path, **keys: Any) -> dict[str, Any]:
    return {
        "data": {
            "set": "list",
            "path": str(folder),
            **keys.pop("data", {}),
        },
        "augment": {
            "crop": {"kind": "area", "area": [0.5, 1.0]},
            "flip": True,
        },
        "epochs": 4,
        "batch": 5,
        "optimizer": {"name": "adamw", "lr": 0.02},
        **keys,
    }


def test_a_segmenter_is_trained_on_masks_in_files(
    folder: Path, tmp_path: Path
) -> None:
    train = recipe(
        folder,
        data={"label": "mask"},
        target={"kind": "map", "weights": "balanced"},
        epochs=8,
    )
    train["augment"] |= {"rotate": 10}
    _, result = build_on(
        folder, tmp_path, "{a: 3x3 conv 8, b: 1x1 conv 2 linear}", train
    )
    assert result.measure == "mIoU" and result.accuracy > 85
    score = evaluate(tmp_path / "run", options=FAST)
    assert (
        score.error == pytest.approx(100 - result.accuracy)
        and score.images == 10
    )
    twice = build_on(
        folder,
        tmp_path,
        "{a: 3x3 conv 8, b: 1x1 conv 2 linear}",
        train,
        name="again",
    )
    first, again = (
        (tmp_path / name / "weights.safetensors").read_bytes()
        for name in ("run", "again")
    )
    assert first == again and twice[1].accuracy == result.accuracy


TWO = "{seen: [image, 3x3 conv 4 /2, global avg pool], told: [record, fc 4, relu], head: [concat(seen told), fc 2]}"


@pytest.mark.parametrize("target", ["label", "number"])
def test_an_image_and_a_record(
    target: str, folder: Path, tmp_path: Path
) -> None:
    data = {"inputs": {"record": ["age", "weight"]}}
    if target == "number":
        data |= {"label": ["also", "age"]}  # type: ignore[dict-item]
    train = recipe(folder, data=data, target=target, augment={}, epochs=6)
    plan, result = build_on(
        folder, tmp_path, TWO, train, "{image: 3x16x16, record: 2}", "whole"
    )
    assert result.accuracy > 85 or target == "number"
    score = evaluate(tmp_path / "whole", options=FAST)
    assert score.error == pytest.approx(100 - result.accuracy)
    short = {**train, "epochs": 2}
    build_on(
        folder, tmp_path, TWO, short, "{image: 3x16x16, record: 2}", "cut"
    )
    resume(tmp_path / "cut", plan=plan, options=FAST)
    whole, cut = (
        (tmp_path / name / "weights.safetensors").read_bytes()
        for name in ("whole", "cut")
    )
    assert whole == cut


def changed(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize(
    ("case", "before", "after", "words"),
    [
        ("label", "pictures/7.png", "pictures/70.png", r"train\.csv:9: .*70\.png is not there; paths count from"),
        ("label", "path,label", "path,lable", "has no column `label`; did you mean `lable`?"),
        ("label", "png,red", "png,green", r"val\.csv:2: `label` is 'green', which is none of the classes: blue, red"),
        ("label", "png,red,", "png,red,,", r"the row has 8 cells, and the titles are 7"),
        ("label", "7.png,blue,", "7.png,,", r"train\.csv:9: `label` is empty"),
        ("label", "pictures/7.png", "", r"train\.csv:9: `path` is empty"),
        ("label", "path,label,also", "path,label,label", r"train\.csv has two columns `label`"),
        ("map", "pictures/3_mask.png", "", r"train\.csv:5: `mask` is empty"),
        ("number", ",30.02,", ",old,", r"train\.csv:4: `age` is 'old', and not a number"),
        ("number", ",30.02,", ",1e300,", r"train\.csv:4: `age` is '1e300', and not a number of 32 bits"),
        ("map", "pictures/3_mask", "pictures/4_mask", r"train\.csv:5: .*4_mask\.png has \d+x\d+ pixels, and its image"),
        ("map", "pictures/3_mask.png", "pictures/3.png", r"train\.csv:5: .*3\.png has pixels of mode RGB"),
    ],
)  # fmt: skip
def test_what_a_list_cannot_say_is_told_at_its_row(case: str, before: str, after: str, words: str, folder: Path) -> None:  # fmt: skip
    changed(
        folder / ("val.csv" if "green" in after else "train.csv"),
        before,
        after,
    )
    keys = {
        "label": {},
        "number": {"label": "age"},
        "map": {"label": "mask"},
    }[case]
    output = {"label": (2,), "number": (1,), "map": (2, 16, 16)}[case]
    with pytest.raises(TrainingError, match=words):
        read(folder, case, output, **keys)


def test_numbers_of_no_image(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_text(
        path.read_text().replace("age", "old").replace("weight", "age")
    )
    emptied = [
        ",".join([*row.split(",")[:4], "", *row.split(",")[5:]])
        for row in path.read_text().splitlines()[1:]
    ]
    path.write_text("\n".join([path.read_text().splitlines()[0], *emptied]))
    with pytest.raises(
        TrainingError, match=r"train\.csv says nothing of any image"
    ):
        read(folder, "number", (1,), label="age")


def test_a_list_that_is_not_utf_8_is_told_so(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(
        TrainingError, match="it is not UTF-8; save it as that"
    ):
        read(folder)


def test_a_mask_with_another_class_is_told_at_its_row(folder: Path) -> None:
    picture = numpy.full(
        numpy.asarray(Image.open(folder / "pictures/5_mask.png")).shape,
        4,
        numpy.uint8,
    )
    Image.fromarray(picture).save(folder / "pictures/5_mask.png")
    with pytest.raises(
        TrainingError,
        match=r"train\.csv:7: .*5_mask\.png has a pixel of class 4, but classes go from 0 to 1",
    ):
        read(folder, "map", (2, 16, 16), label="mask")
    (folder / "val.csv").unlink()
    with pytest.raises(
        MissingError,
        match=r"val\.csv is not there.*`train\.data\.split: 0\.1` holds out",
    ):
        read(folder)


def test_an_input_without_columns_is_told(folder: Path) -> None:
    inputs = {"image": SHAPE, "record": (2,)}
    with pytest.raises(
        TrainingError,
        match="the net reads 2 as `record`, and the list has 1 for it",
    ):
        read(folder, inputs=inputs)
    one = read(folder, inputs={"image": SHAPE, "age": (1,)})
    assert files(one.train).beside[0].shape == (20, 1)


def test_a_camera_that_was_held_upright(
    folder: Path, tmp_path: Path
) -> None:
    """The eight orientations of EXIF, as Pillow turns them; without `exif` they stay as stored."""
    rng = numpy.random.default_rng(1)
    pixels = Image.fromarray(
        rng.integers(0, 255, (20, 32, 3), dtype=numpy.uint8)
    )
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.png"
        pixels.save(path, exif=exif)
        assert open_image(path, 3, None).tobytes() == pixels.tobytes()
        turned = open_image(path, 3, None, exif=True)
        assert turned.size == ((32, 20) if orientation < 5 else (20, 32))
        way = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
               4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
               6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
               8: Image.Transpose.ROTATE_90}.get(orientation)  # fmt: skip
        assert (
            turned.tobytes()
            == (pixels if way is None else pixels.transpose(way)).tobytes()
        )
