"""The page of `serve`: what the server gives and refuses, and what a real browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from resgraph.errors import SpecError
from resgraph.serve import server as module
from resgraph.serve.answer import Question, answer
from resgraph.serve.server import SpecServer

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
SPEC = """name: small
input: 3x16x16
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 8
  conv2: 2 x pair 16 /2
  head:  [global avg pool, fc 10]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[SpecServer]:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    with SpecServer(path) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def ask(
    server: SpecServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    connection = HTTPConnection(module.HOST, server.server_port, timeout=20)
    given = {"X-Resgraph-Token": server.token} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request(method, path, None if body is None else json.dumps(body), given)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, json.loads(text) if reply.headers["Content-Type"].startswith(
        "application/json"
    ) else text


def test_an_answer_has_figure_table_source_and_shapes(tmp_path: Path) -> None:
    found = answer(Question(SPEC), tmp_path / "spec.yaml")
    assert found["ok"]
    assert found["diagnostics"] == []
    assert found["svg"].startswith("<svg")
    assert "class Pair" in found["source"]
    assert found["rows"][1] == {"name": "conv2", "line": 9, "shape": "16 × 8 × 8"}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("fc 10", "fc"), 10),
        (("pair 16", "pare 16"), 9),
        (("net:", "net"), None),
        (("", "\0"), None),
    ],
)
def test_mistakes_are_part_of_the_answer(
    tmp_path: Path, change: tuple[str, str], line: int | None
) -> None:
    found = answer(Question(SPEC.replace(*change, 1)), tmp_path / "spec.yaml")
    assert not found["ok"]
    assert found["diagnostics"]
    if line:
        assert found["diagnostics"][0]["line"] == line


def test_the_rows_above_a_mistake_are_drawn(tmp_path: Path) -> None:
    """Also where a block is called by no row above it: it may be called by the one that is wrong."""
    found = answer(
        Question(SPEC.replace("pair 16 /2", "pare 16 /2")), tmp_path / "spec.yaml"
    )
    assert "conv1" in found["svg"]
    assert "conv2" in found["svg"]
    assert "avg pool" not in found["svg"]


def test_the_first_variant_stands_in_for_one_that_is_gone(tmp_path: Path) -> None:
    text = (
        SPEC.replace("fc 10", "fc n") + "let: {n: 10}\nvariants: {a: {}, b: {n: 5}}\n"
    )
    assert answer(Question(text, variant="gone"), tmp_path / "x")["variant"] == "a"
    assert answer(Question(text, variant="b"), tmp_path / "x")["variant"] == "b"


def test_the_file_is_written_only_when_asked_and_never_over_changes(
    served: SpecServer,
) -> None:
    _, spec = ask(served, "GET", "/spec")
    assert ask(served, "POST", "/answer", {"text": SPEC + "# more\n"})[1]["ok"]
    assert served.path.read_text() == SPEC
    status, written = ask(
        served, "POST", "/save", {"text": SPEC + "# more\n", "digest": spec["digest"]}
    )
    assert (status, served.path.read_text()) == (200, SPEC + "# more\n")
    served.path.write_text("elsewhere: 1\n")
    assert (
        ask(served, "POST", "/save", {"text": SPEC, "digest": written["digest"]})[0]
        == 409
    )
    assert served.path.read_text() == "elsewhere: 1\n"


def test_strangers_are_refused(served: SpecServer) -> None:
    assert ask(served, "GET", "/spec", X_Resgraph_Token="guess")[0] == 404
    assert (
        ask(served, "POST", "/save", {"text": "x"}, X_Resgraph_Token="guess")[0] == 403
    )
    assert ask(served, "GET", "/", Host="evil.example")[0] == 403
    assert ask(served, "POST", "/answer", {"text": SPEC}, Host="evil.example")[0] == 403
    assert ask(served, "GET", "/../../etc/passwd")[0] == 404
    assert served.server_address[0] == "127.0.0.1"


def test_a_file_that_cannot_be_read_is_told_of_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        SpecServer(tmp_path / "none.yaml")


def test_the_page_needs_no_network() -> None:
    folder = Path(module.__file__).parent
    for name in ("page.html", "editor.js", "editor.css"):
        assert not re.search(r"https?://", folder.joinpath(name).read_text())


_TYPING = """
(async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  while (!document.querySelector("#figure svg")) await wait(50);
  const shapes = () => [...document.querySelectorAll(".shape")].map((e) => e.textContent);
  const out = { facts: $("facts").textContent, shapes: shapes() };
  const type = async (from, to) => {
    $("text").value = $("text").value.replace(from, to);
    $("text").dispatchEvent(new Event("input"));
    const before = state.shown;
    while (state.shown === before) await wait(50);
  };
  await type("pair 16 /2", "pair 17 /2");
  out.changed = shapes();
  await type("pair 17 /2", "pare 17 /2");
  out.problem = $("problems").textContent;
  out.partial = !$("figure").classList.contains("stale") && $("figure").textContent.includes("conv1");
  out.stale = $("table").classList.contains("stale");
  $("problems").querySelector("li").click();
  out.caret = $("text").value.slice($("text").selectionStart).split(" ")[0];
  await type("pare 17 /2", "pair 24 /2");
  out.mended = $("problems").children.length;
  await save();
  out.saved = $("save").disabled;
  choose("source");
  out.source = $("source").textContent.includes("class Pair");
  document.body.dataset.out = JSON.stringify(out);
})();
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt install chromium")
def test_a_browser_shows_what_is_typed(
    served: SpecServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page itself, with a script behind its own that types, looks and saves."""
    copy = tmp_path / "page"
    shutil.copytree(Path(module.__file__).parent, copy)
    (copy / "editor.js").write_text((copy / "editor.js").read_text() + _TYPING)
    monkeypatch.setattr(module.resources, "files", lambda _: copy)
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=20000", "--dump-dom",
    ]  # fmt: skip
    command = [
        str(CHROMIUM),
        *flags,
        f"--user-data-dir={tmp_path / 'profile'}",
        served.address,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    found = re.search(r'data-out="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    out = json.loads(unescape(found[1]))
    assert out["facts"].startswith("small · ")
    assert out["shapes"] == ["8 × 16 × 16", "16 × 8 × 8", "10"]
    assert out["changed"][1] == "17 × 8 × 8"
    assert "no op or block `pare`" in out["problem"]
    assert "did you mean `pair`?" in out["problem"]
    assert out["stale"]
    assert out["partial"]
    assert out["caret"] == "pare"
    assert out["mended"] == 0
    assert out["saved"]
    assert out["source"]
    assert "pair 24 /2" in served.path.read_text()
