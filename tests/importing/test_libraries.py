"""Nets of timm and torchvision, imported as their users would: equal, in few lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from references import torchvision  # noqa: E402

from resgraph.importing import Imported, from_model  # noqa: E402
from resgraph.importing.proof import LARGEST  # noqa: E402
from resgraph.importing.sources import model_of  # noqa: E402

FACTS = {
    f"{library}:{fact['name']}": fact
    for library in ("torchvision", "timm")
    for fact in json.loads(
        (ROOT / "golden_facts" / f"{library}.json").read_text()
    )
}
MOST = 40
LONGER = {"timm:inception_resnet_v2": 52}
"""Nets whose specs have more lines than they should, and how many."""

pytestmark = pytest.mark.slow

RESNET_50 = """\
name: resnet50
about: torchvision:resnet50
input: 3x224x224

net:
  stem:   [7x7 conv 64 /2, 3x3 max pool /2]
  layer1: 3 x bottleneck 256
  layer2: 4 x bottleneck 512 /2
  layer3: 6 x bottleneck 1024 /2
  layer4: 3 x bottleneck 2048 /2
  head:   [global avg pool, fc 1000]

expect: {params: 25_557_032, macs: 4_089_184_256, depth: 50, output: 1000}
"""


SEEN = {
    "torchvision:resnet50": (224, 224),
    "torchvision:inception_v3": (299, 299),
    "torchvision:efficientnet_b7": (600, 600),
    # smaller where its builder has no weights
    "torchvision:vit_h_14": (224, 224),
    "torchvision:fcn_resnet50": (520, 520),
    "torchvision:fcos_resnet50_fpn": (224, 224),
    "torchvision:r3d_18": (16, 112, 112),
    "torchvision:mvit_v1_b": (16, 224, 224),
    "timm:resnetrs50": (160, 160),
}
"""What the weights of some nets saw, as their libraries' pages say."""


@pytest.mark.parametrize("name", SEEN)
def test_an_image_is_as_large_as_the_weights_know(name: str) -> None:
    torchvision()
    pytest.importorskip(name.partition(":")[0])
    found = model_of(name)
    assert found.shapes == {"input": (3, *SEEN[name])}
    assert found.why
    assert not model_of(name, (3, 64, 64)).why


def test_resnet_50() -> None:
    torchvision()
    assert from_model("torchvision:resnet50").text == RESNET_50


@pytest.mark.parametrize("name", FACTS)
def test_nets_with_known_facts(name: str) -> None:
    torchvision()
    pytest.importorskip(name.partition(":")[0])
    found = from_model(name)
    assert found.plan.params == FACTS[name]["params"]
    assert found.plan.macs == FACTS[name]["macs"]
    assert lines(found.text) <= LONGER.get(name, MOST)
    assert proven(found)


def proven(found: Imported) -> bool:
    """Equal in numbers, but where two such nets are too large to be run."""
    if found.plan.params > LARGEST:
        return str(found.proof).startswith("too large to be run")
    return found.proof.output is not None and found.proof.output <= 1e-9


def lines(text: str) -> int:
    """Of a spec, but for those of blocks that are all different, one a line, as pruning leaves."""
    return sum(not line.startswith("    - ") for line in text.splitlines())


def timm_names() -> list[str]:
    try:
        torchvision()
        import timm
    except (ImportError, pytest.skip.Exception):
        return []
    return list(timm.list_models(module="resnet"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The names of timm's nets, where they are wanted: its import takes a quarter of what all collecting takes."""
    if "timm_name" in metafunc.fixturenames:
        wanted = "not slow" not in metafunc.config.getoption("-m")
        metafunc.parametrize("timm_name", timm_names() if wanted else [])


def test_every_net_of_timms_resnet(timm_name: str) -> None:
    found = from_model(f"timm:{timm_name}")
    assert lines(found.text) <= MOST
    assert proven(found)
