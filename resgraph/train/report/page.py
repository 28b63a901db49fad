"""Verdicts of an evaluation → report.html, one file that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

import numpy

from ...counting import counted
from ...outputs.figure.style import FONT, PALETTES
from ...structs import Frozen
from ..data.sets import DataSet
from ..engine.evaluate import Score
from ..engine.verdicts import Verdicts
from .matrix import DRAWN, NAMED, confusion
from .pictures import name, picture

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load for the page: nothing but what is in it."""


class Judgement(Frozen):
    """A net's name, its data with what it said of the validation part, the score of that, and whose
    weights they are."""

    title: str
    data: DataSet
    verdicts: Verdicts
    score: Score
    weights: str

    def page(self) -> str:
        """The whole of it, as HTML."""
        style = (
            files(__package__)
            .joinpath("report.css")
            .read_text(encoding="utf-8")
        )
        lines = [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_plain(self.title)}: report</title>",
            f"<style>{_colours()}\n:root{{--font:{FONT}}}\n{style}</style>",
            *self._head(),
            "<main>",
            *self._mistakes(),
            *self._matrix(),
            *self._confusions(),
            *self._classes(),
            "</main>",
            "</html>\n",
        ]
        return "\n".join(lines)

    def _head(self) -> Iterator[str]:
        score, data, known = self.score, self.data, self.verdicts
        near = (
            ""
            if score.top5 is None
            else f" · top-5 error {score.top5:.2f} %"
        )
        yield f"<header><h1>{_plain(self.title)}</h1>"
        yield (
            f'<p class="score"><b>{100 - score.error:.2f} % accuracy</b>: '
            f"{int(known.hit.sum()):,} of {len(known):,} {_plain(data.watched)} images"
            f" are right{near} · loss {score.loss:.4f}</p>"
        )
        yield f"<p>{_plain(data.about)} · {_plain(self.weights)}</p>"
        if left := len(data.validation) - len(known):
            yield f"<p>could not be read, and left out: {counted(left, 'image')}</p>"
        yield "</header>"

    def _mistakes(self) -> Iterator[str]:
        shown = list(self.verdicts.mistakes())
        yield "<section><h2>The surest mistakes</h2>"
        if not shown:
            yield "<p>There is none.</p></section>"
            return
        count = int((~self.verdicts.hit).sum())
        yield f"<p>{len(shown)} of {count:,}: what the net was most certain of, and wrong</p>"
        yield '<div class="mistakes">'
        yield from map(self._mistake, shown)
        yield "</div></section>"

    def _mistake(self, place: int) -> str:
        said, number = self.verdicts, int(self.verdicts.number[place])
        guess, truth = (
            _plain(self.data.classes[int(of[place])])
            for of in (said.guess, said.truth)
        )
        source = picture(self.data, number)
        called = _plain(name(self.data, number))
        shown = (
            f'<img src="{source}" alt="{called}">'
            if source
            else "<i>no picture</i>"
        )
        return (
            f'<figure><div class="frame">{shown}</div><figcaption>'
            f'<p><b title="{guess}">{guess}</b> <span>{float(said.sure[place]):.1%}</span></p>'
            f'<p><i title="{truth}">is {truth}</i> <span>{float(said.right[place]):.1%}</span></p>'
            f"<small>{called}</small></figcaption></figure>"
        )

    def _matrix(self) -> Iterator[str]:
        classes = self.data.classes
        if len(classes) > DRAWN:
            return
        yield "<section><h2>Confusion matrix</h2>"
        yield (
            "<p>a row for each true class, a column for each that its images are taken for;"
            " shades by the share of the row"
            + (
                ""
                if len(classes) <= NAMED
                else ", numbers as in the table of classes"
            )
            + "</p>"
        )
        drawn = confusion(
            self.verdicts.matrix(len(classes)), [*map(_legible, classes)]
        )
        yield f'<div class="scroll">{drawn}</div></section>'

    def _confusions(self) -> Iterator[str]:
        names = self.data.classes
        pairs = self.verdicts.confusions(len(names))
        if not pairs:
            return
        yield "<section><h2>The commonest confusions</h2>"
        yield "<table><tr><th>images</th><th>of class</th><th>taken for</th></tr>"
        for count, truth, guess in pairs:
            yield (
                f'<tr><td class="n">{count:,}</td><td>{_plain(names[truth])}</td>'
                f"<td>{_plain(names[guess])}</td></tr>"
            )
        yield "</table></section>"

    def _classes(self) -> Iterator[str]:
        """The worst first."""
        names, said = self.data.classes, self.verdicts
        of, taken, right = (
            numpy.bincount(part, minlength=len(names))
            for part in (said.truth, said.guess, said.truth[said.hit])
        )
        recall, precision = (
            right / numpy.where(whole > 0, whole, numpy.nan)
            for whole in (of, taken)
        )
        yield "<section><h2>Classes</h2><p>the least accurate first</p><table>"
        yield (
            "<tr><th>no.</th><th>class</th><th>images</th><th>right</th><th>accuracy</th>"
            "<th></th><th>precision</th></tr>"
        )
        for at in numpy.argsort(recall, kind="stable").tolist():
            yield (
                f'<tr><td class="n">{at}</td><td>{_plain(names[at])}</td>'
                f'<td class="n">{of[at]:,}</td><td class="n">{right[at]:,}</td>'
                f'<td class="n">{_share(recall[at])}</td><td>{_bar(recall[at])}</td>'
                f'<td class="n">{_share(precision[at])}</td></tr>'
            )
        yield "</table></section>"


def _share(value: float) -> str:
    return "–" if numpy.isnan(value) else f"{100 * value:.1f} %"


def _bar(value: float) -> str:
    share = 0.0 if numpy.isnan(value) else 100 * value
    return f'<span class="bar"><i style="width:{share:.1f}%"></i></span>'


def _legible(text: str) -> str:
    """Without what no page can hold: halves of characters, as names of files may have them."""
    whole = text.encode("utf-8", "surrogateescape").decode(
        "utf-8", "replace"
    )
    return "".join(one if one.isprintable() else "\ufffd" for one in whole)


def _plain(text: str) -> str:
    return escape(_legible(text))


def _colours() -> str:
    """The colours of the house, by its names, on light and on dark."""
    names = (
        "surface",
        "card",
        "ink",
        "muted",
        "rule",
        "tile-edge",
        "accent",
        "pill",
        "track",
    )
    light, dark = (
        "".join(f"--{each}:{PALETTES[theme][each]};" for each in names)
        for theme in ("light", "dark")
    )
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )
