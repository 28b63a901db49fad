"""On a CUDA device: the outputs of the CPU, bf16 and channels-last steps, compile without recompiling, builds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import resgraph
from resgraph.cli import run
from resgraph.outputs.pytorch.compile import compile_blocks

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="needs a CUDA device; `pytest -m gpu` on a machine with one",
    ),
    pytest.mark.filterwarnings(
        "default"
    ),  # what torch says of a GPU depends on the GPU
]
SPECS = Path(__file__).parents[2] / "specs"
NETS = [
    "cifar-resnet.yaml::resnet-20",
    "cifar-highway.yaml::highway-19",
    "convnext.yaml::convnext-tiny",
    "densenet.yaml::densenet-121",
    "mixed.yaml",
    "nf-resnet.yaml",
    "res-unet.yaml",
    "resnet.yaml::resnet-50",
]


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Without TF32, which would round what is compared; and as it was, afterwards."""
    before = (
        torch.backends.cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    )
    torch.backends.cudnn.allow_tf32 = (
        torch.backends.cuda.matmul.allow_tf32
    ) = False
    yield
    (
        torch.backends.cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    ) = before
    torch.use_deterministic_algorithms(False)


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A net on the CPU, and four images for it."""
    plan = resgraph.load(SPECS / name)
    torch.manual_seed(0)
    return plan.module(), torch.randn(4, *plan.input)


def stepping(
    net: nn.Module, images: torch.Tensor, *, bf16: bool = False
) -> Callable[[], float]:
    """A training step that returns the loss before it."""
    optimizer = torch.optim.SGD(
        net.parameters(), lr=0.01, momentum=0.9, fused=True
    )
    labels = torch.arange(len(images), device="cuda")

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=bf16):
            logits = net(images)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


@pytest.mark.parametrize("name", NETS)
def test_the_outputs_are_those_of_the_cpu(name: str) -> None:
    net, images = made(name)
    net, images = net.double().eval(), images.double()
    with torch.no_grad():
        wanted = net(images)
        found = net.cuda()(images.cuda()).cpu()
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_weights_made_on_the_device() -> None:
    plan = resgraph.load(SPECS / "resnet.yaml::resnet-50")
    net = plan.module(device="cuda")
    assert {
        value.device.type for value in (*net.parameters(), *net.buffers())
    } == {"cuda"}
    weight = net.get_parameter("conv3.0.body.1.conv.weight")
    # He et al. 2015, fan out
    assert float(weight.detach().std()) == pytest.approx(
        (2 / (128 * 9)) ** 0.5, rel=0.02
    )


@pytest.mark.parametrize("name", NETS[:1] + NETS[-1:])
def test_channels_last_changes_nothing_but_time(name: str) -> None:
    net, images = made(name)
    net, images = net.double().cuda().eval(), images.double().cuda()
    with torch.no_grad():
        wanted = net(images)
        found = net.to(memory_format=torch.channels_last)(
            images.to(memory_format=torch.channels_last)
        )
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NETS[:1] + NETS[-1:])
def test_steps_in_bf16_learn_as_those_in_float32(name: str) -> None:
    net, images = made(name)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    losses = []
    for bf16 in (False, True):
        net.load_state_dict(state)
        net.cuda().to(memory_format=torch.channels_last).train()
        step = stepping(
            net,
            images.cuda().to(memory_format=torch.channels_last),
            bf16=bf16,
        )
        losses.append([step() for _ in range(8)])
    exact, rounded = losses
    assert rounded[0] == pytest.approx(exact[0], rel=0.05)
    assert rounded[-1] < rounded[0]
    assert all(value.dtype == torch.float32 for value in net.parameters())


def test_nothing_is_compiled_again_after_the_first_steps() -> None:
    net, images = made("cifar-resnet.yaml::resnet-56")
    net, images = net.cuda(), images.cuda()
    torch._dynamo.reset()
    assert compile_blocks(net) < 9
    step = stepping(net, images)
    for _ in range(2):
        net.train()
        step()
        net.eval()
        with torch.no_grad():
            net(images)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    with torch._dynamo.config.patch(error_on_recompile=True):
        for _ in range(3):
            net.train()
            step()
            net.eval()
            with torch.no_grad():
                net(images)
    assert (
        torch._dynamo.utils.counters["stats"]["unique_graphs"] == before > 0
    )


def build(out: Path, *more: str, epochs: int) -> None:
    command = [
        "build",
        str(SPECS / "digits.yaml"),
        "-o",
        str(out),
        "--device",
        "cuda",
        "--json",
    ]
    assert run([*command, "--set", f"train.epochs={epochs}", *more]) == 0


def test_a_short_build_learns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "run", epochs=5)
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] > 90
    used = json.loads(
        (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    )["decisions"]
    assert ["device", "cuda:0"] in [decision[:2] for decision in used]


def test_a_stopped_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by a failure after its second epoch."""
    build(tmp_path / "whole", epochs=3)
    stop_after_evaluations(2, monkeypatch)
    command = [
        "build",
        str(SPECS / "digits.yaml"),
        "-o",
        str(tmp_path / "parts"),
        "--device",
        "cuda",
        "--json",
    ]
    assert run([*command, "--set", "train.epochs=3"]) == 3
    monkeypatch.undo()
    assert run(["resume", str(tmp_path / "parts"), "--json"]) == 0
    whole, parts = (
        load_file(tmp_path / name / "weights.safetensors")
        for name in ("whole", "parts")
    )
    assert all(
        torch.equal(parts[name], value) for name, value in whole.items()
    )
    rows = [
        (tmp_path / name / "metrics.jsonl").read_bytes()
        for name in ("whole", "parts")
    ]
    assert rows[0] == rows[1]


def stop_after_evaluations(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a run fail in the first step after its `count`-th evaluation, which has saved a checkpoint."""
    from resgraph.errors import TrainingError
    from resgraph.train.engine.loop import Loop

    close, step, done = Loop._close, Loop._step, []

    def closing(self: Loop) -> None:
        close(self)
        done.append(self.train_state.step)

    def failing(self: Loop, batch: object) -> None:
        if len(done) == count:
            raise TrainingError("stopped by the test")
        step(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Loop, "_close", closing)
    monkeypatch.setattr(Loop, "_step", failing)


def test_a_net_from_the_cpu_comes_to_the_gpu_in_shares(
    tmp_path: Path,
) -> None:
    from torch import distributed

    from resgraph.train.parallel.sharding import gathered, shard

    net, images = made("cifar-resnet.yaml::resnet-20")
    net.eval()
    with torch.no_grad():
        wanted = net(images)
    before = {
        name: value.clone() for name, value in net.state_dict().items()
    }
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0, momentum=0.9)
    distributed.init_process_group(
        "nccl",
        init_method=f"file://{tmp_path / 'meeting'}",
        rank=0,
        world_size=1,
    )
    try:
        shard(net, torch.device("cuda"), 1, optimizer=optimizer)
        with torch.no_grad():
            torch.testing.assert_close(
                net(images.cuda()).cpu(), wanted, rtol=1e-3, atol=1e-3
            )
        net(images.cuda()).square().mean().backward()
        optimizer.step()
        after = gathered(net.state_dict())
        assert {
            name: value.device.type for name, value in after.items()
        } == dict.fromkeys(before, "cpu")
        for name, value in before.items():
            assert torch.equal(after[name], value), name
    finally:
        distributed.destroy_process_group()
