"""Pieces of Python → lines of at most 100 columns, laid out as `ruff format` would; foreign text →
safe text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from ...collecting import all_of_type
from ...structs import Frozen

WIDTH = 100


class Bracketed(Frozen):
    """Brackets and what stands in them: one line where it fits, else one line for each item.

    A chain has no commas: a comprehension, or a sum, whose brackets (no tail) come only where it is
    broken."""

    head: str
    items: tuple[TextPiece, ...]
    tail: str = ")"
    chain: bool = False


TextPiece = str | Bracketed


def flat(piece: TextPiece) -> str:
    """The piece on one line."""
    if isinstance(piece, str):
        return piece
    inner = [*map(flat, piece.items)]
    if piece.chain:
        return piece.head + " ".join(inner) + piece.tail
    comma = "," if piece.head == "(" and len(inner) == 1 else ""
    return piece.head + ", ".join(inner) + comma + piece.tail


def layout(
    piece: TextPiece, indent: int = 0, before: str = "", after: str = ""
) -> list[str]:
    """The piece between `before` and `after`, as lines that begin `indent` columns in."""
    pad = " " * indent
    line = f"{pad}{before}{flat(piece)}{after}"
    if isinstance(piece, str) or len(line) <= WIDTH:
        return [line]
    head, tail = (
        (piece.head, piece.tail) if piece.tail else (piece.head + "(", ")")
    )
    lines = [f"{pad}{before}{head}"]
    inner = f"{pad}    {', '.join(map(flat, piece.items))}"
    if (
        len(inner) <= WIDTH
        and not piece.chain
        and all_of_type(str, piece.items)
    ):
        return [*lines, inner, f"{pad}{tail}{after}"]
    comma = "" if piece.chain or len(piece.items) == 1 else ","
    for item in piece.items:
        lines += layout(item, indent + 4, after=comma)
    return [*lines, f"{pad}{tail}{after}"]


def safe(text: str) -> str:
    """Text of a user as one printable line: whatever a terminal or Python could act on is spelled
    out."""
    return "".join(
        c
        if c.isprintable()
        else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def comment(text: str) -> list[str]:
    """Text of a user as lines of comment."""
    return [
        f"# {line}"
        for line in textwrap.wrap(
            safe(text), WIDTH - 2, break_long_words=True
        )
    ]


def docstring(paragraphs: Sequence[str], indent: int) -> list[str]:
    """Text of a user as a docstring, which can neither end early nor hold an escape of its own."""
    quoted = [*map(_quotable, paragraphs)]
    pad = " " * indent
    if len(quoted) == 1 and len(quoted[0]) + indent + 6 <= WIDTH:
        return [f'{pad}"""{quoted[0]}"""']
    quoted[0] = f'"""{quoted[0]}'
    lines: list[str] = []
    for text in quoted:
        lines += [
            "",
            *textwrap.wrap(
                text,
                WIDTH - indent,
                break_long_words=False,
                break_on_hyphens=False,
            ),
        ]
    return [
        *(pad + line if line else "" for line in lines[1:]),
        f'{pad}"""',
    ]


def _quotable(text: str) -> str:
    quoted = safe(text).replace("\\", "\\\\")
    return (
        quoted.replace('"', '\\"')
        if '"""' in quoted or quoted.endswith('"')
        else quoted
    )


_PAPERS = """
    BiT CIFAR ConvNeXt DenseNet DropPath ECA EfficientNet MBConv MLP MobileNet NF PreAct RegNet
    RepVGG Res2Net ResNeSt ResNet ResNeXt SE SENet SK SKNet UNet VGG WRN
"""
_SPELLED = {word.lower(): word for word in _PAPERS.split()}
"""FreeNames as their papers spell them."""


def camel(text: str) -> str:
    """`se-basic` → `SEBasic`; numbers that meet are kept apart: `resnext-50-32x4d` →
    `ResNeXt50_32x4d`."""
    name = ""
    for word in re.findall(r"[A-Za-z0-9]+", text.replace("_", " ")):
        joint = "_" if name[-1:].isdigit() and word[0].isdigit() else ""
        name += joint + _SPELLED.get(
            word.lower(), word[0].upper() + word[1:]
        )
    return name if name[:1].isalpha() else f"Net{name}"


def with_numbers(name: str) -> Iterator[str]:
    """`conv`, `conv2`, `conv3` …"""
    yield name
    yield from (f"{name}{number}" for number in count(2))


class FreeNames:
    """Gives every definition of a file, or every local of a function, a name of its own."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """The name if it is free, else with a number."""
        name = next(
            name for name in with_numbers(wanted) if name not in self._taken
        )
        self._taken.add(name)
        return name
