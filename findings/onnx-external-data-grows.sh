#!/usr/bin/env bash
# onnx 1.23.2: onnx.save(model, path, save_as_external_data=True, location=...) writes the weights behind what the file
# of that name already holds. Saved again, the model is new and its weights' file holds the old ones before the new: 40
# kB, 80, 120. One would have guessed that a save replaces what was saved, as it does to the model's own file, which is
# written beside it: a net of 2 GB that is exported after every epoch, or by a script that is run again, fills the
# disk, loads and runs rightly all the while, and is sent on with all its earlier weights. Removing the file first is
# right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - "$work/saved" <<'PY'
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir()


def saved(number, remove=False):
    """Sizes of model and weights behind a save of weights that are all this number, and the number that is read."""
    weights = numpy_helper.from_array(np.full(10_000, number, "float32"), "w")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [10_000]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "net", ends[:1], ends[1:], [weights])
    if remove:
        (folder / "net.bin").unlink()
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph), path, save_as_external_data=True, location="net.bin", size_threshold=0)
    read = numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    return path.stat().st_size < 300, (folder / "net.bin").stat().st_size, float(read.mean())


found = [saved(number) for number in (1, 2, 3)]
removed = saved(4, remove=True)
print("onnx", onnx.__version__)
print("small model, bytes of weights, the weight that is read", *found, "removed first", removed)
assert [size for _, size, _ in found] == [40_000, 80_000, 120_000], "this has changed"
assert [number for _, _, number in found] == [1, 2, 3] and removed == (True, 40_000, 4)
PY
