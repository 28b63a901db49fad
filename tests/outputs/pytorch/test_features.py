"""`export --features`: a net as the backbone that others read, held against those others where they are installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from references import torchvision
from torch import Tensor, nn

import resgraph
from resgraph.cli import run
from resgraph.errors import UsageError
from resgraph.outputs.pytorch.build import source_module
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.features import features_source

SMALL = """
name: Small
input: 3x64x64
net:
  stem: 3x3 conv 8 /2
  c2:   [3x3 max pool /2, basic 8]
  c3:   basic 16 /2
  c4:   basic 24 /2
  c5:   basic 32 /2
  head: [global avg pool, fc 10]
"""
STAGES = ("stem", "c2", "c3", "c4", "c5")
CHANNELS, STRIDES = (8, 8, 16, 24, 32), (2, 4, 8, 16, 32)


def backbone(*rows: str, text: str = SMALL) -> ModuleType:
    """The emitted module of a backbone."""
    return source_module(
        features_source(resgraph.loads(text).features(*rows))
    )


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def maps_of(net: nn.Module, images: Tensor) -> list[Tensor]:
    """What its stages give, one after another."""
    found = []
    for name, stage in net.named_children():
        images = stage(images)
        found += [images.clone()] if name in STAGES else []
    return found


def test_the_plan_ends_where_its_rows_do() -> None:
    whole = resgraph.loads(SMALL)
    part = whole.features("c3", "stem")
    assert part.outputs == {"c3": (16, 8, 8), "stem": (8, 32, 32)}
    assert [row.name for row in part.graph.rows] == ["stem", "c2", "c3"]
    assert whole.outputs == {"head": (10,)} and whole.spec is part.spec
    own = whole.module().state_dict()
    assert part.module().state_dict().keys() == {
        k for k in own if k[:2] in ("st", "c2", "c3")
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("c6",), "no row is called `c6`"),
        (("c3", "c3"), "`c3` is named twice"),
        ((), "name at least one row"),
        (("c3", "head"), "`head` gives a vector"),
    ],
)
def test_what_is_no_map(rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        features_source(resgraph.loads(SMALL).features(*rows))


def test_a_row_that_would_hide_what_others_read() -> None:
    with pytest.raises(UsageError, match="`strides` is what others read"):
        backbone("strides", text=SMALL.replace("stem:", "strides:"))


def test_timms_protocol() -> None:
    made = backbone("c3", "c4", "c5")
    net = made.SmallFeatures().eval()
    images = torch.randn(2, 3, 64, 96)
    found = net(images)
    assert isinstance(found, list)
    assert all(map(torch.equal, found, maps_of(net, images)[2:]))
    info = net.feature_info
    assert (info.channels(), info.reduction()) == (
        [16, 24, 32],
        [8, 16, 32],
    )
    assert (info.module_name(), info.channels(-1), len(info)) == (
        ["c3", "c4", "c5"],
        32,
        3,
    )
    assert info.get_dicts(["num_chs"], [0, 2]) == [
        {"num_chs": 16},
        {"num_chs": 32},
    ]
    assert list(net.state_dict()) == list(made.Small().state_dict())


def unet(encoder: Any, images: Tensor) -> Tensor:
    """A U-Net's way up over an encoder's maps, as segmentation_models_pytorch goes it."""
    _, *skips = encoder(images)
    assert [skip.shape[1] for skip in skips] == encoder.out_channels[1:]
    x = skips.pop()
    while skips:
        x = torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1)
    return F.interpolate(x, scale_factor=2)


def test_an_encoder_has_a_map_for_each_halving() -> None:
    encoder = backbone(*STAGES).SmallEncoder().eval()
    images = torch.randn(2, 3, 64, 96)
    assert (
        encoder.out_channels == [3, *CHANNELS]
        and encoder.output_stride == 32
    )
    first, *maps = encoder(images)
    assert first is images and all(
        map(torch.equal, maps, maps_of(encoder, images))
    )
    assert unet(encoder, images).shape == (2, sum(CHANNELS), 64, 96)


def test_an_encoder_is_empty_where_the_net_has_no_map() -> None:
    encoder = backbone("c2", "c3", "c5").SmallEncoder(depth=5)
    assert encoder.out_channels == [3, 0, 8, 16, 0, 32]
    assert unet(encoder, torch.randn(1, 3, 64, 64)).shape == (1, 56, 64, 64)
    made = backbone("c2", "c3", "c4")
    shallow = made.SmallEncoder(depth=3)
    assert (shallow.out_channels, shallow.output_stride) == (
        [3, 0, 8, 16],
        8,
    )
    with pytest.raises(ValueError, match="no map of stride 32"):
        made.SmallEncoder(depth=5)
    with pytest.raises(ValueError, match="the spec says strides"):
        made.SmallEncoder(depth=4, output_stride=16)
    with pytest.raises(ValueError, match="reads 3 channels"):
        shallow.set_in_channels(4)


def test_a_detectors_backbone() -> None:
    pyramid = (
        SMALL.split("  head")[0]
        + "  p5: [c5, 1x1 conv 8]\n  p4: [c4, 1x1 conv 8]\noutput: [p4, p5]\n"
    )
    net = backbone("p4", "p5", text=pyramid).SmallBackbone()
    assert net.out_channels == 8
    found = net(torch.randn(1, 3, 64, 64))
    assert {row: tuple(x.shape) for row, x in found.items()} == {
        "p4": (1, 8, 4, 4),
        "p5": (1, 8, 2, 2),
    }
    assert not hasattr(backbone("c4", "c5").SmallBackbone(), "out_channels")


def test_names_stay_apart() -> None:
    text = SMALL.replace(
        "net:",
        "blocks: {encoder: [3x3 conv out /stride, 3x3 conv out]}\nnet:",
    ).replace("c5:   basic", "c5:   encoder")
    made = backbone("c4", "c5", text=text)
    assert issubclass(made.SmallEncoder, made.Encoder) and not issubclass(
        made.Encoder2, made.Encoder
    )


def test_the_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)
    assert (
        run(
            [
                "export",
                "small.yaml",
                "--features",
                "c3, c5",
                "-o",
                "small.py",
            ]
        )
        == 0
    )
    made = source_module(Path("small.py").read_text())
    assert made.SmallMaps.strides == (8, 32)
    assert (
        run(
            [
                "export",
                "small.yaml",
                "--features",
                "c3,c5",
                "-o",
                "small.safetensors",
            ]
        )
        == 0
    )
    assert run(["export", "small.yaml", "--features", "c3,c6"]) == 2
    assert (
        "no row is called `c6`: the rows are stem, c2"
        in capsys.readouterr().err
    )


def test_weights_of_a_backbone_are_those_that_it_has() -> None:
    plan = resgraph.loads(SMALL).features("c2", "c3")
    from safetensors.torch import load

    backbone("c2", "c3").SmallFeatures().load_state_dict(
        load(export(plan, "safetensors"))
    )


def test_layers_are_the_blocks_by_depth() -> None:
    net = backbone("c3", "c4").SmallFeatures()
    wanted = {
        "stem.conv.weight": 1,
        "c2.1.body.0.bn.bias": 2,
        "c4.shortcut.conv": 4,
    }
    depth, row = net.group_matcher(), net.group_matcher(coarse=True)
    assert {key: depth(key) for key in wanted} == wanted
    assert [row(key) for key in wanted] == [0, 1, 3]


# -- the others themselves


@pytest.fixture(scope="module")
def resnet() -> ModuleType:
    plan = resgraph.load("resnet-50").features(
        "conv2", "conv3", "conv4", "conv5"
    )
    return source_module(features_source(plan))


@pytest.mark.slow
def test_timm_says_the_same(resnet: ModuleType) -> None:
    torchvision()
    timm = pytest.importorskip("timm")
    theirs = timm.create_model(
        "resnet50", features_only=True, out_indices=(1, 2, 3, 4)
    ).eval()
    ours = resnet.ResNet50Features().eval()
    values = dict(
        zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    )
    ours.load_state_dict(values)
    images = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        pairs = zip(ours(images), theirs(images), strict=True)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)
    for ask in ("channels", "reduction"):
        assert (
            getattr(ours.feature_info, ask)()
            == getattr(theirs.feature_info, ask)()
        )
    keys = ["num_chs", "reduction"]
    assert ours.feature_info.get_dicts(
        keys
    ) == theirs.feature_info.get_dicts(keys)
    listed = pytest.importorskip("timm.models._features").FeatureListNet
    info = [ours.feature_info[place] for place in range(4)]
    assert info == taken_apart(listed, resnet, info)


def taken_apart(
    listed: Any, made: ModuleType, info: list[dict[str, Any]]
) -> Any:
    """What timm's own extractor makes of the bare net and our facts."""
    net = made.ResNet50()
    net.feature_info = info
    found = listed(net, out_indices=(0, 1, 2, 3))
    with torch.no_grad():
        shapes = [x.shape[1] for x in found(torch.randn(2, 3, 64, 64))]
    assert shapes == found.feature_info.channels()
    return found.feature_info.get_dicts()


