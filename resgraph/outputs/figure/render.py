"""Plans and a format's name → the picture in that format: the one list of what a figure can be
written as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...errors import UsageError
from .content.builder import View
from .scene import Scene
from .style import Theme

if TYPE_CHECKING:
    from ...plan import Plan


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure is to look. What a format has no use for (a width in Mermaid) is an error,
    unless it is as here."""

    view: View = "auto"
    theme: Theme = "light"
    width: float | None = None
    expand: Sequence[str] = ()
    only: str = ""
    scale: float = 2.0


def render(plans: Sequence[Plan], kind: str, look: Look | None = None) -> str | bytes:
    """One net, or several side by side, in a format of `FORMATS`.

    Raises `UsageError` for a format that is none, that cannot hold several nets or has no use for
    what `look` asks, `MissingError` where a package that a format needs is not installed."""
    look = look or Look()
    if kind in _SCENES:
        check_use(look, kind, _USED[kind])
        if look.only and (look.view not in ("auto", "ops") or look.expand):
            raise UsageError(
                "one part (--only) is drawn op by op, and nothing in it is folded: leave the"
                " view out"
            )
        return _SCENES[kind](_scene(plans, look), look)
    if kind not in _SINGLE:
        said = f"cannot draw `{kind}`" if kind else "which format is not said"
        raise UsageError(f"{said}: the formats are {', '.join(FORMATS)}")
    if len(plans) != 1:
        raise UsageError(
            f"`{kind}` holds one net; several are drawn side by side as {', '.join(_SCENES)}"
        )
    if look.only:
        raise UsageError(
            f"`{kind}` holds the whole net; one part of it (--only) is drawn as"
            f" {', '.join(_SCENES)}"
        )
    check_use(look, kind, _USED[kind])
    return _SINGLE[kind](plans[0], look)


def render_difference(
    before: Plan, after: Plan, kind: str, look: Look | None = None
) -> str | bytes:
    """What changed between two nets, in a format that holds several. Raises as `render` does."""
    from .figures import comparison

    look = look or Look()
    if kind not in _SCENES:
        raise UsageError(
            f"a difference is drawn as {', '.join(_SCENES)}, not as `{kind}`"
        )
    return _SCENES[kind](comparison.differences(before, after, look.width), look)


def check_use(look: Look, kind: str, used: str) -> None:
    """Raises `UsageError` for what a look asks and a format, which uses the fields named in `used`,
    would pass over."""
    plain = Look()
    for field in fields(Look):
        if field.name not in used.split() and getattr(look, field.name) != getattr(
            plain, field.name
        ):
            raise UsageError(f"`{kind}` has no use for `--{field.name}`: leave it out")


def _scene(plans: Sequence[Plan], look: Look) -> Scene:
    from . import scene
    from .figures import comparison

    if len(plans) == 1:
        return scene(plans[0], look.view, look.width, look.expand, look.only)
    if look.expand or look.only:
        raise UsageError(
            "one part of a net is drawn of one net: name one, or leave the part out"
        )
    if look.view != "auto":
        raise UsageError(
            "several nets are drawn side by side in one view: draw one net, or leave `--view` out"
        )
    return comparison.draw(plans, look.width)


def _svg(scene: Scene, look: Look) -> str:
    from .formats.svg import write

    return write(scene, look.theme)


def _tex(scene: Scene, look: Look) -> str:
    from .formats.tikz import write

    return write(scene, look.theme)


def _png(scene: Scene, look: Look) -> bytes:
    from .formats.raster import png

    return png(_svg(scene, look), look.scale)


def _pdf(scene: Scene, look: Look) -> bytes:
    from .formats.raster import pdf

    return pdf(_svg(scene, look), scene.title)


def _html(plan: Plan, look: Look) -> str:
    from .formats.html import html

    return html(plan, look.theme)


def _dot(plan: Plan, look: Look) -> str:
    from .formats.graphviz import dot

    return dot(plan, look.view, look.expand, look.theme)


def _mmd(plan: Plan, look: Look) -> str:
    from .formats.mermaid import mermaid

    return mermaid(plan, look.view, look.expand)


_SCENES: Mapping[str, Callable[[Scene, Look], str | bytes]] = MappingProxyType(
    {"svg": _svg, "pdf": _pdf, "png": _png, "tex": _tex}
)
_SINGLE: Mapping[str, Callable[[Plan, Look], str | bytes]] = MappingProxyType(
    {"html": _html, "dot": _dot, "mmd": _mmd}
)
_DRAWN = "view theme width expand only"
_USED = MappingProxyType(
    {"svg": _DRAWN, "pdf": _DRAWN, "png": f"{_DRAWN} scale", "tex": _DRAWN, "html": "theme",
     "dot": "view theme expand", "mmd": "view expand"}
)  # fmt: skip
"""The fields of a look that each format uses."""
FORMATS = (*_SCENES, *_SINGLE)
"""What a figure can be written as; the first few also hold several nets side by side."""
