"""Names of a file that a later version has as ops: there they stay the file's."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import Origin
from ...ops import VOCABULARY
from .findings import Facts, Finding


def named_like_an_op(facts: Facts) -> Iterator[Finding]:
    for name, place in facts.spec.words.own.items():
        yield Finding(
            Origin(place),
            f"`{name}` is an op since version {VOCABULARY[name].since}, and here a name",
            f"in this file it stays the name; with another name, `{name}` would be the op",
        )
