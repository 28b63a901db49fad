"""What a run reports: curves, progress, forecasts with their reasons; and how signals are handled."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import small_plan
import torch
from msgspec.structs import replace
from rich.console import Console

from resgraph.errors import MissingError, UsageError
from resgraph.language.recipe import resolve_train
from resgraph.train import Options, build, differences, forecast, read_run
from resgraph.train.parallel.distributed import World
from resgraph.train.reporter import Epoch, RunStart, Step, epochs_of
from resgraph.train.run.curves import curves, drops
from resgraph.train.run.directory import create
from resgraph.train.run.progress import Bar, Lines, opening, reporter_for
from resgraph.train.settings.decide import Workload, decide
from resgraph.train.signals import catching_signals


def rows(
    errors: list[float], lrs: list[float] | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "step": 10 * (i + 1),
            "epoch": i + 1,
            "lr": lrs[i] if lrs else 0.1,
            "train": {"loss": 1.0, "error": error + 1},
            "validation": {"loss": 1.0, "error": error},
        }
        for i, error in enumerate(errors)
    ]


EPOCHS = resolve_train({"recipe": "digits", "schedule": "constant"})
STEPS = resolve_train(
    {"recipe": "digits", "schedule": "constant", "iterations": 9}
)


def polylines(svg: str) -> list[list[tuple[float, float]]]:
    found = ET.fromstring(svg).findall(
        "{http://www.w3.org/2000/svg}polyline"
    )
    return [
        [
            tuple(map(float, point.split(",")))
            for point in line.attrib["points"].split()
        ]
        for line in found
    ]  # type: ignore[misc]


def test_curves_are_the_rows() -> None:
    errors = [8.0, 6.0, 4.0, 3.0, 2.0]
    train, validation = polylines(
        curves("net", rows(errors), EPOCHS, "test")
    )
    assert len(train) == len(validation) == 5
    assert [y for _, y in validation] == sorted(y for _, y in validation)
    # a larger error stands higher
    assert all(t[1] < v[1] for t, v in zip(train, validation, strict=True))
    (x0, y0), (x1, y1) = validation[0], validation[-1]
    scale = (y1 - y0) / (8.0 - 2.0)
    for (_, y), error in zip(validation, errors, strict=True):
        assert y == pytest.approx(y0 + scale * (8.0 - error), abs=0.11)
    assert x0 < x1


@pytest.mark.parametrize(
    "errors", [[], [50.0], [0.0, 0.0, 0.0], [90.0, 0.01], [100.0] * 300]
)
def test_any_rows_make_a_picture(errors: list[float]) -> None:
    for train in (EPOCHS, STEPS):
        ET.fromstring(curves('<b>&"net"', rows(errors), train, "test"))


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [(1, "0 1"), (2, "0 1 2"), (10, "0 2 4 6 8 10"), (20, "0 5 10 15 20")],
)
def test_epochs_are_counted_in_whole_numbers(
    epochs: int, ticks: str
) -> None:
    svg = curves("net", rows([5.0] * epochs), EPOCHS, "test")
    assert (
        " ".join(
            re.findall(r'y="389" text-anchor="middle"[^>]*>([^<]+)<', svg)
        )
        == ticks
    )


STEPPED: dict[str, Any] = {
    "recipe": "digits",
    "epochs": 6,
    "warmup": "none",
}


@pytest.mark.parametrize(
    ("schedule", "lrs", "places"),
    [
        (
            {"kind": "steps", "at": [3, 5]},
            [0.1, 0.1, 0.1, 0.01, 0.01, 0.001],
            [3, 5],
        ),
        (
            {"kind": "steps", "at": [2, 3]},
            [0.1, 0.1, 0.01, 0.001, 0.001, 0.001],
            [2, 3],
        ),
        (
            {"kind": "steps", "at": [1, 2, 3, 4, 5], "factor": 0.9},
            [0.1 * 0.9**i for i in range(6)],
            [1, 2, 3, 4, 5],
        ),
        (
            {"kind": "plateau", "factor": 0.5},
            [0.1, 0.1, 0.05, 0.025, 0.025, 0.0125],
            [2, 3, 5],
        ),
        ({"kind": "cosine"}, [0.1 * 0.4**i for i in range(6)], []),
        ({"kind": "one-cycle"}, [0.01, 0.1, 0.1, 0.05, 0.02, 0.001], []),
        ({"kind": "constant"}, [0.1] * 6, []),
    ],
)
def test_every_drop_of_a_stepped_rate_is_marked(
    schedule: dict[str, Any], lrs: list[float], places: list[int]
) -> None:
    learned = rows([5.0] * 6, lrs)
    train = resolve_train({**STEPPED, "schedule": schedule})
    assert drops(train, learned) == places
    lines = ET.fromstring(curves("net", learned, train, "test")).findall(
        "{http://www.w3.org/2000/svg}line"
    )
    dashed = [
        float(line.attrib["x1"])
        for line in lines
        if "stroke-dasharray" in line.attrib
    ]
    (x0, _), *_, (x1, _) = polylines(curves("net", learned, train, "test"))[
        1
    ]
    assert dashed == pytest.approx(
        [x0 + (x1 - x0) * (place - 1) / 5 for place in places], abs=0.1
    )


def test_drops_that_a_run_has_not_come_to_are_not_drawn() -> None:
    train = resolve_train(
        {**STEPPED, "schedule": {"kind": "steps", "at": [2, 4]}}
    )
    assert (
        curves("net", rows([5.0] * 3), train, "test").count(
            "stroke-dasharray"
        )
        == 1
    )


@pytest.mark.parametrize(
    ("target", "error"),
    [("label", "error"), ("map", "1 − mIoU"), ("number", "1 − R²")],
)
def test_the_error_is_called_what_it_is(target: str, error: str) -> None:
    svg = curves(
        "net",
        rows([5.0] * 3),
        resolve_train({"recipe": "digits", "target": target}),
        "test",
    )
    assert (
        f">{error} (%)<" in svg and f"test {error} 5.00 % at the end" in svg
    )


START = RunStart(
    "net [/]",
    Path("runs/net-1"),
    1000,
    2,
    20,
    10,
    640,
    0,
    (("device", "cpu", "why"),),
)


def tell(reporter: Any) -> None:
    reporter.start(START)
    reporter.step(Step(3, 1, 0.1, 2.0, 80.0, 1234.5))
    reporter.epoch(Epoch(10, 1, 0.1, 1.5, 40.0, 1.4, 35.25, 2.0))
    reporter.say("a [red]word")
    reporter.stop()


def test_without_a_terminal_there_is_a_line_for_each_epoch() -> None:
    out = io.StringIO()
    reporter = reporter_for(out)
    assert type(reporter) is Lines
    tell(reporter)
    lines = out.getvalue().splitlines()
    assert (
        lines[0]
        == "net [/]: 1,000 parameters, 640 images, 2 epochs (20 steps)"
    )
    assert (
        lines[2]
        == "epoch   1/2  loss 1.5000  train error 40.00 %  validation error 35.25 %  lr 0.1  2 s"
    )
    assert lines[3] == "a [red]word"
    assert "\x1b" not in out.getvalue()


def test_the_log_calls_what_is_evaluated_as_the_summary_does(
    tmp_path: Path,
) -> None:
    out = io.StringIO()
    reporter = Lines(Console(file=out, width=200))
    result = build(
        small_plan.plan({"recipe": "digits", "iterations": 2}, blocks=1),
        out=tmp_path / "run",
        reporter=reporter,
    )
    assert (
        "  test error " in out.getvalue()
        and "% test accuracy" in result.summary()
    )


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        (
            [
                ("device", "cpu"),
                ("compile", "eager"),
                ("checkpointing", "off"),
                ("sharding", "off"),
            ],
            "cpu, eager",
        ),
        (
            [
                ("device", "cpu"),
                ("compile", "eager"),
                ("checkpointing", "on"),
            ],
            "cpu, eager, checkpointing",
        ),
        (
            [("compile", "compiled"), ("layout", "channels-last")],
            "compiled, channels-last",
        ),
    ],
)
def test_choices_are_told_by_name(
    decisions: list[tuple[str, str]], told: str
) -> None:
    lines = opening(
        replace(
            START,
            decisions=tuple(
                (what, choice, "why") for what, choice in decisions
            ),
        )
    )
    assert lines[1] == f"{told} → runs/net-1"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "1 epoch"),
        (1.0, "1 epoch"),
        (2, "2 epochs"),
        (0.5, "0.5 epochs"),
    ],
)
def test_one_epoch_is_one(number: float, told: str) -> None:
    assert epochs_of(number) == told
    assert (
        f"640 images, {told} (20 steps)"
        in opening(replace(START, epochs=number))[0]
    )


@pytest.mark.parametrize("width", [20, 120])
def test_the_bar_shows_where_training_stands(width: int) -> None:
    out = io.StringIO()
    tell(Bar(Console(file=out, force_terminal=True, width=width)))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "validation error" in text.replace("\n", " ")
    if width == 120:
        assert "loss 2.000  error 80.0 %  lr 0.1  1,234 images/s" in text


def test_a_stream_that_knows_only_ascii_gets_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    tell(reporter_for(stream))
    assert b"runs/net-1" in raw.getvalue()


def test_every_decision_has_its_reason() -> None:
    decisions = decide(
        Options(device="cpu", threads=3), World(), Workload(1e6, True, 100)
    )
    told = {what: (choice, why) for what, choice, why in decisions.reasons}
    assert told["precision"][0] == "fp32"
    assert told["layout"][0] == "channels-last"
    assert told["threads"] == ("3 threads", "as asked")
    assert decisions.precision == "fp32"
    told = {
        what: choice
        for what, choice, _ in decide(
            Options(device="cpu"), World(), Workload(1e6, True, 100)
        ).reasons
    }
    assert told["threads"] == "1 thread"
    able = (
        torch.cpu._is_amx_tile_supported()
        or torch.cpu._is_avx512_bf16_supported()
    )
    large = decide(
        Options(device="cpu"), World(), Workload(1e12, True, 100)
    )
    assert large.precision == ("bf16" if able else "fp32")
    asked = decide(
        Options(device="cpu", precision="bf16", layout="contiguous"),
        World(),
        Workload(1e6, True, 100),
    )
    assert asked.precision == "bf16"
    assert not asked.channels_last


@pytest.mark.parametrize(
    ("said", "sharing", "launcher", "threads"),
    [
        ("1", 1, {}, 1),
        ("3", 1, {}, 3),
        ("3,1", 1, {}, 3),
        ("16", 1, {}, 8),
        ("", 1, {}, 8),
        ("many", 1, {}, 8),
        ("0", 1, {}, 8),
        ("1", 2, {}, 1),
        ("1", 2, {"TORCHELASTIC_RUN_ID": "none"}, 4),  # which nobody wrote
        ("2", 2, {"TORCHELASTIC_RUN_ID": "none"}, 2),
    ],
)
def test_the_environment_limits_threads(
    said: str,
    sharing: int,
    launcher: dict[str, str],
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "os.sched_getaffinity", lambda _: set(range(8)), raising=False
    )
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    for name, value in {"OMP_NUM_THREADS": said, **launcher}.items():
        monkeypatch.setenv(name, value)
    world = World(size=sharing, sharing=sharing)
    assert (
        decide(
            Options(device="cpu"), world, Workload(1e12, True, 100)
        ).threads
        == threads
    )
    assert (
        decide(
            Options(device="cpu"), world, Workload(1e6, True, 100)
        ).threads
        == 1
    )
    assert (
        decide(
            Options(device="cpu", threads=5),
            world,
            Workload(1e12, True, 100),
        ).threads
        == 5
    )


@pytest.mark.parametrize(
    ("device", "kind"),
    [("cuda", MissingError), ("mps", MissingError), ("tpu", UsageError)],
)
def test_a_device_that_is_not_there_is_said(
    device: str, kind: type[Exception]
) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(kind, match=f"--device {device}"):
        decide(Options(device=device), World(), Workload(1.0, True, 1))


def test_a_forecast_costs_nothing_and_says_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = forecast(
        small_plan.plan("digits", blocks=1), options=Options(threads=1)
    )
    assert (found.steps, found.images, found.batch) == (660, 1438, 64)
    assert 0.1 < found.seconds < 600
    assert {
        "device",
        "precision",
        "layout",
        "compile",
        "batch",
        "steps",
        "memory",
        "time",
    } <= {line.split()[0] for line in found.text().splitlines()}
    assert not list(tmp_path.iterdir())


def test_runs_side_by_side_show_what_differs(tmp_path: Path) -> None:
    infos = []
    for name, lr in (("a", 0.1), ("b", 0.2)):
        with create(name, tmp_path / name) as run:
            recipe = {
                "optimizer": {
                    "lr": lr,
                    "nesterov": lr < 0.15,
                    "no_decay": ["norm"] * int(10 * lr),
                },
                "about": name,
            }
            run.write(
                "run.json",
                json.dumps(
                    {"name": name, "status": "running", "recipe": recipe}
                ),
            )
        infos.append(read_run(tmp_path / name))
    assert differences(infos) == {
        "optimizer.lr": ["0.1", "0.2"],
        "optimizer.nesterov": ["true", "false"],
        "optimizer.no_decay": ["[norm]", "[norm, norm]"],
    }
    assert [info.status for info in infos] == ["interrupted"] * 2


def test_runs_can_be_listed_without_torch() -> None:
    code = "import sys, resgraph.train.run.listing; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ, check=False
        ).returncode
        == 0
    )


def test_a_second_signal_stops_at_once() -> None:
    # a shell's background job ignores it
    before = signal.getsignal(signal.SIGINT)
    with catching_signals() as request:
        signal.raise_signal(signal.SIGINT)
        assert request.number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_hears_nothing_and_breaks_nothing() -> None:
    numbers: list[int] = []

    def listen() -> None:
        with catching_signals() as request:
            numbers.append(request.number)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert numbers == [0]


@pytest.mark.slow
def test_the_time_told_is_near_the_time_taken(tmp_path: Path) -> None:
    data = {"set": "synthetic", "samples": 640, "validation": 64}
    plan = small_plan.plan(
        {"recipe": "synthetic", "data": data, "epochs": 10, "batch": 64}
    )
    threads = torch.get_num_threads()
    forecast(plan, options=Options(threads=threads + 1))
    assert torch.get_num_threads() == threads
    told = forecast(plan, options=Options(threads=1)).seconds
    taken = build(
        plan, out=tmp_path / "run", options=Options(threads=1)
    ).seconds
    assert 0.4 < taken / told < 2.5
