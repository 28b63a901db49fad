"""The module is the source, executed: names, shapes, first weights, gradients, pickles, copies, export and compile."""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
import pickle
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from interpreter import python
from meta import light_norms, meta
from nets import short, zoo
from torch import nn
from torch.overrides import TorchFunctionMode

import resgraph
from resgraph.outputs.pytorch import module, source
from resgraph.outputs.pytorch.build import net_class, source_module

ROOT = Path(__file__).parents[3]
SMALL = [
    "activation-orders.yaml::original",
    "anti-aliased.yaml",
    "cifar-highway.yaml::highway-19",
    "cifar-resnet.yaml::resnet-20",
    "convnext.yaml::convnext-tiny",
    "densenet.yaml::densenet-121",
    "digits-mlp.yaml",
    "digits.yaml",
    "efficientnet-b0.yaml",
    "mixed.yaml",
    "mlp.yaml::residual-14",
    "mobilenet-v2.yaml",
    "nf-resnet.yaml",
    "preact-resnet.yaml::resnet-164",
    "regnet.yaml::regnet-y-400mf",
    "repvgg.yaml::repvgg-a0",
    "res-unet.yaml",
    "res2net.yaml::res2net-50",
    "resnest.yaml::resnest-50",
    "resnet-34-options.yaml::resnet-34-a",
    "resnet-t.yaml::eca-resnet-26-t",
    "resnet.yaml::resnet-50",
    "sknet.yaml::sknet-26",
    "stochastic-depth.yaml::resnet-110",
]


@cache
def class_of(name: str) -> type[nn.Module]:
    """What the source of a net defines."""
    return net_class(source_module(source(short(name))))


def net_of(text: str) -> nn.Module:
    return module(resgraph.loads(text))


@pytest.fixture
def nan_where_not_written() -> Iterator[None]:
    # fills what `torch.empty` makes with NaN
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("name", SMALL)
def test_parameters_are_those_of_the_nodes_by_name(name: str) -> None:
    plan = short(name)
    with meta():
        net = class_of(name)()
    found: dict[str, int] = {}
    for key, value in net.named_parameters():
        owner = key.rpartition(".")[0]
        found[owner] = found.get(owner, 0) + value.numel()
    assert found == {
        node.name: node.cost.params
        for node in plan.graph.nodes.values()
        if node.cost.params
    }


@pytest.mark.parametrize("name", SMALL)
def test_modules_give_the_shapes_of_their_nodes(name: str) -> None:
    plan = short(name)
    with meta():
        net = class_of(name)()
        image = torch.empty(2, *plan.input)
    seen: dict[str, tuple[int, ...]] = {}
    for path, part in net.named_modules():
        part.register_forward_hook(
            lambda _m, _x, y, path=path: seen.update(
                {path: tuple(y.shape[1:])}
            )
        )
    with light_norms():
        net(image)
    assert seen.pop("") == plan.output
    nodes = plan.graph.nodes
    shared = seen.keys() & nodes.keys()
    # an fc with an activation
    heads = {
        path
        for path in shared
        if any(other.startswith(f"{path}.") for other in shared)
    }
    assert {path: seen[path] for path in shared - heads} == {
        path: nodes[path].shape for path in shared - heads
    }
    assert {
        name for name, node in nodes.items() if node.cost.params
    } <= shared


@pytest.mark.usefixtures("nan_where_not_written")
@pytest.mark.parametrize(
    "name", [name for name in SMALL if "convnext" not in name]
)
def test_everything_is_initialised(name: str) -> None:
    net = module(short(name))
    tensors = dict([*net.named_parameters(), *net.named_buffers()])
    assert [
        key
        for key, value in tensors.items()
        if not torch.isfinite(value).all()
    ] == []


class _Used(TorchFunctionMode):
    """Memory that others have used: a new tensor holds huge numbers. A thousand tensors like
    others are a loop that waits for better ones."""

    alike = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.alike += func is torch.empty_like
        assert self.alike < 1000, "a constructor reads what the memory held"
        made = func(*args, **(kwargs or {}))
        fresh = (
            func in (torch.empty, torch.empty_like)
            and made.is_floating_point()
        )
        return made.fill_(1e9) if fresh else made


@pytest.mark.parametrize(
    "name", ["botnet-26-t.yaml", "vit-ti-16.yaml", *SMALL[-3:]]
)
def test_a_net_is_made_alike_in_used_memory(name: str) -> None:
    plan, made = short(name), []
    for mode in (contextlib.nullcontext(), _Used()):
        torch.manual_seed(0)
        with mode:
            made.append(module(plan).state_dict())
    assert all(
        torch.equal(made[0][key], value) for key, value in made[1].items()
    )


def test_first_weights_are_those_of_the_papers() -> None:
    torch.manual_seed(0)
    net = module(zoo("resnet.yaml::resnet-50"))
    weight = net.get_parameter("conv4.1.body.1.conv.weight")
    assert weight.std().item() == pytest.approx(
        math.sqrt(2 / (256 * 9)), rel=0.01
    )
    assert bool((net.get_parameter("conv4.1.body.1.bn.weight") == 1).all())
    assert bool(
        (net.get_buffer("conv4.1.body.1.bn.running_var") == 1).all()
    )
    bound = 1 / math.sqrt(2048)
    assert net.get_parameter(
        "head.1.weight"
    ).abs().max().item() == pytest.approx(bound, rel=1e-3)


def test_the_seed_decides_the_weights() -> None:
    plan = zoo("digits.yaml")
    nets = []
    for _ in range(2):
        torch.manual_seed(3)
        nets.append(module(plan).state_dict())
    assert all(torch.equal(nets[0][key], nets[1][key]) for key in nets[0])


