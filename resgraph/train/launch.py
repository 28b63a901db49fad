"""The environment of torchrun, SLURM, Kubernetes or Open MPI → which process this is among how many, and where they
meet.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import UsageError

PORT = 29500
"""Where processes meet that are told of a host and no port: torchrun's default."""
SLURM_PORTS = 15_000, 10_000
"""The first port of a SLURM job's own, and how many: under those that a system hands out by itself (32,768 on)."""


@dataclass(frozen=True, slots=True)
class Launch:
    """This process among `size`; `local` is its number on this machine, and `sharing` how many share the cores there.

    `meeting` is an address as torch wants it.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    meeting: str = ""
    sharing: int = 1


def launched(environment: Mapping[str, str]) -> Launch:
    """What the environment says, of the first launcher that is found there; one process where none is.

    MASTER_ADDR and MASTER_PORT always hold; without them, the tasks of SLURM meet at the first node of their step, and
    the pods of an Indexed Job at the pod of index 0. Raises `UsageError` where an environment says only a part.
    """
    if "RANK" in environment and "WORLD_SIZE" in environment:
        found = _numbers(environment, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        # torchrun's own store may be there already, which only env:// finds
        meeting = "env://" if {"MASTER_ADDR", "MASTER_PORT"} <= set(environment) else _meeting(environment, "", PORT)
    elif "JOB_COMPLETION_INDEX" in environment and "WORLD_SIZE" in environment:
        found = _numbers(environment, "JOB_COMPLETION_INDEX", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        meeting = _meeting(environment, _first_pod(socket.getfqdn(), found.rank), PORT)
    elif environment.get("WORLD_SIZE", "1") != "1":
        raise UsageError("WORLD_SIZE is set but RANK is not; start with torchrun, or unset it")
    elif "SLURM_PROCID" in environment and "SLURM_STEP_NUM_TASKS" in environment:  # a batch script has no step
        found = _numbers(environment, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE")
        nodes = environment.get("SLURM_STEP_NODELIST", environment.get("SLURM_JOB_NODELIST", ""))
        meeting = _meeting(environment, _first_node(nodes), _slurm_port(environment))
    elif "OMPI_COMM_WORLD_RANK" in environment and "OMPI_COMM_WORLD_SIZE" in environment:
        found = _numbers(
            environment, *(f"OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE"))
        )
        meeting = _meeting(environment, "", PORT)
    else:
        return Launch()
    if found.size > 1 and not meeting:
        raise UsageError(
            f"{found.size} processes are told of, but not where to meet: set MASTER_ADDR (and MASTER_PORT) "
            "to a host that all can reach, or use torchrun"
        )
    return replace(found, meeting=meeting)


def _numbers(environment: Mapping[str, str], rank: str, size: str, local: str, sharing: str) -> Launch:
    """Without a word on it, a process has its cores to itself: launchers that bind processes to cores need none."""
    try:
        found = Launch(
            int(environment[rank]),
            int(environment[size]),
            int(environment.get(local, "0")),
            sharing=max(1, int(environment.get(sharing, "1"))),
        )
    except ValueError:
        raise UsageError(f"the environment's {rank}, {size}, {local} and {sharing} must be whole numbers") from None
    if not 0 <= found.rank < found.size:
        raise UsageError(f"the environment says {rank}={found.rank} of {size}={found.size}; ranks count from 0")
    return found


def _meeting(environment: Mapping[str, str], host: str, port: int) -> str:
    host = environment.get("MASTER_ADDR", host)
    return f"tcp://{host}:{environment.get('MASTER_PORT', port)}" if host else ""


def _first_pod(host: str, index: int) -> str:
    """The name of pod 0, as a Job's pods are called JOB-INDEX (and DNS knows them under their subdomain)."""
    name, dot, domain = host.partition(".")
    stem, dash, number = name.rpartition("-")
    return f"{stem}-0{dot}{domain}" if dash and number == str(index) else ""


def _first_node(nodes: str) -> str:
    """`gpu[003-004,009],login` → `gpu003`."""
    match = re.match(r"([^,\[]+)(?:\[(\d+)[^]]*\])?([^,]*)", nodes.strip())
    return f"{match[1]}{match[2] or ''}{match[3]}" if match else ""


def _slurm_port(environment: Mapping[str, str]) -> int:
    """One for each step of a job, so that two on a node do not meet."""
    first, count = SLURM_PORTS
    numbers = (environment.get(name, "") for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return first + sum(int(number) for number in numbers if number.isdigit()) % count
