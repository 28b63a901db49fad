"""The rows that are slow by `tests/alike.json` are there: one that has another name is run again, and the file does not
say so."""

from __future__ import annotations

import pytest
from alike import ROOT, slow_rows


def test_every_slow_row_is_there(
    pytestconfig: pytest.Config, collected: set[str]
) -> None:
    if any("::" in asked for asked in pytestconfig.args):
        pytest.skip("only files that are collected whole can tell")
    whole = {name.partition("::")[0] for name in collected}
    gone = {
        row
        for row in slow_rows() - collected
        if (file := row.partition("::")[0]) in whole
        or not (ROOT / file).exists()
    }
    assert not gone, "`python tests/alike.py` writes tests/alike.json again"
