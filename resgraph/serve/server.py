"""A spec's path → an HTTP server on the loopback address, for one page and one file.

The page needs no network. Requests carry a token that only the page's address has, and name this
host: another page in the browser can neither read the spec nor have it written. The file is written
only when the page asks for it, and never over changes that were made elsewhere meanwhile."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from .. import __version__
from ..errors import SpecError, UsageError
from ..files import reason, replace_text
from ..language.yaml.limits import LIMITS
from ..language.yaml.reader import open_source
from ..outputs.figure.content.builder import View
from .answer import Pane, Question, answer
from .handler import HOST, PageHandler, Refused
from .line_ends import kept, plain
from .writing import Writer, label_words

MOST = 256
"""Connections that are served at a time."""
_FILES = frozenset(
    (
        "page.html",
        "page.css",
        "page.js",
        "editor.js",
        "figure.js",
        "codemirror.js",
    )
)
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


class SpecServer(ThreadingHTTPServer):
    """Serves one spec; `address` is what a browser opens."""

    daemon_threads = True
    # connections that wait; with the default of 5 the others are reset
    request_queue_size = 1024

    def __init__(self, path: Path, port: int = 0) -> None:
        self.path = path
        open_source(path)  # a file that cannot be read is told of now
        self.token = secrets.token_urlsafe(16)
        self.drawing, self.saving = threading.Lock(), threading.Lock()
        self.writer = Writer(path)
        self.places = threading.BoundedSemaphore(MOST)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as problem:
            why = reason(problem)
            raise UsageError(
                f"cannot serve on port {port}: {why}; --port 0, the default, takes a free one"
            ) from None

    @property
    def address(self) -> str:
        """The page's address, with the token that its requests carry."""
        return f"http://{HOST}:{self.server_port}/?token={self.token}"

    def read(self) -> dict[str, str]:
        """The file's text, and the digest by which a save knows that it is still the same."""
        text = open_source(self.path).text
        return {
            "text": plain(text),
            "digest": _digest(text),
            "name": self.path.name,
        }

    def save(self, text: str, digest: str) -> dict[str, str]:
        """Write the file whole or not at all, each line with the end that it has there. Raises
        `Refused` where it is no longer what the page read, or cannot be written."""
        try:
            text.encode()
        except UnicodeEncodeError as problem:
            raise Refused(400, _surrogate(text, problem.start)) from None
        with self.saving:
            before = open_source(self.path).text
            if _digest(before) != digest:
                raise Refused(
                    409,
                    "the file was changed elsewhere; reload the page to see it",
                )
            try:
                replace_text(self.path, kept(text, before))
            except OSError as problem:
                raise Refused(
                    500,
                    f"cannot write the file: {reason(problem)}; it is as it was",
                ) from None
            return self.read()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, where fewer than `MOST` are busy; else it waits for one of
        them."""
        self.places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(
        self, request: Any, client_address: Any
    ) -> None:
        """Makes room for another when it is done."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no event."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _surrogate(text: str, place: int) -> str:
    line = text.count("\n", 0, place) + 1
    return (
        f"line {line} has half a character, U+{ord(text[place]):04X}, which no file can hold;"
        " delete it"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Handler(PageHandler):
    server: SpecServer

    def do_GET(self) -> None:  # noqa: N802
        """The page, its files, and the spec."""
        self._answered(self._get)

    def do_POST(self) -> None:  # noqa: N802
        """`/save`: the file, if it is still what the page read. `_WORK` has what is asked about a
        text."""
        self._answered(self._post)

    def _answered(self, work: Callable[[], None]) -> None:
        """Whatever happens, there is an answer."""
        try:
            work()
        except Refused as refused:
            self.send(refused.status, {"error": str(refused)})
        except UsageError as refused:
            self.send(422, {"error": str(refused)})
        except SpecError as problem:
            # the file itself cannot be read any more
            self.send(
                410,
                {
                    "error": (
                        f"{problem.diagnostics[0].message}; put it back, or keep your text"
                        " elsewhere"
                    )
                },
            )
        except OSError:
            raise
        except Exception:
            traceback.print_exc()
            self.send(
                500,
                {
                    "error": f"this is a bug in resgraph {__version__}; the terminal says where"
                },
            )

    def _get(self) -> None:
        path = self.path.partition("?")[0]
        name = "page.html" if path == "/" else path.removeprefix("/")
        self.need_own_host()
        if name in _FILES:
            file = resources.files("resgraph.serve") / name
            self.send_text(
                200,
                file.read_text(encoding="utf-8"),
                _TYPES[name.rpartition(".")[2]],
            )
        elif path == "/spec" and self._trusted():
            self.send(200, self.server.read() | {"words": label_words()})
        elif path == "/runs" and self._trusted():
            from .runs import runs_part

            self.send(
                200, {"html": runs_part(self.server.path.absolute().parent)}
            )
        else:
            raise Refused(404, "there is nothing here")

    def _post(self) -> None:
        body = self._body()
        if not self._trusted():
            raise Refused(
                403,
                "the token is missing, or of another session; open the address that the terminal"
                " shows",
            )
        asked, server = _asked(body), self.server
        if self.path == "/save":
            self.send(
                200,
                server.save(_text(asked, "text"), _text(asked, "digest")),
            )
        elif work := _WORK.get(self.path):
            # one at a time: Python would only make them wait for one another
            with server.drawing:
                self.send(200, work(server, asked))
        else:
            raise Refused(404, "there is nothing here")

    def _trusted(self) -> bool:
        given = self.headers.get("X-Resgraph-Token", "")
        return self.from_here() and secrets.compare_digest(
            given.encode(), self.server.token.encode()
        )

    def _body(self) -> bytes:
        """The body, read whole so that the next request on this connection begins where it ends."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise Refused(411, "the length of the request is missing")
        if len(length) > 12 or int(length) > 4 * LIMITS.size:
            self.close_connection = True
            self.send(
                413,
                {
                    "error": (
                        f"the request is larger than {4 * LIMITS.size:,} bytes, which is the limit"
                    )
                },
            )
            self._drain()
            raise ConnectionAbortedError
        return self.rfile.read(int(length))

    def _drain(self) -> None:
        """Reads on for a while: a client that is cut off while it sends would not read why."""
        for _ in range(64):
            if not self.rfile.read1(LIMITS.size):
                break


def _asked(body: bytes) -> dict[str, Any]:
    """What a request says. Raises `Refused` where that is no object of JSON."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise Refused(400, f"the request is no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise Refused(400, "the request is JSON, but no object")
    return found


_WORK: dict[str, Callable[[SpecServer, dict[str, Any]], dict[str, Any]]] = {
    "/answer": lambda server, asked: answer(_question(asked), server.path),
    "/complete": lambda server, asked: {
        "candidates": server.writer.completions(
            _text(asked, "text"),
            _number(asked, "line"),
            _number(asked, "column"),
        )
    },
    "/fixes": lambda server, asked: {
        "fixes": server.writer.fixes(_text(asked, "text"))
    },
    "/edit": lambda server, asked: server.writer.edit(
        _text(asked, "text"), _action(asked)
    ),
}


def _number(asked: dict[str, Any], key: str) -> int:
    value = asked.get(key)
    if type(value) is not int or value < 1:
        raise Refused(400, f"`{key}` must be a number from 1")
    return value


def _text(asked: dict[str, Any], key: str) -> str:
    value = asked.get(key)
    if not isinstance(value, str):
        raise Refused(400, f"`{key}` must be text")
    return value


def _action(asked: dict[str, Any]) -> dict[str, Any]:
    value = asked.get("action")
    if not isinstance(value, dict):
        raise Refused(400, "`action` must be an object")
    return value


_CHOICES = {
    "view": get_args(View),
    "theme": ("light", "dark"),
    "pane": get_args(Pane),
}
"""What a question may choose, the usual word first."""


def _question(asked: dict[str, Any]) -> Question:
    """Raises `Refused` where a value is none that the page sends."""
    chosen = []
    for key, words in _CHOICES.items():
        chosen.append(asked.get(key, words[0]))
        if chosen[-1] not in words:
            raise Refused(400, f"`{key}` is one of {', '.join(words)}")
    variant = (
        None if asked.get("variant") is None else _text(asked, "variant")
    )
    return Question(_text(asked, "text"), variant, *chosen)
