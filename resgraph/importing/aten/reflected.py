"""A pad that reflects: no op of ours, but a blur pool takes it up."""

from __future__ import annotations

from typing import Literal

from ...ops import Pad


class Reflected(Pad):
    """`cells` on each side are the map's own, mirrored."""

    in_label = False
    op: Literal["reflected pad"] = "reflected pad"  # type: ignore[assignment]
