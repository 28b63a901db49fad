"""How batches are shared: each image by one process, in one part of its share; or an error that says what can be."""

from __future__ import annotations

import pytest
import references
import torch

from resgraph.errors import UsageError
from resgraph.train.data.sampler import Sampler


@pytest.mark.parametrize(
    ("batch", "world", "parts", "near"),
    [(6, 2, 2, 8), (100, 2, 4, 96), (6, 2, 6, 12), (9, 2, 1, 8)],
)
def test_what_would_drop_images_is_refused(
    batch: int, world: int, parts: int, near: int
) -> None:
    with pytest.raises(
        UsageError,
        match=rf"a batch of {batch} cannot be shared .* by {world} processes.*; {near} can",
    ):
        Sampler(1000, batch, 0, 0, world, parts)
    Sampler(1000, near, 0, 0, world, parts)


def test_ranks_see_each_image_of_a_batch_once() -> None:
    shares = [Sampler(100, 12, 3, rank, 3, 2).epoch(0) for rank in range(3)]
    whole = Sampler(100, 12, 3).epoch(0)
    assert torch.equal(
        torch.cat(shares, 1).sort(1).values, whole.sort(1).values
    )


def test_repeated_samples_come_one_after_another_and_ranks_take_turns() -> (
    None
):
    """torchvision's RASampler with a shuffle of ours: each image `repeats` times, in as many steps as ever."""
    plain = Sampler(24, 6, 5)
    whole = Sampler(24, 6, 5, repeats=3)
    assert whole.steps_per_epoch == plain.steps_per_epoch == 4
    order = whole.epoch(2).flatten()
    shuffled = plain.epoch(2).flatten()
    assert (order % 24).tolist() == [
        int(i) for i in shuffled[:8] for _ in range(3)
    ]
    assert len(set(order.tolist())) == 24, (
        "each copy has random numbers of its own"
    )
    ranks = [
        Sampler(24, 6, 5, rank, 3, repeats=3).epoch(2) for rank in range(3)
    ]
    assert torch.equal(torch.stack(ranks, 2).flatten(), order)
    assert torch.equal(whole.epoch(2, 1), whole.epoch(2)[1:])


@pytest.mark.parametrize("world", [1, 2, 4])
def test_repeated_samples_are_timms(
    world: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RepeatAugSampler draws the same images on each rank, where it is given our shuffle; as many an epoch."""
    references.torchvision()
    pytest.importorskip("timm")
    from timm.data.distributed_sampler import RepeatAugSampler

    count, batch = 2048, 256  # timm rounds an epoch down to 256
    shuffled = Sampler(count, batch, 1).epoch(0).flatten()
    monkeypatch.setattr(torch, "randperm", lambda n, generator: shuffled)
    theirs = [
        list(RepeatAugSampler(range(count), world, rank, num_repeats=3))
        for rank in range(world)
    ]
    monkeypatch.undo()
    for rank in range(world):
        ours = (
            Sampler(count, batch, 1, rank, world, repeats=3)
            .epoch(0)
            .flatten()
        )
        assert (ours % count).tolist() == [int(i) for i in theirs[rank]]


LABELS = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)


def test_balanced_samples_are_as_many_of_each_class() -> None:
    sampler = Sampler(100, 10, 4, labels=LABELS)
    seen = set()
    for epoch in range(12):
        order = sampler.epoch(epoch).flatten()
        counts = torch.bincount(LABELS[order % 100])
        assert sorted(counts.tolist()) == [33, 33, 34], (
            "100 of three classes"
        )
        assert len(set(order.tolist())) == 100, (
            "each copy has its own random numbers"
        )
        times = torch.bincount(order % 100, minlength=100)
        assert set(times[:60].tolist()) == {0, 1}
        assert set(times[60:90].tolist()) <= {1, 2}
        assert set(times[90:].tolist()) <= {3, 4}
        assert torch.equal(sampler.epoch(epoch), sampler.epoch(epoch))
        assert not torch.equal(order, sampler.epoch(epoch + 1).flatten())
        seen |= set((order % 100).tolist())
    assert seen == set(range(100))


def test_balanced_samples_are_shared_and_repeated() -> None:
    whole = Sampler(100, 12, 4, repeats=3, labels=LABELS)
    order = whole.epoch(1)
    shares = [
        Sampler(100, 12, 4, rank, 3, 1, 3, LABELS).epoch(1)
        for rank in range(3)
    ]
    assert torch.equal(torch.stack(shares, 2).flatten(1), order)
    assert len(set(order.flatten().tolist())) == order.numel()
    assert torch.equal(
        (order % 100).view(-1, 3)[:, 0], (order % 100).view(-1, 3)[:, 2]
    )
    assert torch.equal(whole.epoch(1, 2), order[2:])
