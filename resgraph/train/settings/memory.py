"""A plan, its recipe and the decisions → the bytes of a step on each device, and the blocks whose
activations must be checkpointed for it to fit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import accumulate
from operator import attrgetter

import torch
from msgspec.structs import replace

from ...collecting import all_of_type, by_key, each_name
from ...errors import UsageError
from ...graph import Graph, Item, Layer, Path
from ...language.recipe import Train
from ...passes.fine_tune.matrices import matrix_layers
from ...passes.memory import kept_numbers, kept_outputs
from ...plan import Plan
from ...structs import Frozen
from ..options import Options
from .decide import Decisions, Reason

ROOM = 0.85
"""The share of a device's memory that a step may fill by estimate; workspaces and the allocator
want the rest."""


class BlockMemory(Frozen):
    """What recomputing one block does, for one image: numbers not kept, numbers that come back
    meanwhile, macs.

    `before` counts the numbers kept of what stands before it, which are all that is left when its
    turn comes."""

    name: str
    kind: str  # blocks of one kind are recomputed all or none
    before: int
    saved: int
    held: int
    macs: int


def with_memory_plan(
    decisions: Decisions,
    plan: Plan,
    train: Train,
    options: Options,
    world: int,
    resident: int,
) -> Decisions:
    """The decisions with `memory`, the estimate in bytes, `checkpointed`, the names of blocks, and
    `sharded`.

    `resident` is the bytes of images that stay on the device. In `auto`, blocks are recomputed only
    where the step would not fit, and the net is sharded only where that is not enough. Raises
    `UsageError` where nothing can be recomputed and it is asked for."""
    weights = _weight_bytes(plan, train)
    room = memory_limit(decisions.device)
    images = max(1, train.batch // world // train.accumulate)
    step = _Step(plan, options.checkpointing, images, room)
    whole = step.checkpointed(decisions, weights + resident)
    _need_shares(train, options)
    wanted, why = options.sharding == "on", "as asked"
    if options.sharding == "auto" and whole.memory > room:
        wanted = train.optimizer.shardable
        why = f"{size_text(whole.memory)} do not fit in {size_text(room)}"
    if world == 1 or not wanted:
        return replace(
            whole, reasons=whole.reasons + _unsharded(options, world)
        )
    fixed = weights // world + 2 * 4 * _largest(plan) + resident
    shared = step.checkpointed(
        replace(decisions, sharded=True, fused=False), fixed
    )
    return replace(shared, reasons=_sharded(shared.reasons, why))


def _weight_bytes(plan: Plan, train: Train) -> int:
    """Of the weights, their gradients, what the optimizer keeps, and an average."""
    graph = plan.graph
    inside = sum(
        graph.nodes[name].cost.params for name in matrix_layers(graph)
    )
    kept = train.optimizer.kept(plan.params, inside)
    return 4 * (plan.params * (2 + (train.ema is not None)) + kept)


def _need_shares(train: Train, options: Options) -> None:
    """Raises `UsageError` where a net is to be sharded and its optimizer needs whole weights."""
    if options.sharding == "on" and not train.optimizer.shardable:
        raise UsageError(
            f"--sharding on: `optimizer: {train.optimizer.name}` steps by whole weights, and not by"
            " shares of them; take sgd or adamw, or leave it out"
        )


def _sharded(reasons: tuple[Reason, ...], why: str) -> tuple[Reason, ...]:
    """What was decided, where each process holds its share of the net."""
    unfused = (
        "optimizer",
        "for-each",
        "the fused ones of torch take no shares",
    )
    others = [unfused if r[0] == "optimizer" else r for r in reasons]
    sharding = (
        "sharding",
        "on",
        f"{why}: each process holds its share of the net",
    )
    return (*others, sharding)


def _unsharded(options: Options, world: int) -> tuple[Reason, ...]:
    """Why each process holds all; nothing where that goes without saying."""
    why = "as asked" if options.sharding == "off" else "each holds all"
    if world == 1:
        if options.sharding != "on":
            return ()
        why = "one process holds all"
    return (("sharding", "off", why),)


class _Step(Frozen):
    """A training step of so many `images` on a device with so much `room`."""

    plan: Plan
    asked: str
    images: int
    room: int

    def checkpointed(self, decisions: Decisions, fixed: int) -> Decisions:
        """With the blocks to checkpoint. `fixed` is the bytes that do not depend on the images of a
        step."""
        number = self.images * (2 if decisions.half else 4)
        room, kept = self.room, _kept(self.plan.graph)
        whole = fixed + kept * number
        if why := self._unneeded(whole):
            return _decided(decisions, whole, (), why)
        blocks = blocks_in(self.plan.graph)
        if not blocks:
            return _decided(decisions, whole, (), self._impossible())
        target = (room - fixed) // number if self.asked == "auto" else 0
        chosen = choose(blocks, kept, target)
        left = fixed + number * _left(chosen, kept)
        sizes = f"{size_text(whole)} → {size_text(left)}"
        why = f"{len(chosen)} of {len(blocks)} blocks: {sizes}"
        if self.asked == "auto":
            still = "" if left <= room else ", which is still too much"
            why += f", of {size_text(room)}{still}"
        return _decided(decisions, left, tuple(each_name(chosen)), why)

    def _unneeded(self, whole: int) -> str:
        """Why a step of so many bytes recomputes nothing; "" where it is to."""
        if self.asked == "off":
            return "as asked"
        fits = self.asked == "auto" and whole <= self.room
        return (
            f"a step fits in {size_text(self.room)} without" if fits else ""
        )

    def _impossible(self) -> str:
        """Why nothing is recomputed where there are no blocks. Raises `UsageError` where it is
        asked for."""
        if self.asked == "on":
            raise UsageError(
                f"--checkpointing on: {self.plan.name} has no block that would keep less by it"
            )
        return f"more than {size_text(self.room)}, but there are no blocks"


def choose(
    blocks: list[BlockMemory], kept: int, target: int
) -> list[BlockMemory]:
    """Kinds of blocks, the most numbers for a multiply-add first, until an image keeps no more than
    `target`."""
    kinds = by_key((block.kind, block) for block in blocks)
    gain = {
        kind: sum(b.saved for b in same) / (1 + sum(b.macs for b in same))
        for kind, same in kinds.items()
    }
    chosen: list[BlockMemory] = []
    for kind in sorted(kinds, key=gain.__getitem__, reverse=True):
        if chosen and _left(chosen, kept) <= target:
            break
        chosen += kinds[kind]
    return chosen


def blocks_in(graph: Graph) -> list[BlockMemory]:
    """The blocks that keep less when they are recomputed, by the names of the module's `blocks_of`.

    Layers in a row that has no blocks come back one by one or, where all in all that leaves less,
    with their row."""
    kept = _kept(graph)
    return min(
        (_recomputable(graph, whole=whole) for whole in (False, True)),
        key=lambda found: _left(found, kept),
    )


def _recomputable(graph: Graph, *, whole: bool) -> list[BlockMemory]:
    kept, sizes = kept_outputs(graph), kept_numbers(graph)
    found: list[BlockMemory] = []
    before = dict(
        zip(sizes, accumulate(sizes.values(), initial=0), strict=False)
    )
    for scope in _scopes(graph, whole=whole):
        nodes = list(graph.nodes_of(scope))
        held = sum(sizes[node.name] for node in nodes)
        macs = sum(node.cost.macs for node in nodes)
        out = (
            nodes[-1].cost.activations
            if nodes and nodes[-1].name in kept
            else 0
        )
        # what is called again is no module of its own
        if held > out and not any(node.shares for node in nodes):
            kind = " ".join(f"{node.op} {node.shape}" for node in nodes)
            found.append(
                BlockMemory(
                    scope.name,
                    kind,
                    before[nodes[0].name],
                    held - out,
                    held,
                    macs,
                )
            )
    return found


def _scopes(graph: Graph, *, whole: bool) -> Iterator[Path | Item]:
    """The parts of the net that come one after another: what a row lists, or the row (`whole`: if
    it has no block)."""
    for row in graph.rows:
        listed = (
            row.listed
            and row.items
            and not (whole and all_of_type(Layer, row.items))
        )
        yield from row.items if listed else [row]


def memory_limit(device: torch.device) -> int:
    """Bytes that a step may fill by estimate."""
    return int(ROOM * device_memory(device))


def larger_accumulations(train: Train, world: int) -> Iterator[int]:
    """The numbers of parts above today's into which the share of each process can be cut."""
    share = train.batch // world
    return (
        parts
        for parts in range(train.accumulate + 1, min(4096, share) + 1)
        if share % parts == 0
    )


