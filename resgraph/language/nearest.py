"""A wrong word and the right ones in sight → the one that it is for certain, or the one that it is nearest to."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from functools import lru_cache

from ..errors import Hint, Span
from ..ops import VOCABULARY
from .foreign import SYNONYMS, foreign, is_foreign, squeezed

_ALIKE = 0.65  # of 1, from where on a word is named as what may be meant; by trial
_FURTHEST = 3  # letters and separators that a word may have more or fewer
_LEAST = 4  # letters of a word in which a slip can be told from another word
_LEAST_OTHER = 6  # where a letter that is neither missing nor doubled nor swapped is another one


def certain(word: str, known: Collection[str]) -> str:
    """The one of `known` that a wrong word is for certain, or "".

    It is for certain what it is but for letter case, a synonym, separators, a plural, or one slip of the hand; where
    one word alone is that near, and the wrong word names nothing else in the field. A slip is a letter that is missing,
    doubled or swapped with the next in a word of four letters or more, or another or one too many in one of six.
    """
    return _certain(word, frozenset(known))


@lru_cache(maxsize=256)
def _certain(word: str, known: frozenset[str]) -> str:
    lower = word.lower()
    if same := {right for right in known if right.lower() == lower}:
        return _only(same)
    if word in VOCABULARY or is_foreign(word):
        return ""
    if (ours := SYNONYMS.get(squeezed(word), "")) in known:
        return ours
    plain = squeezed(word)
    near = (right for right in known if abs(len(right) - len(lower)) <= _FURTHEST)
    return _only({right for right in near if squeezed(right) == plain or _is_near(lower, right.lower())})


def _only(words: set[str]) -> str:
    return words.pop() if len(words) == 1 else ""


def _is_near(wrong: str, right: str) -> bool:
    """Whether two words differ by a plural or one slip."""
    if len(right) >= _LEAST - 1 and right in (wrong + "s", wrong.removesuffix("s")):
        return True
    letters = sum(map(str.isalpha, right))
    return letters >= _LEAST and _one_slip(wrong, right, any_letter=letters >= _LEAST_OTHER)


def _one_slip(wrong: str, right: str, *, any_letter: bool) -> bool:
    """Whether a letter of the right word is missing, doubled or swapped with the next, or `any_letter` is wrong."""
    pairs = zip(wrong, right, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wrong), len(right)))
    left, wanted = wrong[at:], right[at:]
    if left == wanted[1:]:
        return wanted[0].isalpha()
    if left[1:] == wanted:
        return left[0].isalpha() and (any_letter or wrong[at - 1 : at] == left[0])
    if any_letter and left[1:] == wanted[1:]:
        return left[0].isalpha() and wanted[0].isalpha()
    return left[:2] == wanted[1::-1] and left[2:] == wanted[2:] and left[:2].isalpha()


def did_you_mean(word: str, known: Iterable[str], rather: Iterable[str] = ()) -> Hint:
    """`did you mean `groups`?`, or an empty hint where nothing is near; of two as near, one of `rather`."""
    words, preferred = list(known), list(rather)
    if right := sure(word, {*words, *preferred}):
        return right
    near = nearest(word, words, preferred)
    return meant(near, sure=False) if near else Hint()


def sure(word: str, known: Collection[str]) -> Hint:
    """`did you mean `groups`?` where that is certain."""
    right = certain(word, known)
    return meant(right, sure=True) if right else Hint()


def op_meant(word: str, known: Iterable[str], rather: Iterable[str] = ()) -> Hint:
    """What to write for a word that is no op here: what is said of a foreign one, or what is near."""
    return Hint(foreign(word)) or did_you_mean(word, known, rather)


def meant(word: str, *, sure: bool, span: Span | None = None) -> Hint:
    """`did you mean `groups`?`, of a word that is the right one for `sure`, or perhaps."""
    return Hint(f"did you mean `{word}`?", word, sure, span, frozenset([word]))


def known_here(names: Collection[str]) -> Hint:
    """All that an unknown name may stand for."""
    return Hint(f"known here: {', '.join(names)}", names=frozenset(names)) if names else Hint()


def nearest(word: str, known: Iterable[str], rather: Iterable[str] = ()) -> str:
    """The right word that a wrong one is nearest to, or ""."""
    wanted, preferred = word[:64], frozenset(rather)
    words = sorted({*known, *preferred})
    if wanted.lower() in words:
        return wanted.lower()
    if longer := _only({right for right in words if len(right) > 2 and wanted.startswith(right)}):
        return longer  # `padding`, `epsilon`
    near = difflib.get_close_matches(wanted, words, n=3, cutoff=_ALIKE)
    near = near or difflib.get_close_matches(wanted.lower(), words, n=3, cutoff=_ALIKE)
    likeness = {found: difflib.SequenceMatcher(None, found, wanted).ratio() for found in near}
    return max(near, key=lambda found: (likeness[found], found in preferred), default="")
