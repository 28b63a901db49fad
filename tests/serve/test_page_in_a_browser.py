"""The page in a real browser: real keys and clicks, and what they make of the file."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from browser import CHROMIUM, Page, browser
from small_page import SPEC, served

from resgraph.serve.server import SpecServer

__all__ = ["served"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt install chromium"
)


@pytest.fixture
def page(served: SpecServer) -> Iterator[Page]:
    with browser() as tab:
        tab.open(served.address)
        tab.until("window.page")
        tab.settled()
        yield tab


def text(page: Page) -> str:
    found: str = page.value("page.editor.text")
    return found


def node(name: str) -> str:
    return f'[id="{name}"]'


def click_number(page: Page, name: str) -> None:
    """On the number at the right end of a layer."""
    _, top, right, bottom = page.box(node(name))
    page.click(right - 10, (top + bottom) / 2)


def facts(page: Page) -> str:
    found: str = page.value("document.querySelector('#facts').textContent")
    return found


def test_what_is_clicked_moved_and_added_is_written(
    page: Page, served: SpecServer
) -> None:
    # a number in the figure
    click_number(page, "conv1")
    assert page.value("document.activeElement.value") == "3x3 conv 8"
    page.type("12")  # in place of the number that was pressed
    page.key("Enter")
    page.settled()
    edited = SPEC.replace("conv 8", "conv 12")
    assert text(page) == edited
    assert "12 × 16 × 16" in page.value(
        "document.querySelector('.cm-content').textContent"
    )
    # a row that is dragged below the next, and back by undo
    left, top, _, bottom = page.box(node("conv1"))
    _, _, _, below = page.box(node("conv2.1.merge.add"))
    y = (top + bottom) / 2
    page.mouse("mouseMoved", left + 30, y)
    page.mouse("mousePressed", left + 30, y)
    for step in range(1, 6):
        page.mouse("mouseMoved", left + 30, y + (below + 12 - y) * step / 5)
    page.mouse("mouseReleased", left + 30, below + 12)
    page.settled()
    row = "  conv1: 3x3 conv 12\n"
    assert text(page) == edited.replace(row, "").replace(
        "  head:", f"{row}  head:"
    )
    page.value("page.editor.view.focus()")
    page.key("z", modifiers=2)
    page.settled()
    assert text(page) == edited
    # a new row behind the last
    page.press("#add-row")
    page.type("extra")
    page.key("Tab")
    page.type("fc 5")
    page.key("Enter")
    page.settled()
    assert text(page) == f"{edited}  extra: fc 5\n"
    # written when asked to, and not before
    assert served.path.read_text() == SPEC
    page.press("#save")
    page.until(
        "document.querySelector('#facts').textContent.startsWith('wrote')"
    )
    assert served.path.read_text() == f"{edited}  extra: fc 5\n"


def test_mistakes_are_shown_and_mended(page: Page) -> None:
    page.value(
        "page.editor.text = page.editor.text.replace('fc 10', 'Fc 10')"
    )
    page.settled()
    assert "no op or block `Fc`" in page.value(
        "document.querySelector('#problems').textContent"
    )
    assert page.value(
        "document.querySelector('#table').classList.contains('stale')"
    )
    page.press("#problems button")
    chosen = "page.editor.view.state.sliceDoc(page.editor.view.state.selection.main.from)"
    assert page.value(chosen).startswith("Fc 10")
    page.until("document.querySelector('.cm-lintRange-error')")
    left, top, right, bottom = page.box(".cm-lintRange-error")
    page.mouse("mouseMoved", (left + right) / 2, (top + bottom) / 2)
    page.until("document.querySelector('.cm-diagnosticAction')")
    page.value("document.querySelector('.cm-diagnosticAction').click()")
    page.settled()
    assert text(page) == SPEC
    assert facts(page).startswith("small · ")


def test_a_text_is_made_when_its_tab_is_shown(page: Page) -> None:
    assert page.value("document.querySelector('#source').textContent") == ""
    for pane, said in (("source", "class Pair"), ("table", "conv2")):
        page.press(f"#tab-{pane}")
        page.until(
            f"document.querySelector('#{pane}').textContent.includes('{said}')"
        )
    # what is typed while it shows is in it
    page.value(
        "page.editor.text = page.editor.text.replace('fc 10', 'fc 11')"
    )
    page.until(
        "document.querySelector('#table').textContent.includes('fc 11')"
    )
    # and in the other, once that is looked at again
    page.press("#tab-source")
    page.until(
        "document.querySelector('#source').textContent.includes('11')"
    )


def test_words_are_completed(page: Page) -> None:
    page.value("page.editor.select(8, 21)")
    page.type(" dil")
    page.until("document.querySelector('.cm-tooltip-autocomplete')")
    assert "dilation" in page.value(
        "document.querySelector('.cm-tooltip-autocomplete').textContent"
    )


def test_a_change_elsewhere_is_a_difference(
    page: Page, served: SpecServer
) -> None:
    theirs = SPEC.replace("fc 10", "fc 7")
    served.path.write_text(theirs)  # nothing is unsaved: taken
    page.until("page.editor.text.includes('fc 7')")
    page.value(
        "page.editor.text = page.editor.text.replace('conv1: 3x3', 'conv1: 5x5')"
    )
    newer = theirs.replace("name: small", "name: other")
    served.path.write_text(newer)
    page.until("!document.querySelector('#elsewhere').hidden")
    assert page.value("page.editor.differences") == 2
    page.press("#mine")
    page.press("#save")
    page.until(
        "document.querySelector('#facts').textContent.startsWith('wrote')"
    )
    assert served.path.read_text() == theirs.replace(
        "conv1: 3x3", "conv1: 5x5"
    )


def test_what_is_not_saved_outlives_a_reload(
    page: Page, served: SpecServer
) -> None:
    page.value(
        "page.editor.text = page.editor.text.replace('fc 10', 'fc 11')"
    )
    page.settled()
    page.do("Page.navigate", url=f"{served.address}&again")
    page.until("window.page && page.editor.text.includes('fc 11')")
    assert served.path.read_text() == SPEC
    assert not page.value("document.querySelector('#save').disabled")


def test_a_change_elsewhere_before_a_reload_takes_nothing_away(
    page: Page, served: SpecServer
) -> None:
    page.value(
        "page.editor.text = page.editor.text.replace('fc 10', 'fc 11')"
    )
    page.settled()
    served.path.write_text(SPEC.replace("name: small", "name: other"))
    page.do("Page.navigate", url=f"{served.address}&again")
    page.until(
        "window.page && !document.querySelector('#elsewhere').hidden"
    )
    assert page.value("page.editor.text") == SPEC.replace("fc 10", "fc 11")
    assert page.value("page.editor.differences") == 2
    # what follows within half a second is undone with what was before
    time.sleep(0.7)
    page.press("#theirs")
    assert "fc 11" not in page.value("page.editor.text")
    page.value("page.editor.view.focus()")
    page.key("z", 2)
    page.until("page.editor.text.includes('fc 11')")


def test_a_narrow_window_stacks_and_keys_are_enough(page: Page) -> None:
    page.value("document.querySelector('#divider').focus()")
    before = page.box("#left")[2]
    for _ in range(3):
        page.key("ArrowRight")
    assert page.box("#left")[2] > before + 40
    page.value(f"document.querySelector('{node('head.1')}').focus()")
    page.key("Enter")
    assert page.value("document.activeElement.value") == "fc 10"
    page.key("Escape")
    assert page.value("document.activeElement.id") == "head.1"
    page.size(600, 900)
    assert page.box("#right")[1] >= page.box("#left")[3]
    assert page.value("document.documentElement.scrollWidth") <= 600
