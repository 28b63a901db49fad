#!/usr/bin/env bash
# torch 2.13.0: a linear layer keeps its weight's name in an ONNX file where its input is a vector, and loses it where
# its input is a sequence of tokens: the default exporter folds the transpose into the weight, and calls it `val_N`.
# So it does with a PReLU's slope, which it reshapes. One would have guessed that what stands in `state_dict` is an
# initializer of that name: whoever fills or compares a file by names loses all linear layers of a transformer, and
# none of a ResNet.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings

import onnx
import torch
from torch import nn

warnings.simplefilter("ignore")


def seen(layer: nn.Module, *axes: int) -> dict[str, list[str]]:
    program = torch.onnx.export(layer.eval(), (torch.randn(axes),), verbose=False)
    graph = program.model_proto.graph
    names = {each.name: list(each.dims) for each in graph.initializer}
    print(type(layer).__name__, axes, [node.op_type for node in graph.node], names)
    return names


print("torch", torch.__version__, "onnx", onnx.__version__)
assert seen(nn.Linear(4, 6), 2, 4) == {"weight": [6, 4], "bias": [6]}, "this has changed"
tokens = seen(nn.Linear(4, 6), 2, 3, 4)
assert tokens.keys() - {"bias"} and "weight" not in tokens, "this has changed"
assert [4, 6] in tokens.values() and tokens["bias"] == [6], "this has changed"
slope = seen(nn.PReLU(4), 2, 4, 5, 5)
assert "weight" not in slope and [1, 4, 1, 1] in slope.values(), "this has changed"
PY
