"""What the command line promises: exit codes, where text goes, JSON that is JSON, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import CLOSED, UNREAD, forked

from resgraph import train
from resgraph.cli import _COMMANDS, run

ROOT = Path(__file__).parents[2]
RESNET = str(ROOT / "specs" / "resnet.yaml::resnet-18")
WRONG = str(ROOT / "tests" / "mistakes" / "mistakes-everywhere.yaml")
UNKEPT = str(ROOT / "tests" / "mistakes" / "expect.yaml")
# commands of one spec that print
READERS = [
    "check",
    "show",
    "resolve",
    "render",
    "export",
]


def command(
    *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "resgraph", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


# -- exit codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READERS)
def test_0_results_on_stdout(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, RESNET]) == 0
    out, err = capsys.readouterr()
    assert out and "error" not in err


@pytest.mark.parametrize("name", [*READERS, "diff"])
def test_1_the_spec_is_wrong(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, *[RESNET] * (name == "diff"), WRONG]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.findall(r"error\[(E\d+)\]", err) == [
        "E034",
        "E011",
        "E012",
        "E015",
        "E011",
    ]
    assert "Traceback" not in err


def test_1_a_claim_that_does_not_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["check", UNKEPT]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.findall(r"error\[(E\d+)\]", err) == ["E050"] * 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "no command `chek`: did you mean `check`?"),
        (["xyz"], "the commands are check, show"),
        (["check"], "Missing argument"),
        (["check", "--bad", RESNET], "--bad"),
        (
            ["check", f"{ROOT}/specs/resnet.yaml::resnet-51"],
            "did you mean `resnet-50`?",
        ),
        (
            ["show", RESNET, "--set", "let.reps"],
            "write a path, `=` and a value",
        ),
        (
            ["show", RESNET, "--set", "variants.resnet-18.e=2"],
            "set what it sets",
        ),
        (["show", "--format", "xml", RESNET], "xml"),
        (["explain", "E041", "--set", "let.e=2"], "--set is for a net"),
        (["explain", "--set", "let.e=2"], "--set is for a net"),
        (
            ["explain", "--markdown", "E041"],
            "--markdown is the page of all codes",
        ),
        (["render", RESNET, "-o", "net.bmp"], "bmp"),
        (["blocks", "botleneck"], "did you mean `bottleneck`?"),
        (["explain", "E999"], "E999"),
    ],
)
def test_2_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in " ".join(err.split())


@pytest.mark.parametrize(
    "path",
    [
        "nothere.yaml",
        ".",
        "",
        "/dev/null",
        "a\x1b[31m.yaml",
        "x" * 5000,
        "a\x00b",
    ],
)
def test_1_a_file_that_cannot_be_read(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", path]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error[E00")
    assert "\x1b" not in err


def test_70_our_bug_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("resgraph.cli.commands.show.load_plans", broken)
    assert run(["show", RESNET]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "ZeroDivisionError" in err and "Please report it" in err


def test_130_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "resgraph.cli.commands.show.load_plans", interrupted
    )
    assert run(["show", RESNET]) == 130


def test_the_exit_code_is_the_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [
        command("check", spec).returncode
        for spec in (RESNET, WRONG, "x::y::z")
    ] == [0, 1, 1]
    assert command("chek").returncode == 2


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_has_help(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    out, _ = capsys.readouterr()
    assert out.startswith(f"Usage: resgraph {name}")


def test_help_names_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    out, _ = capsys.readouterr()
    assert all(
        re.search(rf"^  {name} ", out, re.MULTILINE) for name in _COMMANDS
    )


# -- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["check", "show"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([RESNET], 0),
        ([WRONG], 1),
        (["nothere.yaml"], 1),
        ([f"{ROOT}/specs/resnet.yaml::resnet-51"], 2),
        ([RESNET, "--set", "nothing"], 2),
        ([RESNET, "--set", "let.x=1"], 1),
        ([RESNET, "--bad"], 2),
        ([], 2),
    ],
)
def test_json_is_json(
    name: str,
    arguments: list[str],
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([name, "--json", *arguments]) == code
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert out.isascii()
    assert err == ""
    if code:
        assert said["ok"] is False
        assert said.get("error") or said["diagnostics"]


def test_json_and_another_format(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["show", "--json", "--format", "csv", RESNET]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["error"].startswith("--json and --format csv")


def test_json_of_a_diagnostic(capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--json", WRONG])
    said = json.loads(capsys.readouterr().out)
    assert said["nets"] == [{"spec": WRONG, "ok": False}]
    assert said["diagnostics"][1] == {
        "code": "E011",
        "severity": "error",
        "message": "no op or block `convv`",
        "place": {
            "file": WRONG,
            "start": {"line": 6, "column": 30},
            "end": {"line": 6, "column": 35},
        },
        "notes": [],
        "help": "did you mean `conv`?",
        "related": [],
        "edits": [
            {
                "place": {
                    "file": WRONG,
                    "start": {"line": 6, "column": 30},
                    "end": {"line": 6, "column": 35},
                },
                "text": "conv",
            }
        ],
    }


def test_json_of_a_net(capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--json", RESNET])
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    (net,) = said["nets"]
    assert (net["spec"], net["params"], net["macs"], net["depth"]) == (
        RESNET,
        11_689_512,
        1_814_073_344,
        18,
    )


# -- terminals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", RESNET),
        ("check", RESNET),
        ("check", WRONG),
        ("blocks",),
        ("diff", RESNET, RESNET),
    ],
)
def test_an_ascii_terminal(arguments: tuple[str, ...]) -> None:
    done = command(*arguments, PYTHONIOENCODING="ascii")
    assert done.returncode == (1 if WRONG in arguments else 0)
    assert done.stderr.isascii()


def test_names_that_ascii_does_not_have() -> None:
    done = command(
        "check", "tests/mistakes/cyrillic.yaml", PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 1
    assert "U+0441 CYRILLIC SMALL LETTER ES" in done.stderr


@pytest.mark.parametrize("columns", ["20", "1", "500"])
def test_narrow_and_wide_terminals(columns: str) -> None:
    for arguments in (("show", RESNET), ("check", WRONG)):
        done = forked(*arguments, cwd=ROOT, COLUMNS=columns)
        assert done.returncode in (0, 1)
        assert "Traceback" not in done.stderr


def test_no_colour_where_nobody_sees_it() -> None:
    for environment in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        done = forked("check", WRONG, cwd=ROOT, **environment)
        assert done.returncode == 1
        assert "\x1b" not in done.stdout + done.stderr


def test_no_colour_on_a_terminal_that_wants_none() -> None:
    import pty

    def on_a_terminal(**environment: str) -> bytes:
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "resgraph", "check", WRONG],
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
            env={
                **{k: v for k, v in os.environ.items() if k != "NO_COLOR"},
                "TERM": "xterm",
                **environment,
            },
        )
        os.close(follower)
        out = b""
        try:
            while chunk := os.read(leader, 65536):
                out += chunk
        except OSError:
            pass  # the end of a terminal
        process.wait()
        os.close(leader)
        return out

    assert b"\x1b[" in on_a_terminal()
    assert b"\x1b[" not in on_a_terminal(NO_COLOR="1")


@pytest.mark.parametrize(
    "arguments",
    [("show", RESNET), ("check", "--json", RESNET), ("render", RESNET)],
)
def test_a_reader_that_goes_away(arguments: tuple[str, ...]) -> None:
    done = forked(*arguments, cwd=ROOT, streams={1: UNREAD})
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk() -> None:
    done = forked("show", RESNET, cwd=ROOT, streams={1: "/dev/full"})
    assert (done.returncode, done.stderr) == (
        2,
        "error: cannot write: the disk is full\n",
    )


@pytest.mark.parametrize(
    "closed",
    [[1], [2], [0], [1, 2]],
    ids=[">&-", "2>&-", "<&-", ">&- 2>&-"],
)
def test_closed_streams(closed: list[int]) -> None:
    for spec, code in ((RESNET, 0), (WRONG, 1)):
        done = forked(
            "check", spec, cwd=ROOT, streams=dict.fromkeys(closed, CLOSED)
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr


STREAMS: dict[str, tuple[dict[int, str], int]] = {
    ">/dev/full": ({1: "/dev/full"}, 2),
    "| head -c 0": ({1: UNREAD}, 141),
    "2>/dev/full": ({2: "/dev/full"}, 0),
    "2>&1 >/dev/null | head -c 0": ({1: "/dev/null", 2: UNREAD}, 0),
    ">&- 2>&-": ({1: CLOSED, 2: CLOSED}, 0),
}
SAYING: list[tuple[str, int]] = [
    (f"check {RESNET}", 0),
    (f"check {WRONG}", 1),
    (f"check --json {WRONG}", 1),
    (f"check --format sarif {WRONG}", 1),
    ("check none.yaml", 1),
    ("check --json", 2),
    ("frob", 2),
    (f"show {RESNET}", 0),
    (f"show {WRONG}", 1),
    ("render specs/digits.yaml -o - --format png", 0),
    ("runs specs", 2),
    ("eval specs", 5),
    ("--help", 0),
    ("schema", 0),
]


@pytest.mark.parametrize(
    ("command", "code"), SAYING, ids=[command for command, _ in SAYING]
)
def test_what_cannot_be_said_changes_no_verdict(
    command: str, code: int
) -> None:
    """A command that fails ends as it would have; one that succeeds fails only where its results are lost."""
    for line, (streams, lost) in STREAMS.items():
        done = forked(*shlex.split(command), cwd=ROOT, streams=streams)
        assert done.returncode == (code or lost), (line, done.stderr)
        assert not re.search(
            "Traceback|bug in resgraph|Exception ignored",
            done.stderr + done.stdout,
        )


def test_a_closed_stream_is_no_place_for_a_file(tmp_path: Path) -> None:
    """The next file that is opened would be number 2, and what a library says would be written into it."""
    out = tmp_path / "out"
    code = "import os, resgraph.streams as s; s.endure(); f = open('out', 'w'); os.write(2, b'x'); print(f.fileno() > 2)"
    line = f'{sys.executable} -c "{code}" <&- 2>&-'
    done = subprocess.run(
        ["bash", "-c", line],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == b"True\n" and out.read_bytes() == b""


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file"),
    [("render", "net.svg"), ("render", "net.dot"), ("export", "model.py")],
)
def test_nothing_is_overwritten_without_force(
    name: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / file
    assert run([name, RESNET, "-o", str(path)]) == 0
    first = path.read_text()
    assert first
    path.write_text("mine")
    assert run([name, RESNET, "-o", str(path)]) == 2
    assert "--force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert run([name, RESNET, "-o", str(path), "--force"]) == 0
    assert path.read_text() == first


@pytest.mark.parametrize(
    "asked",
    [
        "render none.yaml -o FILE.svg",
        "export none.yaml -o FILE.onnx",
        "resolve none.yaml -o FILE",
        "diff none.yaml none.yaml -o FILE.svg",
        "profile none.yaml -o FILE",
        "weights none.yaml none.pth -o FILE.safetensors",
        "import none:none -o FILE",
        "import none:none --weights FILE",
        "runs none --curves FILE.svg",
        "schema -o FILE",
        "new FILE",
    ],
)
def test_a_place_is_refused_before_anything_is_read(
    asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = next(word for word in asked.split() if "FILE" in word)
    (tmp_path / there).write_text("mine")
    for folder, words in (
        ("", "{} exists; --force overwrites it"),
        ("none/", "cannot write {}: there is no such file or directory"),
        (f"{there}/", "cannot write {}: a part of its path is a file"),
    ):
        placed = asked.replace("FILE", f"{tmp_path}/{folder}FILE")
        assert run(placed.split()) == 2
        said = words.format(tmp_path / folder / there)
        assert capsys.readouterr().err.startswith(f"error: {said}")


@pytest.mark.parametrize(
    "asked",
    [
        "render resnet-18 --format mmd --width 300",
        "render resnet-18 resnet-34 --format dot",
        "render resnet-18 resnet-34 --engine dot",
        "render resnet-18 --engine dot --format html",
        "render resnet-18 -o net.bmp",
    ],
)
def test_a_format_is_refused_before_anything_is_measured(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[object] = []
    monkeypatch.setattr(train, "profile", measured.append)
    assert run([*asked.split(), "--paint", "time"]) == 2
    assert measured == []


@pytest.mark.parametrize(
    ("name", "file"), [("render", "net.svg"), ("export", "model.py")]
)
def test_a_wrong_spec_writes_nothing(
    name: str, file: str, tmp_path: Path
) -> None:
    assert run([name, WRONG, "-o", str(tmp_path / file)]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["no/such/net.svg", "."])
def test_a_place_that_cannot_be_written(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            [
                "render",
                RESNET,
                "--format",
                "svg",
                "-o",
                str(tmp_path / place),
            ]
        )
        == 2
    )
    assert re.match(
        r"error: (cannot write )?/\S+( exists|: )", capsys.readouterr().err
    )


# -- specs, variants, overrides ---------------------------------------------------------------------------------------


def test_check_goes_through_the_variants_of_a_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["check", f"{ROOT}/specs/vgg.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert all(
        re.match(r"ok  .*vgg\.yaml::vgg-\d+ ", line) for line in lines
    )


def test_what_is_wrong_in_every_variant_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(
        "name: a\ninput: 3x8x8\nlet: {w: 8}\nnet: {one: 3x3 convv w}\nvariants: {s: {}, m: {w: 9}, l: {w: 16}}\n"
    )
    assert run(["check", str(spec)]) == 1
    assert capsys.readouterr().err.count("error[E011]") == 1


def test_several_specs_and_one_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["check", RESNET, WRONG]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("ok  ")
    assert "5 errors" in err


def test_several_files_are_formatted_and_one_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "name: a\ninput: 3x8x8\nnet: {a: 3x3 conv 8}  \n"
    names = ("a.yaml", "b.yaml", "c.yaml")
    for name, written in zip(names, ("x: [", text, "y: ["), strict=True):
        (tmp_path / name).write_text(written)
    files = [str(tmp_path / name) for name in names]
    assert run(["fmt", *files]) == 1
    err = capsys.readouterr().err
    assert files[0] in err and files[2] in err
    assert (tmp_path / "b.yaml").read_text() == text.replace("  \n", "\n")


@pytest.mark.parametrize("name", ["show", "check"])
def test_overrides(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    digits = f"{ROOT}/specs/digits.yaml"
    code = run([name, digits, "--set", "net.head=[global avg pool, fc 12]"])
    assert code == (1 if name == "check" else 0), (
        "the net no longer has what the file expects"
    )
    assert (
        run([name, digits, "--set", "net.haed=[global avg pool, fc 12]"])
        == 1
    )
    assert (
        "error[E065]: `net.haed` names nothing in this spec"
        in capsys.readouterr().err
    )


def test_extends_outside_needs_permission(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text(
        "name: a\ninput: 3x8x8\nnet: {one: 3x3 conv 8}\n"
    )
    spec = tmp_path / "sub" / "top.yaml"
    spec.write_text("extends: ../base.yaml\n")
    assert run(["check", str(spec)]) == 1
    assert "E062" in capsys.readouterr().err
    assert run(["check", "--allow-outside", str(spec)]) == 0


ENDING = """
import atexit, gc, sys
from resgraph.__main__ import main

atexit.register(lambda: print(len(gc.get_objects())))
sys.argv = ["resgraph", "check", "resnet-18"]
main()
"""


def test_the_end_of_a_process_searches_nothing_for_garbage() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.split()[-1]) < 1_000
