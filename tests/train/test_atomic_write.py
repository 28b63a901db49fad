"""What a run writes: whole files, rows, directories that nobody shares, checkpoints that are kept."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from resgraph.errors import RunError, UsageError
from resgraph.files import TEMPORARY
from resgraph.train.atomic_write import append_line, sweep, write_whole
from resgraph.train.reporter import Epoch
from resgraph.train.run.checkpoint import Checkpoints
from resgraph.train.run.directory import create, open_run
from resgraph.train.run.metrics_log import MetricsLog, read_rows


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO]
)
def test_a_full_disk_leaves_the_old_file(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        RunError, match=r"cannot write .*what was saved before is intact"
    ):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_saved_before_is_told_of_only_where_something_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "")

    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "")

    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        RunError, match=r"cannot write .*: the disk is full$"
    ):
        write_whole(tmp_path / "empty" / "a", "new")
    monkeypatch.setattr(Path, "mkdir", refuse)
    for out in (tmp_path / "run", None):
        with pytest.raises(
            RunError,
            match=r"cannot write .*: the file system is read-only; choose another place",
        ):
            create("net", out)


def test_leftovers_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".partial-step-1.pt").write_bytes(b"half")
    (tmp_path / "step-1.pt").write_bytes(b"whole")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-1.pt"]


def row(step: int) -> Epoch:
    return Epoch(step, step / 10, 0.1, 1.0, 50.0, 1.1, 51.0, 3.14159)


def test_rows_are_appended_cut_and_repaired(tmp_path: Path) -> None:
    metrics = MetricsLog(
        tmp_path / "metrics.jsonl", tmp_path / "timing.jsonl"
    )
    for step in (10, 20, 30):
        metrics.append(row(step), 100.0)
    whole = metrics.path.read_bytes()
    assert [r["step"] for r in read_rows(metrics.path)] == [10, 20, 30]
    assert b"seconds" not in whole
    append_line(metrics.path, '{"step": 40, "epo')
    metrics.restore(40, None)
    assert metrics.path.read_bytes() == whole
    metrics.restore(20, None)
    assert (
        [r["step"] for r in read_rows(metrics.path)]
        == [r["step"] for r in read_rows(metrics.clock)]
        == [10, 20]
    )
    metrics.append(row(30), 100.0)
    assert metrics.path.read_bytes() == whole
    assert metrics.seconds() == 3.142


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 3}',
        '{"step": 3, "seconds": 1}',
        '{"step": 3, "epoch": 1, "lr": 0.1, "train": {}, "validation": {}}',
    ],
)
def test_what_is_no_row_is_told_with_its_place(
    line: str, tmp_path: Path
) -> None:
    metrics = MetricsLog(
        tmp_path / "metrics.jsonl", tmp_path / "timing.jsonl"
    )
    metrics.append(row(1), 100.0)
    for path in (metrics.path, metrics.clock):
        append_line(path, line)
        with pytest.raises(
            RunError, match=rf"{path}, line 2, is not what resgraph wrote"
        ):
            read_rows(path)


def test_numbered_directories_are_each_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = []
    for _ in range(3):
        with create("ResNet-8 for digits!", None) as run:
            paths.append(str(run.path))
    assert paths == [f"runs/resnet-8-for-digits-{i}" for i in (1, 2, 3)]
    with create("../..", None) as run:
        assert run.path == Path("runs/net-1")


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    with pytest.raises(
        UsageError, match="is no run; nothing there is overwritten"
    ):
        create("net", tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "text"
    with create("net", tmp_path / "run") as run:
        run.write("run.json", "{}")
        with pytest.raises(RunError, match="in use by another process"):
            create("net", tmp_path / "run", force=True)
    with pytest.raises(UsageError, match="--force replaces it"):
        create("net", tmp_path / "run")
    with create("net", tmp_path / "run", force=True) as run:
        assert not (run.path / "run.json").exists()


@pytest.mark.parametrize("status", ["failed", "running", "stopped"])
@pytest.mark.parametrize("saved", [True, False])
def test_a_run_that_failed_with_nothing_to_lose_is_begun_again(
    status: str, saved: bool, tmp_path: Path
) -> None:
    with create("net", tmp_path / "run") as run:
        run.write("run.json", json.dumps({"status": status}))
        if saved:
            Checkpoints(run.checkpoints, "spec").save({}, 1, 1)
    if status == "failed" and not saved:
        create("net", tmp_path / "run").lock.close()
        assert not (tmp_path / "run" / "run.json").exists()
        return
    with pytest.raises(UsageError, match="is a run already"):
        create("net", tmp_path / "run")


def test_a_run_that_died_before_it_began_is_begun_again(
    tmp_path: Path,
) -> None:
    with create("net", tmp_path / "run") as run:
        run.write("spec.yaml", "half")
    with create("net", tmp_path / "run") as run:
        assert not (run.path / "spec.yaml").exists()


def test_what_is_no_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text("{half")
    words = r"run\.json cannot be read, as it is no JSON .*; take it from a copy, or begin again with `resgraph build`"
    with pytest.raises(RunError, match=words):
        open_run(tmp_path)


def saved(
    directory: Path, steps: tuple[int, ...], **keys: Any
) -> Checkpoints:
    checkpoints = Checkpoints(directory, "spec", **keys)
    for step in steps:
        checkpoints.save(
            {"step": step, "x": torch.full((4,), float(step))}, step, 1
        )
    return checkpoints


def test_two_checkpoints_are_kept_and_the_newest_is_used(
    tmp_path: Path,
) -> None:
    checkpoints = saved(tmp_path, (1, 2, 3))
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == [
        "step-000000002.pt",
        "step-000000003.pt",
    ]
    state = checkpoints.load(pytest.fail)
    assert state is not None
    assert torch.equal(state["x"], torch.full((4,), 3.0))
    assert saved(tmp_path / "none", ()).load(pytest.fail) is None


def test_saving_the_same_step_again_lists_it_once(tmp_path: Path) -> None:
    assert [
        entry["step"] for entry in saved(tmp_path, (1, 2, 2)).entries()
    ] == [2, 1]


def test_a_checkpoint_of_another_spec_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, (1,))
    with pytest.raises(RunError, match="another spec"):
        Checkpoints(tmp_path, "other").load(pytest.fail)
    assert (
        Checkpoints(tmp_path, "other", former=("spec",)).load(pytest.fail)
        is not None
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        (
            "[]",
            'expected {"checkpoints": [...]}, each with file, sha256, step, spec',
        ),
        ("{}", "expected"),
        ('{"checkpoints": {}}', "expected"),
        ('{"checkpoints": [1]}', "expected"),
        ('{"checkpoints": [{"file": "x", "step": 1}]}', "expected"),
        (
            '{"checkpoints": [{"file": "x", "step": "1", "sha256": "a", "spec": "b"}]}',
            "expected",
        ),
    ],
)
def test_a_damaged_list_is_said(
    text: str, words: str, tmp_path: Path
) -> None:
    saved(tmp_path, (1,))
    (tmp_path / "latest.json").write_text(text)
    with pytest.raises(RunError) as caught:
        Checkpoints(tmp_path, "spec").load(pytest.fail)
    told = str(caught.value)
    assert (
        told.startswith(f"{tmp_path / 'latest.json'} is damaged: ")
        and words in told
    )
    assert told.endswith(
        "take it from a copy, or begin again with `resgraph build`"
    )


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "latest.json").mkdir()
    with pytest.raises(
        RunError,
        match=r"latest\.json cannot be read: it is a directory; nothing was changed",
    ):
        Checkpoints(tmp_path, "spec").load(pytest.fail)


def test_a_listed_path_cannot_leave_the_directory(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    checkpoints = saved(tmp_path / "c", (1,))
    listed = json.loads((tmp_path / "c" / "latest.json").read_text())
    listed["checkpoints"][0]["file"] = "../../etc/passwd"
    (tmp_path / "c" / "latest.json").write_text(json.dumps(listed))
    assert checkpoints.entries()[0]["file"] == "passwd"


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "harmed",))

    checkpoints = Checkpoints(tmp_path, "spec")
    checkpoints.save({"x": Harm()}, 1, 1)
    with pytest.raises(RunError, match="holds more than"):
        checkpoints.load(pytest.fail)
    assert not (tmp_path / "harmed").exists()


def test_a_link_that_leads_nowhere_is_no_place_for_a_run(
    tmp_path: Path,
) -> None:
    for target in ("none/run", "run"):
        (tmp_path / "run").unlink(missing_ok=True)
        (tmp_path / "run").symlink_to(target)
        with pytest.raises(
            UsageError, match="symbolic link that leads nowhere"
        ):
            create("net", tmp_path / "run")


@pytest.mark.parametrize("name", ["run.json", ".lock"])
def test_a_pipe_in_a_run_is_not_waited_for(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(RunError, match="it is a pipe"):
        open_run(tmp_path)


def test_folders_among_the_leftovers_are_in_nobodys_way(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / f"{TEMPORARY}mine").mkdir()
    with open_run(tmp_path) as run:
        (run.checkpoints / "step-000000001.pt").mkdir()
        checkpoints = Checkpoints(run.checkpoints, "spec")
        checkpoints.save({"step": 2}, 2, 1)
        assert checkpoints.load(print) == {"step": 2}
