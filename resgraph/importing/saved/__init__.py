"""Models in files → programs: an archive is data, and nothing in it is executed."""

from __future__ import annotations
