"""CIFAR archives in their true formats, written here: read alike in all versions, damage and hostility refused."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any, ClassVar

import numpy
import pytest
import torch
from msgspec.structs import replace

from resgraph.errors import MissingError, TrainingError
from resgraph.language.recipe.data import Cifar
from resgraph.train.data import cifar
from resgraph.train.data.cifar import VERSIONS, Version
from resgraph.train.data.formats.pickles import read_dictionary
from resgraph.train.data.sets import DataSet, Request

CLASSES = {"cifar10": 10, "cifar100": 100}


def load_cifar(recipe: Cifar, path: Path) -> DataSet:
    return cifar.load(
        recipe, Request(recipe.shape, (recipe.class_count,), path)
    )


def rows(name: str, part: int, count: int) -> tuple[Any, list[int]]:
    draw = numpy.random.default_rng(part)
    labels = [(i + part) % CLASSES[name] for i in range(count)]
    return draw.integers(0, 256, (count, 3072), dtype=numpy.uint8), labels


def python_2_pickle(content: dict[str, Any]) -> bytes:
    """Protocol 2 with byte strings for text, as Python 2 wrote the official files."""

    # the pure-Python one: its way with text can be changed
    class Writer(pickle._Pickler):
        dispatch: ClassVar = dict(pickle._Pickler.dispatch)

        def save_text(self, text: str) -> None:
            data = text.encode("latin1")
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data if len(data) < 256
                       else pickle.BINSTRING + len(data).to_bytes(4, "little") + data)  # fmt: skip
            self.memoize(text)

        dispatch[str] = save_text

        def save_array(self, array: Any) -> None:
            self.write(
                b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01bt"
                + pickle.REDUCE
            )
            self.write(
                b"(K\x01("
                + b"".join(
                    b"M" + n.to_bytes(2, "little") for n in array.shape
                )
                + b"t"
            )
            self.write(
                b"cnumpy\ndtype\n(U\x02u1K\x00K\x01t" + pickle.REDUCE
            )
            self.write(
                b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
            )
            raw = array.tobytes()
            self.write(b"T" + len(raw).to_bytes(4, "little") + raw + b"tb")

        dispatch[numpy.ndarray] = save_array

    out = io.BytesIO()
    Writer(out, 2).dump(content)
    return out.getvalue()


def binary_file(name: str, data: Any, labels: list[int]) -> bytes:
    fine = numpy.array(labels, dtype=numpy.uint8)[:, None]
    lead = [fine] if name == "cifar10" else [fine // 5, fine]
    return bytes(numpy.concatenate([*lead, data], 1).tobytes())


def files_of(
    version: Version, name: str, count: int = 40
) -> dict[str, bytes]:
    """The files of an archive, each part with its own seeded rows."""
    words = [f"class {i}" for i in range(CLASSES[name])]
    files = {version.names: "\n".join(words).encode() + b"\n\n"}
    if not version.binary:
        files[version.names] = python_2_pickle(
            {version.names_key: words, "num_vis": 3072}
        )
    for part, file in enumerate((*version.train, *version.test)):
        data, labels = rows(name, part, max(count, CLASSES[name]))
        if version.binary:
            files[file] = binary_file(name, data, labels)
        else:
            files[file] = python_2_pickle(
                {
                    "batch_label": "a batch",
                    version.labels: labels,
                    "data": data,
                }
            )
    return files


def write_folder(root: Path, version: Version, name: str) -> Path:
    folder = root / version.folder
    folder.mkdir(parents=True)
    for file, content in files_of(version, name).items():
        (folder / file).write_bytes(content)
    return folder


def write_archive(root: Path, version: Version, name: str) -> Path:
    path = root / version.archive
    with tarfile.open(path, "w:gz") as tar:
        for file, content in files_of(version, name).items():
            info = tarfile.TarInfo(f"{version.folder}/{file}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", VERSIONS)
def test_all_versions_hold_the_same_images(
    name: str, tmp_path: Path
) -> None:
    sets = []
    for place, version in enumerate(VERSIONS[name]):
        write_folder(tmp_path / str(place), version, name)
        sets.append(load_cifar(Cifar(set=name), tmp_path / str(place)))  # type: ignore[arg-type]
    binary, python = sets
    assert torch.equal(binary.train.images, python.train.images)  # type: ignore[union-attr]
    assert torch.equal(binary.train.labels, python.train.labels)
    assert torch.equal(binary.validation.labels, python.validation.labels)
    assert (
        binary.classes
        == python.classes
        == tuple(f"class {i}" for i in range(CLASSES[name]))
    )
    data, labels = rows(name, 0, max(40, CLASSES[name]))
    first = binary.train.images[0]  # type: ignore[union-attr]
    assert torch.equal(first.flatten(), torch.from_numpy(data[0]))
    assert int(binary.train.labels[1]) == labels[1]
    assert binary.watched == "test"


@pytest.mark.parametrize("place", [0, 1])
def test_an_archive_is_read_where_its_hash_is_the_published_one(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = VERSIONS["cifar10"][place]
    path = write_archive(tmp_path, version, "cifar10")
    with pytest.raises(
        TrainingError, match=f"the published one {version.md5}"
    ):
        load_cifar(Cifar(set="cifar10"), tmp_path)
    digest = hashlib.md5(
        path.read_bytes(), usedforsecurity=False
    ).hexdigest()
    monkeypatch.setitem(
        VERSIONS, "cifar10", (replace(version, md5=digest),)
    )
    for where in (tmp_path, path):
        assert len(load_cifar(Cifar(set="cifar10"), where).train) == 200
    assert sorted(tmp_path.iterdir()) == [path]  # nothing was unpacked


def test_some_images_can_be_held_out(tmp_path: Path) -> None:
    write_folder(tmp_path, VERSIONS["cifar10"][0], "cifar10")
    data = load_cifar(Cifar(set="cifar10", held_out=20), tmp_path)
    assert (len(data.train), len(data.validation), data.watched) == (
        180,
        20,
        "validation",
    )
    assert torch.bincount(data.validation.labels).tolist() == [2] * 10


def test_a_missing_set_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        MissingError,
        match=r"download https://www\.cs\.toronto\.edu/~kriz/cifar-10-binary\.tar\.gz",
    ):
        load_cifar(Cifar(set="cifar10"), tmp_path)
    (tmp_path / "other.tar.gz").write_bytes(b"")
    with pytest.raises(
        TrainingError, match="none of the official archives"
    ):
        load_cifar(Cifar(set="cifar10"), tmp_path / "other.tar.gz")


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, VERSIONS["cifar10"][0], "cifar10")
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    url = r"take it anew from https://www\.cs\.toronto\.edu/~kriz/cifar-10-binary\.tar\.gz"
    with pytest.raises(
        TrainingError,
        match=rf"^{folder}/data_batch_3\.bin is cut short: .*; {url}$",
    ):
        load_cifar(Cifar(set="cifar10"), tmp_path)


def test_a_broken_pickle_is_named_with_its_path(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, VERSIONS["cifar10"][1], "cifar10")
    path = folder / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(
        TrainingError,
        match=rf"^{path} is not an official CIFAR file: .* anew from .*python\.tar\.gz$",
    ):
        load_cifar(Cifar(set="cifar10"), tmp_path)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("inside", [True, False])
def test_a_file_that_is_lacking_is_named(
    place: int, inside: bool, tmp_path: Path
) -> None:
    version = VERSIONS["cifar10"][place]
    folder = write_folder(tmp_path, version, "cifar10")
    for name in (version.train[2], version.names):
        (folder / name).unlink()
    words = rf"^{folder} lacks {version.train[2]}, {version.names}; unpack {version.url} there anew$"
    with pytest.raises(MissingError, match=words):
        load_cifar(Cifar(set="cifar10"), folder if inside else tmp_path)


@pytest.mark.parametrize("name", VERSIONS)
def test_names_that_are_stored_as_bytes_are_text(
    name: str, tmp_path: Path
) -> None:
    version = VERSIONS[name][1]
    folder = write_folder(tmp_path, version, name)
    words = [f"Äpfel {i}" for i in range(CLASSES[name])]
    (folder / version.names).write_bytes(
        pickle.dumps(
            {version.names_key.encode(): [word.encode() for word in words]}
        )
    )
    assert load_cifar(Cifar(set=name), tmp_path).classes == tuple(words)  # type: ignore[arg-type]


def test_labels_out_of_range_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, VERSIONS["cifar10"][0], "cifar10")
    data, _ = rows("cifar10", 9, 4)
    (folder / "test_batch.bin").write_bytes(
        binary_file("cifar10", data, [1, 2, 11, 3])
    )
    with pytest.raises(TrainingError, match="labels out of 0 to 9"):
        load_cifar(Cifar(set="cifar10"), tmp_path)


class Harm:
    """Unpickled by Python's own reader, this would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "hostile",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nndarray\n(K\x01tR.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"Pnowhere\n.",
        b"",
        b"\x80\x05garbage",
        b"(lp0\n.",
        pickle.dumps({"data": torch.float32}),
    ],
)
def test_nothing_hostile_is_unpickled(hostile: bytes) -> None:
    with pytest.raises(TrainingError, match="not an official CIFAR file"):
        read_dictionary(hostile, "data_batch_1")


def test_harm_is_not_done(tmp_path: Path) -> None:
    mark = tmp_path / "harmed"
    with pytest.raises(TrainingError):
        read_dictionary(pickle.dumps({"data": Harm(mark)}), "data_batch_1")
    assert not mark.exists()


def test_what_todays_numpy_pickles_is_read_too() -> None:
    array = numpy.arange(12, dtype=numpy.uint8).reshape(3, 4)
    for protocol in (2, 3, 4):
        found = read_dictionary(
            pickle.dumps({b"data": array, "labels": [1, 2]}, protocol), "x"
        )
        assert numpy.array_equal(found["data"], array)
        assert found["labels"] == [1, 2]
    with pytest.raises(TrainingError, match="another kind than CIFAR has"):
        read_dictionary(pickle.dumps({"data": array.astype(complex)}), "x")
