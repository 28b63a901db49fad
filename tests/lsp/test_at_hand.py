"""Of a file with variants, the one at hand is told of before the others are checked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types as lsp

from resgraph import checked as module
from resgraph.errors import Diagnostic
from resgraph.lsp import server as serving
from resgraph.lsp.analysis import Analyser, analyse

TEXT = """\
name: test
input: 3x32x32
let: {classes: 10, width: 16}
net:
  conv1: 3x3 conv width
  head:  [global avg pool, fc classes]
variants:
  a: {}
  b: {classes: 20}
  c:
    classes: 30
    expect: {params: 1}
"""
PATH = Path("a.yaml")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The variants that are checked, in order."""
    names: list[str | None] = []
    parse = module.parse_spec

    def noted(tree: Any, errors: Any, name: str | None, *rest: Any) -> Any:
        names.append(name)
        return parse(tree, errors, name, *rest)

    monkeypatch.setattr(module, "parse_spec", noted)
    return names


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (("", ""), "a"),
        (("width: 16", "width: 24"), "a"),
        (("20", "21"), "b"),
        (("classes: 30", "classes: 31"), "c"),
    ],
)
def test_what_was_changed_is_checked_first(
    change: tuple[str, str], first: str, checked: list[str | None]
) -> None:
    before, text = analyse(TEXT, PATH), TEXT.replace(*change)
    checked.clear()
    begun = Analyser(text, PATH, before)
    told = begun.first()
    assert told is not None
    assert [d.code for d in told] == (["E050"] if first == "c" else [])
    assert checked == [first]
    found = begun.whole()
    assert found is not None
    assert sorted(map(str, checked)) == ["a", "b", "c"]
    assert found.diagnostics == analyse(text, PATH, before).diagnostics


def test_a_file_of_one_net_is_told_of_once() -> None:
    assert Analyser(TEXT.partition("variants")[0], PATH).first() is None


def test_what_is_stale_is_left_before_the_next_variant(
    checked: list[str | None],
) -> None:
    assert Analyser(TEXT, PATH).whole(lambda: "b" in checked) is None
    assert checked == ["a", "b"]


@pytest.mark.parametrize("changed", [False, True])
def test_the_server_tells_of_it_before_the_others_are_checked(
    changed: bool,
    checked: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And of the whole file, unless the text is another by then."""
    told: list[tuple[list[str | None], list[str]]] = []
    document = SimpleNamespace(version=1)

    def publish(
        uri: str, version: int, found: Sequence[Diagnostic]
    ) -> None:
        told.append(([*checked], [d.code for d in found]))
        document.version += changed

    server: Any = SimpleNamespace(
        workspace=SimpleNamespace(get_text_document=lambda _: document),
        text=lambda _: TEXT,
        analyses={},
        publish=publish,
        client_capabilities=lsp.ClientCapabilities(),
    )
    monkeypatch.setattr(serving, "_PAUSE", 0)
    asyncio.run(serving.Server.check(server, "file:///a.yaml", 1))
    first, whole = (["a"], []), (["a", "b", "c"], ["E050"])
    assert told == ([first] if changed else [first, whole])
    assert checked == told[-1][0]
