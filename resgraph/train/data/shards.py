"""Tar files with `key.jpg` and `key.cls` (webdataset's shards) → a data set, of which each
shard is indexed once.

The images stay in the shards and are read from their places, in the order of the same sampler as
any other set, so a resume is exact and each rank and worker reads what is its own."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator, Set
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy

from ...errors import MissingError, TrainingError, UsageError
from ...files import readable
from ...foreign import HEAD, what_else
from ...language.recipe.data import Shards
from ...structs import Frozen
from .formats.decoder import COMMON, ENDINGS
from .formats.index_cache import Index, read_index, write_index
from .formats.unzipped import plain
from .sets import (
    NAMED,
    ClassNames,
    DataSet,
    Files,
    Packed,
    Request,
    class_names,
    names_of,
    nothing,
)

BLOCK = 512
"""Bytes of a tar's unit: a header, or a part of what follows it; after the last member comes one of
zeros."""
MOST = 1_000_000
"""Shards that one pair of braces may stand for."""
LARGEST_LABEL = 2**31
LONGEST_LABEL = {"json": 2**20}
"""Bytes of what has a class, by its ending; of a class alone they are 256."""


class Labelling(Frozen):
    """Where the class of an image is: in a file of this ending, at these keys of its JSON; and what
    words stand for classes."""

    ending: str
    keys: tuple[str, ...] = ()
    names: ClassNames = ()

    @property
    def facts(self) -> str:
        """What an index depends on, "" of plain numbers in .cls."""
        if self == Labelling("cls"):
            return ""
        return f" {self.ending} {self.keys} {self.names}"

    def number(self, content: bytes) -> int:
        """The class in a file's content, -1 where there is none."""
        try:
            found: Any = content.decode().strip()
            if self.keys:
                found = reduce(getitem, self.keys, json.loads(found))
            if isinstance(found, str) and found in self.names:
                return self.names.index(found)
            return -1 if isinstance(found, bool | float) else int(found)
        except (
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            RecursionError,
        ):
            return -1


def load(recipe: Shards, request: Request) -> DataSet:
    """Classes are the net's outputs; `classes.txt` beside the shards, a line each, may name them.

    Where the set is only to be `scored`, no shard of the training part is asked for.

    Raises `MissingError` where a shard is not there, `TrainingError` where one is damaged or an
    image has no label."""
    path = request.path
    ending, _, key = recipe.label.partition(".")
    labels = Labelling(
        ending, tuple(key.split(".")) if key else (), names_of(path, 0)
    )
    train: Packed | Files = nothing()
    if not request.scored:
        train = _packed(path, recipe.train, labels)
    held = _packed(path, recipe.validation, labels)
    return DataSet(
        name=path.resolve().name,
        train=train,
        validation=held,
        classes=class_names(request, train, held),
        shape=request.input,
        about=f"shards in {path}",
        watched="validation",
    )


def expand(pattern: str) -> list[str]:
    """`a-{000..002}.tar` → a-000.tar, a-001.tar, a-002.tar; what has no braces is one name."""
    found = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not found:
        return [pattern]
    first, last = found.groups()
    if int(last) - int(first) >= MOST:
        raise UsageError(
            f"{pattern}: {int(last) - int(first) + 1:,} numbers are more than {MOST:,} shards; is"
            " it meant?"
        )
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [
        name
        for number in range(int(first), int(last) + 1)
        for name in expand(f"{before}{number:0{len(first)}d}{after}")
    ]


def index_of(shard: Path, labels: Labelling) -> Index:
    """The images of a shard, sorted by where they begin: from the cache, or from a walk over its
    headers."""
    found = read_index(shard, labels.facts)
    if found is None:
        found = _index_shard(shard, labels)
        write_index(shard, found, labels.facts)
    return found


def _packed(path: Path, pattern: str, labels: Labelling) -> Packed:
    shards = [path / name for name in expand(pattern)]
    missing = [shard for shard in shards if not shard.is_file()]
    if missing or not shards:
        raise MissingError(
            f"{missing[0] if missing else path / pattern} is not there ({len(missing)} of"
            f" {len(shards)} shards are missing); say where they are with --data or"
            " `train.data.path`, and what they are called with `train.data.train` and"
            " `train.data.validation`, as in train-{000000..000099}.tar"
        )
    read = [*map(plain, shards)]
    indices = [index_of(shard, labels) for shard in read]
    return Packed.joined(read, indices, shards if read != shards else ())


