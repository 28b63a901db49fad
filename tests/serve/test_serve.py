"""What the server of the page gives and refuses."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from small_page import SPEC, served

import resgraph
from resgraph import train
from resgraph.cli import run
from resgraph.errors import SpecError
from resgraph.outputs import registry
from resgraph.serve import server as module
from resgraph.serve.answer import Question, answer
from resgraph.serve.server import SpecServer

__all__ = ["served"]


def ask(
    server: SpecServer,
    method: str,
    path: str,
    body: Any = None,
    **headers: str,
) -> tuple[int, Any]:
    connection = HTTPConnection(module.HOST, server.server_port, timeout=20)
    given = {"X-Resgraph-Token": server.token} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request(
        method, path, None if body is None else json.dumps(body), given
    )
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, json.loads(text) if reply.headers[
        "Content-Type"
    ].startswith("application/json") else text


def test_an_answer_has_the_figure_and_shapes(tmp_path: Path) -> None:
    found = answer(Question(SPEC), tmp_path / "spec.yaml")
    assert found["ok"]
    assert found["diagnostics"] == []
    assert found["svg"].startswith("<svg")
    assert found["rows"][1] == {
        "name": "conv2",
        "line": 9,
        "shape": "16 × 8 × 8",
    }


def test_the_text_of_a_pane_is_made_when_its_tab_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source of a deep net takes longer than all the rest of an answer."""
    made: list[str] = []
    write = registry.write
    monkeypatch.setattr(
        registry,
        "write",
        lambda plan, name, **o: made.append(name) or write(plan, name, **o),
    )
    texts = {"figure": "", "table": "conv2", "source": "class Pair"}
    for pane, text in texts.items():
        made.clear()
        found = answer(Question(SPEC, pane=pane), tmp_path / "spec.yaml")  # type: ignore[arg-type]
        assert ("text" in made, "py" in made) == (
            pane == "table",
            pane == "source",
        )
        assert found.keys() & texts.keys() == {pane} - {"figure"}
        assert text in found.get(pane, "")


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
    found = answer(
        Question(SPEC.replace(*change, 1)), tmp_path / "spec.yaml"
    )
    assert not found["ok"]
    assert found["diagnostics"]
    if line:
        assert found["diagnostics"][0]["line"] == line


def test_the_rows_above_a_mistake_are_drawn(tmp_path: Path) -> None:
    """Also where a block is called by no row above it: it may be called by the one that is wrong."""
    found = answer(
        Question(SPEC.replace("pair 16 /2", "pare 16 /2")),
        tmp_path / "spec.yaml",
    )
    assert "conv1" in found["svg"]
    assert "conv2" in found["svg"]
    assert "avg pool" not in found["svg"]


def test_the_first_variant_stands_in_for_one_that_is_gone(
    tmp_path: Path,
) -> None:
    text = (
        SPEC.replace("fc 10", "fc n")
        + "let: {n: 10}\nvariants: {a: {}, b: {n: 5}}\n"
    )
    assert (
        answer(Question(text, variant="gone"), tmp_path / "x")["variant"]
        == "a"
    )
    assert (
        answer(Question(text, variant="b"), tmp_path / "x")["variant"]
        == "b"
    )


def test_the_file_is_written_only_when_asked_and_never_over_changes(
    served: SpecServer,
) -> None:
    _, spec = ask(served, "GET", "/spec")
    assert ask(served, "POST", "/answer", {"text": SPEC + "# more\n"})[1][
        "ok"
    ]
    assert served.path.read_text() == SPEC
    status, written = ask(
        served,
        "POST",
        "/save",
        {"text": SPEC + "# more\n", "digest": spec["digest"]},
    )
    assert (status, served.path.read_text()) == (200, SPEC + "# more\n")
    served.path.write_text("elsewhere: 1\n")
    assert (
        ask(
            served,
            "POST",
            "/save",
            {"text": SPEC, "digest": written["digest"]},
        )[0]
        == 409
    )
    assert served.path.read_text() == "elsewhere: 1\n"


def test_a_byte_order_mark_stays(
    served: SpecServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Windows' editors write one: what was not edited is kept, by the page, `fmt` and `check --fix`."""
    path, mark = served.path, b"\xef\xbb\xbf"
    path.write_bytes(mark + SPEC.encode())
    read = served.read()
    assert read["text"] == SPEC
    served.save(read["text"].replace("pair 16", "pair 24"), read["digest"])
    assert (
        path.read_bytes()
        == mark + SPEC.replace("pair 16", "pair 24").encode()
    )
    path.write_bytes(
        mark + SPEC.replace("3x3 conv 8", "3x3  Conv 8").encode()
    )
    assert run(["check", "--fix", str(path)]) == 0
    assert run(["fmt", str(path)]) == 0
    capsys.readouterr()
    assert path.read_bytes().startswith(mark + b"name: small")
    assert b"  conv1: 3x3 conv 8\n" in path.read_bytes()


def test_a_page_of_an_earlier_session_is_told_where_the_new_one_is(
    served: SpecServer,
) -> None:
    with SpecServer(served.path) as again:
        Thread(target=again.serve_forever, daemon=True).start()
        status, told = ask(
            again,
            "POST",
            "/answer",
            {"text": SPEC},
            X_Resgraph_Token=served.token,
        )
        again.shutdown()
    assert status == 403
    assert (
        "of another session; open the address that the terminal shows"
        in told["error"]
    )


MIXED = "name: a\r\ninput: 3x8x8\nnet:\r\n  one: fc 3\r  two: fc 4\n"


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (("", ""), MIXED),
        (("fc 3", "fc 5"), MIXED.replace("fc 3", "fc 5")),
        (("net:\n", ""), MIXED.replace("net:\r\n", "")),
        (
            ("net:\n", "# rows\nnet:\n"),
            MIXED.replace("net:", "# rows\nnet:"),
        ),
        (("name: a\n", "\nname: a\n"), "\r\n" + MIXED),
        (("fc 4\n", "fc 4"), MIXED.removesuffix("\n")),
    ],
    ids=[
        "nothing",
        "a word",
        "one less",
        "one more",
        "at the top",
        "at the end",
    ],
)
def test_each_line_keeps_its_end(
    tmp_path: Path, change: tuple[str, str], written: str
) -> None:
    """A new line ends as the one before it, and the first as the file's first."""
    path = tmp_path / "mixed.yaml"
    path.write_bytes(MIXED.encode())
    server = SpecServer(path)
    try:
        read = server.read()
        assert "\r" not in read["text"]
        saved = server.save(
            read["text"].replace(*change, 1), read["digest"]
        )
        assert path.read_bytes().decode() == written
        assert saved == server.read()
    finally:
        server.server_close()


