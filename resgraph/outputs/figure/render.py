"""Plans and a format's name → the picture in that format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec.structs import replace

from ...collecting import attributes
from ...errors import UsageError
from ...garbage import nothing_collected
from ...structs import Frozen
from ..registry import Format, named
from . import paper
from .content.builder import View, choose
from .figures import comparison, detail, overview, partial
from .formats import raster, svg
from .outlines import outlined
from .scene import Scene
from .style import Theme

if TYPE_CHECKING:
    from ...errors import Diagnostic
    from ...passes.expand import Expansion
    from ...plan import Plan
    from ..heat import Heat

FORMATS = named("render")
DRAWN = [name for name, output in FORMATS.items() if output.takes != "plan"]
"""The formats made of a scene: they also hold several nets side by side, or a part of one."""
_OF_SCENE = (
    "view",
    "width",
    "expand",
    "only",
    "paint",
    "theme",
    "scale",
    "transparent",
    "paper",
    "text",
)
Lettering = Literal["letters", "paths"]
LETTERINGS: tuple[Lettering, ...] = get_args(Lettering)
Remarks = Callable[[str], None]


class RenderOptions(Frozen):
    """How a figure is to look. What a format has no use for (a width in Mermaid) is an error,
    unless it is as here.

    `view` is `stages` (what `auto` means), where equal blocks in a row are drawn once, with × N, or
    `blocks`, or `ops`. `expand` names rows, blocks and paths that are drawn op by op; `only` one of
    them that is drawn alone. `width` is the least width, in pixels; `scale` multiplies the size of
    the picture (of a PNG 2, if nothing is said), or else `paper` is its width in print, as `88mm`
    or `252pt`. `transparent` leaves its background out. Its `text` is letters, which the reader's
    fonts show, or paths, which need none; `font` is a file for what the packaged font lacks (in
    PNG, PDF and paths). `paint` has for each net the numbers that colour its nodes."""

    view: View = "auto"
    theme: Theme = "light"
    width: float | None = None
    expand: Iterable[str] = ()
    only: str = ""
    scale: float | None = None
    paper: str = ""
    transparent: bool = False
    text: Lettering = "letters"
    font: Path | None = None
    paint: Sequence[Heat] = ()


_USUAL = RenderOptions()


@nothing_collected()
def render(
    plans: Sequence[Plan],
    kind: str,
    options: RenderOptions = _USUAL,
    say: Remarks = lambda _: None,
) -> str | bytes:
    """One net, or several side by side, in a format of `FORMATS`; `say` is told what cannot be read
    at the size that is asked for.

    Raises as `check_format`, and `MissingError` where a package that a format needs is not
    installed."""
    check_format(kind, len(plans), options)
    output = FORMATS[kind]
    if kind in DRAWN:
        return _written(output, _scene(plans, options), options, say)
    return _called(output, plans[0], options)


def check_format(kind: str, count: int, options: RenderOptions) -> None:
    """Raises `UsageError` for a format that is none, that cannot hold so many nets or has no use
    for what `options` ask."""
    if kind not in FORMATS:
        said = (
            f"cannot draw `{kind}`" if kind else "which format is not said"
        )
        raise UsageError(f"{said}: the formats are {', '.join(FORMATS)}")
    output = FORMATS[kind]
    if kind in DRAWN:
        fonts = ["font"] if options.text == "paths" else []
        check_use(options, kind, [*_OF_SCENE, *fonts, *output.options])
        return
    if count != 1:
        raise UsageError(
            f"`{kind}` holds one net; several are drawn side by side as {', '.join(DRAWN)}"
        )
    if options.only:
        raise UsageError(
            f"`{kind}` holds the whole net; one part of it (--only) is drawn as {', '.join(DRAWN)}"
        )
    check_use(options, kind, output.options)


_SCALE = {"png": 2.0}
"""The scale of a format where none is asked for, if not 1."""
_IN_PRINT = {"png": paper.DOTS / 96, "tex": 1 / paper.UNITS["pt"]}
"""How much more of a format's unit than of our pixel there is in an inch."""


def render_one(plan: Plan, kind: str, **options: Any) -> str | bytes:
    """One net; the options are those of `RenderOptions`. Raises as `render` does."""
    return render([plan], kind, RenderOptions(**options))


