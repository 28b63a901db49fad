#!/usr/bin/env bash
# tensorboard 2.21.0: EventAccumulator, which is what reads event files from Python, keeps 10,000 points of a curve,
# chosen by chance, and drops the rest without a word. Of a loss that is logged for 30,000 steps two of three are
# missing, among them the best one two times out of three, and the steps between points have no rule. One would have
# guessed that a reader gives what was written, or the last of it: the minimum of a curve, a mean over a window and a
# comparison of two runs step by step are those of a sample. `size_guidance={"scalars": 0}` reads all.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q tensorboard==2.21.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

STEPS = 30_000
writer = EventFileWriter(sys.argv[1] + "/run")
for step in range(STEPS):
    value = Summary.Value(tag="loss", simple_value=step)
    writer.add_event(Event(step=step, wall_time=0.0, summary=Summary(value=[value])))
writer.close()


def read(**how):
    accumulator = EventAccumulator(sys.argv[1] + "/run", **how)
    accumulator.Reload()
    return [point.step for point in accumulator.Scalars("loss")]


some, whole = read(), read(size_guidance={"scalars": 0})
gaps = {after - before for before, after in zip(some, some[1:])}
print("tensorboard", tensorboard.__version__, f"{len(some)} of {STEPS} points, the first ones {some[:8]}")
print("steps from one to the next:", sorted(gaps)[:12], "...", max(gaps))
assert len(some) == 10_000 and len(gaps) > 5 and some[-1] == STEPS - 1, "this has changed"
assert whole == list(range(STEPS))
PY
