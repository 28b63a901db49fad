"""The processes of a run, and the few collective operations that training needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from msgspec.structs import asdict
from torch import Tensor, nn
from torch import distributed as dist

from ...collecting import flatten
from ...errors import MissingError, ResgraphError, TrainingError, UsageError
from ..signals import StoppedError
from .launch import Launch, find_host, launched

TIMEOUT = timedelta(minutes=10)
CPU = torch.device("cpu")


class World(Launch):
    """This process among all, as its launcher says, and the collective operations among them."""

    @classmethod
    def of(cls, launch: Launch) -> World:
        """The world of a launcher."""
        return cls(**asdict(launch))

    @property
    def first(self) -> bool:
        """Rank 0, which writes and reports."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum of `values` over all ranks."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def largest(self, value: int, device: torch.device) -> int:
        """The largest `value` of all ranks: how they agree to stop."""
        if self.size == 1:
            return value
        flag = torch.tensor([value], device=device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return int(flag.item())

    def gather(self, values: Tensor) -> Tensor:
        """(n,) of each rank → (ranks, n), everywhere."""
        if self.size == 1:
            return values[None]
        parts = [torch.empty_like(values) for _ in range(self.size)]
        dist.all_gather(parts, values)
        return torch.stack(parts)

    def share(self, value: Any) -> Any:
        """The first rank's value, everywhere."""
        if self.size == 1:
            return value
        box = [value]
        # a state may be more than what a GPU has left
        dist.broadcast_object_list(box, src=0, device=CPU)
        return box[0]

    def collect(self, values: list[str]) -> list[str]:
        """What all ranks have to say, in their order, everywhere."""
        if self.size == 1:
            return values
        parts: list[list[str]] = [[] for _ in range(self.size)]
        dist.all_gather_object(parts, values)
        return [*flatten(parts)]

    def same_buffers(self, net: nn.Module) -> None:
        """Gives every rank the first one's buffers (batch norm's running statistics)."""
        if self.size > 1:
            for buffer in net.buffers():
                dist.broadcast(buffer, src=0)

    def leave(self, *, together: bool = True) -> None:
        """Ends the group, after all have come to this point (where no one was lost).

        Gloo's threads need Python's lock to let go of their last tensors, and whoever drops the
        group joins them with that lock in hand: a deadlock, were they not given a moment with the
        lock free."""
        if self.size > 1 and dist.is_initialized():
            if together:
                dist.all_reduce(torch.zeros(1))  # all have come
            time.sleep(0.1)
            dist.destroy_process_group()


@contextmanager
def process_group(
    environment: Mapping[str, str],
    device: str,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[World]:
    """The world for as long as the block lasts. Where another process is lost, a `TrainingError`
    says so."""
    world = join(environment, device, say)
    try:
        try:
            yield world
        except StoppedError:
            world.leave()  # all ranks stop at the same step
            raise
        world.leave()
    except RuntimeError as error:
        if world.size == 1 or not is_lost(error):
            raise
        reason = str(error).splitlines()[0][:200]
        world.leave(together=False)
        raise TrainingError(
            f"process {world.rank} lost the others ({reason}); what was saved is good"
        ) from error


def is_lost(error: BaseException) -> bool:
    """Whether it is another process that is missing, by what gloo and NCCL say."""
    if not dist.is_available() or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, dist.DistError) or any(
        word in str(error) for word in ("gloo", "NCCL")
    )


def join(
    environment: Mapping[str, str],
    device: str,
    say: Callable[[str], None] = lambda _: None,
) -> World:
    """Joins the other processes: NCCL for what is on GPUs, gloo for the rest.

    Raises `UsageError` where they cannot meet where the environment says, `TrainingError` where the
    others do not come."""
    world = World.of(launched(environment))
    if world.size == 1:
        return world
    if not dist.is_available():
        raise MissingError(
            "this torch was built without torch.distributed; one process is all it can do"
        )
    backend = "gloo"
    if device in ("auto", "cuda") and torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        # what NCCL takes where no tensor says it: barriers, shared objects
        torch.cuda.set_device(own_gpu(world))
    elif device.startswith("cuda:"):
        raise UsageError(
            f"--device {device} is one GPU for {world.size} processes; --device cuda gives each"
            " its own"
        )
    find_host(world, say)
    try:
        store = _store(world)
        dist.init_process_group(
            backend,
            store=store,
            rank=world.rank,
            world_size=world.size,
            timeout=TIMEOUT,
        )
    except (RuntimeError, ValueError) as error:
        raise _rendezvous_failed(world, error) from error
    return world


def _store(found: Launch) -> Any:
    """Where the processes learn of each other. The one of torchrun lives on when they are started
    again, with all that dead ones wrote: so each attempt has names of its own in it."""
    server = found.rank == 0 and not found.hosting
    store = dist.TCPStore(  # type: ignore[attr-defined]
        found.host,
        found.port,
        found.size,
        is_master=server,
        timeout=TIMEOUT,
        multi_tenant=True,
    )
    return dist.PrefixStore(f"attempt {found.attempt}", store)  # type: ignore[attr-defined]


def _rendezvous_failed(found: Launch, error: Exception) -> ResgraphError:
    """Why the processes did not come together."""
    reason = (
        str(error).splitlines()[0][:200]
        if str(error)
        else type(error).__name__
    )
    place = f"{found.host}:{found.port}"
    if (
        "EADDRINUSE" in reason
        or "address already in use" in str(error).lower()
    ):
        return UsageError(
            f"port {found.port}, where the processes are to meet, is in use by another program; set"
            " MASTER_PORT to a free one, for all of them alike"
        )
    if "timed out" in str(error).lower() or "timeout" in str(error).lower():
        return TrainingError(
            f"process {found.rank} of {found.size} waited at {place} for the others, which did not"
            f" come ({reason}); look at their output, and whether MASTER_ADDR and MASTER_PORT are"
            " the same for all"
        )
    return UsageError(
        f"process {found.rank} of {found.size} cannot meet the others at {place} ({reason})"
    )


def own_gpu(world: World) -> int:
    """The GPU of this process on its machine: by its number there, or the only one that its
    launcher lets it see."""
    count = torch.cuda.device_count()
    if world.local < count or count == 1:
        return min(world.local, count - 1)
    raise UsageError(
        f"process {world.local} of this machine finds {count} GPUs; start as many processes as GPUs"
    )
