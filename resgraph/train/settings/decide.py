"""A plan, its recipe, the machine and the options → what will be used, and why: device, precision,
layout, compile."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager

import torch
from msgspec.structs import replace

from ...counting import counted
from ...errors import MissingError, UsageError
from ...structs import Frozen
from ..options import Options
from ..parallel.distributed import World, own_gpu
from .compilers import missing_tools

Reason = tuple[str, str, str]
"""What is decided, the choice, and why."""
Decision = tuple[str, str]
"""What is chosen, and why."""

SMALL_STEP = 0.3e9
"""Multiply-adds of a step's forward pass under which bf16 saves nothing.

Measured on a CPU with AMX, one thread, channels-last, milliseconds of a step in fp32 and bf16: 0.05
G 20.0 and 19.5; 0.65 G 171 and 92; 5.2 G 472 and 211; 14.5 G 843 and 314."""
MOST_THREADS = 1_024
"""Threads of torch: where tens of thousands are asked for, its OpenMP library ends the process."""
COMPILE_PAYS = 5_000
"""Steps from which compiling, which takes a minute or so, pays for itself on a GPU."""


class Decisions(Frozen):
    """What the run uses. `reasons` says each choice in words."""

    device: torch.device
    precision: str  # fp32, bf16 or fp16
    channels_last: bool
    compile: bool
    fused: bool
    workers: int
    threads: int
    reasons: tuple[Reason, ...]
    memory: int = 0  # bytes of a step, by estimate
    # blocks that are recomputed in the backward pass
    checkpointed: tuple[str, ...] = ()
    deterministic: bool = True  # bitwise reproducible, on a GPU too
    # weights, gradients and optimizer state are divided among the processes
    sharded: bool = False

    @property
    def half(self) -> bool:
        """Whether activations have two bytes."""
        return self.precision != "fp32"

    @property
    def sum_type(self) -> torch.dtype:
        """What losses are added up in."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def used(self) -> dict[str, str | int]:
        """What a resume must use again to be bitwise reproducible, as `Options` say it."""
        return {
            "precision": self.precision,
            "layout": "channels-last"
            if self.channels_last
            else "contiguous",
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
            first,
            device=self.device,
            workers=self.workers,
            threads=self.threads,
        )

    def autocast(self) -> AbstractContextManager[None]:
        """The context of a forward pass."""
        kind = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(
            self.device.type, dtype=kind, enabled=self.half
        )


class Workload(Frozen):
    """What is asked of the device: `macs` counts the multiply-adds of one step's forward pass on
    this rank, `steps` those of the run, None where its images are not counted. `fusible` says that
    torch can fuse the optimizer's step, `narrow` that the net has a 1x1 convolution with a stride
    which reads channels that 8 does not divide."""

    macs: float
    images: bool = True
    steps: int | None = 1
    sync_bn: bool = False
    fusible: bool = True
    narrow: bool = False


