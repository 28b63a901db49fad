"""Runs that fail in the middle, or are damaged between two tries: reported in words, and nothing is lost."""

from __future__ import annotations

import os
import random
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small_plan
import torch
from small_plan import FakePlan
from test_folder import SHAPE, recipe, tree
from test_resume import ONE, PLAIN, stopped_run, tiny
from torch import Tensor, nn

from resgraph.errors import MissingError, RunError, TrainingError
from resgraph.train import Options, Silent, build, read_run, resume
from resgraph.train.augment import crops
from resgraph.train.data import workers
from resgraph.train.settings import compilers

__all__ = ["tree"]


class Breaks(nn.Module):
    """An op that fails at one of its calls."""

    def __init__(self, at: int, error: Exception) -> None:
        super().__init__()
        self.left, self.error = at, error

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        if self.left == 0:
            raise self.error
        return x


class BreaksBehind(torch.autograd.Function):
    """An op whose gradient cannot be had."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        raise RuntimeError("no gradient here")


class Telling(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture(autouse=True)
def _look_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)


def with_layer(monkeypatch: pytest.MonkeyPatch, layer: nn.Module) -> None:
    """Every net from now on has a layer before its last one."""
    real = small_plan.residual

    def residual(*facts: Any) -> nn.Sequential:
        net = real(*facts)
        net.insert(len(net) - 1, layer)
        return net

    monkeypatch.setattr(small_plan, "residual", residual)


def epochs(count: int) -> FakePlan:
    return tiny({**PLAIN, "epochs": count})


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("size mismatch\nat some kernel"),
        ValueError("no such value"),
        KeyError("x"),
        TypeError(),
    ],
)
def test_a_step_that_fails_names_the_node(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as whole_one:
        with_layer(whole_one, nn.Identity())
        whole = build(
            tiny(PLAIN), out=tmp_path / "whole", options=ONE
        ).directory
    with monkeypatch.context() as broken:
        # 6 steps and 3 batches of validation make an epoch
        with_layer(broken, Breaks(11, error))
        with pytest.raises(TrainingError) as caught:
            build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    said = str(caught.value)
    assert (
        type(error).__name__ in said
        and "test_damaged_runs.py, line" in said
    )
    assert "at some kernel" not in said
    assert " failed in step 8 (" in said
    assert said.endswith(
        f"`resgraph resume {tmp_path / 'run'}` resumes from the last checkpoint"
    )
    assert read_run(tmp_path / "run").status == "failed"
    reporter = Telling()
    with_layer(monkeypatch, nn.Identity())
    resume(
        tmp_path / "run",
        load=small_plan.load,
        options=ONE,
        reporter=reporter,
    )
    assert any(
        text.startswith("the last try failed: `") for text in reporter.told
    )
    assert read_run(tmp_path / "run").status == "done"
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (
            whole / name
        ).read_bytes()


def test_a_failure_before_anything_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_layer(monkeypatch, Breaks(1, RuntimeError("at once")))
    with pytest.raises(
        TrainingError,
        match=r"failed in step 1 .*Nothing was saved yet: .* `resgraph build`",
    ):
        build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    assert read_run(tmp_path / "run").status == "failed"


def test_a_failure_on_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Behind(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return BreaksBehind.apply(x)

    with_layer(monkeypatch, Behind())
    with pytest.raises(
        TrainingError,
        match=r"failed .*in step 1 \(RuntimeError: no gradient here",
    ):
        build(tiny(PLAIN), out=tmp_path / "run", options=ONE)


def test_our_own_mistake_fails_the_run_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("resgraph.train.engine.loop.set_lr", broken)
    with pytest.raises(ZeroDivisionError):
        build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    assert read_run(tmp_path / "run").status == "failed"


# -- damage between two tries -----------------------------------------------------------------------------------------


def damaged(data: bytes) -> dict[str, bytes | None]:
    """A file's bytes, in the ways in which disks and people change them."""
    rng = random.Random(0)
    out: dict[str, bytes | None] = {
        "lost": None,
        "empty": b"",
        "junk behind": data + b"junk",
        "a row behind": data * 2,
    }
    out |= {
        "zeros": bytes(len(data)),
        "cut": data[: len(data) // 2],
        "no end": data.rstrip(b"\n"),
    }
    for _ in range(12):
        place, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
        out[f"bit {bit} of byte {place}"] = (
            data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        )
    return out


@pytest.mark.parametrize("name", ["metrics.jsonl", "timing.jsonl"])
def test_rows_that_were_damaged_come_back(
    name: str, tmp_path: Path
) -> None:
    whole = build(
        tiny(PLAIN), out=tmp_path / "whole", options=ONE
    ).directory
    cut = stopped_run(tmp_path / "cut", after=14)
    saved = (cut / name).read_bytes()
    assert saved.count(b"\n") == 2
    import shutil

    for number, (how, data) in enumerate(damaged(saved).items()):
        run, reporter = tmp_path / f"run-{number}", Telling()
        shutil.copytree(cut, run)
        if data is None:
            (run / name).unlink()
        else:
            (run / name).write_bytes(data)
        resume(run, load=small_plan.load, options=ONE, reporter=reporter)
        assert (run / "metrics.jsonl").read_bytes() == (
            whole / "metrics.jsonl"
        ).read_bytes(), how
        assert (run / name).read_bytes().startswith(saved), how
        told = [text for text in reporter.told if name in text]
        assert len(told) == (
            0 if data is not None and data.startswith(saved) else 1
        ), how


def test_a_directory_in_place_of_the_rows_is_refused(
    tmp_path: Path,
) -> None:
    cut = stopped_run(tmp_path / "cut", after=14)
    (cut / "metrics.jsonl").unlink()
    (cut / "metrics.jsonl").mkdir()
    with pytest.raises(
        RunError, match=r"metrics\.jsonl cannot be read: it is a directory"
    ):
        resume(cut, load=small_plan.load, options=ONE)


@pytest.mark.parametrize("name", ["model.py", "table.txt", "diagram.svg"])
@pytest.mark.parametrize("text", [None, "", "changed by hand"])
def test_what_follows_from_the_spec_is_written_again(
    name: str, text: str | None, tmp_path: Path
) -> None:
    cut, reporter = stopped_run(tmp_path / "cut"), Telling()
    before = (cut / name).read_bytes()
    (cut / name).unlink() if text is None else (cut / name).write_text(text)
    resume(
        cut,
        plan=epochs(4),
        load=small_plan.load,
        options=ONE,
        reporter=reporter,
    )
    assert (cut / name).read_bytes() == before
    assert [text for text in reporter.told if name in text] == [
        f"{cut / name} was changed, damaged or lost since the run began; it is as it was"
    ]


# -- workers ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_is_killed_at_any_moment(
    tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """While it decodes, while it hands over, while it waits, while the trainer computes, validates or saves."""
    import threading
    import time

    trainer, rng = os.getpid(), random.Random(1)

    def children() -> list[int]:
        text = Path(f"/proc/{trainer}/task/{trainer}/children").read_text()
        return [int(pid) for pid in text.split()]

    def killer(after: float) -> None:
        began = time.monotonic()
        while time.monotonic() - began < 20:
            if (found := children()) and time.monotonic() - began > after:
                os.kill(rng.choice(found), signal.SIGKILL)
                return
            time.sleep(0.0005)

    plan = small_plan.plan(
        recipe(tree, epochs=40),
        input=SHAPE,
        classes=2,
        widths=(4,),
        blocks=1,
    )
    whole = build(
        plan, out=tmp_path / "whole", options=Options(threads=1, workers=2)
    ).directory
    told = 0
    for number in range(30):
        run = tmp_path / f"run-{number}"
        thread = threading.Thread(
            target=killer, args=(0.25 + rng.random(),)
        )
        thread.start()
        try:
            build(plan, out=run, options=Options(threads=1, workers=2))
        except TrainingError as error:
            assert re.search(
                r"a process that loads images was killed \(.*pid",
                str(error),
            )
            assert read_run(run).status == "failed"
            told += 1
        else:  # it had handed over all that it was there for
            assert (run / "metrics.jsonl").read_bytes() == (
                whole / "metrics.jsonl"
            ).read_bytes()
        thread.join()
    # most are; the busier the machine, the more moments in which a worker has no more to do
    assert told >= 10
    assert "Exception ignored" not in capfd.readouterr().err


def test_a_worker_that_dies_while_the_trainer_computes(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its death is no exception in the middle of a step, nor after the last batch."""
    trainer, marked = os.getpid(), tmp_path / "marked"
    marked.mkdir()
    real = crops.RandomCrop.__call__

    def noted(
        self: crops.RandomCrop, image: Any, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        if os.getpid() != trainer:
            (marked / str(os.getpid())).touch()
        return real(self, image, epoch, index)

    class Kills(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            for path in marked.iterdir():
                os.kill(int(path.name), signal.SIGKILL)
                os.waitid(os.P_PID, int(path.name), os.WEXITED | os.WNOWAIT)
                path.unlink()
                for _ in range(1000):
                    pass  # where torch's handler would raise
            return x

    monkeypatch.setattr(crops.RandomCrop, "__call__", noted)
    with_layer(monkeypatch, Kills())
    before = signal.getsignal(signal.SIGCHLD)
    plan = small_plan.plan(
        recipe(tree), input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    with pytest.raises(
        TrainingError, match="a process that loads images was killed"
    ):
        build(
            plan,
            out=tmp_path / "run",
            options=Options(threads=1, workers=1),
        )
    assert signal.getsignal(signal.SIGCHLD) == before


def test_a_worker_is_dead_a_moment_after_its_pipes(tmp_path: Path) -> None:
    """As the kernel ends a process: its sentinel is ready while it has no exit code yet."""
    ready, other = os.pipe()
    os.close(other)

    class Dying:
        pid, sentinel, exitcode = 7, ready, None

        def join(self) -> None:
            self.exitcode = -9

    watch = workers._Watch(SimpleNamespace(_workers=[Dying()]))
    assert watch.dead() == []
    assert watch.dead(within=1.0) == ["pid 7: exit code -9"]
    os.close(ready)


# -- compilers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"PATH": "/nowhere"},
            r"compiling needs a C\+\+ compiler: apt-get install g\+\+ .*; --compile off trains",
        ),
        (
            {"CXX": "/no/such/g++"},
            r"CXX=/no/such/g\+\+ in the environment does not run; unset it",
        ),
        (
            {"CXX": "/bin/false"},
            "CXX=/bin/false in the environment does not run",
        ),
    ],
)
def test_compiling_without_a_compiler(
    environment: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MissingError, match=said):
        build(
            tiny(PLAIN), out=tmp_path / "run", options=Options(compile="on")
        )
    assert not (tmp_path / "run").exists()


def test_a_gpu_without_a_compiler_is_not_compiled_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from resgraph.train.settings import decide

    monkeypatch.setattr(compilers, "find_spec", lambda _: object())
    for path, compiled in ((os.environ["PATH"], True), ("/nowhere", False)):
        monkeypatch.setenv("PATH", path)
        monkeypatch.setattr(
            compilers.sysconfig, "get_paths", lambda: {"include": "/"}
        )
        monkeypatch.setattr(compilers.Path, "is_file", lambda _: True)
        choice, why = decide._compile(
            Options(), "cuda", 10**6, sync_bn=False
        )
        assert choice == ("compiled" if compiled else "eager")
    assert why.startswith("it needs a C compiler: apt-get install gcc")
