#!/usr/bin/env bash
# torchvision 0.28.0: GoogLeNet and Inception v3 are two nets each. Made with `weights=`, they turn an image that is
# normalized as for ImageNet back, and to [-1, 1], before the first conv (`transform_input`); made without and filled by
# `load_state_dict` from the same file, they do not. One would have guessed that a state dict is what tells two nets of
# one class apart, as for all other nets of the package: a checkpoint that is read back, a port, or an export from
# `weights=None` is given inputs that are moved and twice as wide as it learned on, and reports no missing key.
# `transform_input=True` in the constructor, or inputs of mean 0.5 and deviation 0.5 without it, are right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import torchvision
from torchvision import models

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
pixels = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
normalized = (pixels - MEAN[:, None, None]) / STD[:, None, None]


def first_seen(net):
    """What the first conv is given for the normalized images."""
    conv = next(module for module in net.modules() if isinstance(module, torch.nn.Conv2d))
    seen = []
    conv.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    net.eval()(normalized)
    return seen[0]


print("torchvision", torchvision.__version__)
for make, known in ((models.googlenet, models.GoogLeNet_Weights), (models.inception_v3, models.Inception_V3_Weights)):
    # nothing is fetched: any numbers will do
    state = make(weights=None, init_weights=False).state_dict()
    known.get_state_dict = lambda self, *how, state=state, **more: state
    with_weights = make(weights=known.DEFAULT)
    filled = make(weights=None, init_weights=False)
    filled.load_state_dict(state)
    told = make(weights=None, init_weights=False, transform_input=True)
    told.load_state_dict(state)
    by_weights, by_state, by_told = map(first_seen, (with_weights, filled, told))
    for name, seen in (("weights=", by_weights), ("load_state_dict", by_state), ("transform_input=True", by_told)):
        print(f"{make.__name__:14}{name:22} from {seen.min():.2f} to {seen.max():.2f}")
    assert torch.allclose(by_weights, 2 * pixels - 1, atol=1e-5), "this has changed"
    assert torch.equal(by_state, normalized), "this has changed"
    assert torch.equal(by_told, by_weights)
PY
