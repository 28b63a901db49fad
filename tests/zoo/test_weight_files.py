"""State dicts of torchvision's and timm's nets, in every form in which files have them, find the places that make
our nets give what theirs do (`test_golden.py`)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import resgraph
from resgraph.errors import RunError
from resgraph.outputs.pytorch.weights.files import read_state
from resgraph.outputs.pytorch.weights.matching import matched
from resgraph.outputs.pytorch.weights.taking import one_to_one

from .hrnet import facts, own_name
from .probe import IN_ORDER, entries, paired
from .test_golden import GOLDEN, meta_net, plan_of

Shape = tuple[int, ...]
QUICK = tuple(
    set(IN_ORDER) - {"shufflenet", "inception_resnet", "dpn", "convnextv2"}
)


def nets() -> list[object]:
    return [
        pytest.param(
            library, name, marks=[] if quick else [pytest.mark.slow]
        )
        for library, known in GOLDEN.items()
        for name in known
        for quick in [name.startswith(QUICK)]
    ]


def pairs_of(
    mine: Mapping[str, Shape], its: Mapping[str, Shape]
) -> dict[str, str]:
    """Ours to theirs, the same of each form: as registered, shuffled, sorted, and as safetensors
    order them, by type and name."""
    written = list(its)
    forms = [
        sorted(written),
        random.Random(1).sample(written, len(written)),
    ]
    forms.append(
        sorted(written, key=lambda key: ("num_batches" in key, key))
    )
    found = one_to_one(matched(mine, its)).kept
    for form in forms:
        assert (
            one_to_one(matched(mine, {key: its[key] for key in form})).kept
            == found
        )
    return found


@pytest.mark.parametrize(("library", "name"), nets())
def test_every_form_finds_its_places(library: str, name: str) -> None:
    net = meta_net(plan_of(library, name))
    mine = {
        key: tuple(value.shape) for key, value in net.state_dict().items()
    }
    found = pairs_of(mine, entries(library, name))
    assert found == paired(net, library, name)


def test_scopes_in_another_order_are_known_by_shapes_that_nothing_else_has() -> (
    None
):
    """HRNet's head: there all maps are widened, then all halved; here one after another."""
    net = resgraph.load("hrnet-w18").module(device="meta")
    mine = {
        key: tuple(value.shape) for key, value in net.state_dict().items()
    }
    its = {key: tuple(shape) for key, shape in facts()["entries"].items()}
    split = {key: key.rpartition(".") for key in its}
    names = {
        f"{own_name(at)}.{leaf}": key
        for key, (at, _, leaf) in split.items()
    }
    assert pairs_of(mine, its) == names


def test_names_that_tell_no_order_are_refused() -> None:
    """What is stacked and what gathers it, if they are called something else."""
    net = meta_net(plan_of("timm", "hgnetv2_b0"))
    its = {
        key.replace("layers", "some").replace("aggregation", "more"): shape
        for key, shape in entries("timm", "hgnetv2_b0").items()
    }
    with pytest.raises(RunError, match=r"could be .*--map FILE"):
        matched(net.state_dict(), its)


@pytest.mark.parametrize("wrapped", ["", "module.", "_orig_mod."])
def test_files_of_a_vit_in_all_their_wrappings(
    wrapped: str, tmp_path: Path
) -> None:
    """A token and places for each cell, which stand beside its modules."""
    its = entries("timm", "vit_tiny_patch16_224")
    net = meta_net(plan_of("timm", "vit_tiny_patch16_224"))
    mine = {
        key: tuple(value.shape) for key, value in net.state_dict().items()
    }
    state = {
        f"{wrapped}{key}": torch.zeros(shape) for key, shape in its.items()
    }
    save_file(state, f"{tmp_path}/w.safetensors")
    raw = {key: torch.ones_like(value) for key, value in state.items()}
    torch.save(
        {"state_dict": raw, "state_dict_ema": state}, f"{tmp_path}/w.pth"
    )
    for file in ("w.safetensors", "w.pth"):
        given = read_state(tmp_path / file).tensors
        assert not any(value.any() for value in given.values())
        found = one_to_one(matched(mine, given)).kept
        assert found == paired(net, "timm", "vit_tiny_patch16_224")
