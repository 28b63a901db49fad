"""A wrong word and the right ones in sight → the one that it is for certain, or the one that it is
nearest to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from ...collecting import the_only
from ...errors import NOWHERE, Hint, Span
from ...ops import VOCABULARY
from ..foreign import FOREIGN, SYNONYMS, foreign, is_foreign, squeezed

# of 1, from where on a word is named as what may be meant; by trial
_ALIKE = 0.65


def certain(word: str, known: Collection[str]) -> str:
    """The one of `known` that a wrong word is for certain, or "".

    It is for certain what it is but for letter case, a synonym, separators, a plural, or one slip
    of the hand; where one word alone is that near, and the wrong word names nothing else in the
    field. A slip is a letter that is missing, doubled or swapped with the next in a word of four
    letters or more, or another or one too many in one of six."""
    return _certain(word, frozenset(known))


@lru_cache(maxsize=256)
def _certain(word: str, known: frozenset[str]) -> str:
    lower = word.lower()
    if same := {right for right in known if right.lower() == lower}:
        return _only(same)
    # `elu6` is no `relu6`
    if _SIGNS.sub("", word) in VOCABULARY or is_foreign(word):
        return ""
    plain = squeezed(word)
    if (ours := SYNONYMS.get(plain, "")) in known:
        return ours
    if same := {right for right in known if squeezed(right) == plain}:
        return _only(same)
    return _slipped(word, known)


def _slipped(word: str, known: frozenset[str]) -> str:
    """The one word from which a wrong one differs by a slip, or ""."""
    lower = word.lower()
    near = {
        right: how
        for right in known
        if (how := _apart(lower, right.lower()))
    }
    only = _only(set(near))
    if not only or _letters(only) < _LEAST[near[only]]:
        return ""
    # of `ushuffle`, `unshuffle` is as near
    plain = squeezed(word)
    foreign_too = {_apart(plain, other) for other in FOREIGN.keys() - known}
    return "" if foreign_too & {"slip", near[only]} else only


_LEAST = {"plural": 3, "slip": 4, "letter": 6}
"""Letters of a word in which a difference can be told from another word, by its kind."""

_SIGNS = re.compile("[^a-z ]")


def _letters(word: str) -> int:
    return sum(map(str.isalpha, word))


def _only(words: set[str]) -> str:
    return the_only(words, "")


def _apart(wrong: str, right: str) -> str:
    """By what two words differ: a plural, a slip of the hand, or another letter; "" where by
    nothing, or by more."""
    if abs(len(wrong) - len(right)) > 1 or wrong == right:
        return ""
    if wrong in (f"{right}s", right.removesuffix("s")):
        return "plural"
    pairs = zip(wrong, right, strict=False)
    at = next(
        (i for i, (a, b) in enumerate(pairs) if a != b),
        min(len(wrong), len(right)),
    )
    return _difference(wrong[at - 1 : at], wrong[at:], right[at:])


def _difference(before: str, left: str, wanted: str) -> str:
    """By what two words differ, from the first character that does on; `before` stands before
    it."""
    wrong, right = left[:1].isalpha(), wanted[:1].isalpha()
    if left == wanted[1:]:
        return "slip" if right else ""
    if left[1:] == wanted and wrong:
        return "slip" if before == left[0] else "letter"
    if (
        left[:2] == wanted[1::-1]
        and left[2:] == wanted[2:]
        and left[:2].isalpha()
    ):
        return "slip"
    return "letter" if left[1:] == wanted[1:] and wrong and right else ""


def did_you_mean(
    word: str, known: Iterable[str], rather: Iterable[str] = ()
) -> Hint:
    """`did you mean `groups`?`, or an empty hint where nothing is near; of two as near, one of
    `rather`."""
    words, preferred = list(known), list(rather)
    if right := sure(word, {*words, *preferred}):
        return right
    near = nearest(word, words, preferred)
    return meant(near, sure=False) if near else Hint()


def near_or_all(word: str, known: Collection[str], said: str) -> Hint | str:
    """`did you mean `groups`?`, or where nothing is near all that there is, behind what is `said`
    of it."""
    return did_you_mean(word, known) or f"{said} {', '.join(known)}"


def sure(word: str, known: Collection[str]) -> Hint:
    """`did you mean `groups`?` where that is certain."""
    right = certain(word, known)
    return meant(right, sure=True) if right else Hint()


def op_meant(
    word: str, known: Iterable[str], rather: Iterable[str] = ()
) -> Hint:
    """What to write for a word that is no op here: what is said of a foreign one, or what is
    near."""
    return Hint(foreign(word)) or did_you_mean(word, known, rather)


def meant(word: str, *, sure: bool, span: Span = NOWHERE) -> Hint:
    """`did you mean `groups`?`, of a word that is the right one for `sure`, or perhaps."""
    return Hint(
        f"did you mean `{word}`?", word, sure, span, frozenset([word])
    )


def known_here(names: Collection[str]) -> Hint:
    """All that an unknown name may stand for."""
    return (
        Hint(f"known here: {', '.join(names)}", names=frozenset(names))
        if names
        else Hint()
    )


def nearest(
    word: str, known: Iterable[str], rather: Iterable[str] = ()
) -> str:
    """The right word that a wrong one is nearest to, or ""."""
    wanted, preferred = word[:64], frozenset(rather)
    words = sorted({*known, *preferred})
    if wanted.lower() in words:
        return wanted.lower()
    near = difflib.get_close_matches(wanted, words, n=3, cutoff=_ALIKE)
    near = near or difflib.get_close_matches(
        wanted.lower(), words, n=3, cutoff=_ALIKE
    )
    likeness = {
        found: difflib.SequenceMatcher(None, found, wanted).ratio()
        for found in near
    }
    # `padding`, `epsilon`
    longer = _only(
        {
            right
            for right in words
            if len(right) > 2 and wanted.startswith(right)
        }
    )
    return max(
        near,
        key=lambda found: (likeness[found], found in preferred),
        default=longer,
    )
