"""The environment of torchrun, SLURM, Kubernetes or Open MPI → which process this is among how
many, and where they meet."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ...errors import UsageError
from ...structs import Frozen

PORT = 29500
"""Where processes meet whose environment has a host and no port: torchrun's default."""
PODS = 60.0
"""Seconds for which a pod waits for the name of the first one."""
NAMES = 8.0
"""Seconds for which a name server is waited for."""
SLURM_PORTS = 15_000, 10_000
"""The first port of a SLURM job's own, and how many: under those that a system hands out by itself
(32,768 on)."""


class Launch(Frozen):
    """This process among `size`; `local` is its number on this machine, and `sharing` how many
    share the cores there.

    They meet at `host` and `port`, where a launcher that is `hosting` has a store already, which
    serves every attempt: `attempt` counts those. A name that is not known yet is looked up
    again for `patience` seconds."""

    rank: int = 0
    size: int = 1
    local: int = 0
    host: str = ""
    port: int = 0
    sharing: int = 1
    hosting: bool = False
    attempt: int = 0
    patience: float = 5.0


def launched(environment: Mapping[str, str]) -> Launch:
    """What the environment says, of the first launcher that is found there; one process where none
    is.

    MASTER_ADDR and MASTER_PORT always hold; without them, the tasks of SLURM meet at the first node
    of their step, and the pods of an Indexed Job at the pod of index 0. Raises `UsageError` where
    an environment says only a part."""
    found = _first_launcher(environment)
    if found.size > 1 and not found.host:
        raise UsageError(
            f"{found.size} processes are announced, but not where to meet: set MASTER_ADDR (and"
            " MASTER_PORT) to a host that all can reach, or use torchrun"
        )
    return found


def _first_launcher(environment: Mapping[str, str]) -> Launch:
    known = environment.keys()
    if known >= {"RANK", "WORLD_SIZE"}:
        return _torchrun(environment)
    if known >= {"JOB_COMPLETION_INDEX", "WORLD_SIZE"}:
        return _kubernetes(environment)
    if environment.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            "WORLD_SIZE is set but RANK is not; start with torchrun, or unset it"
        )
    # a batch script has no step
    if known >= {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}:
        return _slurm(environment)
    if known >= {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}:
        names = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")
        own = [f"OMPI_COMM_WORLD_{name}" for name in names]
        return _with_rendezvous(_numbers(environment, *own), environment)
    return Launch()


def _torchrun(environment: Mapping[str, str]) -> Launch:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return replace(
        _with_rendezvous(_numbers(environment, *names), environment),
        hosting=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        attempt=_whole(environment, "TORCHELASTIC_RESTART_COUNT", 0),
    )


def _kubernetes(environment: Mapping[str, str]) -> Launch:
    """A pod of an Indexed Job."""
    names = (
        "JOB_COMPLETION_INDEX",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
    )
    found = _numbers(environment, *names)
    host = _first_pod(socket.getfqdn(), found.rank)
    return replace(
        _with_rendezvous(found, environment, host), patience=PODS
    )


def _slurm(environment: Mapping[str, str]) -> Launch:
    names = ("PROCID", "STEP_NUM_TASKS", "LOCALID", "NTASKS_PER_NODE")
    found = _numbers(environment, *(f"SLURM_{name}" for name in names))
    job = environment.get("SLURM_JOB_NODELIST", "")
    node = _first_node(environment.get("SLURM_STEP_NODELIST", job))
    return _with_rendezvous(
        found, environment, node, _slurm_port(environment)
    )


def _numbers(
    environment: Mapping[str, str],
    rank: str,
    size: str,
    local: str,
    sharing: str,
) -> Launch:
    """Without a word on it, a process has its cores to itself: launchers that bind processes to
    cores need none."""
    try:
        found = Launch(
            int(environment[rank]),
            int(environment[size]),
            int(environment.get(local, "0")),
            sharing=max(1, int(environment.get(sharing, "1"))),
        )
    except ValueError:
        raise UsageError(
            f"the environment's {rank}, {size}, {local} and {sharing} must be whole numbers"
        ) from None
    if not 0 <= found.rank < found.size:
        raise UsageError(
            f"the environment says {rank}={found.rank} of {size}={found.size}; ranks count from 0"
        )
    return found


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise UsageError(
            f"the environment's {name} is {text!r}, which is no whole number; mend or unset it"
        )
    return int(text)


def _with_rendezvous(
    found: Launch,
    environment: Mapping[str, str],
    host: str = "",
    port: int = PORT,
) -> Launch:
    """With the place where all meet: what is set by hand, or else what the launcher lets one
    guess."""
    port = _whole(environment, "MASTER_PORT", port)
    if not 0 < port < 2**16:
        raise UsageError(
            f"the environment's MASTER_PORT is {port}; ports are 1 to 65535"
        )
    return replace(
        found, host=environment.get("MASTER_ADDR", host), port=port
    )


def find_host(found: Launch, say: Callable[[str], None]) -> None:
    """Waits until the name of the meeting place is known. Raises `UsageError` where it does not
    come to be.

    The pods of a job start in any order, so that the first one's name may come to be known last.
    """
    last, announced = time.monotonic() + found.patience, False
    while why := _unknown(found.host, found.port):
        if time.monotonic() >= last:
            raise UsageError(
                f"the host `{found.host}`, where {found.size} processes are to meet, is not known"
                f" here ({why}); set MASTER_ADDR to a name or an address that all of them can reach"
            )
        if not announced:
            say(
                f"waiting up to {found.patience:.0f} s for the host {found.host}, which is not"
                f" known yet ({why})"
            )
            announced = True
        time.sleep(1)


def _unknown(host: str, port: int) -> str:
    """Why a host's address is not known, empty where it is. A name server that does not answer is
    not waited for."""
    answer = []

    def ask() -> None:
        try:
            socket.getaddrinfo(host, port)
            answer.append("")
        except (OSError, UnicodeError) as error:
            answer.append(
                getattr(error, "strerror", None) or "no name of a host"
            )

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(NAMES)
    return answer[0] if answer else "the name server does not answer"


def _first_pod(host: str, index: int) -> str:
    """The name of pod 0, as a Job's pods are called JOB-INDEX (and DNS knows them under their
    subdomain)."""
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
    numbers = (
        environment.get(name, "")
        for name in ("SLURM_JOB_ID", "SLURM_STEP_ID")
    )
    return (
        first
        + sum(
            int(number)
            for number in numbers
            if number.isascii() and number.isdecimal() and len(number) < 19
        )
        % count
    )
