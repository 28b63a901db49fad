"""`pytest --update-golden` rewrites the texts of `tests/golden/` that the tests compare whole."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from time import monotonic

import pytest
from _pytest.runner import runtestprotocol
from alike import alike_rows

# small tensors, and other tests beside: threads only wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Images of containers set it. Else each process that a test starts compiles the package again, and
# each worker all tests: half of their time to start.

GOLDEN = Path(__file__).parent / "golden"


os.fsync = lambda _: None  # type: ignore[assignment]
# What a test writes need not outlast the machine, and a wait for the disk is some milliseconds: a run of training waits
# for thirty. Processes that tests start and kill do wait.


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: tests wait a fifth of their time, most for processes that they started."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/golden/ with what comes out now",
    )


COLLECTED = pytest.StashKey[set[str]]()
"""The names of all tests, before some are left out."""


@pytest.fixture
def collected(pytestconfig: pytest.Config) -> set[str]:
    return pytestconfig.stash[COLLECTED]


HANG = 600
"""Seconds of a test after which it is said where it stands, and not only that CI did not end."""
WATCH = {"begun": -60.0, "stderr": 2}


def pytest_configure() -> None:
    """Nothing is captured yet."""
    WATCH["stderr"] = os.dup(2)


def pytest_runtest_setup() -> None:
    """Pytest's own watch, `faulthandler_timeout`, begins and ends a thread for each test, and waits for its end: some
    milliseconds for each of thousands where cores are busy. This one begins anew each minute."""
    if monotonic() - WATCH["begun"] > 60:
        WATCH["begun"] = monotonic()
        faulthandler.dump_traceback_later(HANG, file=int(WATCH["stderr"]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> bool | None:
    """A worker would send five messages for each test, and say for four of them that nothing happened: half of what
    pytest takes for a small test. What took long is told, for `--durations`."""
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if (
            report.when == "call"
            or not report.passed
            or report.duration > 0.005
        ):
            item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end, a million objects: they are not looked through again. What outlives one look
    mostly stays, too, and is looked through a second time ten times less often than by default."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.set_threshold(10_000, 100)
    gc.enable()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    config.stash[COLLECTED] = {item.nodeid for item in items}
    if not any("::" in asked for asked in config.args):
        _mark_alike(items)
    _one_table(items)


def _mark_alike(items: list[pytest.Item]) -> None:
    """Rows that `tests/alike.py` found; what it has not seen, or what is asked for by name, is run."""
    alike = alike_rows()
    for item in items:
        if item.nodeid in alike:
            item.add_marker(pytest.mark.alike)


def _one_table(items: list[pytest.Item]) -> None:
    """Torch reads its table of ONNX's functions anew for each export, which takes 0.4 s, and looks up all operations of
    each of its thirty namespaces for each of these, 0.2 s: once is enough."""
    if not any("onnx" in item.nodeid for item in items):
        return
    with suppress(ImportError):
        made = import_module(
            "torch.onnx._internal.exporter._registration"
        ).ONNXRegistry
        made.from_torchlib = staticmethod(cache(made.from_torchlib))
        export = import_module("torch._export.utils")
        export._materialize_cpp_cia_ops = cache(
            export._materialize_cpp_cia_ops
        )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("source/resnet-20.py", text)` compares a text with the file of that name, or writes it."""
    update = request.config.getoption("--update-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), (
            f"no {path}: run `pytest --update-golden` and read what it wrote"
        )
        assert text == path.read_text(encoding="utf-8")

    return compare
