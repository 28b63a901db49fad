"""Odd messages to `resgraph lsp` over stdio: each request gets its answer, and the server goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TEXT = "name: net\ninput: 1x8x8\nnet: {conv1: 3x3 conv 4, head: [global avg pool, fc 10]}\n"
PARSE = -32700
INVALID = -32600
METHOD = -32601
PARAMS = -32602
EARLY = -32002


class Wire:
    """Messages as bytes on the pipes of a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "resgraph", "lsp"]
        pipe = subprocess.PIPE
        self.server = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        self.number = 0

    def send(self, body: bytes) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.server.stdin.flush()

    def note(self, method: str, params: Any = None) -> None:
        self.send(
            json.dumps(
                {"jsonrpc": "2.0", "method": method, "params": params}
            ).encode()
        )

    def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        """The answer to a request."""
        self.number += 1
        self.send(
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": self.number,
                    "method": method,
                    "params": params,
                }
            ).encode()
        )
        return self.answer(self.number)

    def answer(self, number: int | None) -> dict[str, Any]:
        """The next answer of that number; what else the server says is passed over."""
        out = self.server.stdout
        assert out is not None
        while True:
            length = int(out.readline().partition(b":")[2])
            while out.readline() != b"\r\n":
                pass
            said = json.loads(out.read(length))
            if "method" not in said and said["id"] == number:
                return said  # type: ignore[no-any-return]

    def start(self) -> None:
        self.ask(
            "initialize",
            {"processId": None, "rootUri": None, "capabilities": {}},
        )
        self.note("initialized", {})

    def end(self) -> int:
        self.note("exit")
        return self.server.wait(30)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    (tmp_path / "net.yaml").write_text(TEXT)
    found = Wire(tmp_path)
    yield found
    found.server.kill()
    found.server.communicate()


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server that has started, and is asked about one document after another."""
    found = Wire(tmp_path_factory.mktemp("root"))
    found.start()
    yield found
    found.server.kill()
    found.server.communicate()


def at(uri: str, line: Any, character: Any = 7) -> dict[str, Any]:
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
    }


def code(answer: dict[str, Any]) -> int:
    """The code of an error that says what is wrong and shows no traceback."""
    assert (
        answer["error"]["message"]
        and "traceback" not in json.dumps(answer).lower()
    )
    return int(answer["error"]["code"])


def test_a_life_in_another_order(wire: Wire) -> None:
    assert (
        code(wire.ask("textDocument/hover", at("file:///net.yaml", 0)))
        == EARLY
    )
    assert code(wire.ask("shutdown")) == EARLY
    wire.note("textDocument/didOpen", {"textDocument": {}})
    wire.start()
    assert (
        code(
            wire.ask(
                "initialize",
                {"processId": None, "rootUri": None, "capabilities": {}},
            )
        )
        == INVALID
    )
    assert wire.ask("shutdown")["result"] is None
    assert code(wire.ask("shutdown")) == INVALID
    assert (
        code(wire.ask("textDocument/hover", at("file:///net.yaml", 0)))
        == INVALID
    )
    assert wire.end() == 0


@pytest.mark.parametrize("started", [True, False])
def test_an_end_without_a_shutdown(wire: Wire, started: bool) -> None:
    if started:
        wire.start()
    assert wire.end() == 1


def test_what_is_no_request(living: Wire) -> None:
    wire = living
    (wire.folder / "asked.yaml").write_text(TEXT)
    here = (wire.folder / "asked.yaml").as_uri()
    assert code(wire.ask("frob/net", {})) == METHOD
    for params in (
        {"nope": 1},
        [1],
        None,
        at(here, "a"),
        at(here, -1),
        at(here, 0, -1),
        at(here, 2**40),
    ):
        assert code(wire.ask("textDocument/hover", params)) == PARAMS
    for body in (b"{", b"\xff\xfe", b"[" * 100_000):
        wire.send(body)
        assert code(wire.answer(None)) == PARSE
    for body in (b"[]", b'"x"', b"{}", b"null"):
        wire.send(body)
        assert code(wire.answer(None)) == INVALID
    asked = {"jsonrpc": "2.0", "id": 4711, "method": "textDocument/hover"}
    for wrong in (
        {"jsonrpc": "1.0"},
        {"method": 3},
        {"method": None},
        {"id": [4711]},
        {"id": None},
        {"method": "initialized", "params": {}},
    ):
        request = {**asked, "params": at(here, 2), **wrong}
        wire.send(json.dumps(request).encode())
        number = None if "id" in wrong else 4711
        assert code(wire.answer(number)) == INVALID
    wire.note("frob")
    wire.note("$/cancelRequest", {"id": 4711})
    wire.note("$/cancelRequest", {})
    assert "error" not in wire.ask("textDocument/hover", at(here, 2))


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "http://a/b.yaml", "", "%%%", "file:///none/net.yaml",
                                 "file:///dev/zero", "file:///tmp", "file:///a%00b.yaml"])  # fmt: skip
def test_documents_that_are_not_open(living: Wire, uri: str) -> None:
    """A file can be asked about all the same; what is none has to be opened first."""
    for feature in ("hover", "completion", "definition"):
        assert (
            code(living.ask(f"textDocument/{feature}", at(uri, 0)))
            == PARAMS
        )
    assert code(living.ask("textDocument/formatting", {**at(uri, 0), "options": {"tabSize": 2, "insertSpaces": True}})) \
        == PARAMS  # fmt: skip
    living.note(
        "textDocument/didChange",
        {
            "textDocument": {"uri": uri, "version": 2},
            "contentChanges": [{"text": "a"}],
        },
    )
    living.note("textDocument/didClose", {"textDocument": {"uri": uri}})
    living.note(
        "textDocument/didOpen",
        {
            "textDocument": {
                "uri": uri,
                "languageId": "yaml",
                "version": 1,
                "text": TEXT,
            }
        },
    )
    assert (
        "4 × 8 × 8"
        in living.ask("textDocument/hover", at(uri, 2))["result"][
            "contents"
        ]["value"]
    )


def test_a_file_that_is_not_open_is_read(living: Wire) -> None:
    (living.folder / "read.yaml").write_text(TEXT)
    here = (living.folder / "read.yaml").as_uri()
    assert "4 × 8 × 8" in str(living.ask("textDocument/hover", at(here, 2)))


def test_texts_and_places_that_no_editor_sends(living: Wire) -> None:
    wire = living
    uri = (wire.folder / "opened.yaml").as_uri()
    opened = {"uri": uri, "languageId": "yaml", "version": 5, "text": TEXT}
    wire.note("textDocument/didOpen", {"textDocument": opened})
    assert (
        wire.ask("textDocument/hover", at(uri, 999, 999))["result"] is None
    )
    for version, text in (
        (3, "x"),
        (6, "\ud800"),
        (7, "a: [" * 100_000),
        (8, TEXT * 20_000),
        (4, TEXT),
    ):
        changed = {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [{"text": text}],
        }
        wire.note("textDocument/didChange", changed)
        assert "error" not in wire.ask(
            "textDocument/completion", at(uri, 10**6, 10**6)
        )
    backwards = {
        "start": {"line": 2, "character": 30},
        "end": {"line": 1, "character": 0},
    }
    beyond = {
        "start": {"line": 50, "character": 3},
        "end": {"line": 90, "character": 0},
    }
    for span in (backwards, beyond):
        changes = [{"range": span, "text": "\n"}]
        wire.note(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": 9},
                "contentChanges": changes,
            },
        )
    wire.note("textDocument/didOpen", {"textDocument": opened})
    assert "4 × 8 × 8" in str(wire.ask("textDocument/hover", at(uri, 2)))
