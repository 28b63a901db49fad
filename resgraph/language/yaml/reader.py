"""A spec's file → its text → a tree with places, and the mistakes in it; no input makes it crash or
hang."""

from __future__ import annotations

import os
import stat
from itertools import islice
from operator import attrgetter
from pathlib import Path

from msgspec.structs import replace

import yaml
from resgraph.errors import Diagnostic, Source, SpecError, printable

from .characters import (
    hidden_characters,
    not_utf8,
    odd_spaces,
    with_pairs_filled,
)
from .compose import Composer
from .limits import LIMITS, EndOfReadingError, Limits
from .places import Places
from .syntax import not_a_spec, syntax_error
from .tabs import untabbed
from .tree import Mapping

__all__ = ["LIMITS", "Limits", "decode", "open_source", "read"]

# Events only: `compose` of the C loader overflows the stack on nested input, and its events do not.
# The time of both loaders is quadratic in the depth, which has a limit.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_source(
    path: str | os.PathLike[str], limits: Limits = LIMITS
) -> Source:
    """The text of a file, without its byte order mark. Nothing but a regular file is opened.

    Raises `SpecError`: E001 where there is no file that can be read, E002 where it is not UTF-8,
    E004 where it is over the limit on size."""
    name = printable(os.fspath(path))
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
        if kind != stat.S_IFREG:
            raise _unreadable(name, f"it is {_KINDS.get(kind, 'no file')}")
        # The file may have become a pipe since: do not wait for one who writes into it.
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_BINARY", 0)
        )
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limits.size + 1) or b""
    except FileNotFoundError:
        piped = (
            "only `resgraph check -` reads what is piped in: name a file"
            if name == "-"
            else ""
        )
        raise _unreadable(name, "there is no such file", piped) from None
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else None
        ) or str(error)
        raise _unreadable(name, reason[:1].lower() + reason[1:]) from None
    return decode(data, name, limits)


def decode(data: bytes, name: str, limits: Limits = LIMITS) -> Source:
    """The text of bytes that were read elsewhere. Raises `SpecError` (E002, E004) as `open_source`
    does."""
    if len(data) > limits.size:
        raise SpecError([_too_large(name, limits)])
    try:
        return Source(name, data.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise SpecError([not_utf8(data, name, error)]) from None


def read(
    source: Source, limits: Limits = LIMITS
) -> tuple[Mapping | None, list[Diagnostic]]:
    """The tree of a text and the mistakes in it, in the order of their places. Raises nothing.

    A tree that comes with mistakes is mended (the first of equal keys, `none` for `null`): good for
    finding more mistakes, and for nothing else. There is none where the text could not be read to
    its end."""
    if len(source.text) > limits.size:
        return None, [_too_large(source.name, limits)]
    places = Places(source)
    if hidden := list(islice(hidden_characters(places), limits.errors)):
        return None, hidden
    composer = Composer(places, limits)
    errors = composer.errors
    try:
        composer.compose(
            yaml.parse(with_pairs_filled(source.text), Loader=LOADER)
        )
    except EndOfReadingError:
        return None, _in_order(errors)
    except (yaml.YAMLError, ValueError) as error:
        # the Python loader lets `chr` raise for "\U00110000"
        if odd := list(
            odd_spaces(places, *places.line(_offset(error, places)))
        ):
            return None, odd
        # In a list or map that breaks off, a missing value says only that it broke off.
        flows = (o.start for o in composer.stack if o.node.flow)
        broken = min(flows, default=len(source.text))
        start = places.span(broken, broken).start
        wrong = _syntax_error(error, places, limits)
        told = [
            e for e in errors if e.code != "E008" or e.span.start < start
        ]
        return None, _in_order([*told, wrong])
    if not isinstance(composer.root, Mapping):
        return None, [not_a_spec(composer.root, places)]
    return composer.root, _in_order(errors)


def _offset(error: Exception, places: Places) -> int:
    """Where PyYAML stopped."""
    mark = getattr(error, "problem_mark", None)
    return min(mark.index, len(places.text)) if mark else 0


def _syntax_error(
    error: Exception, places: Places, limits: Limits
) -> Diagnostic:
    """What PyYAML complains of; of a tab that indents a line, with what mends all of them."""
    wrong, offset = syntax_error(error, places), _offset(error, places)
    line = places.text[places.line(offset)[0] : offset + 1]
    if not line.endswith("\t") or line.strip():
        return wrong
    edits = untabbed(places, lambda text: read(text, limits)[0])
    return replace(wrong, edits=edits)


def _in_order(errors: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(errors, key=attrgetter("span.start"))


def _unreadable(name: str, reason: str, hint: str = "") -> SpecError:
    return SpecError(
        [Diagnostic("E001", f"cannot read `{name}`: {reason}", help=hint)]
    )


def _too_large(name: str, limits: Limits) -> Diagnostic:
    return Diagnostic(
        "E004",
        f"cannot read `{name}`: it is larger than {limits.size:,} bytes, which is the limit",
    )
