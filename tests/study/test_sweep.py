"""A study's directory: nothing runs twice, a study that was stopped goes on, and no table has a
hole unseen."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("scipy")
pytest.importorskip("torch")

from nets import spec

from resgraph.cli import run
from resgraph.errors import RunError, TrainingError
from resgraph.outputs.chart import ceiling
from resgraph.serve.study import StudyServer
from resgraph.study import execute
from resgraph.study.equals import equal_nets
from resgraph.study.execute import Outcome
from resgraph.study.folder import PlacedRun, open_folder
from resgraph.study.plan import points
from resgraph.study.report import text
from resgraph.study.results import Results, standing
from resgraph.study.schema import load_study
from resgraph.study.sweep import sweep
from resgraph.train import Options

STUDY = """study: two widths
nets: [tiny.yaml]
grid: {let.w: [4, 8]}
seeds: 2
budget: {steps: 3}
"""
TINY = spec(
    "conv1: 3x3 conv w\nhead: [global avg pool, fc 10]",
    input="1x8x8",
    top="let: {w: 4}\ntrain: digits",
)
CPU = Options(device="cpu", threads=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def swept(
    folder: Path, count: int = 1, **kind: Any
) -> tuple[Results, list[str]]:
    said: list[str] = []
    study = load_study(folder / "study.yaml")
    return sweep(
        study, folder / "out", CPU, count=count, say=said.append, **kind
    ), said


def table(folder: Path) -> dict[str, bytes]:
    names = (
        "table.txt",
        "table.md",
        "table.tex",
        "curves.svg",
        "pareto.svg",
    )
    return {name: (folder / "out" / name).read_bytes() for name in names}


def test_equal_nets_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tiny.yaml").write_text(
        TINY + "variants: {four: {}, eight: {w: 8}}\n"
    )
    (folder / "study.yaml").write_text(
        STUDY.replace(
            "[tiny.yaml]", "['tiny.yaml::four', 'tiny.yaml::eight']"
        ).replace("seeds: 2", "seeds: 1")
    )
    told = [
        f"`eight {w}` is `four {w}` once more: net and recipe are equal, so each seed comes to the"
        " same result"
        for w in ("w=4", "w=8")
    ]
    assert run(["sweep", "--plan", str(folder / "study.yaml")]) == 0
    *_, counts, first, second = capsys.readouterr().out.splitlines()
    assert counts.startswith("4 nets x 1 seed = 4 runs")
    assert [first, second] == [f"note: {line}" for line in told]
    results, said = swept(folder)
    assert said[:2] == [f"note: {line}" for line in told]
    assert text(results).splitlines()[-2:] == told
    assert results.nets[0].runs[0].score == results.nets[2].runs[0].score


def test_nets_of_one_size_or_one_recipe_are_not_equal(folder: Path) -> None:
    (folder / "study.yaml").write_text(
        STUDY.replace("{let.w: [4, 8]}", "{train.optimizer.lr: [0.1, 0.2]}")
    )
    assert equal_nets(points(load_study(folder / "study.yaml"))) == []
    (folder / "study.yaml").write_text(
        STUDY.replace(
            "{let.w: [4, 8]}",
            "{net.head: [[global avg pool, fc 10], [global max pool, fc 10]]}",
        )
    )
    assert equal_nets(points(load_study(folder / "study.yaml"))) == []


def test_a_study_from_file_to_table(folder: Path) -> None:
    results, said = swept(folder)
    assert [line.split(":")[0] for line in said] == [
        "[1/4] tiny w=4 seed 0",
        "[2/4] tiny w=8 seed 0",
        "[3/4] tiny w=4 seed 1",
        "[4/4] tiny w=8 seed 1",
    ]
    first = table(folder)
    errors = [
        json.loads((run.path / "metrics.jsonl").read_text())["validation"][
            "error"
        ]
        for run in results.nets[1].runs
    ]
    assert results.nets[1].mean == pytest.approx(sum(errors) / 2)
    assert f"{sum(errors) / 2:.2f} ±" in first["table.txt"].decode()
    lines = (folder / "out" / "runs.csv").read_text().splitlines()
    assert len(lines) == 5
    assert lines[2].startswith("tiny w=4,1,")

    _, again = swept(folder)  # nothing runs twice
    assert again == ["4 of 4 runs are done already"]
    assert table(folder) == first

    (folder / "study.yaml").write_text(
        STUDY.replace("seeds: 2", "seeds: 3")
    )
    _, more = swept(folder)  # a changed study keeps what it can
    assert more[1] == "4 of 6 runs are done already"
    assert len(more) == 4

    (folder / "study.yaml").write_text(STUDY)
    swept(folder)
    assert table(folder) == first


def test_processes_come_to_the_same_table_as_one(folder: Path) -> None:
    swept(folder)
    alone = table(folder)
    (folder / "out").rename(folder / "alone")
    swept(folder, count=2)
    assert table(folder) == alone


def test_no_table_has_a_hole_unseen(folder: Path) -> None:
    (folder / "study.yaml").write_text(
        STUDY.replace(
            "let.w: [4, 8]", "train.optimizer.lr: [0.1, 99]"
        ).replace("steps: 3", "steps: 40")
    )
    with pytest.raises(
        TrainingError, match=r"tiny lr=99 seed 0 \(failed\)"
    ):
        swept(folder)
    assert not (folder / "out" / "table.txt").exists()
    results, _ = swept(folder, partial=True)
    text = (folder / "out" / "table.txt").read_text()
    missing = sum(net.missing for net in results.nets)
    assert 1 <= missing <= 2
    assert f"incomplete: {missing} run" in text
    assert f"{2 - missing} of 2" in text
    assert results.nets[0].mean is not None


def test_a_run_that_lost_its_evaluations_is_told_so(folder: Path) -> None:
    results, _ = swept(folder)
    lost = results.nets[0].runs[1].path
    (lost / "metrics.jsonl").write_text("junk")
    with pytest.raises(
        RunError, match=f"{lost} is done, but .* remove that"
    ):
        swept(folder)
    shutil.rmtree(lost)
    assert swept(folder)[1][0] == "3 of 4 runs are done already"


def test_two_sweeps_never_share_a_directory(folder: Path) -> None:
    with open_folder(folder / "out") as held:
        held.note(load_study(folder / "study.yaml"), [], [])
        with pytest.raises(RunError, match="in use by another process"):
            swept(folder)


def test_what_is_no_study_is_left_as_it_is(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "letter.txt").write_text("mine")
    assert (
        run(
            ["sweep", str(folder / "study.yaml"), "-o", str(folder / "out")]
        )
        == 2
    )
    assert [entry.name for entry in (folder / "out").iterdir()] == [
        "letter.txt"
    ]


SEARCH = """study: a width
nets: tiny.yaml
search: {trials: 4, over: {let.w: 2..9, train.optimizer.lr: 0.01..0.1 log}, where: params > 60}
seeds: 2
budget: {steps: 2}
"""


def test_a_search_goes_on_as_it_would_have(folder: Path) -> None:
    pytest.importorskip("optuna")
    (folder / "study.yaml").write_text(SEARCH)
    whole, said = swept(folder)
    assert [line[:5] for line in said] == [
        "[1/4]",
        "[2/4]",
        "[3/4]",
        "[4/4]",
    ]
    assert all(net.point.facts["params"] > 60 for net in whole.nets)
    first = table(folder)
    (folder / "out").rename(folder / "whole")
    (folder / "study.yaml").write_text(
        SEARCH.replace("trials: 4", "trials: 2")
    )
    swept(folder)
    (folder / "study.yaml").write_text(SEARCH)
    swept(folder)
    assert table(folder) == first


def test_a_search_prunes_what_falls_behind(folder: Path) -> None:
    pytest.importorskip("optuna")
    text = SEARCH.replace("trials: 4", "trials: 8, prune: true").replace(
        "2..9", "[4]"
    )
    text = text.replace("0.01..0.1 log", "[0.05, 0.04, 1e-9]").replace(
        "steps: 2", "steps: 20"
    )
    (folder / "study.yaml").write_text(text)
    whole, said = swept(folder)
    pruned = [line for line in said if "pruned after 1 of 2 seeds" in line]
    assert pruned
    assert len(whole.nets) + len(pruned) == 8


def test_a_run_that_is_given_to_a_dead_process_failed() -> None:
    """It was killed between two runs, before anybody saw it."""
    ours, theirs = Pipe()
    theirs.close()
    process: Any = SimpleNamespace(exitcode=-9, join=lambda: None)
    worker = execute._Worker(process, ours)
    placed = cast(PlacedRun, "a run")
    execute._give(worker, [placed])
    said = "its process ended with exit code -9"
    assert execute._heard(worker) == Outcome(placed, "failed", said)


def command(folder: Path, *more: str) -> list[str]:
    words = [
        "sweep",
        "study.yaml",
        "-o",
        "out",
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    return [sys.executable, "-m", "resgraph", *words, *more]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(
    folder: Path, jobs: str, how: signal.Signals
) -> None:
    """Stopped again and again at growing delays, the sweep ends with the table of an unbroken
    one."""
    (folder / "study.yaml").write_text(
        STUDY.replace("steps: 3", "epochs: 3")
    )
    swept(folder)
    whole = table(folder)
    (folder / "out").rename(folder / "whole")
    for delay in (2.0, 3.5, 5.0, 6.0, 7.0):
        going = subprocess.Popen(
            command(folder, "--jobs", jobs), cwd=folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(delay)
        os.killpg(
            going.pid, how
        ) if how == signal.SIGKILL else going.send_signal(how)
        going.wait(60)
    last = subprocess.run(
        command(folder, "--jobs", jobs), cwd=folder, check=False
    )
    assert last.returncode == 0
    assert table(folder) == whole


def cut_short(folder: Path, runs: int) -> None:
    """A sweep that ends, as if killed, after some runs."""

    def killed(line: str) -> None:
        if line.startswith(f"[{runs}/"):
            raise KeyboardInterrupt

    study = load_study(folder / "study.yaml")
    with pytest.raises(KeyboardInterrupt):
        sweep(study, folder / "out", CPU, say=killed)


def test_a_study_is_watched_while_it_is_swept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_short(folder, 3)
    assert not (folder / "out" / "table.txt").exists()
    assert run(["runs", str(folder / "out")]) == 0
    shown = capsys.readouterr().out
    assert "incomplete: 1 run is missing" in shown
    assert shown.rstrip().endswith("3 of 4 runs are done; not run: 1")
    assert run(["runs", str(folder / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(net["runs"]) for net in told["nets"]] == [2, 2]
    assert told["nets"][1]["runs"][1]["why"] == "not run"
    assert not told["complete"]
    assert told["nets"][0]["params"] < told["nets"][1]["params"]

    swept(folder)  # the same command goes on
    assert standing(folder / "out").holes == []
    assert (
        text(standing(folder / "out"))
        == (folder / "out" / "table.txt").read_text()
    )


def test_the_page_of_a_study_shows_every_run(folder: Path) -> None:
    cut_short(folder, 2)
    with StudyServer(folder / "out") as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = server.address
        before = urlopen(address).read().decode()
        swept(folder)
        after = urlopen(address).read().decode()
        foreign = Request(address, headers={"Host": "evil.example"})
        with pytest.raises(HTTPError, match="403"):
            urlopen(foreign)
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}spec")
        server.shutdown()
    assert "2 of 4 runs are done; not run: 2" in before
    assert "http-equiv" in before
    assert before.count('<td class="why not run">') == 2
    assert "4 of 4 runs are done" in after
    assert "http-equiv" not in after
    assert after.count("<svg") == 2
    rows = re.findall(r'<th scope="row">(.*?)</th>', after)
    assert rows == ["tiny w=4", "tiny w=8"] * 2


def test_the_page_of_a_study_is_the_same_after_a_restart(
    folder: Path,
) -> None:
    """It is made of the runs alone, so its address may be kept and opened again."""
    cut_short(folder, 2)
    pages, port = [], 0
    for _ in range(2):
        with StudyServer(folder / "out", port) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            port = server.server_port
            pages.append(urlopen(server.address).read())
            server.shutdown()
    assert b"2 of 4 runs are done" in pages[0]
    assert pages[0] == pages[1]


def test_what_is_no_study_has_no_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", str(folder), "--no-open"]) == 2
    assert "is no study" in capsys.readouterr().err
    (folder / "out").mkdir()
    (folder / "out" / "study.json").write_text('{"nets": 3}')
    (folder / "out" / "study.yaml").write_text(STUDY)
    assert run(["serve", str(folder / "out"), "--no-open"]) == 5
    assert (
        "study.json is not what resgraph wrote" in capsys.readouterr().err
    )


def test_pictures_in_the_kinds_that_are_asked_for(folder: Path) -> None:
    pytest.importorskip("resvg_py")
    pytest.importorskip("typst")
    swept(folder, kinds=("pdf", "png"))
    begins = {"pdf": b"%PDF", "png": b"\x89PNG"}
    for kind, magic in begins.items():
        for name in ("curves", "pareto"):
            assert (
                (folder / "out" / f"{name}.{kind}")
                .read_bytes()
                .startswith(magic)
            )
    assert not (folder / "out" / "curves.svg").exists()


def test_every_curve_ends_inside_its_picture() -> None:
    """A net that stays far above the others is what a study is about."""
    low = [(float(epoch), 2.0) for epoch in range(1, 10)]
    high = [(float(epoch), 70.0 - epoch) for epoch in range(1, 4)]
    assert ceiling([low, high]) >= 67.0
    assert ceiling([low]) == 2.0
    assert ceiling([[(1.0, 0.002)]], unit="") == pytest.approx(0.002)
