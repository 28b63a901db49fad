"""An official CIFAR archive, or the folder it unpacks to → a data set; archives are checked by
their published MD5.

https://www.cs.toronto.edu/~kriz/cifar.html tells the formats: the binary version has records of one
label byte (CIFAR-100: coarse, then fine) and 3,072 pixel bytes, the python version pickled
dictionaries with the same pixels."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from ...errors import MissingError, TrainingError
from ...language.recipe.data import Cifar
from ...structs import Frozen
from .formats.pickles import read_dictionary
from .sets import ClassNames, DataSet, Request, Resident, held_out

PIXELS = 3072
LARGEST = 256 * 2**20


class Version(Frozen):
    """One official archive: its file and folder, its MD5, the files of both parts, where labels
    are."""

    archive: str
    md5: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    binary: bool
    labels: str  # key of the pickled dictionary
    names_key: str

    @property
    def files(self) -> tuple[str, ...]:
        """All that is read."""
        return (*self.train, *self.test, self.names)

    @property
    def url(self) -> str:
        """Where the archive is."""
        return f"https://www.cs.toronto.edu/~kriz/{self.archive}"


TEN = tuple(f"data_batch_{i}" for i in range(1, 6))
VERSIONS: dict[str, tuple[Version, ...]] = {
    "cifar10": (
        Version(
            "cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",
            "cifar-10-batches-bin",
            tuple(f"{name}.bin" for name in TEN),
            ("test_batch.bin",),
            "batches.meta.txt",
            True,
            "labels",
            "",
        ),
        Version(
            "cifar-10-python.tar.gz",
            "c58f30108f718f92721af3b95e74349a",
            "cifar-10-batches-py",
            TEN,
            ("test_batch",),
            "batches.meta",
            False,
            "labels",
            "label_names",
        ),
    ),
    "cifar100": (
        Version(
            "cifar-100-binary.tar.gz",
            "03b5dce01913d631647c71ecec9e9cb8",
            "cifar-100-binary",
            ("train.bin",),
            ("test.bin",),
            "fine_label_names.txt",
            True,
            "fine_labels",
            "",
        ),
        Version(
            "cifar-100-python.tar.gz",
            "eb9058c3a382ffc7106e4002c42a8d85",
            "cifar-100-python",
            ("train",),
            ("test",),
            "meta",
            False,
            "fine_labels",
            "fine_label_names",
        ),
    ),
}
"""The official files, with the MD5 sums that https://www.cs.toronto.edu/~kriz/cifar.html gives."""


def load(recipe: Cifar, request: Request) -> DataSet:
    """The path is an archive, an unpacked folder, or a folder that holds one of either.

    Raises `MissingError` where there is none or a file is lacking, with the way to get it, and
    `TrainingError` where one is damaged."""
    version, place, files = _find(recipe.set, request.path)
    try:
        classes = _classes(version, place, files)
        train, test = (
            _part(version, place, files, names, len(classes))
            for names in (version.train, version.test)
        )
    except TrainingError as error:
        raise TrainingError(
            f"{error}; take it anew from {version.url}"
        ) from error
    watched = "test"
    if recipe.held_out:
        share = recipe.held_out / len(train)
        train, test = held_out(train, share, recipe.split_seed)
        watched = "validation"
    about = f"{recipe.title} (Krizhevsky 2009), {version.archive}"
    return DataSet(
        recipe.title,
        train,
        test,
        classes,
        recipe.shape,
        about,
        watched=watched,
    )


def _find(name: str, path: Path) -> tuple[Version, Path, dict[str, bytes]]:
    """The version that is there, the folder or archive that holds it, and its files by name."""
    for version in VERSIONS[name]:
        for folder in (path, path / version.folder):
            if not _lacking(version, folder):
                files = {
                    file: (folder / file).read_bytes()
                    for file in version.files
                }
                return version, folder, files
        for archive in (path, path / version.archive):
            if archive.is_file() and archive.name == version.archive:
                return version, archive, _unpack(version, archive)
    if path.is_file():
        known = " or ".join(version.archive for version in VERSIONS[name])
        raise TrainingError(
            f"{path} is none of the official archives: {known}"
        )
    _refuse_cut_short(name, path)
    first = VERSIONS[name][0]
    raise MissingError(
        f"{name} is not in {path}: download {first.url} into it (the archive or its folder, binary"
        " or python version), or say where it is with --data or `train.data.path`"
    )


