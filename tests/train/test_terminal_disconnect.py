"""A run whose terminal goes away: a closed pipe is trained through, a hang-up stops it with everything saved."""

from __future__ import annotations

import os
import signal

import pytest

from resgraph.train.run.progress import reporter_for
from resgraph.train.signals import catching_signals


@pytest.mark.skipif(
    not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP"
)
def test_a_lost_terminal_asks_to_stop_but_for_nohup() -> None:
    # the tests themselves may run by nohup
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with catching_signals() as request:
            signal.raise_signal(signal.SIGHUP)
        assert request.number == signal.SIGHUP
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with catching_signals() as request:
            signal.raise_signal(signal.SIGHUP)
        assert request.number == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_pipe_without_a_reader_is_passed_over() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", buffering=1)
    reporter = reporter_for(stream)
    reporter.say("heard")
    assert os.read(reading, 100) == b"heard\n"
    os.close(reading)
    for _ in range(3):
        reporter.say("nobody is there")
    reporter.stop()
    with pytest.raises(BrokenPipeError):
        stream.close()
