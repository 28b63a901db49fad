"""A study on workers elsewhere: the same table as on one machine, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from pathlib import Path
from threading import Thread

import pytest
from test_sweep import CPU, STUDY, TINY, table

from resgraph.cli import run
from resgraph.errors import ResgraphError, RunError, SpecError, UsageError
from resgraph.study.cluster import on_cluster
from resgraph.study.schema import load_study
from resgraph.study.sweep import sweep

LOCAL = "engine: local\nworkers: 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("distributed")
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "cluster.yaml").write_text(LOCAL)
    return tmp_path


@pytest.fixture
def forking_workers() -> Iterator[None]:
    """Dask forks its workers where torch is loaded, in place of loading it in each."""
    pytest.importorskip("distributed")  # whose own settings go first
    import dask

    loaded = ["distributed", "resgraph.train.session"]
    get_context("forkserver").set_forkserver_preload(loaded)
    forkserver.ensure_running()  # before Dask has its own list loaded
    key = "distributed.worker.multiprocessing-method"
    with dask.config.set({key: "forkserver"}):
        yield


def swept(folder: Path, out: str, cluster: str | None) -> list[str]:
    said: list[str] = []
    study = load_study(folder / "study.yaml")
    sweep(study, folder / out, CPU, cluster=cluster, say=said.append)
    return said


@pytest.mark.usefixtures("forking_workers")
def test_two_workers_of_which_one_is_killed_make_the_table_of_one_process(
    folder: Path,
) -> None:
    """The run of the dead worker is taken up by another, and nothing is counted twice."""
    (folder / "study.yaml").write_text(
        STUDY.replace("steps: 3", "steps: 60")
    )
    swept(folder, "alone", None)
    killed = Thread(
        target=kill_a_trainer, args=(folder / "two",), daemon=True
    )
    killed.start()
    said = swept(folder, "two", str(folder / "cluster.yaml"))
    killed.join(60)
    assert not killed.is_alive(), "no run was ever in progress"
    assert len(said) == 4
    assert not any("failed" in line for line in said)
    (folder / "out").symlink_to(folder / "alone")
    alone = table(folder)
    (folder / "out").unlink()
    (folder / "out").symlink_to(folder / "two")
    assert table(folder) == alone


def kill_a_trainer(out: Path) -> None:
    """Kills the process that holds the lock of a run in progress."""
    while True:
        for lock in out.glob("runs/*/.lock"):
            name = lock.stat().st_ino
            for line in Path("/proc/locks").read_text().splitlines():
                _, _, _, _, pid, place, *_ = line.split()
                if (
                    int(place.rpartition(":")[2]) == name
                    and int(pid) != os.getpid()
                ):
                    os.kill(int(pid), signal.SIGKILL)
                    return
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("engine: slrum\nworkers: 2\n", "slurm"),
        ("engine: local\n", "`workers` is missing"),
        ("engine: local\nworkers: 0\n", "at least 1"),
        (
            "engine: local\nworkers: 1\noptins: {}\n",
            "did you mean `options`",
        ),
    ],
)
def test_a_mistake_in_the_file_has_its_place(
    text: str, word: str, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "c.yaml").write_text(text)
    with (
        pytest.raises(SpecError) as caught,
        on_cluster(str(tmp_path / "c.yaml"), CPU),
    ):
        pass
    (found,) = caught.value.diagnostics
    assert word in found.message + found.help
    assert found.span is not None


def test_a_scheduler_that_is_not_there_or_not_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("resgraph.study.cluster.PATIENCE", 0.5)
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers"),
        on_cluster("tcp://127.0.0.1:9", CPU),
    ):
        pass
    busy = {
        "threads_per_worker": 2,
        "processes": False,
        "dashboard_address": None,
    }
    with (
        distributed.LocalCluster(
            n_workers=1, protocol="tcp://", **busy
        ) as cluster,
        pytest.raises(UsageError, match="--nthreads 1"),
        on_cluster(cluster.scheduler_address, CPU),
    ):
        pass


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_of_and_loses_nothing(
    folder: Path,
) -> None:
    text = STUDY.replace("seeds: 2", "seeds: 4").replace(
        "steps: 3", "steps: 60"
    )
    (folder / "study.yaml").write_text(text)
    place = folder / "scheduler.json"
    words = [sys.executable, "-m", "dask"]
    file = ["--scheduler-file", str(place)]
    with (
        ended(
            [*words, "scheduler", "--port", "0", "--no-dashboard", *file]
        ) as going,
        ended(
            [*words, "worker", "--nthreads", "1", "--no-dashboard", *file]
        ),
    ):
        while not place.exists():
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        study = load_study(folder / "study.yaml")
        with pytest.raises(RunError, match="the scheduler is gone"):
            sweep(
                study,
                folder / "out",
                CPU,
                cluster=address,
                say=lambda _: going.kill(),
            )
    said = swept(folder, "out", None)
    assert "of 8 runs are done already" in said[0]
    assert (folder / "out" / "table.txt").exists()


@contextmanager
def ended(words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the context."""
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_without_dask_the_install_line_is_said(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = [str(folder / "study.yaml"), "-o", str(folder / "out")]
    assert (
        run(["sweep", *line, "--cluster", str(folder / "cluster.yaml")])
        == 4
    )
    assert "pip install 'resgraph[cluster]'" in capsys.readouterr().err
    assert not (folder / "out").exists()


SBATCH = """#!/bin/sh
# A stand-in: the job is a copy of the script, run at once on this machine.
cp "$1" {folder}/job-$$.sh
setsid sh {folder}/job-$$.sh >>{folder}/job.log 2>&1 &
echo $! >>{folder}/jobs
echo "Submitted batch job $!"
"""
SCANCEL = '#!/bin/sh\nkill -TERM -- "-$1" 2>/dev/null; exit 0\n'


@pytest.mark.slow
def test_workers_are_jobs_of_slurm(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sbatch` and `scancel` are stand-ins; all else is dask-jobqueue's."""
    pytest.importorskip("dask_jobqueue")
    (folder / "bin").mkdir()
    programs = {"sbatch": SBATCH.format(folder=folder), "scancel": SCANCEL}
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv(
        "PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    )
    (folder / "cluster.yaml").write_text(
        "engine: slurm\nworkers: 2\noptions:\n"
        "  {cores: 1, memory: 2GB, interface: lo, scheduler_options: {dashboard_address: ':0'}}\n"
    )
    swept(folder, "alone", None)
    try:
        said = swept(folder, "slurm", str(folder / "cluster.yaml"))
    except ResgraphError as error:
        raise AssertionError((folder / "job.log").read_text()) from error
    assert len(said) == 4
    assert 1 <= len((folder / "jobs").read_text().split()) <= 2
    for name in ("table.txt", "table.tex"):
        alone = (folder / "alone" / name).read_bytes()
        assert (folder / "slurm" / name).read_bytes() == alone
