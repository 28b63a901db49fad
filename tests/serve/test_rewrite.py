"""What the page edits: exactly the entry that was meant, by an oracle that knows only plain YAML; the rest of the file
stays as it was, character by character."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
import yaml

from resgraph.errors import Source, UsageError
from resgraph.serve.rewrite import Keys, Rewriter

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
SPEC = """\
name: small   # a name
input: 3x16x16
blocks:
  # two convolutions
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)

net:
  conv1: 3x3 conv 8          # the stem
  # the first stage
  conv2: 2 x pair 16 /2

  # nothing in particular

  head:  [global avg pool, fc 10]
"""


def rewriter(text: str = SPEC) -> Rewriter:
    return Rewriter(Source("spec.yaml", text))


@pytest.mark.parametrize(
    ("path", "typed", "old", "new"),
    [
        (("net", "conv1"), "5x5 conv 12", "3x3 conv 8 ", "5x5 conv 12 "),
        (("net", "head", 1), "fc 5", "fc 10", "fc 5"),
        (("blocks", "pair", "body", 0), "1x1 conv out", "3x3 conv out /stride", "1x1 conv out"),
        (("blocks", "pair", "merge"), "body + shortcut", "relu(body + shortcut)", "body + shortcut"),
        (("net", "conv1"), "[3x3 conv 8, 3x3 conv 8]", "3x3 conv 8 ", "[3x3 conv 8, 3x3 conv 8] "),
        (("net", "head", 1), "fc 5, relu", "fc 10", "'fc 5, relu'"),
        (("net", "conv1"), "a: b", "3x3 conv 8 ", "'a: b' "),
        (("name",), "x # y", "name: small ", "name: 'x # y' "),
    ],
)  # fmt: skip
def test_other_words_stand_where_the_old_ones_stood(
    path: Keys, typed: str, old: str, new: str
) -> None:
    assert SPEC.count(old) == 1
    assert rewriter().replace(path, typed) == SPEC.replace(old, new)


def test_a_row_goes_with_the_comment_right_above_it() -> None:
    assert rewriter().remove(("net", "conv2")) == SPEC.replace(
        "  # the first stage\n  conv2: 2 x pair 16 /2\n", ""
    )
    assert rewriter().remove(("net", "head", 0)) == SPEC.replace(
        "global avg pool, ", ""
    )
    assert rewriter().remove(("net", "head", 1)) == SPEC.replace(
        ", fc 10", ""
    )


def test_a_comment_in_the_first_column_belongs_to_a_key_of_the_file() -> (
    None
):
    text = "# the name\nname: a\n# its size\ninput: 3x8x8\n"
    assert rewriter(text).remove(("input",)) == "# the name\nname: a\n"


def test_a_row_moves_with_its_comments() -> None:
    moved = rewriter().move(("net", "conv2"), 0)
    assert moved[moved.index("net:") :].splitlines() == [
        "net:",
        "  # the first stage",
        "  conv2: 2 x pair 16 /2",
        "  conv1: 3x3 conv 8          # the stem",
        "",
        "  # nothing in particular",
        "",
        "  head:  [global avg pool, fc 10]",
    ]
    assert "[3x3 conv out linear, 3x3 conv out /stride]" in rewriter().move(
        ("blocks", "pair", "body", 0), 1
    )


def test_a_new_row_begins_in_the_column_of_the_others() -> None:
    made = rewriter().add(("net",), "conv3", "pair 32 /2", "conv2")
    assert made == SPEC.replace(
        "pair 16 /2\n", "pair 16 /2\n  conv3: pair 32 /2\n"
    )
    first = rewriter().add(("net",), "a", "3x3 conv 4", None)
    assert "net:\n  a:     3x3 conv 4\n  conv1:" in first or (
        "net:\n  a:    3x3 conv 4\n  conv1:" in first
    )
    last = rewriter(SPEC.removesuffix("\n")).add(
        ("net",), "x", "relu", "head"
    )
    assert last.endswith("fc 10]\n  x:    relu") or last.endswith(
        "fc 10]\n  x:     relu"
    )
    item = rewriter().add(("net", "head"), "", "dropout 0.1", 0)
    assert "[global avg pool, dropout 0.1, fc 10]" in item


def test_the_first_block_gets_its_section() -> None:
    text = "name: a\ninput: 3x8x8\nnet:\n  a: 3x3 conv 4\n"
    made = rewriter(text).add(
        ("blocks",), "b", "{body: [3x3 conv out], merge: body}", None
    )
    assert made == text.replace(
        "net:", "blocks:\n  b: {body: [3x3 conv out], merge: body}\nnet:"
    )


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (lambda: rewriter("net: {a: relu}").remove(("net", "a")), "all that there is"),
        (lambda: rewriter("a: b").remove(("a",)), "all that there is"),
        (lambda: rewriter("a: b").move(("a",), 1), "no place 2"),
        (lambda: rewriter().remove(("net", "gone")), "no `gone` here any more"),
        (lambda: rewriter().replace(("net", "head", 7), "relu"), "no `7` here"),
        (lambda: rewriter().replace(("net", "conv1"), " "), "write a label"),
        (lambda: rewriter().replace(("net", "conv1"), "a\nb"), "on one line"),
        (lambda: rewriter().add(("net",), "conv1", "relu", None), "take another name"),
        (lambda: rewriter().add(("net",), "a: b", "relu", None), "write it in the text"),
        (lambda: rewriter().add(("net", "conv1"), "", "relu", None), "holds no entries"),
        (lambda: rewriter().move(("net", "conv1"), 3), "3 entries and no place 4"),
        (lambda: rewriter("net: {a: [").remove(("net", "a")), "no YAML at the moment"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(
    action: Callable[[], str], why: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        action()


# ten times as fast, where built
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def plain(text: str) -> Any:
    return yaml.load(text, LOADER)


def at(value: Any, path: Keys) -> Any:
    for key in path:
        value = value[key]
    return value


def paths(value: Any, above: Keys = ()) -> list[Keys]:
    """Every entry and item below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, str):
        return []
    return [
        path
        for key, part in pairs
        for path in ((*above, key), *paths(part, (*above, key)))
    ]