def decide(options: Options, world: World, work: Workload) -> Decisions:
    """Raises `UsageError` where an option cannot be had, `MissingError` where the device is not
    there."""
    device, why = _device(options, world)
    kind, sync_bn = device.type, work.sync_bn and world.size > 1
    if sync_bn and kind != "cuda":
        raise _no_sync_bn(world, kind)
    made = {"device": (str(device), why)}
    made["precision"] = _precision(options, device, work.macs)
    half = made["precision"][0] != "fp32"
    made["layout"] = _layout(options, kind, half, work)
    made["compile"] = _compile(options, kind, work.steps, sync_bn=sync_bn)
    if kind == "cuda":
        made["algorithms"] = _algorithms(options)
    made["optimizer"] = _optimizer(work, kind)
    share = max(1, _cores() // world.sharing)
    threads, why = _threads(options, world, work.macs, share)
    if kind == "cpu":
        made["threads"] = (
            counted(threads, "thread"),
            why,
        )
    choice = {what: chosen for what, (chosen, _) in made.items()}
    return Decisions(
        device=device,
        precision=choice["precision"],
        channels_last=choice["layout"] == "channels-last",
        compile=choice["compile"] == "compiled",
        fused=choice["optimizer"] == "fused",
        workers=min(8, share)
        if options.workers is None
        else options.workers,
        threads=threads,
        reasons=tuple((what, *decision) for what, decision in made.items()),
        deterministic=kind != "cuda" or options.deterministic != "off",
    )


def _no_sync_bn(world: World, kind: str) -> UsageError:
    return UsageError(
        f"train.sync_bn: torch has it between GPUs only, and here {world.size} processes share"
        f" {kind}; take it out, or use GPUs"
    )


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(
    options: Options, world: World, macs: float, share: int
) -> tuple[int, str]:
    """Threads of torch, of a process with `share` cores.

    A small step runs on one thread: more would wait for one another (for 15 times as long, measured
    on two busy cores), and its numbers do not depend on how many cores a machine has."""
    if asked := options.threads:
        if asked > MOST_THREADS:
            raise UsageError(
                f"{asked:,} threads: at most {MOST_THREADS:,} can be; this machine has"
                f" {_cores()} cores"
            )
        return asked, "as asked"
    if macs < SMALL_STEP:
        return 1, "a step is too small to share"
    limit = _limit(world)
    if limit and limit < share:
        return limit, "OMP_NUM_THREADS says so"
    return share, "the cores of this process"


def _limit(world: World) -> int:
    """What OMP_NUM_THREADS allows, 0 where it says nothing.

    torchrun sets 1 by itself where it starts several processes, and leaves cores idle so: that is
    nobody's wish."""
    # a list has a number for each level
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if not first.isdecimal() or (
        first == "1"
        and world.sharing > 1
        and "TORCHELASTIC_RUN_ID" in os.environ
    ):
        return 0
    return int(first)


def _device(options: Options, world: World) -> tuple[torch.device, str]:
    name, why = options.device, "as asked"
    if name == "auto":
        name, why = _fastest_device(world)
    _need_device(name)
    return torch.device(
        "cuda", own_gpu(world)
    ) if name == "cuda" else torch.device(name), why


def _fastest_device(world: World) -> Decision:
    if torch.cuda.is_available():
        return "cuda", torch.cuda.get_device_name(own_gpu(world))
    if torch.backends.mps.is_available() and world.size == 1:
        return "mps", "Apple's GPU"
    return "cpu", "no GPU that torch can use"


def _need_device(name: str) -> None:
    """Raises where there is none of this name, or not on this machine."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise UsageError(
            f"--device {name}: known are auto, cpu, cuda, cuda:N, mps"
        )
    kind, _, number = name.partition(":")
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


def _precision(
    options: Options, device: torch.device, macs: float
) -> Decision:
    if options.precision != "auto":
        return options.precision, "as asked"
    if options.engine == "onnx":
        return "fp32", "what onnxruntime computes in"
    if device.type == "cuda":
        return _gpu_precision(torch.cuda.get_device_capability(device))
    if device.type != "cpu":
        return "fp32", f"bf16 is not worth it on {device.type}"
    if not (
        torch.cpu._is_amx_tile_supported()
        or torch.cpu._is_avx512_bf16_supported()
    ):
        return "fp32", "this CPU has no bf16 instructions"
    if macs < SMALL_STEP:
        size = f"a step of {macs / 1e9:.2g} G multiply-adds"
        return "fp32", f"{size} is too small for bf16 to pay"
    return "bf16", "AMX or AVX-512 takes bf16"


def _gpu_precision(capability: tuple[int, int]) -> Decision:
    if capability >= (8, 0):
        return "bf16", "tensor cores take bf16"
    why = "no bf16 before Ampere (8.0)"
    if capability >= (7, 0):
        return (
            "fp16",
            f"{why}, but tensor cores take fp16; the loss is scaled",
        )
    return "fp32", why


def _layout(
    options: Options, kind: str, half: bool, work: Workload
) -> Decision:
    # oneDNN 3.12, which torch 2.13 has, writes beyond its memory in the gradient of such filters
    # (jit_avx2_1x1_convolution_bwd_weights): memory is corrupted, or the process ends
    unsafe = (
        work.narrow
        and kind == "cpu"
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )
    if unsafe and options.layout == "channels-last":
        raise UsageError(
            "--layout channels-last: on a CPU without AVX-512, torch corrupts memory in the"
            " gradient of a strided 1x1 convolution whose input channels 8 does not divide, and"
            " this net has one; leave --layout out"
        )
    if options.layout != "auto":
        return options.layout, "as asked"
    if not work.images:
        return "contiguous", "vectors"
    if unsafe:
        return (
            "contiguous",
            "torch's channels-last is unsafe on this CPU for this net",
        )
    # cuDNN's kernels for fp32 are faster on contiguous images
    if kind == "cpu" or (kind == "cuda" and half):
        return "channels-last", "the convolutions' own layout here"
    return "contiguous", f"faster on {kind}"


def _algorithms(options: Options) -> Decision:
    if options.deterministic == "auto":
        return (
            "deterministic",
            "a resume is bitwise reproducible; off may be faster",
        )
    return (
        "the fastest"
        if options.deterministic == "off"
        else "deterministic",
        "as asked",
    )


def _optimizer(work: Workload, kind: str) -> Decision:
    if not work.fusible:
        return "for-each", "torch has no fused step of it"
    fused = kind in ("cuda", "cpu")
    return "fused" if fused else "for-each", f"what {kind} has"


def _compile(
    options: Options, kind: str, steps: int | None, *, sync_bn: bool
) -> Decision:
    if options.compile == "off":
        return "eager", "as asked"
    if options.compile == "on":
        if missing := missing_tools(kind):
            raise MissingError(
                f"compiling needs {missing}; --compile off trains without"
            )
        return "compiled", "as asked"
    if kind != "cuda":
        return "eager", f"compiling takes longer than it saves on {kind}"
    if sync_bn:
        return "eager", "SyncBatchNorm does not go into a graph"
    if steps is not None and steps < COMPILE_PAYS:
        return "eager", f"it does not pay within {counted(steps, 'step')}"
    if missing := missing_tools(kind):
        return "eager", f"it needs {missing}"
    if steps is None:
        return "compiled", "it pays, unless the images are few"
    return "compiled", f"it pays within {counted(steps, 'step')}"
