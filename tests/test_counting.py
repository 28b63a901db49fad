"""How a number of things is said, and that what the commands print says it so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resgraph.counting import counted

PACKAGE = Path(__file__).parents[1] / "resgraph"
FEW = re.compile(
    r"(?<!of )(?<!of its )\{len\([\w.]+\)(:,)?\} (nets|runs|seeds|steps|epochs|images|classes|tensors|files|rows)\b"
)
"""A number that may be one, in front of its noun; `1 of 1 runs` is all of them."""
MORE = {
    # at least two, by what stands above
    "outputs/table/text.py",
    "study/plan.py",
    "train/data/formats/parquet_cache.py",
    "train/data/imagenet.py",
    "train/report/matrix.py",
}


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (2000, "image", "2,000 images"),
        (2, "class", "2 classes"),
        (1, "class", "1 class"),
        (3, "entry", "3 entries"),
    ],
)
def test_counted(count: int, noun: str, said: str) -> None:
    assert counted(count, noun) == said


def test_what_may_be_one_is_counted() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): match[0]
        for path in PACKAGE.rglob("*.py")
        for match in FEW.finditer(path.read_text("utf-8"))
    }
    assert {p: s for p, s in found.items() if p not in MORE} == {}