def render_difference(before: Plan, after: Plan, kind: str) -> str | bytes:
    """What was removed, added and changed between two nets, marked in both, in a format that holds
    several. Raises as `render` does."""
    if kind not in DRAWN:
        raise UsageError(
            f"a difference is drawn as {', '.join(DRAWN)}, not as `{kind}`"
        )
    drawn = comparison.differences(before, after)
    return _written(FORMATS[kind], drawn, _USUAL, lambda _: None)


def unfinished(
    made: Expansion,
    first: Diagnostic,
    view: View = "auto",
    theme: Theme = "light",
) -> str:
    """As much of a wrong spec as holds together as SVG, and in red where it stops, with its first
    mistake; "" where nothing does."""
    drawn = partial.scene(made, first, view)
    return svg.write(drawn, theme) if drawn else ""


def check_use(
    options: RenderOptions, kind: str, used: Sequence[str]
) -> None:
    """Raises `UsageError` for what is asked and a format, which uses the options named in `used`,
    would pass over."""
    for name in options.__struct_fields__:
        if name not in used and getattr(options, name) != getattr(
            _USUAL, name
        ):
            other = (
                ", or add `--text paths`"
                if name == "font" and "text" in used
                else ""
            )
            raise UsageError(
                f"`{kind}` has no use for `--{name}`: leave it out{other}"
            )


def scene(plan: Plan, view: View = "auto", **options: Any) -> Scene:
    """The figure of one net before it is written in any format; options as in `RenderOptions`."""
    return _scene([plan], RenderOptions(view, **options))


def _scene(plans: Sequence[Plan], options: RenderOptions) -> Scene:
    if options.only and (
        options.view not in ("auto", "ops") or options.expand
    ):
        raise UsageError(
            "one part (--only) is drawn op by op, and nothing in it is folded: leave the view out"
        )
    if len(plans) == 1:
        return _of_one(plans[0], options)
    if options.expand or options.only:
        raise UsageError(
            "one part of a net is drawn of one net: name one, or leave the part out"
        )
    if options.view != "auto":
        raise UsageError(
            "several nets are drawn side by side in one view: draw one net, or leave `--view` out"
        )
    return comparison.draw(plans, options.width, heats=options.paint)


def _of_one(plan: Plan, asked: RenderOptions) -> Scene:
    if asked.only:
        return detail.draw(plan, asked.only, asked.paint)
    view = choose(asked.view)
    expand = tuple(asked.expand)
    look = overview.NetLook(view, expand, asked.width, paint=asked.paint)
    drawn = overview.draw(plan, look)
    if (
        asked.paper
        and not asked.width
        and paper.complaint(drawn, asked.paper)
    ):
        return overview.draw(plan, replace(look, narrow=True))
    return drawn


def _written(
    output: Format, drawn: Scene, options: RenderOptions, say: Remarks
) -> str | bytes:
    if options.transparent:
        drawn.background = ""
    if options.text == "paths":
        outlined(drawn, options.font)
    scale = _scale(output.name, drawn, options, say)
    source = (
        drawn
        if output.takes == "scene"
        else svg.write(drawn, options.theme)
    )
    made = _called(output, source, replace(options, scale=scale))
    if options.paper and isinstance(made, bytes) and output.name == "png":
        return raster.with_dots(made, paper.DOTS * (options.scale or 1))
    return made


def _scale(
    kind: str, drawn: Scene, options: RenderOptions, say: Remarks
) -> float:
    """The pixels of a picture, or its units in print, for each of its own."""
    asked = options.scale
    length = options.paper
    if not length:
        return asked or _SCALE.get(kind, 1.0)
    if asked and kind != "png":
        raise UsageError(
            "`--paper` says how wide the picture is: leave `--scale` out (it is for the pixels of"
            " a PNG)"
        )
    if said := paper.complaint(drawn, length):
        say(said)
    return (
        paper.scale_to(drawn, length)
        * _IN_PRINT.get(kind, 1.0)
        * (asked or 1)
    )


def _called(
    output: Format, source: object, options: RenderOptions
) -> str | bytes:
    chosen = attributes(options, output.options)
    written: str | bytes = output.load()(source, **chosen)
    return written
