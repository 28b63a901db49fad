"""How a run is carried out, as the command line says it → `Options`; none of it changes what is
learned on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..structs import Frozen


class Options(Frozen):
    """Where, how fast and how often. "auto" and None are decided from the machine and the net, and
    reported with reasons."""

    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    layout: Literal["auto", "channels-last", "contiguous"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    # activation checkpointing: recompute blocks in the backward pass
    checkpointing: Literal["auto", "on", "off"] = "auto"
    # FSDP: divide the weights and their states among the processes
    sharding: Literal["auto", "on", "off"] = "auto"
    # bitwise reproducible, where a GPU has faster ways without
    deterministic: Literal["auto", "on", "off"] = "auto"
    # what runs the net in an evaluation or prediction
    engine: Literal["torch", "onnx", "auto"] = "torch"
    workers: int | None = None
    threads: int | None = None
    # where the images are, in place of the recipe's `data.path`
    data: Path | None = None
    # events in run/tensorboard, made from metrics.jsonl; None: as the run began
    tensorboard: bool | None = None
    # steps between checkpoints; None: at every evaluation
    save_every: int | None = None
    keep: int = 2  # checkpoints, at least 2
    force: bool = False  # replace an older run at the same place
    allow_change: bool = False  # resume with a changed recipe
    minutes: float | None = None  # stop there, evaluated and saved
