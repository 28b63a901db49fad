"""A word → the words that a slip of the hand makes of it."""

from __future__ import annotations

import string
from collections.abc import Iterator

KINDS = ("missing", "doubled", "swapped", "replaced", "extra")


def slips(word: str) -> Iterator[tuple[str, str]]:
    """Every word that one slip makes of this one, each with its kind; what is no letter stays."""
    for at, letter in enumerate(word):
        if not letter.isalpha():
            continue
        yield "missing", word[:at] + word[at + 1 :]
        yield "doubled", word[:at] + letter + word[at:]
        if word[at + 1 : at + 2].isalpha() and word[at + 1] != letter:
            yield (
                "swapped",
                word[:at] + word[at + 1] + letter + word[at + 2 :],
            )
        for other in string.ascii_lowercase:
            if other != letter.lower():
                yield "replaced", word[:at] + other + word[at + 1 :]
                yield "extra", word[:at] + other + word[at:]
