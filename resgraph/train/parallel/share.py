"""Several runs on one machine → what of it each of them uses."""

from __future__ import annotations

import os

from msgspec.structs import replace

from ..options import Options


def share_of_machine(options: Options, place: int, count: int) -> Options:
    """The options of run `place` among `count` at a time: a GPU of its own, or its share of the
    cores."""
    import torch  # what only reads runs needs none of it

    if options.device in ("auto", "cuda") and torch.cuda.is_available():
        return replace(
            options, device=f"cuda:{place % torch.cuda.device_count()}"
        )
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else 1
    )
    return replace(
        options, threads=options.threads or max(1, cores // count)
    )
