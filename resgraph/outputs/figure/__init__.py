"""A plan → a figure: SVG, and from the same layout HTML, TikZ, PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .content.builder import View, choose
from .figures.header import caption
from .formats.svg import write
from .scene import Scene
from .style import Theme

if TYPE_CHECKING:
    from ...errors import SpecError
    from ...language.spec import Spec
    from ...plan import Plan

__all__ = [
    "caption",
    "comparison",
    "difference",
    "html",
    "mermaid",
    "scene",
    "svg",
    "tikz",
    "unfinished",
]


def svg(
    plan: Plan,
    view: View = "auto",
    theme: Theme = "light",
    width: float | None = None,
    expand: Iterable[str] = (),
    only: str = "",
) -> str:
    """The net as SVG. `view` is `stages` (what `auto` means), where equal blocks in a row are drawn
    once, with × N, or `blocks`, or `ops`. `expand` names rows, blocks and paths that are drawn op
    by op; `width` is the least width.

    `only` draws one row, block or path op by op, and nothing else. Raises `UsageError` for a name
    that is none."""
    return write(scene(plan, view, width, expand, only), theme)


def comparison(
    plans: Sequence[Plan], theme: Theme = "light", width: float | None = None
) -> str:
    """Several nets side by side as SVG, level where their maps are of one size (the ResNet paper's
    Figure 3)."""
    from .figures import comparison

    return write(comparison.draw(plans, width), theme)


def difference(
    before: Plan, after: Plan, theme: Theme = "light", width: float | None = None
) -> str:
    """Two nets side by side as SVG, with what was removed, added and changed marked in both."""
    from .figures import comparison

    return write(comparison.differences(before, after, width), theme)


def unfinished(
    spec: Spec, problem: SpecError, view: View = "auto", theme: Theme = "light"
) -> str:
    """As much of a wrong spec as holds together as SVG, and in red where it stops; "" where nothing
    does."""
    from .figures.partial import scene as drawn

    found = drawn(spec, problem, view)
    return write(found, theme) if found else ""


def html(plan: Plan, theme: Theme = "auto") -> str:
    """The net as one offline page that folds, unfolds and searches. `theme` is what it opens in."""
    from .formats.html import html as written

    return written(plan, theme)


def tikz(
    plan: Plan,
    view: View = "auto",
    expand: Iterable[str] = (),
    only: str = "",
    theme: Theme = "light",
) -> str:
    """The net as a standalone LaTeX document, drawn with TikZ."""
    from .formats.tikz import write as written

    return written(scene(plan, view, None, expand, only), theme)


def mermaid(plan: Plan, view: View = "auto", expand: Iterable[str] = ()) -> str:
    """The net in Mermaid's flowchart language."""
    from .formats.mermaid import mermaid as written

    return written(plan, view, expand)


def scene(
    plan: Plan,
    view: View = "auto",
    width: float | None = None,
    expand: Iterable[str] = (),
    only: str = "",
) -> Scene:
    """The figure before it is written in any format."""
    from .figures import detail, overview

    if only:
        return detail.draw(plan, only)
    return overview.draw(plan, choose(view), tuple(expand), width)
