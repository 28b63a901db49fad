"""`python tests/alike.py` → `tests/alike.json`: rows of tests, and long tests, that walk no branch of the package but those that
others walk, too. `.ci/run` runs them after the others. It takes coverage.py, which nothing else here needs, and a quarter of an hour."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "tests" / "alike.json"
LEAST, LONG = 0.04, 0.5
"""CPU seconds, measured as here, of a row and of a test without rows that are worth a name in the file."""
ELSEWHERE = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "socket.connect", "tests.elsewhere"})  # fmt: skip
"""Audit events of a row that has other processes walk branches, which are not seen here: it is like no other."""
Branch = tuple[Any, ...]
"""Of a file, from a line to another."""


def alike_rows() -> set[str]:
    """The rows that were found, as pytest names them."""
    found = json.loads(ROWS.read_text(encoding="utf-8")).items()
    return {
        test if row is None else f"{test}[{row}]"
        for test, rows in found
        for row in rows
    }


class Walked:
    """A plugin of pytest's workers: writes what each row walks, how long it takes and which have others walk."""

    def __init__(self, folder: Path) -> None:
        import coverage

        self.folder = folder
        self.measured = coverage.Coverage(
            data_file=folder / f"{os.getpid()}.branches",
            branch=True,
            source_pkgs=["resgraph"],
        )
        self.measured.start()
        self.seconds: dict[str, float] = {}
        self.apart: set[str] = set()
        self.row = ""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, _: object) -> None:
        if event in ELSEWHERE:
            self.apart.add(self.row)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What is slow for coverage.py may fail."""
        if report.failed:
            self.apart.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self.row = item.nodeid
        self.measured.switch_context(self.row)
        begun = time.process_time()
        result = yield
        self.seconds[self.row] = time.process_time() - begun
        self.measured.switch_context("")
        self.row = ""
        return result

    def pytest_unconfigure(self) -> None:
        self.measured.stop()
        self.measured.save()
        seen = json.dumps([self.seconds, sorted(self.apart)])
        (self.folder / f"{os.getpid()}.json").write_text(seen)


def pytest_configure(config: pytest.Config) -> None:
    """As a plugin, of the workers alone."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Walked(Path(os.environ["WALKED"])))


def branches(data: Path, numbers: dict[Branch, int]) -> dict[str, set[int]]:
    """What each row of a worker walks. coverage.py itself reads its file by a question for each row and source."""
    found: dict[str, set[int]] = defaultdict(set)
    with sqlite3.connect(data) as opened:
        for row, *branch in opened.execute(
            "select context, path, fromno, tono from arc"
            " join context on context.id = context_id join file on file.id = file_id"
        ):
            found[row].add(numbers[tuple(branch)])
    return found


def test_of(row: str) -> str:
    return row.partition("[")[0]


def _is_long(row: str, seconds: float) -> bool:
    """Those beside this file are about sources and files, and walk nothing of the package."""
    if row == test_of(row):
        return seconds >= LONG and row.count("/") > 1
    return seconds >= LEAST


def kept(
    rows: dict[str, set[int]],
    seconds: dict[str, float],
    movable: set[str],
) -> set[str]:
    """Of those that may be left out: whichever walks the most new for its time, until every branch is walked, and the quickest
    of a test of which none is left otherwise."""
    left = set().union(*(rows[row] for row in movable))
    left -= set().union(*(rows[row] for row in rows.keys() - movable))
    new = {row: rows[row] & left for row in movable}
    stay: set[str] = set()
    while left:
        best = max(new, key=lambda row: len(new[row]) / seconds[row])
        stay.add(best)
        left -= new.pop(best)
        new = {row: walks & left for row, walks in new.items()}
    tests = {test_of(row) for row in seconds.keys() - movable | stay}
    rows_alone = {row for row in movable if row != test_of(row)}
    for row in sorted(rows_alone, key=lambda row: seconds[row]):
        if test_of(row) not in tests:
            tests.add(test_of(row))
            stay.add(row)
    return stay


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WALKED"] = folder
        code = pytest.main(
            ["-n", "auto", "--dist", "worksteal", "-m", "not slow and not gpu", "-p", "no:cacheprovider", "-p", "alike"]
        )  # fmt: skip
        if code not in (0, 1):
            sys.exit(code)
        numbers: dict[Branch, int] = defaultdict(lambda: len(numbers))
        rows: dict[str, set[int]] = defaultdict(set)
        seconds: dict[str, float] = {}
        apart: set[str] = set()
        for data in Path(folder).glob("*.branches"):
            for row, walks in branches(data, numbers).items():
                rows[row] |= walks
        for seen in Path(folder).glob("*.json"):
            took, others = json.loads(seen.read_text())
            seconds |= took
            apart |= set(others)
    movable = {
        row for row, took in seconds.items() if _is_long(row, took)
    } - apart
    alike: dict[str, list[str | None]] = defaultdict(list)
    for name in sorted(movable - kept(rows, seconds, movable)):
        test, bracket, row = name.partition("[")
        alike[test].append(row[:-1] if bracket else None)
    text = json.dumps(alike, indent=1, ensure_ascii=False)
    ROWS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
