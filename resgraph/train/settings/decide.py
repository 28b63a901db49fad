"""A plan, its recipe, the machine and the options → what will be used, and why: device, precision,
layout, compile."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch

from ...errors import MissingError, UsageError
from ..options import Options
from ..parallel.distributed import World, own_gpu
from .compilers import missing_tools

Reason = tuple[str, str, str]
"""What is decided, the choice, and why."""

SMALL_STEP = 0.3e9
"""Multiply-adds of a step's forward pass under which bf16 saves nothing.

Measured on a CPU with AMX, one thread, channels-last, milliseconds of a step in fp32 and bf16: 0.05
G 20.0 and 19.5; 0.65 G 171 and 92; 5.2 G 472 and 211; 14.5 G 843 and 314."""
MOST_THREADS = 1_024
"""Threads of torch: where tens of thousands are asked for, its OpenMP library ends the process."""
COMPILE_PAYS = 5_000
"""Steps from which compiling, which takes a minute or so, pays for itself on a GPU."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the run uses. `reasons` says each choice in words."""

    device: torch.device
    bf16: bool
    channels_last: bool
    compile: bool
    fused: bool
    workers: int
    threads: int
    reasons: tuple[Reason, ...]
    fp16: bool = False
    memory: int = 0  # bytes of a step, by estimate
    checkpointed: tuple[
        str, ...
    ] = ()  # blocks that are recomputed in the backward pass
    deterministic: bool = True  # bitwise reproducible, on a GPU too
    sharded: bool = (
        False  # weights, gradients and optimizer state are divided among the processes
    )

    @property
    def half(self) -> bool:
        """Whether activations have two bytes."""
        return self.bf16 or self.fp16

    @property
    def sum_type(self) -> torch.dtype:
        """What losses are added up in."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def used(self) -> dict[str, str | int]:
        """What a resume must use again to be bitwise reproducible, as `Options` say it."""
        return {
            "precision": "bf16" if self.bf16 else "fp16" if self.fp16 else "fp32",
            "layout": "channels-last" if self.channels_last else "contiguous",
            "compile": "on" if self.compile else "off",
            "threads": self.threads,
            "deterministic": "on" if self.deterministic else "off",
            "sharding": "on" if self.sharded else "off",
        }

    def agreed(self, world: World) -> Decisions:
        """What the first rank decided for itself, so that all do the same; each keeps its device
        and its processes."""
        first: Decisions = world.share(self)
        return replace(
            first, device=self.device, workers=self.workers, threads=self.threads
        )

    def autocast(self) -> AbstractContextManager[None]:
        """The context of a forward pass."""
        kind = torch.float16 if self.fp16 else torch.bfloat16
        return torch.autocast(self.device.type, dtype=kind, enabled=self.half)


def decide(
    options: Options,
    world: World,
    step_macs: float,
    images: bool,
    steps: int | None,
    *,
    sync_bn: bool = False,
    fusible: bool = True,
) -> Decisions:
    """`step_macs` counts the multiply-adds of one step's forward pass on this rank; `steps` the
    steps of the run, None where its images are not counted. `sync_bn` says that batch norms are
    SyncBatchNorm, `fusible` that torch can fuse the optimizer's step.

    Raises `UsageError` where an option cannot be had, `MissingError` where the device is not there.
    """
    device, reasons = _device(options, world)
    if sync_bn and world.size > 1 and device.type != "cuda":
        raise UsageError(
            f"train.sync_bn: torch has it between GPUs only, and here {world.size} processes share"
            f" {device.type}; take it out, or use GPUs"
        )
    precision = _precision(options, device, step_macs, reasons)
    bf16, fp16 = precision == "bf16", precision == "fp16"
    layout = _layout(options, device, bf16 or fp16, images, reasons)
    compiled = _compile(
        options, device, steps, reasons, sync_bn=sync_bn and world.size > 1
    )
    deterministic = _deterministic(options, device, reasons)
    fused = fusible and device.type in ("cuda", "cpu")
    why = f"what {device.type} has" if fusible else "torch has no fused step of it"
    reasons.append(("optimizer", "fused" if fused else "for-each", why))
    threads, workers = _threads(options, device, world, step_macs, reasons)
    return Decisions(
        device,
        bf16,
        layout,
        compiled,
        fused,
        workers,
        threads,
        tuple(reasons),
        fp16,
        deterministic=deterministic,
    )


def _threads(
    options: Options,
    device: torch.device,
    world: World,
    step_macs: float,
    reasons: list[Reason],
) -> tuple[int, int]:
    """Threads of torch and processes that decode.

    A small step runs on one thread: more would wait for one another (for 15 times as long, measured
    on two busy cores), and its numbers do not depend on how many cores a machine has."""
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    share = max(1, cores // world.sharing)
    limit = _limit(world)
    if options.threads and options.threads > MOST_THREADS:
        raise UsageError(
            f"{options.threads:,} threads: at most {MOST_THREADS:,} can be; this machine has"
            f" {cores} cores"
        )
    if options.threads:
        threads, why = options.threads, "as asked"
    elif step_macs < SMALL_STEP:
        threads, why = 1, "a step is too small to share"
    elif limit and limit < share:
        threads, why = limit, "OMP_NUM_THREADS says so"
    else:
        threads, why = share, "the cores of this process"
    if device.type == "cpu":
        reasons.append(
            ("threads", f"{threads} thread{'s' if threads > 1 else ''}", why)
        )
    return threads, min(8, share) if options.workers is None else options.workers


def _limit(world: World) -> int:
    """What OMP_NUM_THREADS allows, 0 where it says nothing.

    torchrun sets 1 by itself where it starts several processes, and leaves cores idle so: that is
    nobody's wish."""
    # a list has a number for each level
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if not first.isdecimal() or (
        first == "1" and world.sharing > 1 and "TORCHELASTIC_RUN_ID" in os.environ
    ):
        return 0
    return int(first)


