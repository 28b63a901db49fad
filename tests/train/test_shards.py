"""Shards: indexed once, read alike by any number of workers, resumed bit for bit; damage is reported by name."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest
import small_plan
import torch
from forked import worker
from test_folder import (
    SHAPE,
    batches,
    check_workers_change_nothing,
    picture,
)
from test_resume import SignalAt, result

from resgraph.errors import MissingError, TrainingError, UsageError
from resgraph.language.reading import read
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.data import Shards
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.data import load, shards
from resgraph.train.data.formats import index_cache, unzipped
from resgraph.train.data.sets import Packed
from resgraph.train.signals import StoppedError

RECORD = {
    "set": "shards",
    "train": "train-{00..02}.tar",
    "validation": "val.tar",
}


def pack(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def members(first: int, count: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {"notes.json": b"{}"}
    for number in range(first, first + count):
        label, ending = number % 2, "jpg" if number % 3 else "png"
        buffer = io.BytesIO()
        picture(label, number).save(
            buffer, "jpeg" if ending == "jpg" else ending
        )
        found |= {
            f"part/{number:06d}.{ending}": buffer.getvalue(),
            f"part/{number:06d}.cls": str(label).encode(),
        }
    return found


@pytest.fixture
def tars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "set"
    path.mkdir()
    for number in range(3):
        pack(path / f"train-{number:02d}.tar", members(8 * number, 8))
    pack(path / "val.tar", members(100, 6))
    return path


def record(path: Path) -> Shards:
    return read(Shards, {**RECORD, "path": str(path)})


def recipe(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "data": {**RECORD, "path": str(path)},
        "augment": {
            "crop": {"kind": "area", "area": [0.3, 1.0]},
            "flip": True,
        },
        "epochs": 3,
        "batch": 8,
        "optimizer": {"name": "sgd", "lr": 0.05},
        **keys,
    }


def test_numbers_in_names() -> None:
    assert shards.expand("a-{008..011}.tar") == [
        "a-008.tar",
        "a-009.tar",
        "a-010.tar",
        "a-011.tar",
    ]
    assert shards.expand("{0..1}/{0..1}") == ["0/0", "0/1", "1/0", "1/1"]
    assert shards.expand("val.tar") == ["val.tar"]
    with pytest.raises(
        UsageError,
        match=r"10,000,000 numbers are more than 1,000,000 shards",
    ):
        shards.expand("a-{0000000..9999999}.tar")


def test_shards_are_a_set(tars: Path) -> None:
    data = load(record(tars), SHAPE, (2,))
    assert (len(data.train), len(data.validation), data.classes) == (
        24,
        6,
        ("0", "1"),
    )
    assert data.train.labels.tolist() == [0, 1] * 12
    assert isinstance(data.train, Packed)
    assert (
        data.train.source(9).getvalue() == members(8, 8)["part/000009.png"]
    )
    (tars / "classes.txt").write_text("red\nblue\n")
    assert load(record(tars), SHAPE, (2,)).classes == ("red", "blue")
    (tars / "classes.txt").write_bytes(b"r\xe9d\nblue\n")
    with pytest.raises(
        TrainingError, match=r"classes\.txt cannot be read as UTF-8 text"
    ):
        load(record(tars), SHAPE, (2,))
    (tars / "classes.txt").write_text("red\n")
    with pytest.raises(
        TrainingError, match="names 1 class, but a label is 1; they count"
    ):
        load(record(tars), SHAPE, (2,))


def test_a_shard_is_walked_once_until_it_changes(
    tars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[str] = []
    real = shards._index_shard

    def counted(shard: Path, labels: Any) -> Any:
        walked.append(shard.name)
        return real(shard, labels)

    monkeypatch.setattr(shards, "_index_shard", counted)
    before = sorted(path.name for path in tars.iterdir())
    first = load(record(tars), SHAPE, (2,))
    assert len(walked) == 4
    again = load(record(tars), SHAPE, (2,))
    assert len(walked) == 4
    assert torch.equal(first.train.start, again.train.start)  # type: ignore[union-attr]
    pack(tars / "train-01.tar", members(50, 10))
    assert len(load(record(tars), SHAPE, (2,)).train) == 26
    assert walked[4:] == ["train-01.tar"]
    os.utime(tars / "val.tar", (0, 0))
    load(record(tars), SHAPE, (2,))
    assert walked[5:] == ["val.tar"], "its time of change"
    assert sorted(path.name for path in tars.iterdir()) == before
    load(record(tars.rename(tars.with_name("moved"))), SHAPE, (2,))
    assert len(walked) == 6 + 4, "their paths"
    shutil.rmtree(tars.parent / "cache")
    load(record(tars.with_name("moved")), SHAPE, (2,))
    assert len(walked) == 10 + 4, "the folder may be deleted at any time"


def test_pixels_do_not_depend_on_the_workers(tars: Path) -> None:
    train = resolve_train(recipe(tars))
    check_workers_change_nothing(train)
    assert batches(train, 5)[0][1].tolist() == [1, 0, 1, 1]


def test_a_net_is_trained_and_gone_on_with(
    tars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)
    plan = small_plan.plan(
        recipe(tars), input=SHAPE, classes=2, widths=(4, 8), blocks=1
    )
    options = Options(threads=1, workers=0)
    assert (
        build(plan, out=tmp_path / "whole", options=options).accuracy == 100
    )
    with pytest.raises(StoppedError):
        build(
            plan,
            out=tmp_path / "cut",
            options=options,
            reporter=SignalAt(4),
        )
    resume(
        tmp_path / "cut", load=small_plan.load, options=Options(workers=2)
    )
    assert result(tmp_path / "cut") == result(tmp_path / "whole")
    assert (
        evaluate(
            tmp_path / "cut",
            load=small_plan.load,
            options=Options(workers=0),
        ).error
        == 0
    )


def noted(folder: Path) -> list[list[tuple[int, int]]]:
    """For each rank, the (epoch, index) of the training images that it cut, in order."""
    files = sorted(folder.iterdir())
    return [
        [
            tuple(map(int, line.split()))
            for line in file.read_text().splitlines()
        ]
        for file in files
    ]  # type: ignore[misc]


def test_ranks_share_the_shards_and_go_on_bit_for_bit(
    tars: Path, tmp_path: Path
) -> None:
    orders = {
        "ranks": 2,
        "recipe": recipe(tars, batch=4),
        "facts": {"input": SHAPE, "classes": 2},
        "workers": 0,
    }
    launches = []
    for name, number in (("whole", 0), ("cut", signal.SIGTERM), ("cut", 0)):
        (tmp_path / f"seen {name}").mkdir(exist_ok=True)
        places = {
            "out": str(tmp_path / name),
            "seen": str(tmp_path / f"seen {name}"),
        }
        launches.append({**orders, **places, "number": number})
    whole, cut, again = worker({"launches": launches})
    assert [code for code, _ in whole + again] == [0] * 4, (whole, again)
    assert [code for code, _ in cut] == [128 + signal.SIGTERM] * 2, cut
    assert "after step 10" in cut[0][1], (
        "six steps are an epoch: this is within the second"
    )
    everything = sorted(
        (epoch, index) for epoch in range(3) for index in range(24)
    )
    for name in ("whole", "cut"):
        ranks = noted(tmp_path / f"seen {name}")
        assert [len(one) for one in ranks] == [36, 36]
        assert sorted(ranks[0] + ranks[1]) == everything
    assert noted(tmp_path / "seen cut") == noted(tmp_path / "seen whole")
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


@pytest.mark.parametrize("at", [700, 512 * 6, -(512 * 4)])
def test_a_damaged_shard_is_named(tars: Path, at: int) -> None:
    shard = tars / "train-01.tar"
    content = shard.read_bytes()
    shard.write_bytes(content[:at].rstrip(b"\0"))
    with pytest.raises(TrainingError, match=r"train-01\.tar is damaged"):
        load(record(tars), SHAPE, (2,))


def test_a_header_with_a_flipped_bit_does_not_end_a_shard(
    tars: Path,
) -> None:
    shard = tars / "train-02.tar"
    with tarfile.open(shard) as tar:
        place = tar.getmembers()[4].offset
    content = bytearray(shard.read_bytes())
    content[place + 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(
        TrainingError,
        match=rf"train-02\.tar is damaged: what is at byte {place:,}",
    ):
        load(record(tars), SHAPE, (2,))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"part/000001.cls": None},
            r"train-00\.tar lacks part/000001\.cls, the label of an image",
        ),
        ({"part/000001.jpg": None}, r"lacks an image for part/000001\.cls"),
        (
            {"part/000001.cls": b"dog"},
            r"part/000001\.cls holds b'dog', which is not the number of a class",
        ),
        (
            {"part/000001.cls": b"-1"},
            r"holds b'-1', which is not the number of a class",
        ),
        (
            {"part/000001.cls": b"9" * 30},
            r"holds b'9{20}', which is not the number of a class",
        ),
        (
            {"part/000001.cls": b"7"},
            r"the net puts out 2, but set has 8 classes",
        ),
        ({"part/000001.png": b"x"}, r"has part/000001\.png twice"),
    ],
)
def test_mistakes_within_a_shard_are_told(
    tars: Path, change: dict[str, bytes | None], words: str
) -> None:
    changed = {**members(0, 8), **change}
    pack(
        tars / "train-00.tar",
        {
            name: content
            for name, content in changed.items()
            if content is not None
        },
    )
    with pytest.raises(TrainingError, match=words):
        load(record(tars), SHAPE, (2,))


def test_a_missing_shard_is_told(tars: Path) -> None:
    (tars / "train-02.tar").unlink()
    with pytest.raises(
        MissingError, match=r"train-02\.tar is not there \(1 of 3 shards"
    ):
        load(record(tars), SHAPE, (2,))


def test_a_broken_image_is_named_with_its_shard(
    tars: Path, tmp_path: Path
) -> None:
    pack(
        tars / "train-00.tar",
        {**members(0, 8), "part/000004.jpg": b"not a picture"},
    )
    plan = small_plan.plan(
        recipe(tars), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    with pytest.raises(
        TrainingError,
        match=r"1 image cannot be read.*train-00\.tar at byte [\d,]+: it is of no kind that Pillow reads",
    ):
        build(
            plan, out=tmp_path / "a", options=Options(threads=1, workers=0)
        )


def test_names_with_dots_and_hidden_members(tars: Path) -> None:
    """A key may have dots; `7.mask.png` beside `7.png` is another picture of it; `.DS_Store` and `._x` are nobody's."""
    plain = members(0, 8)
    dotted = {
        name.replace("part/", "./part/v1."): content
        for name, content in plain.items()
    }
    pack(
        tars / "train-00.tar",
        {".DS_Store": b"\0", "./part/._v1.000001.png": b"\0", **dotted},
    )
    masks = {"part/000008.mask.png": b"x", "__MACOSX/.x.cls": b"x"}
    pack(tars / "train-01.tar", {**members(8, 8), **masks})
    data = load(record(tars), SHAPE, (2,))
    assert data.train.labels.tolist() == [0, 1] * 12
    assert isinstance(data.train, Packed)
    assert data.train.source(1).getvalue() == plain["part/000001.jpg"]


