"""A spec's file → its text → a tree with places and the mistakes in it; no input makes it crash, hang or grow."""

from __future__ import annotations

import os
import stat

import yaml

from ..errors import Diagnostic, Source, SpecError
from .characters import FORBIDDEN, decoding_problem, described
from .compose import Composer
from .limits import Limits, Stop
from .places import Places
from .syntax import syntax_error
from .tree import Mapping

__all__ = ["Limits", "decode", "open_source", "read"]

# Events only: `compose` of the C loader overflows the stack on nested input, its events do not. Both loaders take
# quadratic time in the depth, which the limit on depth bounds.
_LOADER = getattr(yaml, "CLoader", yaml.Loader)

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_source(path: str | os.PathLike[str], limits: Limits = Limits()) -> Source:
    """The text of a file, without its byte order mark.

    Raises `SpecError`: E001 where there is no regular file that can be read, E002 where it is not UTF-8, E004 where
    it is over the limit on size. Nothing but a regular file is opened.
    """
    name = "".join(c if c.isprintable() else "�" for c in os.fspath(path))
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind != stat.S_IFREG:
            raise SpecError(
                [Diagnostic("E001", f"cannot read `{name}`: it is {_KINDS.get(kind, 'no file')}")]
            )
        # Between the two calls the file may have become a pipe: do not wait for its writer.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            data = file.read(limits.size + 1) or b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecError(
            [Diagnostic("E001", f"cannot read `{name}`: {reason[:1].lower()}{reason[1:]}")]
        ) from None
    return decode(data, name, limits)


def decode(data: bytes, name: str, limits: Limits = Limits()) -> Source:
    """The text of bytes. Raises `SpecError` as `open_source` does."""
    if len(data) > limits.size:
        raise SpecError([_too_large(name, limits)])
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    message, hint = decoding_problem(data)
    raise SpecError([Diagnostic("E002", f"cannot read `{name}`: {message}", help=hint)])


def read(source: Source, limits: Limits = Limits()) -> tuple[Mapping | None, list[Diagnostic]]:
    """The tree of a text and the mistakes in it, in the order of their places.

    A tree that comes with mistakes is mended (a repeated key keeps its first value, `null` reads as `none`): good for
    finding more mistakes, and for nothing else. There is none where the text cannot be read to its end.
    """
    if len(source.text) > limits.size:
        return None, [_too_large(source.name, limits)]
    places = Places(source)
    if hidden := _hidden(places, limits):
        return None, hidden
    composer = Composer(places, limits)
    try:
        composer.compose(yaml.parse(source.text, Loader=_LOADER))
    except Stop:
        return None, _sorted(composer.errors)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the Python loader leaks chr()'s ValueError
        return None, _sorted([*composer.errors, syntax_error(error, places)])
    root = composer.root
    if isinstance(root, Mapping):
        return root, _sorted(composer.errors)
    return None, [*_sorted(composer.errors), _no_mapping(composer, places)]


def _no_mapping(composer: Composer, places: Places) -> Diagnostic:
    root, hint = composer.root, "write `input:` and `net:`"
    if root is None or (root.span.line, root.span.column) == (root.span.end_line, root.span.end_column):
        return Diagnostic("E003", "the file says nothing", places.span(0, 0), help=hint)
    what = "one text" if root is None else "a list" if not hasattr(root, "text") else "one text"
    return Diagnostic(
        "E003", f"a spec is a map of `name: value` lines, and this is {what}", root.span, help=hint
    )


def _hidden(places: Places, limits: Limits) -> list[Diagnostic]:
    """Characters that cannot be seen, or that show text in another order than it is read."""
    found: list[Diagnostic] = []
    for match in FORBIDDEN.finditer(places.text):
        if len(found) == limits.errors:
            break
        message = f"the file holds {described(match[0])}, which cannot be seen"
        found.append(Diagnostic("E002", message, places.span(*match.span()), help="take it out"))
    return found


def _too_large(name: str, limits: Limits) -> Diagnostic:
    return Diagnostic(
        "E004", f"cannot read `{name}`: it is larger than {limits.size:,} bytes, which is the limit"
    )


def _sorted(errors: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(errors, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))
