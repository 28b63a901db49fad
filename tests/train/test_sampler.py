"""How batches are shared: each image by one process, in one part of its share; or an error that says what can be."""

from __future__ import annotations

import pytest
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
    assert torch.equal(torch.cat(shares, 1).sort(1).values, whole.sort(1).values)
