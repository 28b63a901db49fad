"""Other people's tools on our nets: what counts, hooks, traces, quantizes, prunes and explains, as on torch's own layers.

A tool that is not installed skips its test; `docs/tools.md` says which versions were tried."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from references import torchvision
from torch import Tensor, nn

import resgraph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]
MLP = "name: mlp\ninput: 3x8x8\nnet: {a: [global avg pool, fc 8 relu, fc 8 relu, fc 4]}\n"
PLAIN = "name: plain\ninput: 3x8x8\nnet: {a: [3x3 conv 8 bare, relu], head: [global avg pool, fc 4]}\n"
RESIDUAL = """
name: residual
input: 3x16x16
blocks:
  basic:
    body: [3x3 conv out /stride, 3x3 conv out linear]
    shortcut: zero-pad
    merge: relu(body + shortcut)
net:
  a: 3x3 conv 8
  b: [basic 8, basic 16 /2]
  head: [global avg pool, fc 12 relu, fc 5]
"""
STREAMS = """
name: streams
input: 3x16x16
blocks:
  exchange:
    reads: [a, b]
    p:  [a, basic]
    q:  [b, 3x3 conv in.1 pad 0:2]
    y1: {up: [q, 1x1 conv in.0 linear, upsample 2], merge: relu(p + up)}
    y2: {down: [p, 3x3 conv in.1 /2 linear pad same], merge: relu(q + down)}
    gives: [y1, y2]
net:
  stem:  [3x3 conv 8 reflect, 3x3 avg pool /1 replicate]
  stage: [{a: 3x3 conv 8, b: 3x3 conv 12 /2, gives: [a, b]}, 2 x exchange]
  last:  {down: [stage.y1, 3x3 conv 12 /2 linear], merge: relu(stage.y2 + down)}
  head:  [global avg pool, fc 5]
"""
PADDED = """
name: padded
input: 3x16x16
unit: conv ln relu
ops: {conv: {standardize: weight}}
net:
  a: [3x3 conv 8 /2 pad same, 3x3 conv 8 reflect, 3x3 max pool /1 pad 0:2]
  b: [3x3 avg pool /1 replicate, 3x3 depthwise conv pad 2x0:1]
  head: [global avg pool, fc 5]
"""


def net_of(text: str = RESIDUAL, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return resgraph.loads(text).module(**options).eval()


def images(*size: int) -> Tensor:
    return torch.randn(
        *(size or (2, 3, 16, 16)),
        generator=torch.Generator().manual_seed(1),
    )


# -- what explains -------------------------------------------------------------------------------------


def test_deep_lift_adds_up() -> None:
    captum = pytest.importorskip("captum.attr")
    net, x = net_of().double(), images().double()
    with torch.no_grad():
        apart = net(x)[:, 1] - net(torch.zeros_like(x))[:, 1]
    _, delta = captum.DeepLift(net).attribute(
        x, torch.zeros_like(x), target=1, return_convergence_delta=True
    )
    assert apart.abs().min() > 1e-3
    assert (delta / apart).abs().max() < 1e-6


def test_guided_backpropagation_finds_every_relu() -> None:
    """Against the same by hand: at each ReLU only what is positive goes back."""
    captum = pytest.importorskip("captum.attr")
    net, x = net_of(inplace=False), images()
    found = captum.GuidedBackprop(net).attribute(x, target=1)
    by_hand = copy.deepcopy(net)
    for module in by_hand.modules():
        if isinstance(module, nn.ReLU):
            module.register_full_backward_hook(
                lambda _, grads, __: (grads[0].clamp(min=0),)
            )
    y = x.clone().requires_grad_()
    by_hand(y)[:, 1].sum().backward()
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 6
    assert torch.allclose(found, y.grad) and found.abs().sum() > 0


def test_relevance_goes_through_a_global_pool_that_has_a_rule() -> None:
    """captum knows layers by their type, torch's `nn.Flatten` neither: what has a `rule` it takes."""
    captum = pytest.importorskip("captum.attr")
    rules = pytest.importorskip("captum.attr._utils.lrp_rules")
    with pytest.raises(TypeError, match="GlobalAvgPool"):
        captum.LRP(net_of(PLAIN)).attribute(images(2, 3, 8, 8), target=1)
    net, x = net_of(PLAIN).double(), images(2, 3, 8, 8).double()
    net.get_submodule("head.1").bias.data.zero_()
    net.get_submodule("head.0").rule = rules.EpsilonRule()
    _, delta = captum.LRP(net).attribute(
        x, target=1, return_convergence_delta=True
    )
    with torch.no_grad():
        assert (delta / net(x)[:, 1]).abs().max() < 1e-6


# -- what quantizes, prunes, adapts ----------------------------------------------------------------------


def test_dynamic_quantization_takes_every_linear() -> None:
    net = net_of(MLP)
    made = torch.ao.quantization.quantize_dynamic(
        net, {nn.Linear}, torch.qint8
    )
    kinds = [
        type(m).__module__
        for m in made.modules()
        if type(m).__name__ == "Linear"
    ]
    assert len(kinds) == 3 and all(
        "quantized.dynamic" in kind for kind in kinds
    )
    x = images(2, 3, 8, 8)
    assert torch.allclose(made(x), net(x), atol=0.05)


