"""`python tests/alike.py` → `tests/alike.json`: rows of tests that walk no branch of the package but those that the test's
other rows walk, too. They are slow tests. It takes coverage.py, which nothing else here needs."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "tests" / "alike.json"
REFERENCE = r"\w+?/[a-z_]+"
WALKS = {
    "tests/importing/test_closure.py::test_every_op_comes_back": r"(\d\S* )?[a-z -]+",
    "tests/language/test_format.py::test_long_form_is_the_same_net": "",
    "tests/language/test_grammar.py::test_nothing_is_guessed_at_in_a_right_spec": "",
    "tests/outputs/figure/test_figure_formats.py::test_an_option_is_heeded_or_refused": r"\w+",
    "tests/outputs/figure/test_format_limits.py::test_refused_exactly_where_it_does_not_fit": "",
    "tests/outputs/figure/test_layout.py::test_the_zoo_is_lawful": "",
    "tests/schema/test_schema.py::test_the_zoo_is_valid_in_the_long_form": "",
    "tests/serve/test_rewrite.py::test_every_kind_of_action_on_the_zoo": r"\w+?-",
    "tests/train/test_damaged_runs.py::test_what_follows_from_the_spec_is_written_again": r"[\w ]*",
    "tests/train/test_resume.py::test_a_run_goes_on_bit_for_bit": "",
    "tests/zoo/test_golden.py::test_entries_are_the_references_one_to_one": REFERENCE,
    "tests/zoo/test_golden.py::test_logits_are_the_references": REFERENCE,
    "tests/zoo/test_modules.py::test_module_is_what_was_planned": "",
    "tests/zoo/test_zoo.py::test_every_variant_can_be_extended": "",
}
"""The tests, and what of a row's name is its kind: of each at least one row stays."""
Branches = set[tuple[Any, ...]]


def slow_rows() -> set[str]:
    """The rows that were found, as pytest names them."""
    found = json.loads(ROWS.read_text(encoding="utf-8")).items()
    return {f"{test}[{row}]" for test, rows in found for row in rows}


class Walked:
    """A plugin of pytest: what each row walks, and how long it takes."""

    def __init__(self, measured: Any) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measured.switch_context(item.nodeid)
        begun = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - begun
        self.measured.switch_context("none")
        return result


def branches(measured: Any) -> dict[str, Branches]:
    data = measured.get_data()
    found: dict[str, Branches] = defaultdict(set)
    for row in data.measured_contexts():
        data.set_query_context(row)
        for file in data.measured_files():
            found[row] |= {(file, *arc) for arc in data.arcs(file) or ()}
    return found


def kept(
    rows: dict[str, Branches], seconds: dict[str, float], kind: str
) -> set[str]:
    """The quickest of each kind, then whichever has the most for its time, until every branch is walked."""
    quick = sorted(rows, key=lambda row: seconds[row])
    kinds = {}
    for row in quick if kind else ():
        found = re.match(kind, row)
        kinds.setdefault(found and found[0], row)
    stay = {*kinds.values()}
    left = set().union(*rows.values())
    left -= set().union(*(rows[row] for row in stay))
    while left:
        best = max(
            quick, key=lambda row: len(rows[row] & left) / seconds[row]
        )
        stay.add(best)
        left -= rows[best]
    return stay


def main() -> None:
    import coverage

    measured = coverage.Coverage(
        data_file=None, branch=True, source_pkgs=["resgraph"]
    )
    walked = Walked(measured)
    measured.start()
    code = pytest.main(
        ["--every-row", "-p", "no:cacheprovider", *WALKS], plugins=[walked]
    )
    measured.stop()
    if code:
        sys.exit(code)
    rows: dict[str, dict[str, Branches]] = defaultdict(dict)
    for name, found in branches(measured).items():
        test, _, row = name.partition("[")
        rows[test][row[:-1]] = found
    alike = {}
    for test, kind in WALKS.items():
        seconds = {
            row: walked.seconds[f"{test}[{row}]"] for row in rows[test]
        }
        alike[test] = sorted({*seconds} - kept(rows[test], seconds, kind))
    text = json.dumps(alike, indent=1, ensure_ascii=False)
    ROWS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
