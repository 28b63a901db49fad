"""Every slip of every word of the language: where one is mended, it is to the word that was slipped from."""

from __future__ import annotations

import random
from functools import cache

import pytest

from resgraph.language.diagnose.nearest import certain
from resgraph.language.foreign import FOREIGN, SYNONYMS, is_foreign
from resgraph.language.library import library_index
from resgraph.ops import VOCABULARY

from .slips import KINDS, slips

KNOWN = frozenset({*VOCABULARY, *library_index()})
OF_THE_HAND = ("missing", "doubled", "swapped")


@cache
def mended(wrong: str) -> str:
    return certain(wrong, KNOWN)


def cases(
    word: str, kinds: tuple[str, ...], most: int = 10**6
) -> list[str]:
    """Slips of a word that are no words themselves."""
    found = sorted(
        {
            wrong
            for kind, wrong in slips(word)
            if kind in kinds and wrong not in KNOWN
        }
    )
    return random.Random(word).sample(found, min(most, len(found)))


@pytest.mark.parametrize(
    ("kinds", "most"),
    [
        pytest.param(OF_THE_HAND, 1000, id="of the hand"),
        pytest.param(KINDS, 25, id="some letters"),
        pytest.param(KINDS, 10**6, id="all", marks=pytest.mark.slow),
    ],
)
def test_what_is_mended_is_the_word_that_was_meant(
    kinds: tuple[str, ...], most: int
) -> None:
    for word in KNOWN:
        for wrong in cases(word, kinds, most):
            assert wrong in SYNONYMS or mended(wrong) in ("", word), (
                word,
                wrong,
            )


def test_most_slips_of_the_hand_are_mended() -> None:
    tried = [
        (word, wrong)
        for word in KNOWN
        if len(word) > 3
        for wrong in cases(word, OF_THE_HAND)
    ]
    left = [(word, wrong) for word, wrong in tried if mended(wrong) != word]
    assert len(left) < 0.03 * len(tried), left


def test_a_word_for_another_thing_is_never_mended() -> None:
    assert len(FOREIGN) > 150
    assert not {
        word
        for word in FOREIGN
        if certain(word, KNOWN) or word in KNOWN or word in SYNONYMS
    }
    assert is_foreign("Local_Response_Norm")
    assert is_foreign("log sigmoid")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Conv", "conv"),
        ("BatchNorm2d", "bn"),
        ("swish", "silu"),
        ("max-pool", "max pool"),
        ("MaxPool", "max pool"),
        ("drop out", "dropout"),
        ("gloabl avg pool", "global avg pool"),
        ("pools", ""),
        ("bottlneck", "bottleneck"),
        ("bottlepeck", "bottleneck"),
        ("elu6", ""),
        ("conv3d", ""),
        ("conv2", ""),
        ("mconv", ""),
        ("resnet", ""),
        ("slu", ""),
        ("erlu", ""),
        ("se-resnext", ""),
        ("unshuffl", ""),
        ("ushuffle", ""),
    ],
)
def test_what_a_word_is_for_certain(wrong: str, right: str) -> None:
    assert certain(wrong, KNOWN) == right
