"""Plain tar files with `key.jpg` and `key.cls` (webdataset's shards) → a data set, of which each shard is indexed once.

The images stay in the shards and are read from their places, in the order of the same sampler as any other set, so
a resume is exact and each rank and worker reads what is its own.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy
import torch

from ...errors import MissingError, RunError, TrainingError, UsageError
from ...language.recipe_data import Shards
from ...ops.base import Shape, shape_text
from ..durable import write_whole
from .folder import ENDINGS
from .sets import DataSet, Packed

BLOCK = 512
"""Bytes of a tar's unit: a header, or a part of what follows it; after the last member comes one of zeros."""
NAMED = "classes.txt"
MOST = 1_000_000
"""Shards that one pair of braces may stand for."""
LARGEST_LABEL = 2**31

Index = numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]
"""A row for each image: where it begins, its bytes, its label."""


def load_shards(recipe: Shards, path: Path, shape: Shape, output: Shape) -> DataSet:
    """Classes are the net's outputs; `classes.txt` beside the shards, a line each, may name them.

    Raises `MissingError` where a shard is not there, `TrainingError` where one is damaged or an image has no label.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise TrainingError(f"images have 1 or 3 channels, but the net reads {shape_text(shape)}")
    parts = [_packed(path, pattern) for pattern in (recipe.train, recipe.validation)]
    return DataSet(
        name=path.resolve().name,
        train=parts[0],
        validation=parts[1],
        classes=_names(path, output[0]),
        shape=shape,
        about=f"shards in {path}",
        watched="validation",
        resize=recipe.resize or round(min(shape[1:]) * 8 / 7),
    )


def expand(pattern: str) -> list[str]:
    """`a-{000..002}.tar` → a-000.tar, a-001.tar, a-002.tar; what has no braces is one name."""
    found = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not found:
        return [pattern]
    first, last = found.groups()
    if int(last) - int(first) >= MOST:
        raise UsageError(
            f"{pattern}: {int(last) - int(first) + 1:,} numbers are more than {MOST:,} shards; is it meant?"
        )
    numbers = (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
    return [name for n in numbers for name in expand(pattern[: found.start()] + n + pattern[found.end() :])]


def index_of(shard: Path) -> Index:
    """The images of a shard, sorted by where they begin: from the cache, or from a walk over its headers."""
    status = shard.stat()
    facts = f"1 {shard.resolve()} {status.st_size} {status.st_mtime_ns}"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resgraph" / "shards"
    cached = home / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.npy"
    try:
        found: Index = numpy.load(io.BytesIO(cached.read_bytes()), allow_pickle=False)
        return found
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        found = _walked(shard)
    buffer = io.BytesIO()
    numpy.save(buffer, found, allow_pickle=False)
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_whole(cached, buffer.getvalue())
    except (OSError, RunError):
        pass  # without a cache, the next run walks again
    return found


def _packed(path: Path, pattern: str) -> Packed:
    shards = [path / name for name in expand(pattern)]
    missing = [shard for shard in shards if not shard.is_file()]
    if missing or not shards:
        raise MissingError(
            f"{missing[0] if missing else path / pattern} is not there ({len(missing)} of {len(shards)} shards are "
            "missing); say where they are with --data or `train.data.path`, and what they are called with "
            "`train.data.train` and `train.data.validation`, as in train-{000000..000099}.tar"
        )
    indices = [index_of(shard) for shard in shards]
    rows = torch.from_numpy(numpy.concatenate(indices))
    counts = torch.tensor([len(index) for index in indices])
    number = torch.repeat_interleave(torch.arange(len(shards)), counts)
    return Packed(tuple(shards), number, rows[:, 0].contiguous(), rows[:, 1].contiguous(), rows[:, 2].contiguous())


def _walked(shard: Path) -> Index:
    images: dict[str, tuple[int, int]] = {}
    labels: dict[str, int] = {}
    try:
        with shard.open("rb") as file:
            for name, start, size in _members(shard, file):
                place = Path(name)
                key, _, ending = place.name.partition(".")
                key = str(place.with_name(key))
                known = labels if ending == "cls" else images if f".{ending.lower()}" in ENDINGS else None
                if known is not None and key in known:
                    raise TrainingError(f"{shard} has {name} twice")
                if ending == "cls":
                    file.seek(start)
                    labels[key] = _label(shard, name, file.read(size))
                elif known is not None:
                    images[key] = (start, size)
    except OSError as error:
        raise TrainingError(f"{shard} cannot be read: {error.strerror}") from error
    for key in images.keys() ^ labels.keys():
        what = f"{key}.cls, the label of an image" if key in images else f"an image for {key}.cls"
        raise TrainingError(f"{shard} lacks {what}")
    rows = sorted((*images[key], labels[key]) for key in images)
    return numpy.array(rows, dtype=numpy.int64).reshape(-1, 3)


def _members(shard: Path, file: io.BufferedReader) -> Iterator[tuple[str, int, int]]:
    """Name, start and bytes of each file. Raises `TrainingError` where the tar does not end as one must: tarfile
    itself takes a broken header in the middle for the end.
    """
    end = 0
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                end = member.offset_data + -(-member.size // BLOCK) * BLOCK if member.isreg() else member.offset_data
                if member.isreg():
                    yield member.name, member.offset_data, member.size
    except tarfile.TarError as error:
        raise TrainingError(f"{shard} is damaged, or not a plain tar: {error}") from error
    file.seek(end)
    if file.read(BLOCK) != bytes(BLOCK):
        raise TrainingError(
            f"{shard} is damaged: what is at byte {end:,} is neither a member nor the end; copy it again"
        )


def _label(shard: Path, name: str, text: bytes) -> int:
    try:
        label = int(text)
    except ValueError:
        label = -1
    if not 0 <= label < LARGEST_LABEL:
        raise TrainingError(f"{shard}: {name} holds {text[:20]!r}, which is not the number of a class")
    return label


def _names(path: Path, count: int) -> tuple[str, ...]:
    listed = path / NAMED
    if not listed.is_file():
        return tuple(str(number) for number in range(count))
    try:
        names = tuple(listed.read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{listed} cannot be read as UTF-8 text: {error}") from error
    names = names[:-1] if names[-1] == "" else names
    if len(names) != count:
        raise TrainingError(f"{listed} names {len(names)} classes, but the net puts out {count}")
    return names