def _refuse_cut_short(name: str, path: Path) -> None:
    """Raises `MissingError` for a folder with most of a version's files, which is no other."""
    for version in VERSIONS[name]:
        for folder in (path, path / version.folder):
            lacking = _lacking(version, folder)
            if 2 * len(lacking) <= len(version.files):
                raise MissingError(
                    f"{folder} lacks {', '.join(lacking)}; unpack {version.url} there anew"
                )


def _lacking(version: Version, folder: Path) -> list[str]:
    """The files of a version that a folder does not have."""
    return [file for file in version.files if not (folder / file).is_file()]


def _unpack(version: Version, archive: Path) -> dict[str, bytes]:
    """The files of an archive, in memory: nothing is written anywhere."""
    data = archive.read_bytes()
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if digest != version.md5:
        raise TrainingError(
            f"{archive} is damaged or not the official one: its MD5 is {digest}, the published one"
            f" {version.md5}"
        )
    wanted, files = set(version.files), {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = Path(member.name).name
            if member.isreg() and name in wanted and member.size <= LARGEST:
                handle = tar.extractfile(member)
                files[name] = handle.read() if handle else b""
    missing = wanted - files.keys()
    if missing:
        raise TrainingError(f"{archive} lacks {', '.join(sorted(missing))}")
    return files


def _classes(
    version: Version, place: Path, files: dict[str, bytes]
) -> ClassNames:
    if version.binary:
        return tuple(
            line
            for line in files[version.names]
            .decode("utf-8", "replace")
            .split("\n")
            if line.strip()
        )
    path = place / version.names
    names = read_dictionary(files[version.names], str(path)).get(
        version.names_key
    )
    if not isinstance(names, list) or not names:
        raise TrainingError(f"{path} has no `{version.names_key}`")
    return tuple(map(str, names))


def _part(
    version: Version,
    place: Path,
    files: dict[str, bytes],
    names: tuple[str, ...],
    classes: int,
) -> Resident:
    read = _read_binary if version.binary else _read_python
    parts = [
        read(version, files[name], str(place / name)) for name in names
    ]
    images = torch.cat([part[0] for part in parts])
    labels = torch.cat([part[1] for part in parts])
    if ((labels < 0) | (labels >= classes)).any():
        where = (
            f"one of {', '.join(names)} in {place}"
            if names[1:]
            else place / names[0]
        )
        raise TrainingError(
            f"{where} has labels out of 0 to {classes - 1}; is it another set's file?"
        )
    return Resident(images.view(-1, 3, 32, 32), labels)


def _read_binary(
    version: Version, data: bytes, name: str
) -> tuple[Tensor, Tensor]:
    lead = 2 if version.labels == "fine_labels" else 1
    if not data or len(data) % (lead + PIXELS):
        raise TrainingError(
            f"{name} is cut short: {len(data):,} bytes are no whole records of {lead + PIXELS:,}"
        )
    records = torch.from_numpy(
        numpy.frombuffer(data, dtype=numpy.uint8)
        .reshape(-1, lead + PIXELS)
        .copy()
    )
    return records[:, lead:].contiguous(), records[:, lead - 1].to(
        torch.int64
    )


def _read_python(
    version: Version, data: bytes, name: str
) -> tuple[Tensor, Tensor]:
    found: dict[str, Any] = read_dictionary(data, name)
    pixels, labels = found.get("data"), found.get(version.labels)
    if (
        not isinstance(pixels, numpy.ndarray)
        or pixels.dtype != numpy.uint8
        or pixels.shape[1:] != (PIXELS,)
    ):
        raise TrainingError(
            f"{name} has no `data` of rows of {PIXELS:,} bytes"
        )
    if (
        not isinstance(labels, list)
        or len(labels) != len(pixels)
        or not all(type(x) is int for x in labels)
    ):
        raise TrainingError(
            f"{name} has no `{version.labels}`, one number for each image"
        )
    return torch.from_numpy(pixels.copy()), torch.tensor(
        labels, dtype=torch.int64
    )