def by_hand(
    value: Any, kind: str, path: Keys, rng: random.Random
) -> tuple[Any, Callable[[Rewriter], str]]:
    """A random action done on plain values, and the page's function that does it on a text."""
    holder, key = at(value, path[:-1]), path[-1]
    if kind == "replace":
        holder[key] = "17x17 conv 3"
        return value, methodcaller("replace", path, "17x17 conv 3")
    entries = (
        list(holder.items()) if isinstance(holder, dict) else list(holder)
    )
    place = [*holder].index(key) if isinstance(holder, dict) else int(key)
    if kind == "remove":
        del entries[place]
        done = methodcaller("remove", path)
    elif kind == "move":
        to = rng.randrange(len(entries))
        entries.insert(to, entries.pop(place))
        done = methodcaller("move", path, to)
    else:
        name = "added" if isinstance(holder, dict) else ""
        entries.insert(place + 1, (name, "relu") if name else "relu")
        done = methodcaller("add", path[:-1], name, "relu", key)
    if isinstance(holder, dict):
        holder.clear()
        holder.update(entries)
    else:
        holder[:] = entries
    return value, done


def ordered(value: Any) -> Any:
    """Maps as lists of pairs: their order counts."""
    if isinstance(value, dict):
        return [(key, ordered(part)) for key, part in value.items()]
    return (
        [ordered(part) for part in value]
        if isinstance(value, list)
        else value
    )


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_every_kind_of_action_on_the_zoo(spec: Path, ending: str) -> None:
    text = spec.read_text().replace("\n", ending)
    rng = random.Random(spec.stem + ending)
    every = paths(plain(text))
    done = 0
    for kind in ("replace", "remove", "move", "add"):
        path = rng.choice(every)
        if kind == "remove" and len(at(plain(text), path[:-1])) == 1:
            continue
        wanted, action = by_hand(plain(text), kind, path, rng)
        after = action(rewriter(text))
        done += 1
        assert ordered(plain(after)) == ordered(wanted), (kind, path)
        assert after.count("\r") == (
            after.count("\n") if ending == "\r\n" else 0
        )
        # the others take the comments of what goes along
        if kind in (
            "move",
            "add",
        ):
            assert comments(text) - comments(after) == set()
    assert done >= 3


def comments(text: str) -> set[str]:
    return {
        line[line.index("#") :].strip()
        for line in text.splitlines()
        if " #" in line
    }
