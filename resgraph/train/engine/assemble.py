"""A plan, its data and the decisions → the train state and the data loader of a run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from msgspec.structs import replace
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ...language.recipe import Train
from ...ops.base import Shape
from ...outputs.pytorch.compile import compile_blocks
from ...passes.loss_fit import loss_weights
from ...plan import Plan
from ..data.loader import BatchLoader, InMemory, Pixels
from ..data.normalize import Normalization
from ..data.sampler import Sampler
from ..data.sets import DataSet, Resident
from ..parallel.checkpointing import around_chunks, checkpoint_blocks
from ..parallel.distributed import World
from ..parallel.sharding import shard
from ..rng import key
from ..settings.decide import Decisions
from ..tasks import Task
from .ema import EmaModel
from .freeze import freeze
from .loop import TrainState
from .metrics import MetricAccumulator
from .optimizer import make_optimizer, start_light, step_light
from .schedule import LearningRates
from .several import total
from .sync_bn import with_sync_bn


def fresh_net(plan: Plan, train: Train, decisions: Decisions) -> nn.Module:
    """The net with the weights that the recipe's seed gives, on its device and in its layout.

    One that is to be sharded stays where a whole one fits, and contiguous, as it must be to be
    divided."""
    torch.manual_seed(key(train.seed, "weights"))
    net = plan.module()
    if decisions.sharded:
        return net
    return placed(net, decisions)


def placed(net: nn.Module, decisions: Decisions) -> nn.Module:
    """On its device and in its layout."""
    net = net.to(decisions.device)
    if decisions.channels_last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def make_train_state(
    plan: Plan,
    task: Task,
    sampler: Sampler,
    decisions: Decisions,
    world: World,
) -> TrainState:
    """Everything at step 0, by the recipe of a plan and its task."""
    train = plan.spec.train
    assert train is not None
    net = fresh_net(plan, train, decisions)
    if train.sync_bn and world.size > 1:
        net = with_sync_bn(net)
    frozen = freeze(net, train.still)
    _wrap_blocks(net, decisions, world)
    optimizer = _optimizer(train, net, plan, decisions)
    ema = EmaModel(train.ema, net, frozen) if train.ema else None
    schedule = LearningRates(train, sampler.steps_per_epoch)
    scaler = torch.amp.GradScaler(
        decisions.device.type, enabled=decisions.precision == "fp16"
    )
    metrics = MetricAccumulator(
        decisions.device, decisions.sum_type, task.plain()
    )
    weights = loss_weights(train, plan.graph)
    return TrainState(
        net, net, optimizer, schedule, ema, metrics, scaler, weights=weights
    )


def _wrap_blocks(
    net: nn.Module, decisions: Decisions, world: World
) -> None:
    """Compiles the blocks of a net, or recomputes them, or both, as was decided."""
    if not decisions.compile:
        checkpoint_blocks(net, decisions.checkpointed)
        return
    # several processes add up the gradients of one chunk while the next is under way
    whole = world.size == 1 and not decisions.checkpointed
    around = around_chunks(net, decisions.checkpointed)
    compile_blocks(net, whole=whole, around=around)


def _optimizer(
    train: Train, net: nn.Module, plan: Plan, decisions: Decisions
) -> torch.optim.Optimizer:
    """That of the recipe, without torch's compiler where nothing is compiled."""
    if not decisions.compile:
        start_light()
    optimizer = make_optimizer(
        train.optimizer, net, plan, train.rates, fused=decisions.fused
    )
    if not decisions.compile:
        step_light(optimizer)
    return optimizer


def distribute(
    train_state: TrainState,
    batch: Sequence[Shape],
    decisions: Decisions,
    world: World,
) -> None:
    """Puts DDP around the net, or shards it, after its weights are what they will be."""
    if world.size == 1:
        return
    net, device = train_state.net, decisions.device
    if decisions.sharded:
        optimizer, compiled = train_state.optimizer, decisions.compile
        shard(
            net, device, world.size, optimizer=optimizer, compiled=compiled
        )
        if train_state.ema:
            shard(train_state.ema.net, device, world.size)
        return
    ids = [device.index] if device.type == "cuda" else None
    train_state.model = DistributedDataParallel(
        net, device_ids=ids, gradient_as_bucket_view=True
    )
    _warm_up(train_state, batch, decisions)


def _warm_up(
    train_state: TrainState, batch: Sequence[Shape], decisions: Decisions
) -> None:
    """Passes over zeros, of the shapes of a batch, that change nothing.

    DDP orders its buckets anew after its first backward pass, and with three ranks or more the
    order of a sum changes its last bit. So passes are made for nothing, in a fresh run and in a
    resumed one: from then on both add up alike."""
    before = {
        name: value.clone()
        for name, value in train_state.net.named_buffers()
    }
    train_state.net.train()
    for _ in range(2):
        with decisions.autocast():
            inputs = (empty_batch(shape, decisions) for shape in batch)
            given = train_state.model(*inputs)
        total(given).backward()  # type: ignore[no-untyped-call]
        train_state.model.zero_grad(set_to_none=True)
    for name, value in train_state.net.named_buffers():
        value.copy_(before[name])


def empty_batch(shape: Shape, decisions: Decisions) -> Tensor:
    """Zeros on the device, in the layout of images there."""
    return in_layout(torch.zeros(shape, device=decisions.device), decisions)


def in_layout(batch: Tensor, decisions: Decisions) -> Tensor:
    """In the layout that images have."""
    if decisions.channels_last and batch.ndim == 4:
        return batch.contiguous(memory_format=torch.channels_last)
    return batch


def make_data_loader(
    train: Train,
    data: DataSet,
    sampler: Sampler,
    normalization: Normalization,
    decisions: Decisions,
) -> BatchLoader:
    """The batches of this rank."""
    pixels = make_pixels(data, train, decisions)
    # files are cropped as they are decoded, and not once more
    if not isinstance(pixels, InMemory):
        train = replace(train, augment=replace(train.augment, crop=None))
    return BatchLoader(
        pixels=pixels,
        recipe=train,
        sampler=sampler,
        normalization=normalization.to(decisions.device),
        device=decisions.device,
        channels_last=decisions.channels_last,
        validation_images=len(data.validation),
        levels=data.levels,
        shape=data.shape,
        flat=data.flat,
        beside=_beside(data, decisions.device),
        lead=data.lead,
    )


def _beside(
    data: DataSet, device: torch.device
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    train, validation = (
        tuple(one.to(device) for one in part.beside)
        for part in (data.train, data.validation)
    )
    return train, validation


def make_pixels(
    data: DataSet, train: Train, decisions: Decisions
) -> Pixels:
    """Images in memory go to the device whole; files are decoded by workers."""
    if isinstance(data.train, Resident) and isinstance(
        data.validation, Resident
    ):
        return InMemory(data.train, data.validation, decisions.device)
    from ..data.image_files import Decoded

    return Decoded(data, train, decisions)