def device_memory(device: torch.device) -> int:
    """Bytes of the device, in all; of the machine, where the device is its CPU or shares its
    memory."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _left(chosen: list[BlockMemory], kept: int) -> int:
    """The most numbers of an image at a time: at the end of the forward pass, or when a block comes
    back after it."""
    gone, most = 0, 0
    for block in sorted(chosen, key=attrgetter("before")):
        most = max(most, block.before - gone + block.held)
        gone += block.saved
    return max(most, kept - gone)


def _largest(plan: Plan) -> int:
    """The parameters of the largest block: one is in use while the next one is gathered."""
    graph = plan.graph
    return max(
        graph.cost_of(scope).params for scope in _scopes(graph, whole=False)
    )


def _kept(graph: Graph) -> int:
    return sum(kept_numbers(graph).values())


def _decided(
    decisions: Decisions, memory: int, names: tuple[str, ...], why: str
) -> Decisions:
    reason = ("checkpointing", "on" if names else "off", why)
    return replace(
        decisions,
        memory=memory,
        checkpointed=names,
        reasons=(*decisions.reasons, reason),
    )


def size_text(count: int) -> str:
    """`1.5 GiB`, or MiB where it is less than one."""
    return (
        f"{count / 2**30:.1f} GiB"
        if count >= 2**30
        else f"{count / 2**20:.3g} MiB"
    )