def _index_shard(shard: Path, by: Labelling) -> Index:
    images: dict[str, tuple[int, int]] = {}
    labels: dict[str, int] = {}
    with readable(shard, TrainingError), _Bounded(shard) as file:
        for name, start, size in _members(shard, file):
            key, _, ending = name.rpartition(".")
            known = (
                labels
                if ending == by.ending
                else images
                if f".{ending.lower()}" in ENDINGS
                else {}
            )
            if key in known:
                raise TrainingError(f"{shard} has {name} twice")
            if known is labels:
                labels[key] = _label(
                    shard, name, by, file.piece(start, size)
                )
            elif known is images:
                images[key] = (start, size)
    _need_pairs(shard, by, images.keys(), labels.keys())
    rows = sorted((*images[key], labels[key]) for key in labels)
    return numpy.array(rows, dtype=numpy.int64).reshape(-1, 3)


def _need_pairs(
    shard: Path, by: Labelling, images: Set[str], labels: Set[str]
) -> None:
    """Raises `TrainingError` where an image or a label stands alone."""
    for key in labels - images:
        raise TrainingError(
            f"{shard} lacks an image for {key}.{by.ending}; its ending is one that"
            f" Pillow reads: {COMMON}, …"
        )
    for key in images - labels:
        # `7.mask.png` beside `7.png` and `7.cls` is another picture of the sample
        if _first(key) not in labels:
            raise TrainingError(
                f"{shard} lacks {key}.{by.ending}, the label of an image"
            )


def _first(key: str) -> str:
    """The key up to the first dot of its last part."""
    folder, slash, name = key.rpartition("/")
    return folder + slash + name.partition(".")[0]


class _Bounded(io.BufferedReader):
    """A file of which no more is asked than there is, whatever a header in it claims."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb", buffering=0))
        self.total = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file."""
        left = max(0, self.total - self.tell())
        return super().read(
            left if size is None or size < 0 else min(size, left)
        )

    def piece(self, start: int, size: int) -> bytes:
        """Some bytes from a place on; one more than any label has, of larger ones."""
        self.seek(start)
        return self.read(min(size, max(LONGEST_LABEL.values()) + 1))


def _members(shard: Path, file: _Bounded) -> Iterator[tuple[str, int, int]]:
    """Name, start and bytes of each file; names that begin with a dot (`.DS_Store`, `._7.jpg`) are
    passed over.

    Raises `TrainingError` where the tar does not end as one must: tarfile itself takes a broken
    header in the middle for the end."""
    if known := what_else(file.read(HEAD)):
        raise TrainingError(
            f"{shard} is no plain tar, from which images are read at their places, but {known}"
        )
    file.seek(0)
    end = 0
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                size = member.size if member.isreg() else 0
                end = member.offset_data + -(-size // BLOCK) * BLOCK
                if size < 0 or end > file.total:
                    raise TrainingError(
                        f"{shard} is damaged: {member.name} claims {size:,} bytes, and the file"
                        " ends before them; copy it again"
                    )
                if member.isreg() and not _hidden(member.name):
                    yield member.name, member.offset_data, size
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise TrainingError(
            f"{shard} is damaged, or not a plain tar: {error}"
        ) from error
    file.seek(end)
    if file.read(BLOCK) != bytes(BLOCK):
        raise TrainingError(
            f"{shard} is damaged: what is at byte {end:,} is neither a member nor the end; copy it"
            " again"
        )


def _hidden(name: str) -> bool:
    """Whether a part of a member's path begins with a dot, but for `./` before all of it."""
    return any(
        part.startswith(".") and part not in (".", "..")
        for part in name.split("/")
    )


def _label(shard: Path, name: str, by: Labelling, content: bytes) -> int:
    if len(content) > LONGEST_LABEL.get(by.ending, 256):
        raise TrainingError(
            f"{shard}: {name} has {len(content):,} bytes or more, and a class has a few"
        )
    label = by.number(content)
    if not 0 <= label < LARGEST_LABEL:
        at = f" at `{'.'.join(by.keys)}`" if by.keys else ""
        known = f", nor one of {NAMED}" if by.names else ""
        raise TrainingError(
            f"{shard}: {name} holds {content[:20]!r}{at and '…'}{at}, which is not the number of a"
            f" class{known}"
        )
    return label
