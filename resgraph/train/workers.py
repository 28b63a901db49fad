"""A data loader → its batches; a worker that is killed is told of as that, whatever its death looks like.

Torch raises out of its handler of SIGCHLD, wherever the process then is: in a step, while results are written, in the
handling of another error. And a worker that dies in the middle of handing something over shows as a connection that was
reset, a pipe that ended or a pickle that is cut off. So death is looked for here alone: while a batch is waited for.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

from ..errors import TrainingError


class _Death(Exception):
    """A worker ended while a batch was waited for."""


class _Watch:
    """The handler of SIGCHLD: raises once, and only while it is armed."""

    def __init__(self, batches: Any) -> None:
        self.workers = list(getattr(batches, "_workers", ()))  # none where the process itself loads
        self.armed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.armed and self.dead():
            self.armed = False
            raise _Death

    def dead(self) -> list[str]:
        """The processes that were killed or failed: each with its number and exit code."""
        return [f"pid {one.pid}: exit code {one.exitcode}" for one in self.workers if one.exitcode]


def watched(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader. Raises `TrainingError` where one of its workers is killed."""
    handles = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD) if handles else None
    try:
        batches = iter(loader)
        watch = _Watch(batches)
        if handles:
            signal.signal(signal.SIGCHLD, watch)  # in place of torch's, which is there from the first worker on
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
            signal.signal(signal.SIGCHLD, before if before is not None else signal.SIG_DFL)


def _next(batches: Iterator[Any], watch: _Watch) -> Any:
    """The next batch, None after the last. Whatever is raised meanwhile, the workers are looked at first."""
    try:
        try:
            if watch.dead():
                raise _Death
            watch.armed = True
            found = next(batches, None)
            watch.armed = False
        except Exception:
            watch.armed = False
            raise
    except Exception as error:
        dead = watch.dead()
        if not dead and not isinstance(error, _Death):
            raise
        raise _killed(dead) from error
    return found


def _killed(dead: list[str]) -> TrainingError:
    return TrainingError(
        f"a process that loads images was killed ({', '.join(dead)}): where memory is short, fewer --workers need "
        "less; what was saved is good"
    )
