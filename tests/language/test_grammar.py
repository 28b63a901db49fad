"""The grammar alone reads what is right: what was meant is asked only where a text is wrong."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from nets import spec

from resgraph.checked import check_nets
from resgraph.errors import Source
from resgraph.language.diagnose.recovery import Recovery
from resgraph.language.format import reformat
from resgraph.language.grammar.records import Label, Poison
from resgraph.language.references import zoo_folder
from resgraph.language.spec import text_spec

FILES = sorted(zoo_folder().glob("*.yaml"))


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that guesses at nothing."""

    def refuse(*asked: Any) -> NoReturn:
        raise AssertionError(f"asked what was meant by {asked[1]}")

    for hook in ("item", "unit", "let"):
        monkeypatch.setattr(Recovery, hook, refuse)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_guessed_at_in_a_right_spec(file: Any) -> None:
    assert [
        net.problems for net in check_nets(str(file)) if net.plan is None
    ] == []


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("item", ["convv 8", "x + nothing", "add", "3 x"])
def test_what_is_wrong_is_asked_about(item: str) -> None:
    with pytest.raises(AssertionError, match="asked what was meant"):
        text_spec(Source("s", spec(f"one: {item}")))


def test_what_cannot_be_read_is_poison_that_may_know_what_was_meant() -> (
    None
):
    read = text_spec(
        Source("s", spec("one: [relu, 3x3 Conv 8, 3x3 gnarl 8, relu]"))
    )
    first, guessed, unknown, last = read.rows["one"].items
    assert isinstance(first, Label) and isinstance(last, Label)
    assert (
        isinstance(guessed, Poison)
        and guessed.guess
        and guessed.guess.word == "conv"
    )
    assert isinstance(unknown, Poison) and unknown.guess is None
    assert read.rows["one"].broken and len(read.mistakes) == 2


@pytest.mark.parametrize("form", ["keep", "short", "long"])
def test_fmt_keeps_a_shortcut_that_is_written_wrong(form: Any) -> None:
    text = spec("one: {block: basic, out: 8, shortcut: projecton}")
    assert "shortcut: projecton" in reformat(Source("s", text), form)
