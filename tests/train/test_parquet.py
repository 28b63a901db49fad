"""Parquet files as the Hugging Face hub has them: unpacked once, read and resumed as any other set, and refused by name."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from test_folder import SHAPE, batches, picture
from test_resume import SignalAt, result

import resgraph
from resgraph.errors import MissingError, TrainingError, UsageError
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.data import Parquet
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.data import load
from resgraph.train.data.sets import Packed, UnfitError
from resgraph.train.signals import StoppedError

arrow: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")
NAMES = ["red", "blue"]


def encoded(label: int, number: int) -> bytes:
    buffer = io.BytesIO()
    picture(label, number).save(buffer, "png" if number % 2 else "jpeg")
    return buffer.getvalue()


def write(path: Path, rows: list[tuple[Any, Any]], names: list[str] | None = NAMES, image: str = "image") -> None:  # fmt: skip
    """As `datasets` writes one: a struct of bytes and path, the features in the schema's metadata."""
    labels: dict[str, Any] = (
        {"_type": "ClassLabel"} if names else {"dtype": "int64"}
    )
    labels |= {"names": names} if names else {}
    features = {image: {"_type": "Image"}, "label": labels}
    kind = arrow.struct(
        [("bytes", arrow.binary()), ("path", arrow.string())]
    )
    columns = {
        image: arrow.array([one for one, _ in rows], kind),
        "label": arrow.array([label for _, label in rows]),
    }
    known = {
        b"huggingface": json.dumps(
            {"info": {"features": features}}
        ).encode()
    }
    table = arrow.table(columns).replace_schema_metadata(known)
    pq.write_table(table, path, row_group_size=5)


def rows(first: int, count: int) -> list[tuple[Any, Any]]:
    return [
        ({"bytes": encoded(n % 2, n), "path": f"{n}.jpg"}, n % 2)
        for n in range(first, first + count)
    ]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "set" / "data").mkdir(parents=True)
    for shard in range(2):
        name = f"train-{shard:05d}-of-00002.parquet"
        write(tmp_path / "set" / "data" / name, rows(12 * shard, 12))
    write(
        tmp_path / "set" / "data" / "validation-00000-of-00001.parquet",
        rows(50, 8),
    )
    return tmp_path / "set"


def read(path: Path, output: int = 2, **keys: Any) -> Any:
    record = Parquet(set="parquet", path=str(path), **keys)
    return load(record, SHAPE, (output,))


def recipe(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "data": {"set": "parquet", "path": str(path)},
        "augment": {"crop": {"kind": "area", "area": [0.3, 1.0]}, "flip": True},
        "epochs": 3, "batch": 8, "optimizer": {"name": "sgd", "lr": 0.05}, **keys,
    }  # fmt: skip


def net(train: dict[str, Any]) -> resgraph.Plan:
    lines = "".join(
        f"  {key}: {json.dumps(value)}\n" for key, value in train.items()
    )
    body = "{a: [3x3 conv 8 /2, bn, relu, global avg pool, fc 2]}"
    return resgraph.loads(
        f"name: a\ninput: 3x16x16\nnet: {body}\ntrain:\n{lines}"
    )


def test_images_and_classes_are_those_of_the_rows(hub: Path) -> None:
    data = read(hub)
    assert data.classes == ("red", "blue")
    assert (len(data.train), len(data.validation)) == (24, 8)
    assert isinstance(data.train, Packed)
    assert data.train.labels.tolist() == [n % 2 for n in range(24)]
    for number in (0, 11, 12, 23):
        assert data.train.source(number).getvalue() == encoded(
            number % 2, number
        )
    (folder,) = (hub.parent / "cache" / "resgraph").iterdir()
    before = {file: file.stat().st_ino for file in folder.iterdir()}
    again = read(hub)
    assert again.train.digest() == data.train.digest()
    assert {file: file.stat().st_ino for file in folder.iterdir()} == before
    for file in folder.glob("*.images"):
        file.write_bytes(file.read_bytes()[:-1])  # torn
    assert read(hub).train.source(23).getvalue() == encoded(1, 23)


