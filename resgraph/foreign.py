"""The first bytes of a file → what it is, where it is another kind of file than its name or its
place says."""

from __future__ import annotations

STARTS: tuple[tuple[bytes, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself: `git lfs pull` fetches that",
    ),
    (b"<!doctype html", "a web page (HTML): download the file itself"),
    (b"<html", "a web page (HTML): download the file itself"),
    (b"<svg", "a vector image (SVG): export it as PNG"),
    (b"<?xml", "a text (XML)"),
    (b"{", "a text (JSON)"),
    (b"\x1f\x8b", "compressed by gzip: `gunzip` it"),
    (b"bzh", "compressed by bzip2: `bunzip2` it"),
    (b"\xfd7zxz", "compressed by xz: `unxz` it"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard: `unzstd` it"),
    (b"pk\x03\x04", "a zip archive: unpack it"),
)
HEAD = 512
"""Bytes that tell."""


def what_else(head: bytes) -> str:
    """`a web page (HTML): …`, with what to do; nothing where the bytes are of none of these."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next(
        (what for start, what in STARTS if text.startswith(start)), ""
    )
