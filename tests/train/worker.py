"""Processes for tests to kill: orders → one run after another, each in children."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import small_plan
from forkserver import serve

import resgraph
from resgraph.errors import ResgraphError
from resgraph.train import Options, Reporter, Silent, build, evaluate
from resgraph.train.augment import crops
from resgraph.train.engine import loop
from resgraph.train.reporter import Epoch

LATE = (
    "torch._dynamo",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "resgraph.train.session",
)
TINY: dict[str, Any] = {"widths": (4, 8), "blocks": 1, "dropout": 0.2}


class Signaller(Silent):
    """Signals its own process after the first evaluation, and may say on stderr what it is told."""

    def __init__(self, number: int, *, tell: bool = False) -> None:
        self.number, self.tell = number, tell

    def say(self, text: str) -> None:
        if self.tell:
            print(text, file=sys.stderr, flush=True)

    def epoch(self, epoch: Epoch) -> None:
        if self.number:
            os.kill(os.getpid(), self.number)
            self.number = 0


def train(
    out: str,
    recipe: dict[str, Any],
    reporter: Reporter,
    real: str = "",
    facts: dict[str, Any] | None = None,
    seen: str = "",
    **options: Any,
) -> None:
    """A fresh run at `out`, or the one that is there, resumed; of the spec `real` with its own recipe, if given.

    `facts` are those of the small plan that differ, `seen` is a folder where `note_images` writes.
    """
    if seen:
        note_images(Path(seen))
    changed = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (facts or {}).items()
    }
    small = {**TINY, **changed}
    plan = (
        resgraph.load(real, ["train.epochs=0.4", "train.batch=48"])
        if real
        else small_plan.plan(recipe, **small)
    )
    build(
        plan,
        out=Path(out),
        options=Options(threads=1, **options),
        reporter=reporter,
        auto_resume=True,
        load=resgraph.load if real else small_plan.load,
    )


def note_images(folder: Path) -> None:
    """From now on, this rank adds `epoch index` to its file there for each training image that it cuts from a file."""
    real, rank = crops.RandomCrop.box, os.environ["RANK"]

    def noted(
        self: crops.RandomCrop, whole: Any, epoch: int, index: int
    ) -> Any:
        with (folder / rank).open("a") as file:
            file.write(f"{epoch} {index}\n")
        return real(self, whole, epoch, index)

    crops.RandomCrop.box = noted  # type: ignore[method-assign]


def die_at(count: int) -> None:
    """From now on, the process is killed at its `count`-th durable operation, right before it."""
    left = [count]

    def counted(real: Any) -> Any:
        def operation(*args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args)

        return operation

    os.fsync, os.replace = counted(os.fsync), counted(os.replace)


def sweep(
    reference: str,
    root: str,
    recipe: dict[str, Any],
    every: int,
    first: int,
) -> None:
    """Kills a run at every so-manieth durable operation, resumes it, and compares it with the reference.

    Each run is a forked child, so that torch is loaded once. Prints how often it killed one.
    """
    train(reference, recipe, Silent())
    wanted = [
        (Path(reference) / name).read_bytes()
        for name in ("metrics.jsonl", "weights.safetensors")
    ]
    at, killed = first, 0
    while True:
        out = Path(root) / f"at-{at}"
        child = os.fork()
        if child == 0:
            die_at(at)
            train(str(out), recipe, Silent())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            break
        assert os.WIFSIGNALED(status), status
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1
        again = os.fork()
        if again == 0:
            train(str(out), recipe, Silent())
            os._exit(0)
        assert os.waitpid(again, 0)[1] == 0, (
            f"could not go on after a kill at operation {at}"
        )
        found = [
            (out / name).read_bytes()
            for name in ("metrics.jsonl", "weights.safetensors")
        ]
        assert found == wanted, (
            f"another result after a kill at operation {at}"
        )
        at += every
    print(killed)


def launch(
    ranks: int, number: int, victim: int = 0, **orders: Any
) -> list[list[Any]]:
    """What torchrun does: one process for each rank, which find each other through the environment.

    The first rank is signalled after its first evaluation, another victim at its tenth step. Returns each rank's exit
    code, and what it said.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        meet = {
            "WORLD_SIZE": str(ranks),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(probe.getsockname()[1]),
        }
    children = []
    for rank in range(ranks):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 2)
            os.environ.update(meet, RANK=str(rank), LOCAL_RANK=str(rank))
            if victim and rank == victim:
                signal_at_step(10, number)
            os._exit(
                train_once(
                    {**orders, "signal": 0 if rank or victim else number}
                )
            )
        os.close(writing)
        children.append((child, reading))
    ended = []
    for child, reading in children:
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        ended.append(
            [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said]
        )
    return ended


def signal_at_step(step: int, number: int) -> None:
    """Signals this process right before a step (other ranks than the first have no reporter to do it)."""
    left, real = [step], loop.set_lr

    def counted(*args: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), number)
        real(*args)

    loop.set_lr = counted


def judge(out: str, **keys: Any) -> None:
    """Says loss, error, top-5 error and images of a finished run."""
    found = evaluate(
        Path(out),
        load=small_plan.load,
        options=Options(threads=1, workers=0, precision="fp32"),
        **keys,
    )
    print(
        json.dumps([found.loss, found.error, found.top5, found.images]),
        file=sys.stderr,
        flush=True,
    )


def train_once(orders: dict[str, Any]) -> int:
    """One run (or, where `evaluate` says how, its evaluation), as the command line would run it: its exit code."""
    number = orders.pop("signal", 0)
    tell = orders.pop("tell", False)
    asked = orders.pop("evaluate", None)
    try:
        if asked is None:
            train(reporter=Signaller(number, tell=tell), **orders)
        else:
            judge(**orders, **asked)
    except ResgraphError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def obey(orders: Any) -> None:
    """What the test asks for."""
    if "sweep" in orders:
        sweep(**orders["sweep"])
    else:
        print(json.dumps([launch(**one) for one in orders["launches"]]))


def main() -> None:
    for late in LATE:
        # before any fork, so that no child loads it
        importlib.import_module(late)
    serve(obey)


if __name__ == "__main__":
    main()
