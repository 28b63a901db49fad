"""`reads:` and `gives:` of a block → the names of its streams, with the mistakes in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from collections.abc import Mapping as Names

from ...collecting import each_text, of_type
from ...errors import fault
from ..yaml.tree import KeyValue, Scalar, Tree, bare
from .log import Log
from .records import Word
from .words import STREAM_KEYS, name_problem


def called_so(
    entries: Names[str, KeyValue], is_word: Callable[[str], bool]
) -> frozenset[str]:
    """The keys `reads` and `gives` that are paths of that name, as in files older than streams:
    what stands there is no list of names alone, or one name of a path, or a path that is merged."""
    one = {"reads": entries.keys(), "gives": {"merge"} & entries.keys()}
    lists = {
        key: _alone(entries[key].value, is_word)
        for key in STREAM_KEYS & entries.keys()
    }
    return frozenset(
        key
        for key, names in lists.items()
        if not names or (len(names) == 1 and one[key] & {*names, "merge"})
    )


def _alone(tree: Tree, is_word: Callable[[str], bool]) -> list[str]:
    """The names in a list of nothing else; none where a label or an equation is in it."""
    items = tree.items
    names = each_text(of_type(Scalar, items))
    alone = len(names) == len(items) and all(map(str.isidentifier, names))
    return names if alone and not any(map(is_word, names)) else []


def taken_streams(
    keys: Names[str, KeyValue],
    paths: Collection[str],
    taken: Collection[str],
    log: Log,
) -> tuple[Word, ...]:
    """The names of the streams that flow into a block, which no path of it has; none where one
    tensor does."""
    if "reads" not in keys:
        return ()
    words = _two(
        keys["reads"].value, "reads", "one tensor flows in as `x`", log
    )
    for word in words:
        problem = name_problem(word.text, taken)
        if word.text in paths:
            problem = problem or "a path of the block has that name"
        if problem:
            key = bare(word.text, word.span)
            log.pass_over(
                log.name("stream", key, problem, {*taken, *paths})
            )
    return words


def given_streams(
    keys: Names[str, KeyValue], streams: Iterable[str], log: Log
) -> tuple[Word, ...]:
    """The paths, or streams that flow in, which a block hands back; none where it merges."""
    if "gives" not in keys:
        return ()
    if "merge" in keys:
        said = "a block hands back its `merge`, or what it `gives`: this has both"
        hint = "make the merge a path, and name that in `gives`"
        log.report(fault("E024", said, keys["merge"].value.span, hint))
    known = dict.fromkeys(streams)
    given, otherwise = keys["gives"].value, "`merge:` hands back one tensor"
    words = _two(given, "gives", otherwise, log, known)
    for word in words:
        if word.text not in known:
            said = f"nothing in this block is called `{word.text}`"
            hint = f"its streams and paths are {', '.join(known)}"
            log.report(
                fault("E030", said, word.span, hint, about=word.text)
            )
    return words


def _two(
    tree: Tree,
    key: str,
    otherwise: str,
    log: Log,
    meant: Iterable[str] = (),
) -> tuple[Word, ...]:
    """Two names or more, each once; where they are not, one of `meant` may lack."""
    names = frozenset(meant)
    items = tree.items
    words = {
        item.text: Word(item.text, item.span)
        for item in of_type(Scalar, items)
    }
    if len(words) < len(items):
        said, hint = f"`{key}` has a name twice", "write each once"
        log.report(fault("E022", said, tree.span, hint, names=names))
    elif len(words) < 2:
        said = f"`{key}` names one stream, and streams are two or more"
        log.report(fault("E022", said, tree.span, otherwise, names=names))
    return tuple(words.values())
