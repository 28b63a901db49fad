"""The environment of launchers, as their manuals say it → which process this is, and where all meet."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch

from resgraph.errors import TrainingError, UsageError
from resgraph.train.parallel import distributed, launch
from resgraph.train.parallel.distributed import World, join, own_gpu
from resgraph.train.parallel.launch import Launch, find_host, launched

MASTER = {"MASTER_ADDR": "head", "MASTER_PORT": "1234"}
STEP = {
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_LOCALID": "1",
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "1",
}
POD = {
    "JOB_COMPLETION_INDEX": "3",
    "WORLD_SIZE": "4",
    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
}
MPI = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
}


def test_one_process_where_nothing_is_said() -> None:
    assert launched({}) == Launch()
    assert launched({"WORLD_SIZE": "1"}) == Launch()


def test_torchrun_has_its_own_meeting() -> None:
    told = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
    assert launched({**told, **MASTER}) == Launch(3, 4, 1, "head", 1234)
    assert launched({**told, "MASTER_ADDR": "head"}) == Launch(
        3, 4, 1, "head", 29500
    )


def test_a_training_operator_of_kubernetes_says_what_torchrun_says_but_the_local_rank() -> (
    None
):
    assert launched({"RANK": "1", "WORLD_SIZE": "2", **MASTER}) == Launch(
        1, 2, 0, "head", 1234
    )


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu[003-004,009],login", "gpu003"),
        ("gpu[3,7]", "gpu3"),
        ("node7", "node7"),
        ("a-1,b-2", "a-1"),
        ("rack[1-2]-ib", "rack1-ib"),
    ],
)
def test_tasks_of_slurm_meet_at_the_first_node_of_their_step(
    nodes: str, first: str
) -> None:
    assert launched({**STEP, "SLURM_STEP_NODELIST": nodes}) == Launch(
        2, 8, 1, first, 15078
    )
    assert launched({**STEP, "SLURM_JOB_NODELIST": nodes}) == Launch(
        2, 8, 1, first, 15078
    )


def test_cores_are_shared_with_the_processes_of_this_machine_alone() -> (
    None
):
    assert (
        launched(
            {
                "RANK": "9",
                "WORLD_SIZE": "16",
                "LOCAL_WORLD_SIZE": "8",
                **MASTER,
            }
        ).sharing
        == 8
    )
    assert (
        launched({**STEP, "SLURM_NTASKS_PER_NODE": "4", **MASTER}).sharing
        == 4
    )
    assert (
        launched(
            {**MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "2", **MASTER}
        ).sharing
        == 2
    )
    assert launched({**POD, **MASTER}).sharing == 1


def test_what_the_user_says_holds_over_what_slurm_says() -> None:
    assert launched(
        {**STEP, "SLURM_STEP_NODELIST": "node7", **MASTER}
    ) == Launch(2, 8, 1, "head", 1234)
    assert launched(
        {**STEP, "SLURM_STEP_NODELIST": "node7", "MASTER_PORT": "99"}
    ) == Launch(2, 8, 1, "node7", 99)


def test_a_batch_script_of_slurm_is_one_process() -> None:
    """It is told of the job's tasks, but no others are started until `srun`: waiting for them would never end."""
    assert (
        launched(
            {"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "77"}
        )
        == Launch()
    )


@pytest.mark.parametrize(
    ("host", "first"),
    [
        (
            "train-3.net.default.svc.cluster.local",
            "train-0.net.default.svc.cluster.local",
        ),
        ("my-job-3", "my-job-0"),
    ],
)
def test_pods_of_an_indexed_job_meet_at_the_first(
    host: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: host)
    assert launched(POD) == Launch(3, 4, 0, first, 29500, patience=60)
    assert launched({**POD, **MASTER}) == Launch(
        3, 4, 0, "head", 1234, patience=60
    )


def test_a_pod_of_another_name_must_be_told_where_to_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "worker-b")
    with pytest.raises(
        UsageError,
        match="4 processes are announced, but not where to meet: set MASTER_ADDR",
    ):
        launched(POD)


def test_indexes_without_a_size_are_runs_of_their_own() -> None:
    assert launched({"JOB_COMPLETION_INDEX": "3"}) == Launch()


def test_open_mpi_says_who_but_not_where() -> None:
    assert launched({**MPI, **MASTER}) == Launch(1, 2, 1, "head", 1234)
    with pytest.raises(UsageError, match="not where to meet"):
        launched(MPI)


