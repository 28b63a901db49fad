"""Diagnostics → frames: what a terminal shows of long lines, tabs and characters that it would obey."""

from __future__ import annotations

from resgraph.errors import Diagnostic, Source, Span


def frame(text: str, column: int, end: int) -> list[str]:
    """The line and the marks of a frame."""
    lines = (
        Diagnostic(
            "E000", "wrong", Span(Source("f", text), 1, column, 1, end)
        )
        .frame()
        .split("\n")
    )
    return [
        line.removeprefix("1 | ").removeprefix("  | ")
        for line in lines[3:5]
    ]


def marked(text: str, column: int, end: int) -> str:
    """What the marks stand below."""
    line, marks = frame(text, column, end)
    return line[marks.find("^") : marks.rfind("^") + 1]


def test_a_short_line_is_shown_as_written() -> None:
    assert frame("conv1: 7x7 conv", 8, 11) == [
        "conv1: 7x7 conv",
        "       ^^^",
    ]


def test_a_long_line_is_shown_around_the_place() -> None:
    text = "a" * 500 + "HERE" + "b" * 500
    line, _ = frame(text, 501, 505)
    assert len(line) == 160
    assert (line[0], line[-1]) == ("…", "…")
    assert marked(text, 501, 505) == "HERE"
    assert frame(text, 1, 2)[0] == "a" * 159 + "…"
    assert frame(text, 1004, 1005)[0] == "…" + "b" * 159
    assert len(frame(text, 1, 1005)[1]) == 160, (
        "the marks end where the line does"
    )


def test_what_a_terminal_would_obey_is_shown_as_one_character() -> None:
    text = "a: \x1b[31m\t\u202eHERE\u200b"
    assert frame(text, 11, 15) == ["a: �[31m �HERE�", "          ^^^^"]
