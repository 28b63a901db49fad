"""The counter-based random number generator: a function of (key, index, draw), and random enough."""

from __future__ import annotations

import pytest
import torch

from resgraph.errors import TrainingError, UsageError
from resgraph.train.data.sampler import Sampler
from resgraph.train.rng import key, normal, permutation, uniform


def test_a_number_depends_on_its_name_alone() -> None:
    index = torch.tensor([5, 900, 3])
    together = uniform(key(0, "a"), index, 4)
    apart = torch.cat(
        [uniform(key(0, "a"), index[i : i + 1], 4) for i in range(3)]
    )
    assert torch.equal(together, apart)
    assert torch.equal(uniform(key(0, "a"), index, 2), together[:, :2])
    assert not torch.equal(uniform(key(0, "b"), index, 4), together)


def test_numbers_are_uniform_and_unrelated() -> None:
    x = uniform(key(1, "laws"), torch.arange(100_000), 4)
    assert x.min() >= 0
    assert x.max() < 1
    assert x.mean(0).sub(0.5).abs().max() < 0.005
    assert x.var(0).sub(1 / 12).abs().max() < 0.002
    assert (
        torch.corrcoef(torch.cat([x.T, x.roll(1, 0).T]))
        .fill_diagonal_(0)
        .abs()
        .max()
        < 0.02
    )
    counts = torch.histc(x[:, 0], 64, 0, 1)
    assert (
        (counts - 100_000 / 64) ** 2 / (100_000 / 64)
    ).sum() < 110  # chi-squared, 63 degrees of freedom


def test_normal_numbers_are_normal() -> None:
    x = normal(key(2, "laws"), torch.arange(50_000), 2)
    assert x.mean(0).abs().max() < 0.02
    assert x.var(0).sub(1).abs().max() < 0.03


def test_keys_tell_words_from_numbers() -> None:
    assert (
        len({key(1, "2"), key(1, 2), key("1", 2), key(12), key("12")}) == 5
    )


def test_the_order_is_a_permutation_that_the_key_decides() -> None:
    order = permutation(key(0, "order", 3), 1000)
    assert torch.equal(order.sort().values, torch.arange(1000))
    assert torch.equal(order, permutation(key(0, "order", 3), 1000))
    assert not torch.equal(order, permutation(key(0, "order", 4), 1000))


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_ranks_share_each_batch(world: int) -> None:
    alone = Sampler(100, 12, seed=7).epoch(2)
    ranks = [
        Sampler(100, 12, 7, rank, world).epoch(2) for rank in range(world)
    ]
    assert alone.shape == (8, 12)
    assert torch.equal(
        torch.cat(ranks, 1).sort(1).values, alone.sort(1).values
    )
    assert len(alone.unique()) == 96


def test_an_epoch_can_be_entered_anywhere() -> None:
    sampler = Sampler(100, 12, seed=7)
    assert torch.equal(sampler.epoch(2)[5:], sampler.epoch(2, first=5))


def test_batches_that_cannot_be_are_refused() -> None:
    with pytest.raises(
        TrainingError, match="more than the 10 training images"
    ):
        Sampler(10, 12, 0)
    with pytest.raises(
        UsageError,
        match="a batch of 100 cannot be shared equally by 3 processes; 99 can",
    ):
        Sampler(1000, 100, 0, 0, 3)
