"""An agent over the real protocol: a client of the official SDK, and `resgraph mcp` as a process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from nets import spec

from resgraph.errors import UsageError
from resgraph.mcp.workspace import Workspace

TINY = spec(
    "conv1: 3x3 conv w\nhead: [global avg pool, fc 10]",
    input="1x8x8",
    top="let: {w: 4}\ntrain: digits",
)
Call = Callable[..., Awaitable[dict[str, Any]]]


def session(
    root: Path, play: Callable[[Call], Awaitable[None]], minutes: int = 2
) -> None:
    """Plays an agent against a server in a directory."""
    # servers log to what stderr is while this is first loaded: a captured one has no descriptor
    with redirect_stderr(sys.__stderr__):
        mcp = pytest.importorskip("mcp")
    words = [
        "-m",
        "resgraph",
        "mcp",
        "--root",
        str(root),
        "--minutes",
        str(minutes),
    ]

    async def go() -> None:
        async with mcp.Client(
            mcp.StdioServerParameters(
                command=sys.executable, args=words, env=dict(os.environ)
            )
        ) as client:
            names = {
                tool.name for tool in (await client.list_tools()).tools
            }
            assert names == {
                "check", "show", "diff", "explain", "blocks", "build", "sweep", "runs",
            }  # fmt: skip

            async def call(tool: str, **arguments: Any) -> dict[str, Any]:
                found = await client.call_tool(tool, arguments)
                text = found.content[0].text
                assert not found.is_error, text
                answer: dict[str, Any] = json.loads(text)
                return answer

            await play(call)

    asyncio.run(go())


def test_an_agent_mends_a_spec_by_its_edits_and_trains_it(
    tmp_path: Path,
) -> None:
    async def play(call: Call) -> None:
        file = tmp_path / "tiny.yaml"
        file.write_text(TINY.replace("3x3 conv", "3x3 convv"))
        wrong = await call("check", spec="tiny.yaml")
        assert wrong["exit_code"] == 1
        (edit,) = wrong["result"]["diagnostics"][0]["edits"]
        start, end = (edit["place"][side] for side in ("start", "end"))
        lines = file.read_text().splitlines(keepends=True)
        line = lines[start["line"] - 1]
        lines[start["line"] - 1] = (
            line[: start["column"] - 1]
            + edit["text"]
            + line[end["column"] - 1 :]
        )
        file.write_text("".join(lines))
        right = await call("check", spec="tiny.yaml")
        assert (right["exit_code"], right["result"]["ok"]) == (0, True)
        assert (await call("check", text=TINY))["exit_code"] == 0
        shown = await call("show", spec="tiny.yaml", set=["let.w=8"])
        assert shown["exit_code"] == 0
        assert (await call("diff", before="resnet-18", after="resnet-34"))[
            "result"
        ]
        built = await call(
            "build",
            spec="tiny.yaml",
            out="run",
            set=["train.epochs=none", "train.iterations=3"],
        )
        assert built["exit_code"] == 0, built
        assert built["result"]["steps"] == 3
        assert (await call("runs", folder="run"))["result"]

    session(tmp_path, play)


def test_nothing_outside_its_directory_is_touched(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.yaml").write_text(TINY)
    (root / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "tiny.yaml").write_text(TINY)

    async def play(call: Call) -> None:
        for path in (
            "../secret.yaml",
            str(tmp_path / "secret.yaml"),
            "link.yaml",
        ):
            told = await call("check", spec=path)
            assert (told["exit_code"], "outside" in told["messages"]) == (
                2,
                True,
            )
        told = await call("build", spec="tiny.yaml", out="../run")
        assert (told["exit_code"], "outside" in told["messages"]) == (
            2,
            True,
        )
        codes = dict.fromkeys(
            ("timm:resnet18", "os:getcwd", "resgraph:load"), "no file"
        )
        for code, why in {**codes, "a.pt2": "is a model"}.items():
            for tool, words in (
                ("show", {"spec": code}),
                ("check", {"spec": code}),
                ("diff", {"before": "resnet-18", "after": code}),
                ("explain", {"what": code, "node": "conv1"}),
                ("build", {"spec": code, "out": "run"}),
            ):
                told = await call(tool, **words)
                assert (told["exit_code"], why in told["messages"]) == (
                    2,
                    True,
                )
        told = await call("explain", what=str(tmp_path / "secret.yaml"))
        assert (told["exit_code"], "outside" in told["messages"]) == (
            2,
            True,
        )
        (root / "study.yaml").write_text("study: s\nnets: ../secret.yaml\n")
        told = await call("sweep", study="study.yaml", out="swept")
        assert (told["exit_code"], "outside" in told["messages"]) == (
            2,
            True,
        )
        reading = ["train.data={set: folder, path: /etc}"]
        told = await call("build", spec="tiny.yaml", out="run", set=reading)
        assert (told["exit_code"], "outside" in told["messages"]) == (
            2,
            True,
        )

    session(root, play)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "root",
        "secret.yaml",
    ]


def test_names_that_no_file_has_are_told_so(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)

    async def play(call: Call) -> None:
        for tool, words in (
            ("check", {"spec": "a\0b"}),
            ("explain", {"what": "tiny.yaml", "node": "a\0"}),
            ("build", {"spec": "tiny.yaml", "out": "a\0b"}),
            ("runs", {"folder": "a\0"}),
            ("show", {"spec": "tiny.yaml", "set": ["let.w=\0"]}),
        ):
            told = await call(tool, **words)
            assert told["exit_code"] == 2 and "U+0000" in told["messages"]
        told = await call("check", spec="x" * 5000)
        assert told["exit_code"] and "too long" in told["messages"], told

    session(tmp_path, play)


def test_a_command_ends_at_its_limit(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    found = Workspace(tmp_path, 0.002).run(
        "build", "tiny.yaml", "-o", "run", "--json", "--minutes", "0.002",
        "--set", "train.epochs=100000", seconds=120,
    )  # fmt: skip
    assert found["exit_code"] == 0, found
    assert found["result"]["epochs"] < 100_000


def test_a_path_is_followed_to_where_it_leads(tmp_path: Path) -> None:
    space = Workspace(tmp_path, 1.0)
    assert space.inside("a/../b.yaml") == tmp_path.resolve() / "b.yaml"
    for path in ("..", "/etc/passwd", "a/../../b"):
        with pytest.raises(UsageError, match="outside"):
            space.inside(path)
