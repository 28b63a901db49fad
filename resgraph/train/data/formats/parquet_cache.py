"""A Parquet file → its images, one behind the other in a file of a cache, and the place, size and
class of each.

In Parquet an image can be had only with its whole row group, which is compressed: training reads
them in a random order, a thousand times as much. So each file is unpacked once, into
`$XDG_CACHE_HOME/resgraph/parquet` (else `~/.cache/…`), which may be deleted between runs."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy
from msgspec.structs import replace

from ....collecting import all_of_type
from ....errors import TrainingError, needing
from ....files import reason, temporary_beside, write_file
from ....foreign import HEAD, what_else
from ....language.diagnose.nearest import near_or_all
from ....structs import Frozen
from ...atomic_write import disk_error
from .index_cache import UNPACKED, Index, keep_to, place_in_cache, used

FORMAT = "2"
LARGEST_GROUP = 2**32
"""Bytes of the images of a row group, of which rows are read at a time."""
LARGEST_IMAGE = 2**28
ROWS = 64
"""Rows that are read at a time."""


class Unpacked(Frozen):
    """The file of images, a row (start, size, class) for each, and the names of the classes: none
    where the file names none. They are `found` where they are the words of its rows, which need not
    be those of another file."""

    images: Path
    index: Index
    names: tuple[str, ...]
    found: bool = False

    def among(self, names: tuple[str, ...]) -> Unpacked:
        """With the classes of several files."""
        index = self.index.copy()
        places = numpy.array([*map(names.index, self.names)], numpy.int64)
        index[:, 2] = places[index[:, 2]]
        return replace(self, index=index, names=names)


class Columns(Frozen):
    """Which columns of a file are read."""

    image: str
    label: str


def unpacked(file: Path, columns: Columns) -> Unpacked:
    """From the cache, or unpacked into it. Raises `MissingError` without pyarrow, `TrainingError`
    where the file is damaged, or a row is no image with a class."""
    facts = f"{FORMAT} {columns.image} {columns.label}"
    place = place_in_cache("parquet", file, facts)
    images, known = map(place.with_suffix, (".images", ".json"))
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = _known(images, known)
        used(images, known, known.with_suffix(".npy"))
        return found
    table = _opened(file)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        keep_to(UNPACKED[0], place.parent, UNPACKED[1])
        temporary = temporary_beside(place)
        try:
            with temporary.open("xb") as out:
                rows, names = _copy(file, table, columns, out)
            stated = _names(table, columns.label)
            read = Unpacked(images, rows, names, found=names != stated)
            _keep(known, read)
            temporary.replace(images)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(place.parent, error, saved=False) from error
    return read


def _known(images: Path, facts: Path) -> Unpacked:
    """Raises where there is none in the cache, or not the whole of it."""
    document = json.loads(facts.read_text(encoding="utf-8"))
    stored = facts.with_suffix(".npy").read_bytes()
    if hashlib.sha256(stored).hexdigest() != document["sha256"]:
        raise ValueError("damaged")
    index: Index = numpy.load(io.BytesIO(stored), allow_pickle=False)
    if images.stat().st_size != document["bytes"]:
        raise ValueError("damaged")
    names, found = tuple(document["names"]), bool(document["found"])
    return Unpacked(images, index, names, found)


def _keep(facts: Path, read: Unpacked) -> None:
    buffer = io.BytesIO()
    numpy.save(buffer, read.index, allow_pickle=False)
    stored = buffer.getvalue()
    write_file(facts.with_suffix(".npy"), stored)
    document = {
        "sha256": hashlib.sha256(stored).hexdigest(),
        "bytes": int(read.index[:, 1].sum()),
        "names": list(read.names),
        "found": read.found,
    }
    write_file(facts, json.dumps(document).encode())


def _opened(file: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile`."""
    with needing("`set: parquet` needs pyarrow", "parquet"):
        parquet: Any = import_module("pyarrow.parquet")
    try:
        return parquet.ParquetFile(file)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            if known := what_else(file.read_bytes()[:HEAD]):
                raise TrainingError(
                    f"{file} is no Parquet file, but {known}"
                ) from None
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> TrainingError:
    why, _, _ = reason(error).partition("\n")
    return TrainingError(f"{file} is damaged, or no Parquet file: {why}")


