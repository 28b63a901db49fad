"""How much of a spec is read, whoever wrote it."""

from __future__ import annotations

from ...structs import Frozen


class Limits(Frozen):
    """Bytes of a file, collections in one another, values, digits of an integer, mistakes that are
    told."""

    size: int = 2**20
    depth: int = 64
    values: int = 100_000
    digits: int = 19
    errors: int = 50


LIMITS = Limits()


class EndOfReadingError(Exception):
    """Reading ends here; the reason is among the mistakes. Never leaves the reader."""
