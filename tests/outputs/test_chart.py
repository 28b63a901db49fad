"""Curves are told apart, and the page holds the names beside them."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from xml.etree import ElementTree

from resgraph.outputs.chart import (
    DASHES,
    SERIES,
    WIDTH,
    Area,
    ChartLine,
    ends,
    line,
    page,
    pens,
)
from resgraph.outputs.figure.text import width

SVG = "{http://www.w3.org/2000/svg}"


def drawn(count: int, name: str = "net") -> list[ChartLine]:
    return [
        ChartLine(
            f"{name}-{place}",
            [(0.0, 50.0), (8.0, 1.0 + place)],
            colour,
            2.4,
            dash,
        )
        for place, (colour, dash) in zip(range(count), pens(), strict=False)
    ]


def picture(
    lines: list[ChartLine], title: str = "t"
) -> ElementTree.Element:
    area = Area(8.0, 50.0)
    body = [*(line(area, one) for one in lines), *ends(area, lines)]
    return ElementTree.fromstring(
        page(title, "below", body, [one.label(" %") for one in lines])
    )


def test_pens_are_told_apart_and_never_end() -> None:
    many = len(DASHES) * len(SERIES)
    assert len(set(islice(pens(), many))) == many
    assert [colour for colour, _ in islice(pens(), 6)] == list(SERIES)
    assert len(list(islice(pens(), 100))) == 100


def test_the_page_is_as_wide_as_its_texts() -> None:
    small = picture(drawn(2))
    names = picture(drawn(9, "a-net-with-a-rather-long-name"))
    assert float(small.get("width", "")) == WIDTH
    for text in names.iter(f"{SVG}text"):
        if text.get("font-weight") == "600" and (
            text.text or ""
        ).startswith("a-net"):
            end = float(text.get("x", "")) + width(text.text or "", 12, 600)
            assert end <= float(names.get("width", ""))
    title = "t" * 150
    assert float(picture([], title).get("width", "")) > width(
        title, 15, 600
    )


def test_a_dashed_line_has_its_piece_beside_its_name() -> None:
    dashes = [
        one.get("stroke-dasharray") for one in picture(drawn(8)).iter()
    ]
    assert [dash for dash in dashes if dash] == [
        "7 3"
    ] * 4  # 2 lines, 2 pieces
    assert not list(picture(drawn(6)).iter(f"{SVG}line"))


def test_names_never_touch() -> None:
    body = ends(Area(8.0, 50.0), drawn(12))
    feet = [
        float(foot)
        for foot in re.findall(r'<text[^>]* y="([\d.]+)"', "".join(body))
    ]
    assert all(after - before >= 16 for before, after in pairwise(feet))
