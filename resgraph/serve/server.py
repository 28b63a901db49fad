"""A spec's path → an HTTP server on the loopback address, for one page and one file.

The page needs no network. Requests carry a token that only the page's address has, and name this host: another page in
the browser can neither read the spec nor have it written. The file is written only when the page asks for it, and never
over changes that were made elsewhere meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from ..errors import UsageError
from ..language.limits import LIMITS
from ..language.reader import open_source
from .answer import Question, View, answer

HOST = "127.0.0.1"
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:"


class Conflict(Exception):
    """The file changed on disk since the page read it."""


class SpecServer(ThreadingHTTPServer):
    """Serves one spec; `address` is what a browser opens."""

    daemon_threads = True

    def __init__(self, path: Path, port: int = 0) -> None:
        self.path = path
        open_source(path)  # a file that cannot be read is told of now
        self.token = secrets.token_urlsafe(16)
        self.drawing = threading.Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as problem:
            raise UsageError(f"cannot serve on port {port}: {problem.strerror}") from None

    @property
    def address(self) -> str:
        """The page's address, with the token that its requests carry."""
        return f"http://{HOST}:{self.server_port}/?token={self.token}"

    def read(self) -> dict[str, str]:
        """The file's text, and the digest by which a save knows that it is still the same."""
        text = open_source(self.path).text
        return {"text": text, "digest": _digest(text), "name": self.path.name}

    def save(self, text: str, digest: str) -> dict[str, str]:
        """Write the file whole or not at all. Raises `Conflict` where it is no longer what the page read."""
        if self.read()["digest"] != digest:
            raise Conflict
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(self.path.stat().st_mode & 0o777)
        Path(name).replace(self.path)
        return self.read()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: SpecServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page, its two files, and the spec."""
        path = self.path.partition("?")[0]
        name = {"/": "page.html", "/editor.js": "editor.js", "/editor.css": "editor.css"}.get(path)
        if not self._from_here():
            self._send(403, {"error": "another host was asked"})
        elif name:
            text = (resources.files("resgraph.serve") / name).read_text(encoding="utf-8")
            self._send_text(200, text, _TYPES[name.rpartition(".")[2]])
        elif path == "/spec" and self._trusted():
            self._send(200, self.server.read())
        else:
            self._send(404, {"error": "there is nothing here"})

    def do_POST(self) -> None:
        """`/answer`: what the text comes to. `/save`: the file, if it is still what the page read."""
        asked = self._body()
        if not self._trusted() or asked is None:
            self._send(403, {"error": "the token is missing"})
        elif self.path == "/answer":
            with self.server.drawing:  # one at a time: Python would only make them wait for one another
                self._send(200, answer(_question(asked), self.server.path))
        elif self.path == "/save":
            try:
                self._send(200, self.server.save(str(asked.get("text", "")), str(asked.get("digest", ""))))
            except Conflict:
                self._send(409, {"error": "the file was changed elsewhere; reload the page to see it"})
            except OSError as problem:
                self._send(500, {"error": f"cannot write the file: {problem.strerror}"})
        else:
            self._send(404, {"error": "there is nothing here"})

    def _from_here(self) -> bool:
        """Whether the browser asked this host by its own name (a rebound DNS name would be another)."""
        return self.headers.get("Host") in (f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}")

    def _trusted(self) -> bool:
        given = self.headers.get("X-Resgraph-Token", "")
        return self._from_here() and secrets.compare_digest(given.encode(), self.server.token.encode())

    def _body(self) -> dict[str, Any] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > 4 * LIMITS.size:
            self.close_connection = True
            return None
        try:
            found = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _send(self, status: int, value: dict[str, Any]) -> None:
        self._send_text(status, json.dumps(value), "application/json")

    def _send_text(self, status: int, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: requests are of no interest to who writes a spec."""


def _question(asked: dict[str, Any]) -> Question:
    variant = asked.get("variant")
    views: dict[Any, View] = {view: view for view in get_args(View)}
    return Question(
        text=str(asked.get("text", "")),
        variant=variant if isinstance(variant, str) else None,
        view=views.get(asked.get("view"), "auto"),
        theme="dark" if asked.get("theme") == "dark" else "light",
    )
