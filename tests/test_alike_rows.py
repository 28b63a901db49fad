"""The rows of `tests/alike.json` are there: one that has another name is run before the others, and the file does not say so."""

from __future__ import annotations

import pytest
from alike import ROOT, alike_rows


def test_every_alike_row_is_there(
    pytestconfig: pytest.Config, collected: set[str]
) -> None:
    if any("::" in asked for asked in pytestconfig.args):
        pytest.skip("only files that are collected whole can tell")
    whole = {name.partition("::")[0] for name in collected}
    gone = {
        row
        for row in alike_rows() - collected
        if (file := row.partition("::")[0]) in whole
        or not (ROOT / file).exists()
    }
    assert not gone, "`python tests/alike.py` writes tests/alike.json again"