def rates_of(groups: list[dict[str, Any]], net: nn.Module) -> list[float]:
    """What timm's optimizer multiplies the learning rate of each parameter by."""
    scale = {
        id(p): group["lr_scale"]
        for group in groups
        for p in group["params"]
    }
    return [scale[id(p)] for p in net.parameters()]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "resnet18"])
def test_timms_optimizers_decay_the_rate_by_depth(name: str) -> None:
    torchvision()
    timm = pytest.importorskip("timm")
    make = pytest.importorskip("timm.optim").create_optimizer_v2
    theirs = timm.create_model(name)
    plan = resgraph.load(name.replace("resnet", "resnet-"))
    ours = plan.module()
    ours.group_matcher = plan.group_matcher  # type: ignore[assignment]
    rows = "conv2", "conv3", "conv4", "conv5"
    made = source_module(features_source(plan.features(*rows)))
    maps = getattr(made, f"ResNet{name[6:]}Features")()
    rates = [
        rates_of(make(net, "sgd", layer_decay=0.75).param_groups, net)
        for net in (theirs, ours, maps)
    ]
    assert sorted(rates[1]) == pytest.approx(sorted(rates[0]))
    # without the head the last block is what learns at the full rate
    body = [rate / 0.75 for rate in rates[1][:-2]]
    assert rates[2] == pytest.approx(body) and max(rates[2]) == 1