def _device(options: Options, world: World) -> tuple[torch.device, list[Reason]]:
    name, why = options.device, "as asked"
    if name == "auto":
        if torch.cuda.is_available():
            name, why = "cuda", torch.cuda.get_device_name(own_gpu(world))
        elif torch.backends.mps.is_available() and world.size == 1:
            name, why = "mps", "Apple's GPU"
        else:
            name, why = "cpu", "no GPU that torch can use"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (
        number and (kind != "cuda" or not number.isdecimal())
    ):
        raise UsageError(f"--device {name}: known are auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and not torch.cuda.is_available():
        raise MissingError(
            "--device cuda: this torch sees no CUDA device; install a CUDA build, or leave"
            " --device out"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise MissingError("--device mps: this torch sees no Apple GPU")
    if number and int(number) >= torch.cuda.device_count():
        raise MissingError(
            f"--device {name}: this machine has {torch.cuda.device_count()} GPUs, counted from 0"
        )
    device = (
        torch.device("cuda", own_gpu(world)) if name == "cuda" else torch.device(name)
    )
    return device, [("device", str(device), why)]


def _precision(
    options: Options, device: torch.device, step_macs: float, reasons: list[Reason]
) -> str:
    if options.precision != "auto":
        reasons.append(("precision", options.precision, "as asked"))
        return options.precision
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        able = capability >= (8, 0)
        why = "tensor cores take bf16" if able else "no bf16 before Ampere (8.0)"
        if (7, 0) <= capability < (8, 0):
            reasons.append(
                (
                    "precision",
                    "fp16",
                    f"{why}, but tensor cores take fp16; the loss is scaled",
                )
            )
            return "fp16"
    elif device.type == "cpu":
        able = (
            torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        )
        why = (
            "AMX or AVX-512 takes bf16" if able else "this CPU has no bf16 instructions"
        )
        if able and step_macs < SMALL_STEP:
            able, why = (
                False,
                f"a step of {step_macs / 1e9:.2g} G multiply-adds is too small for bf16 to pay",
            )
    else:
        able, why = False, f"bf16 is not worth it on {device.type}"
    reasons.append(("precision", "bf16" if able else "fp32", why))
    return "bf16" if able else "fp32"


def _layout(
    options: Options,
    device: torch.device,
    half: bool,
    images: bool,
    reasons: list[Reason],
) -> bool:
    if options.layout != "auto":
        reasons.append(("layout", options.layout, "as asked"))
        return options.layout == "channels-last"
    good = images and (device.type == "cpu" or (device.type == "cuda" and half))
    why = (
        "the convolutions' own layout here"
        if good
        else f"faster on {device.type}"
        if images
        else "vectors"
    )
    reasons.append(("layout", "channels-last" if good else "contiguous", why))
    return good


def _deterministic(
    options: Options, device: torch.device, reasons: list[Reason]
) -> bool:
    if device.type != "cuda":
        return True
    good = options.deterministic != "off"
    why = (
        "as asked"
        if options.deterministic != "auto"
        else "a resume is bitwise reproducible; off may be faster"
    )
    reasons.append(("algorithms", "deterministic" if good else "the fastest", why))
    return good


def _compile(
    options: Options,
    device: torch.device,
    steps: int | None,
    reasons: list[Reason],
    *,
    sync_bn: bool,
) -> bool:
    if options.compile == "on" and (missing := missing_tools(device.type)):
        raise MissingError(f"compiling needs {missing}; --compile off trains without")
    if options.compile != "auto":
        reasons.append(
            ("compile", "compiled" if options.compile == "on" else "eager", "as asked")
        )
        return options.compile == "on"
    good = (
        device.type == "cuda"
        and (steps is None or steps >= COMPILE_PAYS)
        and not sync_bn
    )
    if device.type == "cuda" and sync_bn:
        why = "SyncBatchNorm does not go into a graph"
    elif device.type == "cuda" and steps is None:
        why = "it pays, unless the images are few"
    elif device.type == "cuda":
        why = f"{steps:,} steps {'pay' if good else 'do not pay'} for it"
    else:
        why = f"compiling takes longer than it saves on {device.type}"
    if good and (missing := missing_tools(device.type)):
        good, why = False, f"it needs {missing}"
    reasons.append(("compile", "compiled" if good else "eager", why))
    return good
