"""`resgraph blocks` lists what a label can call, and takes every name that it prints."""

from __future__ import annotations

import json

import pytest

from resgraph.cli import run
from resgraph.language.library import library_index, library_text
from resgraph.ops import VOCABULARY


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["blocks", *words]) == 0
    return capsys.readouterr().out


def test_every_block_and_op_is_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(capsys).splitlines()
    assert (
        "  conv WIDTH              kernel, stride, dilation, pad, bias, reflect, replicate, groups, standardize, gamma, eps"
        in lines
    )
    assert "  fc WIDTH                bias" in lines
    for name in [*library_index(), *VOCABULARY]:
        assert any(f"{line} ".startswith(f"  {name} ") for line in lines), (
            name
        )
    assert [
        entry["name"] for entry in json.loads(told(capsys, "--json"))
    ] == [
        *library_index(),
        *VOCABULARY,
    ]


def test_every_printed_name_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in library_index():
        assert told(capsys, name) == library_text(name)
    for file in set(library_index().values()):
        inside = [
            block
            for block, place in library_index().items()
            if place == file
        ]
        assert told(capsys, file) == "blocks:\n" + "".join(
            library_text(b).removeprefix("blocks:\n") for b in inside
        )
    assert told(capsys, "mobile") == told(capsys, "mobile.yaml")
    assert told(capsys, "se") == library_text("se"), (
        "a block before the file of its name"
    )
    for name in VOCABULARY:
        assert f"\nlabel: {name}" in told(capsys, *name.split())


def test_an_op_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        told(capsys, "fc")
        == "A fully connected layer on vectors, `fc 1000`.\nlabel: fc WIDTH\noptions: bias\n"
    )
    assert told(capsys, "max", "pool") == told(capsys, "max pool")
    (entry,) = json.loads(told(capsys, "gn", "--json"))
    assert (entry["number"], entry["options"], entry["package"]) == (
        "groups",
        ["eps", "bias"],
        "",
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("mobil", "`mobile`"),
        ("convv", "`conv`"),
        ("bottlneck", "`bottleneck`"),
        ("qqqq", "lists"),
    ],
)
def test_what_is_neither(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["blocks", word]) == 2
    assert said in capsys.readouterr().err
