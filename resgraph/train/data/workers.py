"""A data loader → its batches; a worker that is killed is reported as that, whatever it looks like.

Torch raises out of its handler of SIGCHLD, wherever the process then is: in a step, while results
are written, in the handling of another error. And a worker that dies in the middle of handing
something over shows as a connection that was reset, a pipe that ended or a pickle that is cut off.
So dead workers are looked for here alone: where the next batch is taken."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

from ...errors import TrainingError


class _Watch:
    """The handler of SIGCHLD, which raises nothing: where one worker was killed, it ends the others
    and the pipe that they share. Else a message that was cut off in the middle would be waited for
    without end."""

    def __init__(self, batches: Any) -> None:
        # none where the process itself loads
        self.workers = list(getattr(batches, "_workers", ()))
        self.results = getattr(batches, "_worker_result_queue", None)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.results is not None and self.dead():
            for one in self.workers:
                one.kill()
            self.results._writer.close()
            self.results = None

    def dead(self, within: float = 0.0) -> list[str]:
        """The processes that were killed or failed: each with its number and exit code. The
        connections of one that dies are gone a moment before it is, and its sentinel, a pipe, is
        one of them: who has seen that waits for up to `within` seconds, and then for its end."""
        if self.workers and within:
            ending = wait([one.sentinel for one in self.workers], within)
            for one in self.workers:
                if one.sentinel in ending:
                    one.join()
        return [
            f"pid {one.pid}: exit code {one.exitcode}"
            for one in self.workers
            if one.exitcode
        ]


def watched(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader. Raises `TrainingError` where one of its workers is killed."""
    handles = (
        hasattr(signal, "SIGCHLD")
        and threading.current_thread() is threading.main_thread()
    )
    before = signal.getsignal(signal.SIGCHLD) if handles else None
    try:
        batches = iter(loader)
        watch = _Watch(batches)
        if handles:
            # in place of torch's, which is there from the first worker on
            signal.signal(signal.SIGCHLD, watch)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise _killed([str(error).splitlines()[0]]) from error
    try:
        while True:
            found = _next(batches, watch)
            if found is None:
                return
            yield found
    finally:
        if handles:
            signal.signal(
                signal.SIGCHLD,
                before if before is not None else signal.SIG_DFL,
            )


def _next(batches: Iterator[Any], watch: _Watch) -> Any:
    """The next batch, None after the last. Whatever is raised meanwhile, the workers are looked at
    first."""
    if dead := watch.dead():
        raise _killed(dead)
    try:
        return next(batches, None)
    except Exception as error:
        if dead := watch.dead(within=1.0):
            raise _killed(dead) from error
        raise


def _killed(dead: list[str]) -> TrainingError:
    return TrainingError(
        f"a process that loads images was killed ({', '.join(dead)}): where memory is short, fewer"
        " --workers need less; what was saved is good"
    )