def test_runs_beside_the_spec_are_shown(served: SpecServer) -> None:
    """Those of `build`, their errors and curves; one that is damaged is listed as that."""
    assert "No runs yet" in ask(served, "GET", "/runs")[1]["html"]
    folder = served.path.parent / "runs"
    (folder / "broken").mkdir(parents=True)
    (folder / "broken" / "run.json").write_text("{")
    one = resgraph.load("digits", ["train.epochs=1", "train.data.test=0.9"])
    train.build(one, out=folder / "<b>")
    status, found = ask(served, "GET", "/runs")
    assert status == 200
    page = found["html"]
    assert (
        f'<th scope="row">&lt;b&gt;</th><td>{one.name}</td><td>done</td><td>75.0 k</td>'
        in page
    )
    assert (
        '<th scope="row">broken</th><td>broken</td><td>damaged</td>' in page
    )
    assert (
        page.count("<svg ") == 1 and "training and validation error" in page
    )
    assert ask(served, "GET", "/runs", X_Resgraph_Token="other")[0] == 404


def test_strangers_are_refused(served: SpecServer) -> None:
    assert ask(served, "GET", "/spec", X_Resgraph_Token="guess")[0] == 404
    assert (
        ask(
            served, "POST", "/save", {"text": "x"}, X_Resgraph_Token="guess"
        )[0]
        == 403
    )
    assert ask(served, "GET", "/", Host="evil.example")[0] == 403
    assert (
        ask(served, "POST", "/answer", {"text": SPEC}, Host="evil.example")[
            0
        ]
        == 403
    )
    assert ask(served, "GET", "/../../etc/passwd")[0] == 404
    assert served.server_address[0] == "127.0.0.1"


def test_a_file_that_cannot_be_read_is_told_of_at_once(
    tmp_path: Path,
) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        SpecServer(tmp_path / "none.yaml")


def test_the_page_needs_no_network() -> None:
    folder = Path(module.__file__).parent
    for name in module._FILES:
        addresses = re.findall(
            r"https?://[^\"'` )]*", folder.joinpath(name).read_text()
        )
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}


def test_an_edit_is_the_shortest_that_does_it(served: SpecServer) -> None:
    action = {
        "kind": "replace",
        "path": ["net", "head", 1],
        "text": "fc 100",
    }
    status, edit = ask(
        served, "POST", "/edit", {"text": SPEC, "action": action}
    )
    line, column = 10, SPEC.splitlines()[9].index("10") + 3
    assert status == 200
    assert edit == {
        "line": line,
        "column": column,
        "end_line": line,
        "end_column": column,
        "text": "0",
    }


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({}, "`path` is a list of keys and indices"),
        (
            {"path": ["net", "conv1"]},
            "`kind` is one of replace, remove, move, add",
        ),
        (
            {"path": ["net", "x"], "kind": "remove"},
            "there is no `x` here any more",
        ),
        ({"path": ["net", "conv1"], "kind": "move"}, "`to` is a place"),
        (
            {"path": ["net", "conv1"], "kind": "replace", "text": 3},
            "`text` is text",
        ),
        (
            {"path": ["net", True], "kind": "remove"},
            "`path` is a list of keys",
        ),
    ],
)
def test_an_action_that_cannot_be_done(
    served: SpecServer, action: Any, why: str
) -> None:
    status, found = ask(
        served, "POST", "/edit", {"text": SPEC, "action": action}
    )
    assert status == 422
    assert why in found["error"]


def test_columns_of_the_page_count_utf_16(served: SpecServer) -> None:
    """As JavaScript does: a letter outside the basic plane is two."""
    text = SPEC.replace(
        "fc 10]", "Fc 10] # \N{MATHEMATICAL BOLD SMALL X}"
    ).replace("head:  [", "head:  ['\N{MATHEMATICAL BOLD SMALL X}', ")
    found = answer(Question(text), served.path)["diagnostics"]
    line = text.splitlines()[9]
    wrong = next(d for d in found if "Fc" in d["message"])
    assert wrong["column"] == line.index("Fc") + 2


def test_completions_and_fixes_are_those_of_the_language_server(
    served: SpecServer,
) -> None:
    text = SPEC.replace("fc 10", "Fc 10")
    _, found = ask(
        served, "POST", "/complete", {"text": text, "line": 8, "column": 21}
    )
    assert {"groups", "/2"} & {c["label"] for c in found["candidates"]}
    _, found = ask(served, "POST", "/fixes", {"text": text})
    (fix,) = found["fixes"]
    assert (fix["code"], fix["line"], fix["edits"][0]["text"]) == (
        "E011",
        10,
        "fc",
    )
    status, _ = ask(
        served, "POST", "/complete", {"text": text, "line": 0, "column": 1}
    )
    assert status == 400
