"""stdout and stderr of a process → streams that take no part in what it does: a full disk or a
reader that goes away is remembered, and told at the end. A verdict is worth more than the words
that could not be said of it."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from .files import reason

READER_GONE = 141
"""The exit code of a program that is ended by SIGPIPE."""


class Enduring(io.TextIOWrapper):
    """A stream of text whose writes never fail. `failure` is the first that did; what comes after
    it goes nowhere."""

    failure: OSError | None = None

    def write(self, text: str, /) -> int:
        """All of it counts as written."""
        try:
            return super().write(text)
        except OSError as problem:
            self.give_up(problem)
            return len(text)

    def flush(self) -> None:
        """What cannot be written is dropped."""
        try:
            super().flush()
        except OSError as problem:
            self.give_up(problem)

    def give_up(self, problem: OSError) -> None:
        """Let all that is still written here, and what is buffered, go nowhere."""
        self.failure = self.failure or problem
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        with suppress(OSError):
            super().flush()


def endure() -> None:
    """Make the streams of this process such ones; a terminal that has only ASCII shows `?` for the
    rest.

    Those that are closed lead nowhere from now on, or the next file that is opened would take their
    place and what a library says would be written into it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # takes the lowest number that is free, which is this one
            os.open(os.devnull, os.O_RDWR)
        if hasattr(os, "set_blocking") and not os.get_blocking(descriptor):
            # else what is slow to come is nothing, and what is slow to go is lost
            os.set_blocking(descriptor, True)
    sys.stdout, sys.stderr = _enduring(sys.stdout), _enduring(sys.stderr)


def _enduring(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or isinstance(
        stream, Enduring
    ):
        return stream  # None, where it is closed
    return Enduring(
        stream.buffer,
        stream.encoding,
        "replace",
        line_buffering=stream.line_buffering,
    )


@contextmanager
def dropped() -> Iterator[None]:
    """For bytes, which go to stdout past its text: where they cannot be written, they are dropped
    like text."""
    try:
        yield
    except OSError as problem:
        if not isinstance(sys.stdout, Enduring):
            raise
        sys.stdout.give_up(problem)


def settled(code: int) -> int:
    """The exit code where the command ended with `code`: results that nobody got are a failure of
    their own."""
    stdout = sys.stdout
    if stdout is None or stdout.closed:
        return code
    stdout.flush()
    failure = stdout.failure if isinstance(stdout, Enduring) else None
    if failure is None or code:
        return code
    if failure.errno == errno.EPIPE:
        return READER_GONE
    print(f"error: cannot write: {reason(failure)}", file=sys.stderr)
    return 2
