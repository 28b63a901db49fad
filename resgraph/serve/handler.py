"""A request of a browser on this machine → an answer that no other page can read, and that loads
nothing from elsewhere."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
IDLE = 30.0
"""Seconds after which a connection that says nothing is closed, and makes room for another."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " img-src data:"
)


class Refused(Exception):
    """A request that is not answered: the status of HTTP, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class PageHandler(BaseHTTPRequestHandler):
    """What the pages of `resgraph serve` have in common."""

    server: ThreadingHTTPServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE

    def need_own_host(self) -> None:
        """Raises `Refused` unless the browser asked this host by its own name (a rebound DNS name
        would be another)."""
        if not self.from_here():
            raise Refused(403, "another host was asked")

    def from_here(self) -> bool:
        """Whether the browser asked this host by its own name."""
        port = self.server.server_port
        return self.headers.get("Host") in (
            f"{HOST}:{port}",
            f"localhost:{port}",
        )

    def send(self, status: int, value: dict[str, Any]) -> None:
        """Answers with JSON."""
        self.send_text(status, json.dumps(value), "application/json")

    def send_text(self, status: int, text: str, kind: str) -> None:
        """Answers with a text of a media type."""
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
        """Quiet: requests are of no interest to who reads the page."""