BLOCK = """
name: net
input: 4x8x8
{more}
blocks:
  pair:
    body: [3x3 conv out, 3x3 conv out linear]
    T: 3x3 conv out sigmoid bias -2
    merge: body*T + shortcut
net:
  a: 2 x pair 4
  b: pair 8
  head: [global avg pool, fc 3]
"""


@pytest.mark.parametrize(
    ("scheme", "std"),
    [
        ("he", math.sqrt(2 / (64 * 9))),
        ("he fan in", math.sqrt(2 / (32 * 9))),
        ("he uniform", math.sqrt(2 / (64 * 9))),
        ("xavier", math.sqrt(2 / (96 * 9))),
        ("lecun", math.sqrt(1 / (32 * 9))),
        ("normal 0.01", 0.01),
        ("trunc normal 0.02", 0.02),
        ("torch", math.sqrt(1 / (3 * 32 * 9))),
    ],
)
def test_schemes(scheme: str, std: float) -> None:
    torch.manual_seed(0)
    net = net_of(
        f"name: net\ninput: 32x8x8\ninit: {{conv: {scheme}}}\nnet:\n  a: 3x3 conv 64\n"
    )
    weight = net.get_parameter("a.conv.weight")
    assert weight.std().item() == pytest.approx(std, rel=0.03)
    # the square root of 3, for a uniform distribution
    uniform = weight.abs().max().item() < 1.8 * std
    assert uniform == (scheme in ("he uniform", "torch"))


def test_a_bias_can_have_a_start_and_the_last_norm_of_a_branch_too() -> (
    None
):
    net = net_of(
        BLOCK.format(more="init: {zero_last: true, fc: normal 0.01}")
    )
    for name in ("a.0", "a.1", "b"):
        assert bool((net.get_parameter(f"{name}.T.conv.bias") == -2).all())
        assert bool(
            (net.get_parameter(f"{name}.body.1.bn.weight") == 0).all()
        )
        assert bool(
            (net.get_parameter(f"{name}.body.0.bn.weight") == 1).all()
        )
    assert bool((net.get_parameter("b.shortcut.bn.weight") == 1).all())
    assert bool((net.get_parameter("head.1.bias") == 0).all())
    plain = net_of(BLOCK.format(more=""))
    assert bool((plain.get_parameter("a.0.body.1.bn.weight") == 1).all())


def test_a_scheme_reaches_linear_layers_with_an_activation() -> None:
    torch.manual_seed(0)
    net = net_of(
        "name: net\ninput: 100\ninit: {fc: normal 0.5}\nnet:\n  a: fc 100 relu\n"
    )
    assert net.get_parameter("a.weight").std().item() == pytest.approx(
        0.5, rel=0.03
    )
    assert bool((net.get_parameter("a.bias") == 0).all())


def test_dtype_and_device() -> None:
    net = module(zoo("digits.yaml"), device="meta", dtype=torch.bfloat16)
    assert {(p.device.type, p.dtype) for p in net.parameters()} == {
        ("meta", torch.bfloat16)
    }


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    net = module(zoo("digits.yaml")).eval()
    image = torch.randn(2, *zoo("digits.yaml").input)
    with torch.no_grad():
        return net, image, net(image)


Digits = tuple[nn.Module, torch.Tensor, torch.Tensor]


def test_copies_and_pickles(digits: Digits) -> None:
    net, image, output = digits
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert type(copied) is type(net)
        assert copied is not net
        assert torch.equal(copied(image), output)
    part = next(
        child
        for child in net.modules()
        if type(child).__module__ == type(net).__module__
        and child is not net
    )
    assert type(pickle.loads(pickle.dumps(part))) is type(part)


def test_a_pickle_loads_where_its_source_was_never_seen(
    digits: Digits, tmp_path: Path
) -> None:
    net, image, output = digits
    path = tmp_path / "net.pickle"
    path.write_bytes(pickle.dumps((net, image, output)))
    code = (
        "import pathlib, pickle, inspect, torch\n"
        f"net, image, output = pickle.loads(pathlib.Path({str(path)!r}).read_bytes())\n"
        "assert torch.equal(net(image), output)\n"
        "assert 'class' in inspect.getsource(type(net))"
    )
    done = python("-c", code, cwd=tmp_path, path=str(ROOT))
    assert done.returncode == 0, done.stderr


def test_the_exported_file_is_the_module(
    digits: Digits, tmp_path: Path
) -> None:
    net, image, output = digits
    path = tmp_path / "model.py"
    path.write_text(source(zoo("digits.yaml")))
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    torch.save((image, output), tmp_path / "data.pt")
    code = (
        "import sys, torch; sys.modules['resgraph'] = None\n"
        f"import model; net = model.{type(net).__name__}().eval(); net.load_state_dict(torch.load('weights.pt'))\n"
        "image, output = torch.load('data.pt'); assert torch.equal(net(image), output)"
    )
    done = python("-c", code, cwd=tmp_path, path="")
    assert done.returncode == 0, done.stderr


def test_export_and_compile(digits: Digits) -> None:
    net, image, output = digits
    exported = torch.export.export(net, (image,))
    assert torch.allclose(exported.module()(image), output, atol=1e-6)
    compiled = torch.compile(
        copy.deepcopy(net), backend="aot_eager", fullgraph=True
    )
    assert torch.allclose(compiled(image), output, atol=1e-6)


def test_tracebacks_and_inspect_show_the_source(digits: Digits) -> None:
    net, _, _ = digits
    assert "def forward(self, x):" in inspect.getsource(type(net))
    with pytest.raises(RuntimeError) as caught:
        net(torch.zeros(1, 7, 8, 8))
    shown = "".join(traceback.format_exception(caught.value))
    assert type(net).__module__ in shown
    assert "x = self." in shown or "return self." in shown
