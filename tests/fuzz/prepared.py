"""The law of recipes: what `check` accepts, a build accepts up to its first step, with data of the
kind it names."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import prod
from pathlib import Path
from unittest import mock

import torch
from law import Broken
from PIL import Image

from resgraph.errors import ResgraphError
from resgraph.language.recipe.data import Cifar, Folder, Shards
from resgraph.plan import Plan
from resgraph.train.data import cifar
from resgraph.train.data.sets import DataSet, Request, Resident, blank
from resgraph.train.engine.assemble import make_train_state
from resgraph.train.options import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import prepare

COPIED = 4096
"""Images that are laid out at most; of a larger batch the set is not there."""
MOST = 5_000_000
"""Parameters of a net whose optimizer is made."""


def trains(net: Plan) -> str:
    """Raises `Broken` where a build refuses, before its first step, what `check` accepts."""
    if net.spec.train is None:
        return "skipped: no recipe"
    try:
        with _archive():
            ready = prepare(
                net,
                Options(device="cpu", data=_images(net)),
                World(),
                counted=True,
            )
        if net.params <= MOST:
            make_train_state(
                net, ready.task, ready.sampler, ready.decisions, ready.world
            )
    except ResgraphError as problem:
        raise Broken(
            f"check accepts, build refuses: {type(problem).__name__}: {problem}"
        ) from None
    return ""


def _images(net: Plan) -> Path | None:
    """Where images of the recipe's kind are, as many classes as the net puts out."""
    train = net.spec.train
    assert train
    classes = min(prod(net.output), 8192)
    if not isinstance(train.data, Folder | Shards):
        return None
    each = max(2, -(-train.batch // classes))
    if each * classes > COPIED:
        # as planned by who has the images elsewhere
        return _folder() / "absent"
    make = _tree if isinstance(train.data, Folder) else _shards
    return make(classes, each, train.data.train, train.data.validation)


@contextmanager
def _archive() -> Iterator[None]:
    """CIFAR's archives as blank images, which take no memory."""

    def images_of(recipe: Cifar, request: Request) -> DataSet:
        def part(count: int) -> Resident:
            labels = torch.arange(count) % recipe.class_count
            return Resident(blank(count, recipe.shape), labels)

        train, validation = recipe.counts(0)
        names = tuple(map(str, range(recipe.class_count)))
        return DataSet(
            recipe.title,
            part(train),
            part(validation),
            names,
            recipe.shape,
            "blank",
        )

    with mock.patch.object(cifar, "load", images_of):
        yield


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="mutants-")


@cache
def _folder() -> Path:
    folder = Path(_temporary().name)
    Image.new("RGB", (64, 48), (90, 120, 30)).save(folder / "one.png")
    return folder


@cache
def _tree(classes: int, each: int, *parts: str) -> Path:
    """A folder for each class with so many images, each one file that is linked."""
    root = _folder() / f"tree-{classes}-{each}"
    for part in parts:
        for label in range(classes):
            place = root / part / f"c{label:04}"
            place.mkdir(parents=True)
            for copy in range(each):
                (place / f"{copy}.png").hardlink_to(_folder() / "one.png")
    return root


@cache
def _shards(classes: int, each: int, *_patterns: str) -> Path:
    """Tar files as the patterns name them, the first of so many images of each class."""
    root = _folder() / f"shards-{classes}-{each}"
    root.mkdir()
    names = [
        f"{base}-{number:06}.tar"
        for base, last in (("train", 99), ("val", 9))
        for number in range(last + 1)
    ]
    for name in names:
        with tarfile.open(root / name, "w") as file:
            for key in range(
                each * classes if name.endswith("000000.tar") else 1
            ):
                _add(
                    file,
                    f"{key:06}.png",
                    (_folder() / "one.png").read_bytes(),
                )
                _add(file, f"{key:06}.cls", str(key % classes).encode())
    return root


def _add(file: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    file.addfile(member, io.BytesIO(content))
