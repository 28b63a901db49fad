"""A name or a word that cannot be one → what to do about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, count

from ...errors import Hint, write
from ..grammar.words import POLICIES, name_problem
from .nearest import did_you_mean

OPTIONS = {"A": "zero-pad", "B": "projection", "C": "projection always"}
"""The shortcuts of He et al. 2015, section 3.3, by their letters."""


def other_name(
    name: str, taken: Iterable[str] = (), *, dashes: bool = False
) -> str:
    """What to do about a name that cannot be one: another that can, and is close to it."""
    taken = frozenset(taken)
    plain = (
        re.sub(
            r"[^A-Za-z0-9_-]+" if dashes else r"[^A-Za-z0-9_]+",
            "_",
            name[:32],
        ).strip("_-")
        or "a"
    )
    plain = plain if plain[0].isalpha() and plain.isascii() else f"n{plain}"
    others = chain([plain], (f"{plain}{number}" for number in count(1)))
    free = next(
        other
        for other in others
        if not name_problem(other, taken, dashes=dashes)
    )
    return f"give it another name, such as `{free}`"


def policy_hint(word: str) -> Hint:
    """What to write for a shortcut policy that there is not: `option-B`, `zeropad`."""
    letter = re.fullmatch(r"(?:[Oo]ption|[Tt]ype)?[\s_-]*([ABC])", word)
    return (
        write(OPTIONS[letter[1]], f", which is option {letter[1]}")
        if letter
        else did_you_mean(word, POLICIES)
    )


def foreign_letters(word: str) -> str:
    """The letters of a word that only look like the language's own: `U+0441 CYRILLIC SMALL LETTER
    ES`, or ""."""
    found = dict.fromkeys(c for c in word if ord(c) > 127 and c.isalpha())
    return ", ".join(
        f"`{c}` is U+{ord(c):04X} {unicodedata.name(c, 'without a name')}"
        for c in [*found][:3]
    )
