"""What is decided from a machine, and how torch is configured for it; a GPU is one in words only."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from resgraph.errors import MissingError, UsageError
from resgraph.plan import loads
from resgraph.train import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import narrow_filters
from resgraph.train.settings.backends import configure_backends
from resgraph.train.settings.decide import Decisions, Workload, decide


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine of eight H200, by what it says; torch's settings are as before afterwards."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(
        torch.cuda, "get_device_name", lambda index: "NVIDIA H200"
    )
    monkeypatch.setattr(
        torch.cuda, "get_device_capability", lambda device: (9, 0)
    )
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    # it has compilers
    monkeypatch.setattr(
        "resgraph.train.settings.decide.missing_tools", lambda _: ""
    )
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    yield
    torch.use_deterministic_algorithms(False)


def decided(
    options: Options,
    world: World | None = None,
    steps: int = 90_000,
    *,
    sync_bn: bool = False,
) -> Decisions:
    work = Workload(1e12, steps=steps, sync_bn=sync_bn)
    return decide(options, world or World(), work)


def said(decisions: Decisions, what: str) -> tuple[str, str]:
    (found,) = [
        (choice, why)
        for name, choice, why in decisions.reasons
        if name == what
    ]
    return found


def test_a_long_run_on_a_gpu_is_compiled_bf16_and_exact(gpu: None) -> None:
    found = decided(Options())
    assert (found.device, found.precision, found.channels_last) == (
        torch.device("cuda", 0),
        "bf16",
        True,
    )
    assert (found.compile, found.fused, found.deterministic) == (
        True,
        True,
        True,
    )
    assert said(found, "algorithms") == (
        "deterministic",
        "a resume is bitwise reproducible; off may be faster",
    )
    assert not decided(Options(), steps=100).compile


def test_sync_batch_norm_is_not_compiled_unless_asked(gpu: None) -> None:
    world = World(3, 8, 3, sharing=8)
    assert decided(Options(), world).compile
    found = decided(Options(), world, sync_bn=True)
    assert not found.compile
    assert "SyncBatchNorm" in said(found, "compile")[1]
    assert decided(Options(compile="on"), world, sync_bn=True).compile
    assert decided(Options(), sync_bn=True).compile, (
        "one process has nobody to talk to"
    )


def test_batch_norms_that_cannot_talk_are_refused_before_the_first_step() -> (
    None
):
    with pytest.raises(
        UsageError,
        match=r"train\.sync_bn: .* 2 processes share cpu; take it out, or use GPUs",
    ):
        decided(
            Options(device="cpu"), World(0, 2, 0, sharing=2), sync_bn=True
        )
    assert (
        decided(Options(device="cpu"), sync_bn=True).device.type == "cpu"
    ), "one process has nobody to talk to"


@pytest.mark.parametrize("exact", [True, False])
def test_torch_is_told(
    exact: bool, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    found = decided(Options(deterministic="on" if exact else "off"))
    configure_backends(found)
    assert torch.are_deterministic_algorithms_enabled() is exact
    assert torch.backends.cudnn.benchmark is not exact
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert found.used()["deterministic"] == ("on" if exact else "off")


@pytest.mark.parametrize("device", ["cpu:9", "cuda:x", "mps:1", "gpu"])
def test_devices_that_are_none(device: str) -> None:
    with pytest.raises(
        (UsageError, MissingError), match=f"--device {device}"
    ):
        decide(Options(device=device), World(), Workload(1e6, True, 10))


def test_threads_that_would_end_the_process_are_refused() -> None:
    assert decided(Options(device="cpu", threads=1_024)).threads == 1_024
    with pytest.raises(UsageError, match="at most 1,024"):
        decided(Options(device="cpu", threads=1_025))


@pytest.mark.parametrize(
    ("able", "narrow", "layout"),
    [
        ("AVX2", False, "channels-last"),
        ("AVX2", True, "contiguous"),
        ("AVX512", True, "channels-last"),
    ],
)
def test_narrow_strided_filters_stay_out_of_an_unsafe_layout(
    able: str, narrow: bool, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On AVX2, torch's gradient of them writes beyond its memory in channels-last."""
    monkeypatch.setattr(
        torch.backends.cpu, "get_cpu_capability", lambda: able
    )
    work, cpu = Workload(1e6, narrow=narrow), Options(device="cpu")
    found = decide(cpu, World(), work)
    assert said(found, "layout")[0] == layout
    asked = Options(device="cpu", layout="channels-last")
    if layout == "contiguous":
        with pytest.raises(UsageError, match="8 does not divide"):
            decide(asked, World(), work)
    else:
        assert decide(asked, World(), work).channels_last


@pytest.mark.parametrize(
    ("width", "row", "narrow"),
    [
        (4, "basic 8 /2", True),
        (8, "basic 16 /2", False),
        (4, "basic 8 /2 shortcut zero-pad", False),
        (4, "basic 8", False),
    ],
)
def test_a_net_with_narrow_strided_filters(
    width: int, row: str, narrow: bool
) -> None:
    text = f"input: 3x8x8\nnet: {{a: 3x3 conv {width}, b: {row}, c: [global avg pool, fc 3]}}"
    assert narrow_filters(loads(f"name: a\n{text}\n")) == narrow