def test_words_are_classes_and_numbers_need_no_names(hub: Path) -> None:
    def of(path: Path, names: list[str] | None, *labels: Any) -> None:
        pairs = zip(rows(0, len(labels)), labels, strict=True)
        write(path, [(image, label) for (image, _), label in pairs], names)

    for part in ("train", "validation"):
        of(
            hub / f"{part}-words.parquet",
            None,
            "zebra",
            "ant",
            "zebra",
            "ant",
        )
    data = read(
        hub,
        train="train-words.parquet",
        validation="validation-words.parquet",
    )
    assert data.classes == ("ant", "zebra")
    assert data.train.labels.tolist() == [1, 0, 1, 0]
    of(hub / "numbers.parquet", None, 2, 0, 1, 0, 2, 1, 1, 0, 2, 2)
    split = read(hub, 3, train="numbers.parquet", split=0.25)
    assert split.classes == ("0", "1", "2")
    assert (len(split.train), len(split.validation)) == (7, 3)
    assert "validation-words.parquet, as `split`" in split.notes[0]
    with pytest.raises(UnfitError, match=r"puts out 2, .* has 3 classes"):
        read(hub, 2, train="numbers.parquet", split=0.25)


def test_words_are_classes_of_all_files_together(hub: Path) -> None:
    """No file need have every one of them."""

    def of(name: str, *words: str) -> None:
        pairs = zip(rows(0, len(words)), words, strict=True)
        write(
            hub / name, [(image, word) for (image, _), word in pairs], None
        )

    of("some-0.parquet", "zebra", "ant", "zebra")
    of("some-1.parquet", "cow", "zebra")
    of("held.parquet", "cow", "cow")
    for _ in ("unpacked", "from the cache"):
        data = read(
            hub, 3, train="some-*.parquet", validation="held.parquet"
        )
        assert data.classes == ("ant", "cow", "zebra")
        assert data.train.labels.tolist() == [2, 0, 2, 1, 2]
        assert data.validation.labels.tolist() == [1, 1]
    of("odd.parquet", "dog")
    with pytest.raises(
        TrainingError, match="no training image of class dog"
    ):
        read(hub, 4, train="some-*.parquet", validation="odd.parquet")


def test_other_words_than_a_run_knows_are_not_scored(
    hub: Path, tmp_path: Path
) -> None:
    """As many classes of other names would be taken for those that the net knows."""
    run = tmp_path / "run"
    once = Options(threads=1, workers=0)
    build(net(recipe(hub, epochs=1)), out=run, options=once)
    other = tmp_path / "other"
    other.mkdir()
    for names, odd in (
        (["red", "green"], "only one has blue, green"),
        (["blue", "red"], "but in another order"),
        (["red", "blue", "green"], "run is scored on .* on, red, blue; "),
    ):
        write(other / "validation.parquet", rows(0, 4), names)
        with pytest.raises(UsageError, match=odd):
            evaluate(run, options=Options(threads=1, workers=0, data=other))
    write(other / "validation.parquet", rows(0, 4), None)
    found = evaluate(run, options=Options(threads=1, workers=0, data=other))
    assert found.images == 4, "numbers alone are taken at their word"


def test_a_file_without_rows_and_labels_of_any_size_are_told(
    hub: Path,
) -> None:
    write(hub / "none.parquet", [], None)
    with pytest.raises(
        TrainingError, match="training part of set is empty"
    ):
        read(hub, train="none.parquet", split=0.5)
    odd = [(image, 2_000_000_000 * label) for image, label in rows(0, 4)]
    write(hub / "large.parquet", odd, None)
    with pytest.raises(
        TrainingError, match=r"to 2,000,000,000, but .* to 32,767 at most"
    ):
        read(hub, train="large.parquet", split=0.5)


def test_one_file_for_each_part_has_its_plain_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pandas writes one: bytes and numbers in columns, and nothing said of classes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for part, count in (("train", 6), ("validation", 4)):
        images = [encoded(n % 2, n) for n in range(count)]
        columns = {"image": images, "label": [n % 2 for n in range(count)]}
        pq.write_table(arrow.table(columns), tmp_path / f"{part}.parquet")
    data = read(tmp_path)
    assert (len(data.train), len(data.validation)) == (6, 4)
    assert data.train.labels.tolist() == [0, 1] * 3
    assert data.train.source(5).getvalue() == encoded(1, 5)