def test_half_an_environment_is_an_error() -> None:
    with pytest.raises(UsageError, match="RANK is not"):
        launched({"WORLD_SIZE": "2"})
    with pytest.raises(UsageError, match="must be whole numbers"):
        launched({"RANK": "a", "WORLD_SIZE": "2"})
    with pytest.raises(
        UsageError, match="RANK=2 of WORLD_SIZE=2; ranks count from 0"
    ):
        launched({"RANK": "2", "WORLD_SIZE": "2"})
    with pytest.raises(UsageError, match="not where to meet"):
        launched({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2"})


def test_each_process_has_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert own_gpu(World(6, 8, 2)) == 2
    with pytest.raises(
        UsageError,
        match="process 4 of this machine finds 4 GPUs; start as many processes as GPUs",
    ):
        own_gpu(World(4, 8, 4))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert own_gpu(World(6, 8, 2)) == 0, (
        "a launcher may let each see its own only"
    )


def test_one_gpu_is_not_for_several_processes() -> None:
    with pytest.raises(
        UsageError,
        match="cuda:1 is one GPU for 2 processes; --device cuda gives each its own",
    ):
        join({"RANK": "0", "WORLD_SIZE": "2", **MASTER}, "cuda:1")


def test_torchrun_hosts_the_store_of_every_attempt() -> None:
    told = {"RANK": "0", "WORLD_SIZE": "2", **MASTER}
    again = {
        **told,
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "2",
    }
    assert (launched(again).hosting, launched(again).attempt) == (True, 2)
    assert (launched(told).hosting, launched(told).attempt) == (False, 0)


@pytest.mark.parametrize(
    ("junk", "said"),
    [
        (
            {"MASTER_PORT": "x"},
            "MASTER_PORT is 'x', which is no whole number",
        ),
        ({"MASTER_PORT": "²"}, "no whole number"),
        ({"MASTER_PORT": "70000"}, "ports are 1 to 65535"),
        ({"MASTER_PORT": "0"}, "ports are 1 to 65535"),
        (
            {"TORCHELASTIC_RESTART_COUNT": "often"},
            "TORCHELASTIC_RESTART_COUNT is 'often'",
        ),
        ({"WORLD_SIZE": "-1"}, "ranks count from 0"),
        ({"RANK": "9" * 5000}, "must be whole numbers"),
        ({"MASTER_ADDR": ""}, "not where to meet"),
    ],
)
def test_junk_in_the_environment_is_named(
    junk: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        launched({"RANK": "0", "WORLD_SIZE": "2", **MASTER, **junk})
    assert (
        launched(
            {
                **STEP,
                "SLURM_JOB_ID": "²",
                "SLURM_STEP_ID": "x",
                "MASTER_ADDR": "head",
            }
        ).port
        == 15000
    )


def test_a_host_that_is_not_known_is_told_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    waited: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(waited), sleep=waited.append)  # fmt: skip
    monkeypatch.setattr(launch, "time", clock)
    with pytest.raises(
        UsageError,
        match=r"the host `no-such-host\.invalid`, where 2 processes are to meet, is not known",
    ):
        join(
            {
                "RANK": "1",
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "no-such-host.invalid",
            },
            "cpu",
            told.append,
        )
    assert sum(waited) == 5
    assert told[0].startswith(
        "waiting up to 5 s for the host no-such-host.invalid"
    )


def test_a_name_server_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = threading.Event()
    monkeypatch.setattr(launch, "NAMES", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: silent.wait(5))
    with pytest.raises(UsageError, match="the name server does not answer"):
        find_host(Launch(1, 2, 0, "head", 1, patience=0), print)
    silent.set()


def test_a_name_that_comes_to_be_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([socket.gaierror(-2, "Name or service not known"), None])

    def ask(*_: object) -> None:
        if error := next(answers):
            raise error

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    find_host(Launch(1, 2, 0, "head", 1), print)


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(
            UsageError,
            match=rf"port {port}, where the processes are to meet, is in use .* MASTER_PORT",
        ):
            join(
                {
                    "RANK": "0",
                    "WORLD_SIZE": "2",
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": port,
                },
                "cpu",
            )
    assert not torch.distributed.is_initialized()


def test_others_that_do_not_come_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    monkeypatch.setattr(distributed, "TIMEOUT", timedelta(seconds=1))
    with pytest.raises(
        TrainingError,
        match=r"process 0 of 2 waited at 127\.0\.0\.1:.* did not come",
    ):
        join(
            {
                "RANK": "0",
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
            },
            "cpu",
        )
    assert not torch.distributed.is_initialized()
