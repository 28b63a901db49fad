#!/usr/bin/env bash
# torch 2.13.0: torch.onnx.export takes a net that is in training mode as it is, and writes a file of neither mode:
# each BatchNorm normalizes by the running statistics, as in eval, and each Dropout drops, in onnxruntime too. One
# would have guessed one mode for the whole file: that of the net, as the warning has it which is all that is said, or
# eval, which the exporter without dynamo takes by itself. Logits differ from run to run, where the norms look right,
# and they are not the net's in training either. `.eval()` before the export gives the file that was meant.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1
"$work/venv/bin/python" -W ignore - "$work/net.onnx" <<'PY'
import sys

import onnxruntime
import torch
from torch import nn

x = 3 + 2 * torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def written(layer, dynamo):
    """What the file gives for x; the layer is in training mode."""
    torch.onnx.export(layer.train(), (x,), sys.argv[1], dynamo=dynamo, verbose=False)
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def same(y, layer, mode):
    with torch.no_grad():
        return torch.allclose(y, layer.train(mode)(x), atol=1e-4)


seen = {}
for dynamo in (False, True):
    norm = nn.BatchNorm2d(4)
    normed = written(norm, dynamo)
    dropped = (written(nn.Dropout(0.5), dynamo) == 0).float().mean().item()
    seen[dynamo] = {
        "norm as in eval": same(normed, norm, False),
        "norm as in training": same(normed, norm, True),
        "dropped": round(dropped, 1),
    }
print("torch", torch.__version__, "onnxruntime", onnxruntime.__version__)
for dynamo, found in seen.items():
    print("dynamo" if dynamo else "without", found)
norm_in_eval = {"norm as in eval": True, "norm as in training": False}
assert seen[False] == {**norm_in_eval, "dropped": 0.0}, "this has changed"
assert seen[True] == {**norm_in_eval, "dropped": 0.5}, "this has changed"
PY
