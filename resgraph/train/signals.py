"""SIGTERM, SIGINT, SIGUSR1, SIGHUP → a request to stop that the loop reads after the step; a second
one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..errors import ResgraphError

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")
    if hasattr(signal, name)
)


class StoppedError(ResgraphError):
    """A signal asked the run to stop, and it did, with everything saved. Exits 128 + the signal's
    number."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """128 + n, as a shell would have it."""
        return 128 + self.number


class StopRequest:
    """`number` is 0 until a signal comes."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler: remembers the first signal, and lets a second one do what it always does."""
        if self.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number


@contextmanager
def catching_signals() -> Iterator[StopRequest]:
    """Handles the signals within the block; elsewhere than in the main thread Python gives none,
    and nothing is handled. A SIGHUP that is ignored (by nohup) stays so."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    nohup = getattr(signal, "SIGHUP", None)
    heard = [
        number
        for number in STOP_SIGNALS
        if number != nohup or signal.getsignal(number) is not signal.SIG_IGN
    ]
    before: dict[int, Any] = {
        number: signal.signal(number, request) for number in heard
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_in_worker(_: int) -> None:
    """For data workers: a signal to the whole process group is the trainer's to answer."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