def claim(path: Path, name: bytes, size: int, kind: bytes = b"0") -> None:
    """A tar whose first header claims `size` bytes."""
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, kind
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


@pytest.mark.parametrize("size", [2**33, 2**40, 2**62])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1.cls", b"0"),
        ("1.jpg", b"0"),
        ("1", b"L"),
        ("1", b"x"),
        ("1", b"g"),
    ],
)
def test_a_header_may_claim_what_it_likes(
    tars: Path, size: int, name: str, kind: bytes
) -> None:
    claim(tars / "val.tar", name.encode(), size, kind)
    with pytest.raises(TrainingError, match=r"val\.tar"):
        load(record(tars), SHAPE, (2,))


def test_a_label_is_short(tars: Path) -> None:
    pack(
        tars / "val.tar",
        {**members(0, 2), "part/000001.cls": b" " * 999 + b"1"},
    )
    with pytest.raises(
        TrainingError,
        match=r"000001\.cls has 1,000 bytes or more, and a class has a few",
    ):
        load(record(tars), SHAPE, (2,))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x28\xb5\x2f\xfd" + bytes(99), "compressed by Zstandard"),
        (b"PK\x03\x04" + bytes(99), "a zip archive"),
        (b"<!doctype html><title>Sign in", r"a web page \(HTML\)"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
        ),
    ],
)
def test_what_is_no_tar_is_told_what_it_is(
    tars: Path, content: bytes, words: str
) -> None:
    (tars / "val.tar").write_bytes(content)
    with pytest.raises(
        TrainingError, match=f"val.tar is no plain tar, .*{words}"
    ):
        load(record(tars), SHAPE, (2,))


