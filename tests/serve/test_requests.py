"""Requests that the page never makes, over real sockets: each is answered, and the server goes on."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from small_page import SPEC, served
from test_serve import ask

from resgraph.errors import UsageError
from resgraph.serve import server as module
from resgraph.serve.server import SpecServer

__all__ = ["served"]


def raw(server: SpecServer, request: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the JSON that come back for some bytes."""
    with socket.create_connection(
        (module.HOST, server.server_port), timeout=20
    ) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def post(
    server: SpecServer, path: str, body: bytes, length: str | None = None
) -> tuple[int, dict[str, Any]]:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {module.HOST}:{server.server_port}",
        f"X-Resgraph-Token: {server.token}",
        *(
            []
            if length == ""
            else [f"Content-Length: {length or len(body)}"]
        ),
        "Connection: close",
    ]
    return raw(
        server, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the request is no JSON"),
        (b"\xff\xfe", "the request is no JSON"),
        (b"", "the request is no JSON"),
        (b"[" * 100_000, "the request is no JSON"),
        (b"9" * 5_000, "the request is no JSON"),
        (b"[1]", "no object"),
        (b"null", "no object"),
        (b"{}", "`text` must be text"),
        (b'{"text": 3}', "`text` must be text"),
        (b'{"text": {"a": [1]}}', "`text` must be text"),
        (b'{"text": "", "variant": [1]}', "`variant` must be text"),
        (b'{"text": "", "view": ["ops"]}', "`view` is one of"),
        (b'{"text": "", "view": {}}', "`view` is one of"),
        (b'{"text": "", "theme": null}', "`theme` is one of"),
        (b'{"text": "", "pane": "runs"}', "`pane` is one of"),
    ],
)
def test_what_is_no_question_is_told_so(
    served: SpecServer, body: bytes, said: str
) -> None:
    status, answer = post(served, "/answer", body)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize("action", [b"3", b'"a"', b"[1]", b"null", b"NaN"])
def test_an_edit_without_an_action(
    served: SpecServer, action: bytes
) -> None:
    body = b'{"text": "a: 1", "action": %b}' % action
    status, answer = post(served, "/edit", body)
    assert (status, answer["error"]) == (400, "`action` must be an object")


@pytest.mark.parametrize(
    ("length", "status"),
    [("", 411), ("-1", 411), ("²", 411), ("x", 411), ("9" * 40, 413)],
)
def test_a_length_that_is_none(
    served: SpecServer, length: str, status: int
) -> None:
    assert post(served, "/answer", b"{}", length)[0] == status


def test_a_text_over_the_limit(served: SpecServer) -> None:
    status, answer = post(
        served, "/answer", b'{"text": "' + b"x" * 5_000_000 + b'"}'
    )
    assert (status, "which is the limit" in answer["error"]) == (413, True)


def test_half_a_character_is_not_saved(served: SpecServer) -> None:
    _, spec = ask(served, "GET", "/spec")
    status, answer = ask(
        served,
        "POST",
        "/save",
        {"text": "a: 1\nb: \ud800\n", "digest": spec["digest"]},
    )
    assert (status, answer["error"]) == (
        400,
        "line 2 has half a character, U+D800, which no file can hold; delete it",
    )
    assert (
        ask(served, "POST", "/answer", {"text": "a: \ud800\n"})[1]["ok"]
        is False
    )
    assert [path.name for path in served.path.parent.iterdir()] == [
        "spec.yaml"
    ]
    assert served.path.read_text() == SPEC


def test_a_file_that_vanished(served: SpecServer) -> None:
    _, spec = ask(served, "GET", "/spec")
    served.path.unlink()
    for reply in (
        ask(served, "GET", "/spec"),
        ask(
            served,
            "POST",
            "/save",
            {"text": SPEC, "digest": spec["digest"]},
        ),
    ):
        assert reply[0] == 410
        assert "there is no such file; put it back" in reply[1]["error"]
    assert list(served.path.parent.iterdir()) == []
    served.path.write_text(SPEC)
    assert ask(served, "GET", "/spec")[0] == 200


def test_a_full_disk_is_told_and_leaves_the_file(
    served: SpecServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    _, spec = ask(served, "GET", "/spec")
    monkeypatch.setattr("os.fsync", full)
    status, answer = ask(
        served,
        "POST",
        "/save",
        {"text": "x: 1\n", "digest": spec["digest"]},
    )
    assert (status, answer["error"]) == (
        500,
        "cannot write the file: the disk is full; it is as it was",
    )
    assert served.path.read_text() == SPEC
    assert [path.name for path in served.path.parent.iterdir()] == [
        "spec.yaml"
    ]


def test_a_link_stays_a_link(tmp_path: Path, served: SpecServer) -> None:
    real = tmp_path / "elsewhere" / "real.yaml"
    real.parent.mkdir()
    served.path.rename(real)
    served.path.symlink_to(real)
    real.chmod(0o640)
    _, spec = ask(served, "GET", "/spec")
    assert (
        ask(
            served,
            "POST",
            "/save",
            {"text": SPEC + "# more\n", "digest": spec["digest"]},
        )[0]
        == 200
    )
    assert served.path.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == (
        SPEC + "# more\n",
        0o640,
    )


def test_many_connections_at_once(served: SpecServer) -> None:
    gate = threading.Barrier(200)

    def one(_: int) -> int:
        gate.wait()
        return ask(served, "GET", "/spec")[0]

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(one, range(200))) == [200] * 200


def test_connections_that_say_nothing_make_room(
    served: SpecServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.3)
    served.places = threading.BoundedSemaphore(4)
    idle = [
        socket.create_connection((module.HOST, served.server_port))
        for _ in range(8)
    ]
    assert ask(served, "GET", "/spec")[0] == 200
    for connection in idle:
        connection.close()


def test_a_browser_that_goes_away(
    served: SpecServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        body = json.dumps({"text": SPEC}).encode()
        head = f"POST /answer HTTP/1.1\r\nHost: {module.HOST}:{served.server_port}\r\n"
        head += f"X-Resgraph-Token: {served.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection = socket.create_connection(
            (module.HOST, served.server_port)
        )
        # reset, not closed
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        )
        connection.sendall(head.encode() + body)
        connection.close()
    assert ask(served, "GET", "/spec")[0] == 200
    assert capfd.readouterr().err == ""


def test_our_own_mistake_is_answered(
    served: SpecServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "answer", broken)
    status, answer = ask(served, "POST", "/answer", {"text": SPEC})
    assert (status, "a bug in resgraph" in answer["error"]) == (500, True)
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert ask(served, "GET", "/spec")[0] == 200


def test_a_port_in_use_says_which_is_free(
    tmp_path: Path, served: SpecServer
) -> None:
    with pytest.raises(
        UsageError,
        match=r"port \d+: address already in use; --port 0, the default, takes a free one",
    ):
        SpecServer(served.path, served.server_port)


@pytest.mark.parametrize("method", [b"PUT", b"BREW", b"HEAD"])
def test_methods_of_others(served: SpecServer, method: bytes) -> None:
    with socket.create_connection(
        (module.HOST, served.server_port), timeout=20
    ) as connection:
        connection.sendall(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 501")