def test_static_quantization_traces_an_option_a_net() -> None:
    quantize = pytest.importorskip("torch.ao.quantization.quantize_fx")
    net, x = net_of(inplace=False), images(8, 3, 16, 16)
    mapping = torch.ao.quantization.get_default_qconfig_mapping("x86")
    ready = quantize.prepare_fx(copy.deepcopy(net), mapping, (x,))
    ready(x)
    made = quantize.convert_fx(ready)
    with torch.no_grad():
        wanted = net(x)
        assert (made(x) - wanted).abs().max() < 0.1 * wanted.abs().max()


def test_torchao_takes_the_weights() -> None:
    pytest.importorskip("torchao")
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    net, x = net_of(MLP), images(2, 3, 8, 8)
    wanted = net(x)
    quantize_(net, Int8WeightOnlyConfig())
    assert torch.allclose(net(x), wanted, atol=0.05)


def test_pruning_follows_an_option_a_net() -> None:
    pruning = pytest.importorskip("torch_pruning")
    net, x = net_of(), images()
    before = sum(weight.numel() for weight in net.parameters())
    pruner = pruning.pruner.MagnitudePruner(
        net,
        x,
        importance=pruning.importance.MagnitudeImportance(),
        pruning_ratio=0.5,
        ignored_layers=[net.get_submodule("head.2")],
    )
    pruner.step()
    assert net(x).shape == (2, 5)
    assert sum(weight.numel() for weight in net.parameters()) < before / 2


def test_an_adapter_is_merged_without_a_change() -> None:
    torchvision()  # which transformers imports
    peft = pytest.importorskip("peft")
    net, x = net_of(MLP), images(2, 3, 8, 8)
    config = peft.LoraConfig(
        target_modules=["a.1", "a.2"], init_lora_weights=False
    )
    adapted = peft.get_peft_model(net, config).eval()
    with torch.no_grad():
        apart = adapted(x)
        merged = adapted.merge_and_unload()(x)
    assert torch.allclose(apart, merged, atol=1e-5)


# -- what hooks and traces -------------------------------------------------------------------------------


def test_gradients_of_each_image_by_opacus() -> None:
    opacus = pytest.importorskip("opacus")
    text = RESIDUAL.replace("blocks:", "unit: conv relu\nblocks:")
    net, x = net_of(text, inplace=False).train(), images()
    wanted = []
    for image in x:
        net.zero_grad()
        net(image[None]).square().sum().backward()
        wanted.append(net.get_parameter("a.conv.weight").grad.clone())
    net.zero_grad()
    each = opacus.GradSampleModule(net, loss_reduction="sum")
    each(x).square().sum().backward()
    found = net.get_parameter("a.conv.weight").grad_sample
    assert torch.allclose(found, torch.stack(wanted), atol=1e-4)


def test_features_by_the_names_of_nodes() -> None:
    torchvision()
    tool = pytest.importorskip("torchvision.models.feature_extraction")
    net, x = net_of(), images()
    names = {"b.0.merge": "first", "b.1.body": "sum"}
    found = tool.create_feature_extractor(net, names)(x)
    seen: list[Tensor] = []
    net.get_submodule("b.0.merge.relu").register_forward_hook(
        lambda _, __, out: seen.append(out.clone())
    )
    net(x)
    assert torch.equal(found["first"], seen[0])


def traced(net: nn.Module) -> nn.Module:
    return torch.fx.symbolic_trace(net)


def fused(net: nn.Module) -> nn.Module:
    from torch.fx.experimental.optimization import fuse

    return fuse(net)  # type: ignore[no-any-return]


def exported(net: nn.Module) -> nn.Module:
    return torch.export.export(net, (images(),)).module()


def materialized(net: nn.Module) -> nn.Module:
    empty = type(net)().to("meta").to_empty(device="cpu").eval()
    empty.load_state_dict(net.state_dict())
    return empty


WAYS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "fx": traced,
    "fuse": fused,
    "export": exported,
    "script": torch.jit.script,
    "trace": lambda net: torch.jit.trace(net, images()),
    "compile": lambda net: torch.compile(
        net, backend="eager", fullgraph=True
    ),
    "meta": materialized,
    "SyncBatchNorm": nn.SyncBatchNorm.convert_sync_batchnorm,
    "channels last": lambda net: net.to(memory_format=torch.channels_last),
    "DataParallel": nn.DataParallel,
}


NETS = {"residual": RESIDUAL, "streams": STREAMS, "padded": PADDED}


@pytest.mark.parametrize(
    ("way", "text"),
    [
        pytest.param(way, text, id=f"{way}-{name}")
        for way in WAYS
        for name, text in NETS.items()
        # TorchScript has no *arguments, which what hands streams on takes
        if (way, name) != ("script", "streams")
    ],
)
def test_the_numbers_stay(way: str, text: str) -> None:
    net, x = net_of(text), images()
    with torch.no_grad():
        wanted = net(x)
        assert torch.allclose(WAYS[way](net)(x), wanted, atol=1e-5)


def test_gradients_of_each_image_by_vmap() -> None:
    net, x = net_of(inplace=False), images()
    weights: dict[str, Tensor] = dict(net.named_parameters())

    def loss(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        out = torch.func.functional_call(net, weights, (image[None],))
        return out.square().sum()  # type: ignore[no-any-return]

    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, x)
    wanted = torch.func.grad(loss)(weights, x[1])
    assert all(
        torch.allclose(found[key][1], wanted[key], atol=1e-4)
        for key in wanted
    )