def test_any_number_of_workers_reads_the_same(hub: Path) -> None:
    train = resolve_train(recipe(hub))
    for one, other in zip(
        batches(train, 1), batches(train, 1, workers=2), strict=True
    ):
        assert numpy.array_equal(one[0], other[0]) and one[1].equal(
            other[1]
        )


def test_a_run_goes_on_bit_for_bit(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)
    once = Options(threads=1, workers=0)
    plan = net(recipe(hub))
    build(plan, out=tmp_path / "whole", options=once)
    with pytest.raises(StoppedError):
        build(
            plan, out=tmp_path / "cut", options=once, reporter=SignalAt(4)
        )
    resume(tmp_path / "cut", options=once)
    assert result(tmp_path / "cut") == result(tmp_path / "whole")
    found = evaluate(tmp_path / "whole", options=once)
    assert found.images == 8


BAD: dict[str, tuple[list[tuple[Any, Any]], str]] = {
    "path alone": ([({"bytes": None, "path": "a.jpg"}, 0)], r"row 0: `image` holds no bytes of an image, but the path a\.jpg"),
    "nothing": ([(None, 0)], r"row 0: `image` holds no bytes of an image$"),
    "class": ([({"bytes": b"x", "path": ""}, 7)], r"row 0: `label` is 7, which is not one of its 2 classes"),
    "no class": ([({"bytes": b"x", "path": ""}, 0), ({"bytes": b"x", "path": ""}, None)], r"row 1: `label` is None"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named(hub: Path, case: str) -> None:
    held, words = BAD[case]
    write(hub / "bad.parquet", held)
    with pytest.raises(TrainingError, match=words):
        read(hub, validation="bad.parquet")
    assert not list(
        (hub.parent / "cache" / "resgraph" / "parquet").glob("tmp*")
    )


def test_what_is_no_such_file_is_refused(hub: Path) -> None:
    with pytest.raises(MissingError, match=r"train\.data\.split: 0\.1"):
        read(hub, validation="test-*.parquet")
    with pytest.raises(
        TrainingError, match="no column `img`; did you mean `image`"
    ):
        read(hub, image="img")
    whole = next((hub / "data").glob("val*")).read_bytes()
    (hub / "cut.parquet").write_bytes(whole[:-100])
    with pytest.raises(
        TrainingError, match=r"cut\.parquet is damaged, or no Parquet file"
    ):
        read(hub, validation="cut.parquet")
    pointer = (
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )
    (hub / "lfs.parquet").write_text(pointer)
    with pytest.raises(
        TrainingError, match=r"lfs\.parquet is no Parquet file, but .*LFS"
    ):
        read(hub, validation="lfs.parquet")
    write(hub / "other.parquet", rows(0, 4), ["red", "green"])
    with pytest.raises(
        TrainingError, match="name different classes: blue, green"
    ):
        read(hub, validation="other.parquet")


def test_a_damaged_page_is_an_error(hub: Path) -> None:
    file = next((hub / "data").glob("val*"))
    held = bytearray(file.read_bytes())
    held[200:4000] = bytes(3800)
    (hub / "zero.parquet").write_bytes(held)
    with pytest.raises(TrainingError, match="zero"):
        read(hub, validation="zero.parquet")


def test_one_that_cannot_be_decoded_is_counted(
    hub: Path, tmp_path: Path
) -> None:
    held = [*rows(60, 4), ({"bytes": b"no image", "path": "x"}, 1)]
    write(hub / "odd.parquet", held)
    data = {"set": "parquet", "path": str(hub), "validation": "odd.parquet"}
    told = recipe(hub, data={**data, "unreadable": 0.3}, epochs=1)
    options = Options(threads=1, workers=0)
    build(net(told), out=tmp_path / "run", options=options)
    score = evaluate(tmp_path / "run", options=options)
    assert score.images == 4 and "cannot be read" in score.notes[0]
    assert f"{hub / 'odd.parquet'}, row 4: " in score.notes[0]