def _copy(
    file: Path, table: Any, columns: Columns, out: IO[bytes]
) -> tuple[Index, tuple[str, ...]]:
    """Writes the images behind one another; the place, size and class of each, and the classes'
    names."""
    _check_columns(file, table, columns)
    names, rows, at = _names(table, columns.label), [], 0
    words: list[Any] = []
    for number, (image, label) in enumerate(_rows(file, table, columns)):
        content = _bytes(image)
        if content is None:
            raise TrainingError(
                f"{file}, row {number}: `{columns.image}` holds no bytes of an image"
                + (
                    f", but the path {image['path']}"
                    if _only_path(image)
                    else ""
                )
            )
        out.write(content)
        rows.append((at, len(content), -1))
        words.append(label)
        at += len(content)
    index = numpy.array(rows, numpy.int64).reshape(-1, 3)
    index[:, 2], names = _classes(file, columns.label, words, names)
    return index, names


def _check_columns(file: Path, table: Any, columns: Columns) -> None:
    """Raises `TrainingError` where a column lacks, or a row group is too large to be read."""
    there = table.schema_arrow.names
    for key, title in (("image", columns.image), ("label", columns.label)):
        if title not in there:
            hint = near_or_all(title, there, "its columns are")
            raise TrainingError(
                f"{file} has no column `{title}`; {hint}; say which with `train.data.{key}`"
            )
    for group in range(table.metadata.num_row_groups):
        size = table.metadata.row_group(group).total_byte_size
        if size > LARGEST_GROUP:
            raise TrainingError(
                f"{file}: row group {group} has {size:,} bytes, and {LARGEST_GROUP:,} are read at"
                " most; write it in smaller ones"
            )


def _rows(
    file: Path, table: Any, columns: Columns
) -> Iterator[tuple[Any, Any]]:
    """Each row's image and class."""
    wanted = [columns.image, columns.label]
    try:
        for batch in table.iter_batches(batch_size=ROWS, columns=wanted):
            read = batch.to_pydict()
            yield from zip(
                read[columns.image], read[columns.label], strict=True
            )
    except (OSError, ValueError) as error:
        raise _damaged(file, error) from error


def _bytes(image: Any) -> bytes | None:
    found = image.get("bytes") if isinstance(image, dict) else image
    sound = isinstance(found, bytes) and 0 < len(found) <= LARGEST_IMAGE
    return found if sound else None


def _only_path(image: Any) -> bool:
    return (
        isinstance(image, dict)
        and bool(image.get("path"))
        and not image["bytes"]
    )


def _names(table: Any, label: str) -> tuple[str, ...]:
    """Of the classes, as `datasets` writes them into a file."""
    try:
        said = json.loads(
            (table.schema_arrow.metadata or {})[b"huggingface"]
        )
        feature = said["info"]["features"][label]
        return tuple(map(str, feature["names"]))
    except (KeyError, TypeError, ValueError):
        return ()


def _classes(
    file: Path, title: str, labels: Sequence[Any], names: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    """The class of each row as a number, and the names. Words are named as they are."""
    if not names and labels and all_of_type(str, labels):
        names = tuple(sorted(set(labels)))
    number = {name: place for place, name in enumerate(names)}
    out = numpy.empty(len(labels), numpy.int64)
    for row, label in enumerate(labels):
        found = number.get(label, -1) if isinstance(label, str) else label
        if not isinstance(found, int) or not 0 <= found < (
            len(names) or 2**31
        ):
            known = (
                f"one of its {len(names)} classes"
                if names
                else "the number of a class"
            )
            raise TrainingError(
                f"{file}, row {row}: `{title}` is {label!r}, which is not {known}"
            )
        out[row] = found
    return out, names
