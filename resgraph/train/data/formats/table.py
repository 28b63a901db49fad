"""A CSV file with a line of titles → its columns, each row with its line for messages."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy

from ....counting import counted
from ....errors import MissingError, TrainingError, first_few
from ....files import reason
from ....language.diagnose.nearest import did_you_mean
from ....structs import Frozen
from .npy import ArrayValues

LARGEST = 2**30
"""Bytes of a table that is read."""
LONGEST_CELL = 2**20
_MOST = float(numpy.finfo("float32").max)

_Row = tuple[str, ...]


class Table(Frozen):
    """Titles and rows of text, and the line of the file on which each row ends."""

    path: Path
    titles: _Row
    rows: tuple[_Row, ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, path: Path, instead: str = "") -> Table:
        """Parted by commas, semicolons or tabs, whichever its first line has most of; UTF-8. Empty
        lines are passed over. `instead` is what may be done where it is not there.

        Raises `MissingError` where it is not there, `TrainingError` where it is no such table."""
        if not path.is_file():
            raise MissingError(
                f"{path} is not there: it is a CSV file with a line of titles and a row for each"
                f" image; say where it is with --data or `train.data.path`{instead}"
            )
        if path.stat().st_size > LARGEST:
            raise TrainingError(f"{path} has more than {LARGEST:,} bytes")
        titles, read = _cells(path)
        if not read:
            raise TrainingError(f"{path} has no row below its titles")
        for row, line in read:
            if len(row) != len(titles):
                raise TrainingError(
                    f"{path}:{line}: the row has {counted(len(row), 'cell')}, and the titles are"
                    f" {len(titles)}"
                )
        return cls(path, titles, *zip(*read, strict=True))

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int) -> str:
        """Where a row is."""
        return f"{self.path}:{self.lines[row]}"

    def column(self, title: str) -> tuple[str, ...]:
        """The cells below a title. Raises `TrainingError` where there is no such title, or two."""
        if title not in self.titles:
            listed = first_few(self.titles, 12)
            hint = (
                did_you_mean(title, self.titles)
                or f"its columns are {listed}"
            )
            raise TrainingError(
                f"{self.path} has no column `{title}`; {hint}; say which are read with"
                " `train.data.image` and `train.data.label`"
            )
        if self.titles.count(title) > 1:
            raise TrainingError(f"{self.path} has two columns `{title}`")
        place = self.titles.index(title)
        return tuple(row[place].strip() for row in self.rows)

    def filled(self, title: str) -> tuple[str, ...]:
        """The cells below a title. Raises `TrainingError` where one is empty."""
        cells = self.column(title)
        if "" in cells:
            raise TrainingError(
                f"{self.place(cells.index(''))}: `{title}` is empty"
            )
        return cells

    def numbers(
        self, titles: tuple[str, ...], *, gaps: bool
    ) -> ArrayValues:
        """(rows, titles) float64; an empty cell is NaN where there may be `gaps`. Raises
        `TrainingError` at a cell that is no finite number."""
        out = numpy.empty((len(self), len(titles)))
        for place, title in enumerate(titles):
            for row, cell in enumerate(self.column(title)):
                out[row, place] = self._number(row, title, cell, gaps)
        return out

    def _number(self, row: int, title: str, cell: str, gaps: bool) -> float:
        if gaps and not cell:
            return math.nan
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not abs(number) <= _MOST:
            said = (
                f"`{title}` is {cell!r}" if cell else f"`{title}` is empty"
            )
            why = "not a number of 32 bits"
            if not math.isfinite(number):
                why = "not a number"
            raise TrainingError(f"{self.place(row)}: {said}, and {why}")
        return number


def _cells(path: Path) -> tuple[_Row, list[tuple[_Row, int]]]:
    """The titles of a file, and the other rows that are not empty, each with its line."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=first.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            titles = tuple(cell.strip() for cell in next(reader, []))
            return titles, [
                (tuple(row), reader.line_num) for row in reader if any(row)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = reason(error)
        if isinstance(error, UnicodeDecodeError):
            why = "it is not UTF-8; save it as that"
        raise TrainingError(
            f"{path} cannot be read as a table: {why}"
        ) from error
