"""An analysis and a place → where the name there was defined: a block, a `let`, a path or a row."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ..errors import Source, Span, SpecError, UsageError
from ..language.extends import read_source
from ..language.library import library_index, standard_block
from ..language.references import locate
from ..language.yaml.tree import KeyValue, Mapping, Scalar
from .analysis import Analysis, entries, entry, trail
from .hover import word_at


def definition(
    analysis: Analysis, line: int, column: int
) -> tuple[Path, Span] | None:
    """The file and the place where the name under a place is defined; None for a word of the
    language."""
    word = word_at(analysis, line, column)
    path = Path(analysis.source.name)
    keys = trail(analysis.tree, line, column)
    if keys == ["extends"]:
        return _base(analysis, path)
    if not word or not keys or analysis.is_study:
        return None
    if found := _around(analysis.tree, keys, word):
        return path, found.key.span
    whole = _whole(analysis, path)
    for key in ("blocks", "let", "net", "input"):
        if word in (known := entries(whole, key)):
            span = known[word].key.span
            return Path(span.source.name), span
    if block := standard_block(word):
        return library_file(word), block.span
    return None


def _around(tree: Mapping, keys: list[str], word: str) -> KeyValue | None:
    """A value or path of the blocks and the row around a place: the innermost. They come before
    the file's."""
    if keys[0] not in ("blocks", "net"):
        return None
    scopes = [keys[:depth] for depth in range(len(keys), 0, -1)]
    places = (
        [*scope, *inner] for scope in scopes for inner in (["let"], [])
    )
    return next(
        filter(None, (entry(tree, *place, word) for place in places)), None
    )


def _base(analysis: Analysis, path: Path) -> tuple[Path, Span] | None:
    """The first line of the spec that is extended."""
    written = entries(analysis.tree)["extends"].value
    try:
        found = (
            locate(written.text, path.parent)
            if isinstance(written, Scalar)
            else None
        )
    except UsageError:
        return None
    return (
        (found.path, Span(Source(str(found.path), ""), 1, 1, 1, 1))
        if found and found.path.is_file()
        else None
    )


def _whole(analysis: Analysis, path: Path) -> Mapping:
    """The tree with what it extends, where that can be read."""
    try:
        tree, _ = read_source(analysis.source, path)
    except SpecError:
        return analysis.tree
    return tree


def library_file(block: str) -> Path:
    """The file of a standard block."""
    return Path(
        str(
            resources.files("resgraph") / "library" / library_index()[block]
        )
    )