@pytest.mark.slow
def test_segmentation_models_build_on_it() -> None:
    torchvision()
    pytest.importorskip("timm")
    smp = pytest.importorskip("segmentation_models_pytorch")
    made = backbone(*STAGES)
    smp.encoders.encoders["ours"] = {
        "encoder": made.SmallEncoder,
        "params": {},
        "pretrained_settings": {},
    }
    images = torch.randn(2, 3, 64, 96)
    for model in (
        smp.Unet,
        smp.UnetPlusPlus,
        smp.FPN,
        smp.Linknet,
        smp.MAnet,
        smp.PSPNet,
    ):
        depth = 3 if model is smp.PSPNet else 5
        net = model(
            "ours", encoder_weights=None, classes=2, encoder_depth=depth
        )
        masks = net(images)
        assert masks.shape == (2, 2, 64, 96)
        masks.sum().backward()
        assert net.encoder.stem.conv.weight.grad.abs().sum() > 0


@pytest.mark.slow
def test_segmentation_models_take_it_from_timm() -> None:
    torchvision()
    timm = pytest.importorskip("timm")
    smp = pytest.importorskip("segmentation_models_pytorch")
    made = backbone(*STAGES)

    def small_resgraph(pretrained: bool = False, **_: Any) -> nn.Module:
        net: nn.Module = made.SmallFeatures()
        return net

    small_resgraph.__module__ = __name__
    sys.modules[__name__].small_resgraph = small_resgraph  # type: ignore[attr-defined]
    timm.models.register_model(small_resgraph)
    net = smp.Unet("tu-small_resgraph", encoder_weights=None, classes=4)
    assert net(torch.randn(2, 3, 64, 64)).shape == (2, 4, 64, 64)


@pytest.mark.slow
def test_torchvisions_pyramid_takes_the_bare_net_and_the_maps(
    resnet: ModuleType,
) -> None:
    torchvision()
    utils = pytest.importorskip(
        "torchvision.models.detection.backbone_utils"
    )
    names = resnet.ResNet50Maps.rows
    channels = list(resnet.ResNet50Maps.channels)
    net = resnet.ResNet50Backbone().eval()
    theirs = utils.BackboneWithFPN(
        net, {row: row for row in names}, channels, 256
    ).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted, found = theirs(images), theirs.fpn(net(images))
    assert list(found) == [*names, "pool"]
    assert all(torch.equal(found[row], wanted[row]) for row in found)


@pytest.mark.slow
def test_torchvisions_detector_trains_on_it() -> None:
    torchvision()
    detection = pytest.importorskip("torchvision.models.detection")
    plan = resgraph.load("resnet-50-fpn")
    made = source_module(features_source(plan.features(*plan.outputs)))
    net = made.ResNet50FPNBackbone()
    assert net.out_channels == 256 and net.strides == (4, 8, 16, 32, 64)
    detector = detection.RetinaNet(
        net, num_classes=3, min_size=64, max_size=64
    ).train()
    boxes = {
        "boxes": torch.tensor([[4.0, 4, 40, 50]]),
        "labels": torch.tensor([1]),
    }
    losses = detector([torch.rand(3, 64, 64)] * 2, [boxes] * 2)
    sum(losses.values()).backward()
    assert net.conv1[0].conv.weight.grad.abs().sum() > 0
