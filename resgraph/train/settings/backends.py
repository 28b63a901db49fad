"""Decisions → the settings that torch has for a whole process: its threads, and which algorithms a
GPU may use."""

from __future__ import annotations

import os

import torch

from .decide import Decisions


def configure_backends(decisions: Decisions) -> None:
    """For training. Where it is to be bitwise reproducible, operators without a deterministic
    algorithm warn, by name."""
    torch.set_num_threads(decisions.threads)
    if decisions.device.type == "cuda":
        # of cuBLAS, without which its sums vary
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = not decisions.deterministic
        torch.use_deterministic_algorithms(
            decisions.deterministic, warn_only=True
        )
        # a help for finding bugs, which takes time
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
