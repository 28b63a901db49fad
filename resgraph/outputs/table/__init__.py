"""Plans → the table of the ResNet paper (Table 1), as text, Markdown, LaTeX, CSV or plain data for
JSON.

Several plans are columns of one table, side by side where rows have the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...plan import Plan

__all__ = ["FORMATS", "table"]


def _markdown(plans: Sequence[Plan]) -> str:
    from .markdown import markdown

    return markdown(plans)


def _latex(plans: Sequence[Plan]) -> str:
    from .latex import latex

    return latex(plans)


def _csv(plans: Sequence[Plan]) -> str:
    from .data import csv_text

    return csv_text(plans)


FORMATS: dict[str, Callable[[Sequence[Plan]], str]] = {
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
}
"""The formats beside text, which is made for the width of a terminal, and JSON."""
