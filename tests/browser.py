"""Chromium, driven over a pipe by its own protocol: real clicks and keys, with nothing to install."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)  # fmt: skip
SECONDS = 60  # that a page may take on a busy machine
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
    # none of these is of use here, and each takes of the second that a browser takes to start
    "--in-process-gpu", "--disable-extensions", "--disable-features=Translate,OptimizationHints,MediaRouter,SpareRendererForSitePerProcess",
]  # fmt: skip
_KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "z": ("KeyZ", 90, ""),
}


class Chromium:
    """The other end of its pipes."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._number, self._rest = 0, b""

    def do(self, method: str, session: str = "", **parameters: Any) -> Any:
        """A command of the protocol, to a tab or to the browser, and what it gives."""
        self._number += 1
        message = {
            "id": self._number,
            "method": method,
            "params": parameters,
        }
        if session:
            message["sessionId"] = session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._receive, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found


class Page:
    """One tab."""

    def __init__(self, chromium: Chromium, profile: str) -> None:
        self._chromium, self._profile, self._session = chromium, profile, ""

    def open(self, address: str, shown: str = "#figure svg") -> None:
        """Opens an address and waits for what is to be shown there."""
        sys.audit("tests.elsewhere")  # for tests/alike.py
        target = self._chromium.do(
            "Target.createTarget",
            url="about:blank",
            browserContextId=self._profile,
        )["targetId"]
        self._session = self._chromium.do(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        self.size(1400, 900)
        self.do("Page.navigate", url=address)
        self.until(f"document.querySelector({json.dumps(shown)})")

    def size(self, width: int, height: int) -> None:
        """The window in pixels."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def do(self, method: str, **parameters: Any) -> Any:
        """A command of the protocol to this tab, and what it gives."""
        return self._chromium.do(method, self._session, **parameters)

    def value(self, expression: str) -> Any:
        """What a script comes to."""
        found = self.do(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits for what a script says."""
        end = time.monotonic() + SECONDS
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, (
                f"waited for {expression}: {self.value('document.body.innerText')}"
            )
            time.sleep(0.05)

    def settled(self) -> None:
        """Waits until the answer to what was typed last is shown."""
        self.until(
            "page.state.answer && page.state.shown === page.state.asked && page.state.asked > (window.before ?? 0)"
        )
        self.value("window.before = page.state.asked")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Moves, presses or releases at a place."""
        self.do(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=1,
            clickCount=1,
        )

    def click(self, x: float, y: float) -> None:
        """A click at a place."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)

    def key(self, name: str, modifiers: int = 0) -> None:
        """A key that is pressed; 2 is Ctrl, 1 is Alt."""
        code, number, text = _KEYS[name]
        for kind in ("keyDown", "keyUp"):
            self.do(
                "Input.dispatchKeyEvent", type=kind, key=name, code=code, windowsVirtualKeyCode=number,
                modifiers=modifiers, **({"text": text} if text and kind == "keyDown" else {}),
            )  # fmt: skip

    def type(self, text: str) -> None:
        """Text as an input method writes it."""
        self.do("Input.insertText", text=text)

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what a selector finds."""
        box = self.value(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [b.left, b.top, b.right, b.bottom]; })()"
        )
        left, top, right, bottom = box
        return left, top, right, bottom

    def press(self, selector: str) -> None:
        """A click in the middle of what a selector finds."""
        left, top, right, bottom = self.box(selector)
        self.click((left + right) / 2, (top + bottom) / 2)


@contextmanager
def browser() -> Iterator[Page]:
    """A tab with a profile of its own, in the one browser that a process starts: that takes a second."""
    chromium = _chromium()
    profile = chromium.do("Target.createBrowserContext")["browserContextId"]
    try:
        yield Page(chromium, profile)
    except BaseException:
        _chromium.cache_clear()  # it may be what failed
        raise
    chromium.do("Target.disposeBrowserContext", browserContextId=profile)


@cache
def _chromium() -> Chromium:
    read_by_browser, ours = os.pipe()
    theirs, written_by_browser = os.pipe()

    def place() -> None:
        """The browser reads from 3 and writes to 4, which may be the numbers of other pipes."""
        ends = [os.dup(read_by_browser), os.dup(written_by_browser)]
        for number, end in zip((3, 4), ends, strict=True):
            os.dup2(end, number)

    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    process = subprocess.Popen(
        [str(CHROMIUM), *_FLAGS, f"--user-data-dir={folder.name}"],
        close_fds=False, preexec_fn=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for end in (read_by_browser, written_by_browser):
        os.close(end)

    @atexit.register
    def end() -> None:
        process.kill()
        process.wait(20)
        folder.cleanup()

    return Chromium(ours, theirs)
