"""An .npz file, or a folder of .npy files → its arrays by name, of which no header is believed.

NEP 1 of NumPy tells the format: a head that says type, order and shape, then the values. What needs
a pickle is not read, and what is larger than its file or than memory is not begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy
import torch
from numpy.lib import format as npy

from ....errors import MissingError, TrainingError, first_few
from ....files import reason
from ....foreign import HEAD, what_else
from ....language.diagnose.nearest import did_you_mean
from ....structs import Frozen
from ...settings.memory import memory_limit, size_text

ArrayValues = numpy.ndarray[Any, numpy.dtype[Any]]
LONGEST_HEAD = 10_000
"""Bytes of a header; that of an array of plain numbers has about a hundred."""
HEADERS = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}
"""By the version of the format; later ones are for names of fields alone."""
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    BadZipFile,
    NotImplementedError,
)


class ArrayStore(Frozen):
    """Arrays by name, read one at a time."""

    path: Path
    sizes: dict[str, int]
    """Bytes of each, with its header."""

    @classmethod
    def at(cls, path: Path) -> ArrayStore:
        """An .npz file or a folder. Raises `MissingError` where there is none, `TrainingError`
        where it is another kind of file."""
        if path.is_dir():
            found = sorted(path.glob("*.npy"))
            return cls(
                path, {one.stem: one.stat().st_size for one in found}
            )
        if not path.is_file():
            raise MissingError(
                f"{path} is not there: it is an .npz file, or a folder of .npy files; say where it"
                " is with --data or `train.data.path`"
            )
        try:
            with ZipFile(path) as archive:
                members = archive.infolist()
        except (OSError, BadZipFile) as error:
            with path.open("rb") as file:
                head = file.read(HEAD)
            is_zip = head.startswith(b"PK")
            known = "its end is missing" if is_zip else what_else(head)
            raise TrainingError(
                f"{path} is no .npz file, which is a zip of arrays: {known or error}"
            ) from error
        named = (one for one in members if one.filename.endswith(".npy"))
        return cls(
            path, {one.filename[:-4]: one.file_size for one in named}
        )

    def name_of(self, *names: str, instead: str = "") -> str:
        """The first of some names that is there. Raises `TrainingError` where none is, with what
        may be done `instead`."""
        for name in names:
            if name in self.sizes:
                return name
        listed = first_few(sorted(self.sizes), 12) or "nothing"
        near = "" if instead else did_you_mean(names[0], self.sizes)
        raise TrainingError(
            f"{self.path} has no array `{names[0]}`; {near or f'it has {listed}'}{instead}"
        )

    def read(self, name: str) -> ArrayValues:
        """An array. Raises `TrainingError` where it holds objects, is damaged or too large."""
        try:
            with self._opened(name) as file:
                self._check_head(name, file)
                file.seek(0)
                found: ArrayValues = npy.read_array(
                    file, allow_pickle=False, max_header_size=LONGEST_HEAD
                )
        except UNREADABLE as error:
            why = reason(error)
            raise TrainingError(
                f"{self.place(name)} cannot be read: {why.splitlines()[0]}"
            ) from error
        return found

    def place(self, name: str) -> str:
        """How an array is called in messages."""
        return f"`{name}` in {self.path}"

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if self.path.is_dir():
            with (self.path / f"{name}.npy").open("rb") as file:
                yield file
            return
        with (
            ZipFile(self.path) as archive,
            archive.open(f"{name}.npy") as member,
        ):
            yield member

    def _check_head(self, name: str, file: IO[bytes]) -> None:
        version = npy.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"it is of version {version[0]}.{version[1]}")
        shape, _, dtype = HEADERS[version](
            file, max_header_size=LONGEST_HEAD
        )
        where = self.place(name)
        if dtype.hasobject:
            raise TrainingError(
                f"{where} holds Python objects, as of a list whose rows have different lengths,"
                " which only a pickle could restore; save numbers of one shape"
            )
        wanted = prod(shape) * dtype.itemsize
        held = self.sizes[name] - file.tell()
        if wanted != held:
            raise TrainingError(
                f"{where} claims {wanted:,} bytes of values and has {held:,}; copy it again"
            )
        room = memory_limit(torch.device("cpu"))
        if wanted > room:
            raise TrainingError(
                f"{where} has {size_text(wanted)}, more than the {size_text(room)} of memory here;"
                " images in files are read one at a time: see `set: folder`, `list` and `shards`"
            )
