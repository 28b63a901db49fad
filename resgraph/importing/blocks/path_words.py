"""The paths of blocks → what their author calls them: by the modules that they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from ...collecting import flatten, present, the_only
from ...language.grammar.words import ACT, BLOCK_KEYS, name_problem
from ...language.library import library_index
from ...ops import VOCABULARY, Pool
from ..classes import common, module_of
from ..regions.structure import Branch, Region
from ..regions.words import BLOCK_WORDS

_Path = Sequence[str]
"""The path of a module within a block."""
_LONGEST = 12
"""Letters of a word."""


def path_words(
    rows: Iterable[Sequence[Branch | None]], blocks: Iterable[Region]
) -> list[str]:
    """A word for each column of the paths of blocks, "" where these have none, not the same, or
    one that says something else: the outermost module that is not another path's too."""
    words = [*map(_one, zip(*map(_words, rows, blocks), strict=True))]
    counts = Counter(words)
    return [word if counts[word] == 1 else "" for word in words]


def _one(words: Sequence[str | None]) -> str:
    """The word of all that have one; "" where they differ, or where it is the language's."""
    found = {*present(words)}
    word = the_only(found, "")
    taken = (*VOCABULARY, *library_index(), *BLOCK_WORDS, *BLOCK_KEYS, ACT)
    unsaid = len(word) > _LONGEST or word.rstrip("0123456789") in VOCABULARY
    return "" if unsaid or name_problem(word, taken) else word


def _words(row: Sequence[Branch | None], block: Region) -> list[str | None]:
    """Of the paths of one block; of a pool alone, what it is."""
    depth = len(module_of(block.steps))
    modules = [
        [path[depth:] for path in _modules(branch)] for branch in row
    ]
    return [
        None if branch is None else _pool(branch) or _word(place, modules)
        for place, branch in enumerate(row)
    ]


def _modules(branch: Branch | None) -> list[_Path]:
    """Those of a path's layers."""
    if branch is None:
        return []
    steps = [*flatten(item.steps for item in branch.items)]
    weighted = [step for step in steps if step.op.weighted]
    return [step.path for step in weighted or steps]


def _pool(branch: Branch) -> str:
    return (
        "pool" if [type(step.op) for step in branch.steps] == [Pool] else ""
    )


def _word(place: int, modules: Sequence[Sequence[_Path]]) -> str:
    """`branch3x3` of `branch3x3_1` and `branch3x3_2`, `conv_scale` of `mixer.conv_scale.conv`."""
    own = common(modules[place])
    others = [*chain(*modules[:place], *modules[place + 1 :])]
    for size in range(1, len(own) + 1):
        if not any(path[:size] == own[:size] for path in others):
            return own[size - 1]
    firsts = [
        path[len(own)] for path in modules[place] if len(path) > len(own)
    ]
    return "".join(common(firsts)).rstrip("_") if len({*firsts}) > 1 else ""
