"""The offline page at the sizes that it is read at: it fits, says what its columns and colours mean, finds ops and
labels, and prints whole."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Page, browser

import resgraph
from resgraph.outputs.heat import STATIC

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt install chromium"
)
PLAN = resgraph.load("resnet-50")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """ResNet-50, painted with what its nodes keep for the backward pass."""
    folder = tmp_path_factory.mktemp("viewer")
    file = folder / "page.html"
    file.write_text(
        PLAN.to("html", paint=[STATIC["memory"](PLAN.graph)]), "utf-8"
    )
    with browser() as found:
        found.open(file.as_uri(), "main .row")
        yield found


def texts(page: Page, selector: str) -> list[str]:
    """What the elements that a selector finds show."""
    found: list[str] = page.value(
        f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText.trim())"
    )
    return found


@pytest.mark.parametrize("width", [400, 800, 1400, 3000])
def test_it_fits(page: Page, width: int) -> None:
    page.size(width, 900)
    page.until(f"innerWidth === {width}")
    page.value(
        "new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))"
    )
    assert page.value("document.documentElement.scrollWidth") <= width
    right = page.value(
        "Math.max(...[...document.querySelectorAll('main *')].map((e) => e.getBoundingClientRect().right))"
    )
    assert width * 0.5 < right <= width, (
        "nothing is cut, and a wide window is used"
    )
    heads = texts(page, ".heads > div")
    labels = texts(page, "section[aria-label=conv2] .label")
    named = ["memory", "parameters", "MACs", "receptive field"]
    assert (labels if width <= 800 else heads[3:]) == named


def test_it_says_what_its_colours_and_lines_mean(page: Page) -> None:
    legend = texts(page, "footer li")
    assert legend[0] == "convolution (+ BN + ReLU)"
    assert {
        "pooling",
        "identity shortcut",
        "projection shortcut",
        "× N repeats",
    } <= {*legend}
    (scale,) = texts(page, ".scale")
    kept = STATIC["memory"](PLAN.graph).values
    assert kept["conv1.0.conv"] == 64 * 112 * 112 * 4
    assert re.split(r"\s*\n\s*", scale) == [
        "memory",
        "8.19 kB",
        "6.42 MB · log scale",
    ]
    assert texts(page, ".note") == [
        "kept for the backward pass, of an image in float32"
    ]
    cells = texts(page, "section[aria-label=conv1] .cost")
    assert "0.04 %" in cells[1], (
        "9,536 of 25,557,032 parameters: as the figure says it"
    )


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("conv3.3.merge", 2),  # the sum and its ReLU
        ("max pool", 1),
        ("1x1 conv 2048", 4),
        ("conv1 BatchNorm", 1),
        ("no such op", 0),
    ],
)
def test_it_finds_names_ops_and_labels(
    page: Page, sought: str, found: int
) -> None:
    page.value(
        "(() => { const search = document.querySelector('input[type=search]');"
        f" search.value = {json.dumps(sought)}; search.dispatchEvent(new Event('input')); }})()"
    )
    (said,) = texts(page, "output")
    assert said == f"{found} found"


def test_buttons_say_what_they_unfold(page: Page) -> None:
    names = page.value(
        "[...document.querySelectorAll('.toggle')].map((b) => b.getAttribute('aria-label'))"
    )
    assert "× 5: unfold blocks 2–6 of conv4" in names
    assert "+: unfold conv4.0 to single ops" in names


def test_it_prints_whole(page: Page) -> None:
    page.size(1400, 900)
    page.do("Emulation.setEmulatedMedia", media="print")
    page.value("dispatchEvent(new Event('beforeprint'))")
    shown = page.value(
        "['.many', '.toggle:not(.many)', '.bar', 'footer'].map((s) =>"
        " getComputedStyle(document.querySelector(s)).display !== 'none')"
    )
    assert shown == [True, False, False, True], (
        "how often blocks repeat is part of the figure"
    )
    wide = page.value(
        "Math.max(...[...document.querySelectorAll('main svg')].map((e) => e.clientWidth))"
    )
    assert wide <= 700
    page.value("dispatchEvent(new Event('afterprint'))")
    page.do("Emulation.setEmulatedMedia", media="")
    printed = base64.b64decode(page.do("Page.printToPDF")["data"])
    assert 2 <= len(re.findall(rb"/Type /Page\b(?!s)", printed)) <= 4


def test_a_block_of_many_equals_has_its_own_numbers(tmp_path: Path) -> None:
    """Equal blocks see ever more: painted with that they are not drawn alike, and the repeat has the range."""
    page = PLAN.to("html", paint=[STATIC["receptive field"](PLAN.graph)])
    found = re.search(
        r'<script type="application/json" id="net">(.*?)</script>',
        page,
        re.S,
    )
    assert found
    data = json.loads(found[1])
    (run,) = (i for i in data["rows"][3]["items"] if "blocks" in i)
    drawn = [data["fragments"][block["o"]]["d"] for block in run["blocks"]]
    assert len(set(drawn)) == len(drawn) == 5
    assert ">139<" in drawn[0], "conv4.1: 107 of conv4.0, and 2 × 16"
