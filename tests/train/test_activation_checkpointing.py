"""Activation checkpointing: bitwise equal to training without, eager, compiled and under DDP, with less memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_distributed import launched
from torch import nn

import resgraph
from resgraph.errors import UsageError
from resgraph.outputs.pytorch import module
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.passes.memory import kept_outputs
from resgraph.train import Options, build, forecast
from resgraph.train.parallel.checkpointing import (
    CheckpointedCall,
    around_chunks,
    blocks_of,
    checkpoint_blocks,
)
from resgraph.train.settings.memory import (
    BlockMemory,
    _left,
    blocks_in,
    choose,
)

SPECS = Path(__file__).parents[2] / "specs"


def net_with_luck() -> nn.Module:
    """ResNet-20's kind, with dropout and drop path in every block."""
    from resgraph.outputs.pytorch.layers import DropPath

    class BlockMemory(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.Dropout(0.2),
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                DropPath(0.3),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.body(x) + x)

    torch.manual_seed(1)
    rows = {
        "conv1": nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        ),
        "conv2": nn.Sequential(*(BlockMemory(8) for _ in range(4))),
        "head": nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
        ),
    }
    net = nn.Sequential()
    for name, row in rows.items():
        net.add_module(name, row)
    return net


def trained(net: nn.Module, steps: int = 5) -> dict[str, torch.Tensor]:
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    draw = torch.Generator().manual_seed(3)
    for step in range(steps):
        torch.manual_seed(step)
        loss = (
            net(torch.randn(4, 3, 8, 8, generator=draw)).logsumexp(1).sum()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.state_dict()


def assert_same(
    found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]
) -> None:
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def test_nothing_differs_after_some_steps() -> None:
    wanted = trained(net_with_luck())
    net = net_with_luck()
    checkpoint_blocks(
        net, ["conv1", *(f"conv2.{place}" for place in range(4)), "head"]
    )
    assert_same(trained(net), wanted)
    assert int(wanted["conv2.0.body.1.num_batches_tracked"]) == 5


def test_stock_checkpointing_would_differ() -> None:
    """What the test above would see, if batch norms were not kept from counting twice."""
    net = net_with_luck()
    net.conv2[0]._compiled_call_impl = CheckpointedCall(
        net.conv2[0]._call_impl, ()
    )
    found, wanted = trained(net), trained(net_with_luck())
    assert int(found["conv2.0.body.1.num_batches_tracked"]) == 10
    assert not torch.equal(
        found["conv2.0.body.1.running_mean"],
        wanted["conv2.0.body.1.running_mean"],
    )


def test_a_copy_and_an_evaluation_are_plain() -> None:
    net = net_with_luck()
    checkpoint_blocks(net, blocks_of(net))
    assert all(
        block._compiled_call_impl is None
        for block in blocks_of(copy.deepcopy(net)).values()
    )
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(net.eval()(x), net_with_luck().eval()(x))


@pytest.fixture
def _fresh_dynamo() -> Iterator[None]:
    import torch._dynamo

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor:UserWarning"
)
@pytest.mark.usefixtures("_fresh_dynamo")
def test_compiled_chunks_are_recomputed_without_compiling_again() -> None:
    nets = [net_with_luck() for _ in range(2)]
    compile_blocks(nets[0], backend="aot_eager")
    compile_blocks(
        nets[1],
        around=around_chunks(nets[1], ["conv2.0"]),
        backend="aot_eager",
    )
    wanted = trained(nets[0])
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert_same(trained(nets[1]), wanted)
    assert (
        torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2 * before
    )
    assert torch._dynamo.utils.counters["recompiles"] == {}


def test_less_is_kept() -> None:
    kept = []
    for names in ((), [f"conv2.{place}" for place in range(4)]):
        net, total = net_with_luck(), [0]
        checkpoint_blocks(net, names)

        def pack(
            tensor: torch.Tensor, total: list[int] = total
        ) -> torch.Tensor:
            total[0] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(
            pack, lambda tensor: tensor
        ):
            net(torch.randn(8, 3, 16, 16))
        kept.append(total[0])
    assert kept[1] < 0.4 * kept[0]


@pytest.mark.parametrize(
    "name",
    [
        "resnet.yaml::resnet-50",
        "res-unet.yaml",
        "digits.yaml",
        "densenet.yaml",
        "sknet.yaml",
    ],
)
def test_blocks_of_the_plan_are_blocks_of_the_module(name: str) -> None:
    plan = resgraph.load(str(SPECS / name))
    names = blocks_of(module(plan, "meta"))
    found = blocks_in(plan.graph)
    assert found
    assert {block.name for block in found} <= set(names)
    assert all(block.saved > 0 and block.macs >= 0 for block in found)


