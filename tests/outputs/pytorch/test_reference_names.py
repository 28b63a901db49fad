"""Lists of keys of timm nets, in every form in which files have them, find their places in our specs."""

from __future__ import annotations

import random
import re

import pytest
import torch
from meta import meta
from reference_specs import entries, known, spec

import resgraph
from resgraph.outputs.pytorch import source
from resgraph.outputs.pytorch.build import net_class, source_module
from resgraph.outputs.pytorch.weights.matching import matched
from resgraph.outputs.pytorch.weights.taking import one_to_one

Shapes = dict[str, torch.Size]
CHEAP = {
    "resnetv2_18d", "resnetv2_50", "resnetv2_50x1_bit", "nf_resnet26", "nf_seresnet26",
    "res2net50_26w_4s", "resnest14d", "regnety_002", "convnext_atto", "seresnet33ts",
}  # fmt: skip
"""One of each family; the others are slow."""


def ours(net: str) -> Shapes:
    with meta():
        module = net_class(
            source_module(source(resgraph.loads(spec(net))))
        )()
    return {key: value.shape for key, value in module.state_dict().items()}


def block_of(key: str) -> tuple[int, int] | None:
    """Stage and block, by the names of either side; None outside of blocks."""
    found = re.match(
        r"(?!conv1)(?:stages\.|layer|s|conv)(\d)\.(?:blocks\.|b)?(\d+)\.",
        key,
    )
    return (int(found[1]), int(found[2])) if found else None


def test_most_lists_have_a_spec() -> None:
    assert len(known()) == 84


@pytest.mark.parametrize(
    "net",
    [
        n if n in CHEAP else pytest.param(n, marks=pytest.mark.slow)
        for n in known()
    ],
)
def test_every_form_of_a_list_is_read_alike(net: str) -> None:
    mine, its = ours(net), entries(net)
    written = list(its)
    forms = [written, sorted(written)]
    forms += [
        random.Random(seed).sample(written, len(written)) for seed in (1, 2)
    ]
    # as safetensors order them: by type, then by name
    forms.append(
        sorted(written, key=lambda key: ("num_batches" in key, key))
    )
    found = [
        one_to_one(matched(mine, {k: its[k] for k in form})).kept
        for form in forms
    ]
    assert all(pairs == found[0] for pairs in found)
    assert found[0].keys() == mine.keys()
    assert set(found[0].values()) == its.keys()
    in_their_places(found[0], net)


def in_their_places(pairs: dict[str, str], net: str) -> None:
    """By the names alone: leaf to leaf, block to block, shortcut to shortcut, and within a block and
    a leaf in the order of theirs as numbered."""
    blocks: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for key, other in pairs.items():
        if not re.search(r"gamma$", other):
            assert key.rpartition(".")[2] == other.rpartition(".")[2]
        here, there = block_of(key), block_of(other)
        if here is None or there is None or net.startswith("convnext"):
            continue
        blocks.setdefault(there, set()).add(here)
        assert (".shortcut." in key) == bool(
            re.search(r"\.(shortcut|downsample)\.", other)
        )
    assert all(len(found) == 1 for found in blocks.values())
    for place in blocks:
        numbered = [
            int(number[1])
            for other in pairs.values()
            if block_of(other) == place
            and (
                number := re.search(
                    r"\.conv(\d)[^.]*\.(?:conv\.)?weight", other
                )
            )
        ]
        assert numbered == sorted(numbered)
