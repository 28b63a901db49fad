"""`catalogue.yaml` → what each code of a diagnostic means, with a wrong and a right example."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml
from msgspec import convert

from .collecting import without
from .structs import Frozen


class CatalogueEntry(Frozen, forbid_unknown_fields=True):
    """One code.

    The examples are specs, or the part of one that matters (`completed` fills in the rest). One
    whose first line begins with `$` is a command, run where the rest of the example is the file
    `example.yaml`. `files` are others that the examples need."""

    title: str
    why: str
    wrong: str
    right: str
    name: str = ""  # of a lint, by which `allow:` silences it
    files: dict[str, str] = {}
    fix: bool = False  # `check --fix` mends it where the fix is certain


_FRAME = {
    "name": "name: example",
    "input": "input: 3x32x32",
    "net": "net:\n  conv1: 3x3 conv 8",
}


def _text() -> str:
    return (resources.files("resgraph") / "catalogue.yaml").read_text(
        encoding="utf-8"
    )


def visible(text: str) -> str:
    """A text of which what cannot be seen is written as its code point."""
    return "".join(
        c if c == "\n" or c.isprintable() else f"\\u{ord(c):04x}"
        for c in text
    )


def lints() -> dict[str, str]:
    """The code of each lint by its name, in the order of the codes.

    By pattern, as every check asks for it, and reading the whole YAML takes longer than a check.
    """
    return {
        name: code
        for code, name in re.findall(
            r"^(W\d+):\n  name: (\S+)$", _text(), re.MULTILINE
        )
    }


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """Every code, in order."""
    entries = {
        code: convert(entry, CatalogueEntry)
        for code, entry in yaml.safe_load(_text()).items()
    }
    return dict(sorted(entries.items()))


def completed(example: str) -> tuple[str, str]:
    """The command of an example ("" for a plain check), and its file with the `name`, `input` or
    `net` that it lacks.

    A file that extends another has them from there.
    """
    first, _, rest = example.partition("\n")
    command, text = (
        (first[2:].strip(), rest)
        if first.startswith("$ ")
        else ("", example)
    )
    extends = re.search(r"^extends:", text, re.MULTILINE)
    missing = [
        line
        for key, line in _FRAME.items()
        if not extends and not re.search(rf"^{key}:", text, re.MULTILINE)
    ]
    tail = [line for line in missing if line.startswith("net")]
    head = without(missing, tail)
    return command, "\n".join([*head, text.rstrip("\n"), *tail]) + "\n"