def test_kinds_are_chosen_until_it_fits() -> None:
    plan = resgraph.load(str(SPECS / "resnet.yaml") + "::resnet-50")
    blocks = blocks_in(plan.graph)
    kept = sum(block.saved for block in blocks) + 10
    assert {block.name for block in choose(blocks, kept, 0)} == {
        block.name for block in blocks
    }
    some = choose(blocks, kept, 2 * kept // 3)
    assert 0 < len(some) < len(blocks)
    kinds = {block.kind for block in some}
    assert all(block in some for block in blocks if block.kind in kinds)


def test_a_run_is_the_same_with_and_without(tmp_path: Path) -> None:
    few = ["train.epochs=none", "train.iterations=8"]
    plan = resgraph.load(str(SPECS / "digits.yaml"), few)
    for choice in ("on", "off"):
        build(
            plan,
            out=tmp_path / choice,
            options=Options(threads=1, checkpointing=choice),
        )
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "on" / name).read_bytes() == (
            tmp_path / "off" / name
        ).read_bytes()


def test_auto_looks_at_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = resgraph.load(str(SPECS / "digits.yaml"))
    told = {
        what: (choice, why)
        for what, choice, why in forecast(
            plan, options=Options(threads=1)
        ).reasons
    }
    assert told["checkpointing"][0] == "off"
    small = forecast(plan, options=Options(threads=1)).memory
    monkeypatch.setattr(
        "resgraph.train.settings.memory.device_memory",
        lambda device: int(small * 1.1),
    )
    found = forecast(plan, options=Options(threads=1))
    told = {what: (choice, why) for what, choice, why in found.reasons}
    assert told["checkpointing"][0] == "on"
    assert "blocks: " in told["checkpointing"][1]
    assert found.memory < small


def test_a_net_without_blocks_is_refused(tmp_path: Path) -> None:
    linear = "name: linear\ninput: 1x8x8\nnet:\n  head: [flatten, fc 10]\ntrain: digits\n"
    (tmp_path / "linear.yaml").write_text(linear)
    plan = resgraph.load(str(tmp_path / "linear.yaml"))
    with pytest.raises(UsageError, match="no block that would keep less"):
        forecast(plan, options=Options(threads=1, checkpointing="on"))


def test_ranks_come_to_the_same_bits(tmp_path: Path) -> None:
    orders: dict[str, Any] = {
        "ranks": 2,
        "number": 0,
        "real": str(SPECS / "digits.yaml"),
        "recipe": {},
    }
    outs = [str(tmp_path / choice) for choice in ("on", "off")]
    for ended in launched(
        *(
            {**orders, "out": out, "checkpointing": Path(out).name}
            for out in outs
        )
    ):
        assert [code for code, _ in ended] == [0, 0], ended
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "on" / name).read_bytes() == (
            tmp_path / "off" / name
        ).read_bytes()


def test_the_peak_is_where_a_block_comes_back_or_at_the_end() -> None:
    early = BlockMemory("a", "a", before=10, saved=50, held=60, macs=1)
    late = BlockMemory("b", "b", before=70, saved=20, held=30, macs=1)
    assert _left([], 200) == 200
    assert _left([late, early], 200) == 130
    assert _left([early, late], 105) == max(10 + 60, 70 - 50 + 30, 105 - 70)


@pytest.mark.parametrize(
    ("name", "share"),
    [("resnet.yaml::resnet-50", 0.3), ("vgg.yaml::vgg-16", 0.5)],
)
def test_little_is_kept_and_what_comes_back_fits_beside_it(
    name: str, share: float
) -> None:
    graph = resgraph.load(f"{SPECS / name}").graph
    kept = sum(
        graph.nodes[name].cost.activations for name in kept_outputs(graph)
    )
    assert _left(blocks_in(graph), kept) < share * kept


def test_a_row_of_layers_comes_back_as_a_whole_where_that_leaves_less() -> (
    None
):
    names = {
        block.name
        for block in blocks_in(
            resgraph.load(str(SPECS / "vgg.yaml") + "::vgg-16").graph
        )
    }
    assert "conv1" in names
    assert not any(name.startswith("conv1.") for name in names)
