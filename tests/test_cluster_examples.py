"""The job files of examples/cluster: resgraph reads what they say, and the script does what its comment says."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from forkserver import TESTS, connected

import resgraph
from resgraph.train.parallel.launch import Launch, launched

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "examples" / "cluster"
STEP = TESTS / "slurm_step.py"
SRUN = f"""\
#!{sys.executable}
import os, sys
from pathlib import Path
sys.path.insert(0, {str(TESTS)!r})
from forkserver import asked
done = asked(Path({str(STEP)!r}), sys.argv[1:], Path.cwd(), dict(os.environ), "torch")
sys.exit(done.returncode)
"""
SMALL = {
    "specs/resnet.yaml::resnet-50": "specs/digits-mlp.yaml",
    "--set train=imagenet-90 ": "",
    '--data "$1" ': "",
}


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """The environment of a batch script, whose `srun` and `scontrol` are stand-ins."""
    connected(STEP, "torch")  # its server, else `srun` would start it
    programs = {
        "srun": SRUN,
        "scontrol": '#!/bin/sh\necho "$@" >> requeued\n',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    paths = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    return {
        **os.environ,
        **paths,
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_NTASKS": "2",
        "OMP_NUM_THREADS": "1",
    }


def submit(job: dict[str, str], place: Path, **more: str) -> int:
    """The script, with a small net and its own recipe in place of ImageNet: its exit code."""
    script = (CLUSTER / "slurm.sh").read_text()
    for said, small in SMALL.items():
        assert said in script
        script = script.replace(said, small)
    (place / "slurm.sh").write_text(script)
    command = [
        "bash",
        "slurm.sh",
        "/datasets",
        "--set",
        "train.epochs=20",
        "--set",
        "train.batch=718",
    ]
    environment = {**job, **more}
    return subprocess.run(
        command,
        cwd=place,
        env=environment,
        capture_output=True,
        check=False,
        timeout=300,
    ).returncode


def test_a_job_of_slurm_queues_itself_again_and_goes_on(
    job: dict[str, str], tmp_path: Path
) -> None:
    assert (
        submit(job, tmp_path, SIGNAL=str(int(signal.SIGUSR1)))
        == 128 + signal.SIGUSR1
    )
    assert (
        tmp_path / "requeued"
    ).read_text() == f"requeue {job['SLURM_JOB_ID']}\n"
    assert submit(job, tmp_path) == 0
    facts = json.loads(
        (tmp_path / "runs" / "resnet-50" / "run.json").read_text()
    )
    assert (facts["status"], facts["world"]) == ("done", 2)


def test_the_script_trains_what_it_says() -> None:
    (line,) = [
        line
        for line in (CLUSTER / "slurm.sh").read_text().splitlines()
        if line.startswith("srun")
    ]
    words = shlex.split(line.rstrip("\\"))
    assert words[1:3] == ["resgraph", "build"]
    plan = resgraph.load(ROOT / words[3], [words[words.index("--set") + 1]])
    assert (plan.name, plan.spec.train.epochs) == ("resnet-50", 90)


def test_pods_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    service, job = yaml.safe_load_all(
        (CLUSTER / "kubernetes.yaml").read_text()
    )
    spec: dict[str, Any] = job["spec"]
    pod = spec["template"]["spec"]
    assert service["spec"]["selector"] == {
        "job-name": job["metadata"]["name"]
    }
    assert pod["subdomain"] == service["metadata"]["name"]
    (container,) = pod["containers"]
    told = {one["name"]: one["value"] for one in container["env"]}
    host = f"{job['metadata']['name']}-3.{pod['subdomain']}.default.svc.cluster.local"
    monkeypatch.setattr(socket, "getfqdn", lambda: host)
    first = host.replace("-3.", "-0.")
    assert launched({**told, "JOB_COMPLETION_INDEX": "3"}) == Launch(
        3, spec["completions"], 0, first, 29500, patience=60.0
    )
    assert container["command"][3:] == ["--set", "train=imagenet-90"]
    assert (
        resgraph.load(
            f"{ROOT}{container['command'][2]}", [container["command"][4]]
        ).name
        == "resnet-50"
    )