def test_a_damaged_index_is_as_none(tars: Path) -> None:
    right = load(record(tars), SHAPE, (2,)).train.digest()
    for place in range(0, 400, 7):
        for index in sorted((tars.parent / "cache").rglob("*.index")):
            data = bytearray(index.read_bytes())
            data[place % len(data)] ^= 1 << (place % 8)
            index.write_bytes(data)
        assert load(record(tars), SHAPE, (2,)).train.digest() == right
    for index in (tars.parent / "cache").rglob("*.index"):
        index.write_bytes(b"")
    assert load(record(tars), SHAPE, (2,)).train.digest() == right


def test_the_cache_is_bounded(
    tars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tars.parent / "cache" / "resgraph" / "shards"
    load(record(tars), SHAPE, (2,))
    one = max(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr(index_cache, "MOST", 2 * one)
    for number in range(3):
        pack(tars / f"train-{number:02d}.tar", members(8 * number, 8))
    load(record(tars), SHAPE, (2,))
    assert 1 <= len(list(folder.iterdir())) <= 2


def test_a_copy_to_be_scored_needs_no_training_shards(tars: Path) -> None:
    for shard in tars.glob("train-*"):
        shard.unlink()
    assert len(load(record(tars), SHAPE, (2,), scored=True).validation) == 6


def test_classes_are_numbers_or_names_in_any_file(tars: Path) -> None:
    """By `label`: a file of that ending, or a key of its JSON; words are lines of classes.txt."""
    image = members(0, 2)["part/000001.jpg"]
    held: dict[str, bytes] = {}
    for number, name in enumerate(("cat", "dog", "cat")):
        told = {
            "info": {"class": name, "id": number % 2},
            "caption": "x" * 500,
        }
        held |= {
            f"{number}.v1.jpg": image,
            f"{number}.v1.json": json.dumps(told).encode(),
            f"{number}.v1.txt": name.encode() + b"\n",
        }
    pack(tars / "a.tar", held)
    (tars / "classes.txt").write_text("cat\ndog\n")

    def labels(by: str) -> Any:
        keys = {
            **RECORD,
            "path": str(tars),
            "train": "a.tar",
            "validation": "a.tar",
        }
        data = load(read(Shards, {**keys, "label": by}), SHAPE, (2,))
        return data.train.labels.tolist()

    assert (
        labels("txt")
        == labels("json.info.class")
        == labels("json.info.id")
        == [0, 1, 0]
    )
    for by, words in (
        ("cls", r"lacks \d\.v1\.cls, the label of an image"),
        (
            "json.info.none",
            r"0\.v1\.json holds .* at `info\.none`, which is not the number",
        ),
        (
            "json",
            r"0\.v1\.json holds .*, which is not the number of a class, nor one of classes",
        ),
    ):
        with pytest.raises(TrainingError, match=words):
            labels(by)
    (tars / "classes.txt").write_text("dog\ncat\n")
    assert labels("txt") == [1, 0, 1], "an index is for its names"


def test_what_gzip_packed_is_unpacked_once(tars: Path) -> None:
    whole = load(record(tars), SHAPE, (2,))
    for file in tars.glob("*.tar"):
        file.write_bytes(gzip.compress(file.read_bytes()))
    data = load(record(tars), SHAPE, (2,))
    assert isinstance(data.train, Packed) and isinstance(
        whole.train, Packed
    )
    assert data.train.digest() == whole.train.digest()
    assert (
        data.train.source(9).getvalue() == members(8, 8)["part/000009.png"]
    )
    assert data.train.name(9).startswith(str(tars / "train-01.tar"))
    cut = tars / "val.tar"
    cut.write_bytes(cut.read_bytes()[:-50])
    with pytest.raises(
        TrainingError, match=r"val\.tar is damaged: what gzip packed"
    ):
        load(record(tars), SHAPE, (2,))
    assert not list((tars.parent / "cache").rglob("tmp*"))


def test_what_is_unpacked_goes_when_no_run_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that are too much together, the one that was used least recently, and only after its time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(unzipped, "UNPACKED", (150, 3600.0))
    files = [tmp_path / f"{name}.tar" for name in "abc"]
    for file in files:
        file.write_bytes(gzip.compress(file.name.encode() + bytes(95)))
    first, second = (unzipped.plain(file) for file in files[:2])
    assert first.is_file() and second.is_file(), "both are in use"
    for place in (first, second):
        os.utime(place, (0, 0))
    assert unzipped.plain(files[0]) == first  # which is used again
    third = unzipped.plain(files[2])
    assert first.is_file() and third.is_file() and not second.exists()
    assert third.read_bytes() == b"c.tar" + bytes(95)
