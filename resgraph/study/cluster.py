"""Runs of a study → the workers of a Dask cluster. A worker that dies leaves its run to another,
which resumes it.

The scheduler only places runs: what comes back is how each ended, and the results are the run
directories, on a file system that all workers share. Dask and not Ray: both were tried with two
workers of which one was killed, and both made its run again; Dask (2026.8) is 37 MB with what it
needs where Ray (2.60) alone is 240 MB, and dask-jobqueue starts workers by SLURM, PBS, LSF and
others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from ..errors import RunError, UsageError, needing
from ..language.record import Record
from ..language.yaml.reader import open_source
from ..train import Options
from ..train.signals import catching_signals
from .execute import Execute, Outcome, stopped, train_run
from .folder import PlacedRun
from .reading import read_record

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10.0
"""Seconds in which a scheduler must answer."""
_POLL = 0.5  # seconds between looks at whether a signal came
_QUEUES = {
    "slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster", "sge": "SGECluster",
    "oar": "OARCluster", "htcondor": "HTCondorCluster",
}  # fmt: skip


class ClusterFile(Record):
    """What `--cluster FILE.yaml` may say."""

    engine: Literal[
        "local", "slurm", "pbs", "lsf", "sge", "oar", "htcondor"
    ]
    workers: Annotated[int, Meta(ge=1, le=10_000)]
    """Each makes one run at a time; of a queue, each is a job."""
    options: dict[str, Any] = {}
    """Of dask-jobqueue's class, or of `LocalCluster`: `{queue: gpu, cores: 4, memory: 16GB}`."""


@contextmanager
def on_cluster(where: str, options: Options) -> Iterator[Execute]:
    """What runs a study on the scheduler at an address (`tcp://host:8786`), or on the workers that
    a file asks for, which end with it.

    Raises `MissingError` without Dask, `SpecError` where the file is wrong, `UsageError` where no
    scheduler answers or a worker would make several runs at once."""
    with _connected(where) as client:
        yield lambda runs: _executed(client, runs, options)


@contextmanager
def _connected(where: str) -> Iterator[Client]:
    with _needing():
        from distributed import Client
    if "://" not in where:
        with _started(Path(where)) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(where, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {where}: {error}"
        ) from None
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if any(worker["nthreads"] != 1 for worker in workers.values()):
            raise UsageError(
                f"a worker at {where} would make several runs at once, which share torch's"
                " settings; start each with `dask worker --nthreads 1`"
            )
        yield client


def _started(path: Path) -> Any:
    """The cluster of a file, a context."""
    _, file = read_record(open_source(path), ClusterFile)
    with _needing():
        if file.engine == "local":
            from distributed import LocalCluster

            own = {
                "host": "127.0.0.1",
                "dashboard_address": None,
                **file.options,
            }
            return LocalCluster(
                n_workers=file.workers, threads_per_worker=1, **own
            )
        import dask_jobqueue
    own = {"cores": 1, "memory": "4GB", **file.options, "processes": 1}
    extra = ["--nthreads", "1", *own.pop("worker_extra_args", [])]
    kind = getattr(dask_jobqueue, _QUEUES[file.engine])
    try:
        cluster = kind(worker_extra_args=extra, **own)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: {file.engine} refuses its options: {error}"
        ) from None
    cluster.scale(jobs=file.workers)
    return cluster


_needing = partial(needing, "a cluster needs Dask", "cluster")


def _executed(
    client: Client, runs: Sequence[PlacedRun], options: Options
) -> Iterator[Outcome]:
    """As `execute`, on the workers."""
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    made = {
        client.submit(train_run, run, options, pure=False): run
        for run in runs
    }
    ended = as_completed(made)
    with catching_signals() as request:
        while not ended.is_empty():
            if request.number:
                client.cancel(list(made))
                raise stopped(request.number)
            for future in ended.next_batch(block=False):
                try:
                    yield future.result()
                except KilledWorker as error:
                    yield Outcome(made[future], "failed", str(error))
                # the second where it goes while an outcome is on its way
                except (FutureCancelledError, CommClosedError) as error:
                    why = getattr(error, "reason", error)
                    raise RunError(
                        f"the scheduler is gone: {why}; runs that ended are kept, and the"
                        " same command goes on with the others"
                    ) from None
            time.sleep(_POLL)
