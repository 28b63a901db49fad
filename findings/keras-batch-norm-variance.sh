#!/usr/bin/env bash
# keras 3.15.1 and torch 2.13.0: a batch norm's moving variance is the biased one in Keras (divided by n), the unbiased
# one in torch (divided by n - 1), while both normalize the batch by the biased one. One would have guessed that a net
# that was trained in both has the same statistics: where a channel has few values a batch (a dense layer at batch 4, a
# map of one cell) they differ by n / (n - 1), here by a third, and a port that is exact in inference isn't in training.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 keras==3.15.1
export KERAS_BACKEND=torch
"$work/venv/bin/python" - <<'PY'
import keras
import numpy as np
import torch

print("keras", keras.__version__, "torch", torch.__version__)
for count in (4, 400):
    x = np.random.default_rng(0).normal(size=(count, 1)).astype("float32")
    # so that what is kept is the batch's alone
    ours = keras.layers.BatchNormalization(momentum=0.0)
    normal = keras.ops.convert_to_numpy(ours(x, training=True))
    theirs = torch.nn.BatchNorm1d(1, eps=1e-3, momentum=1.0)
    apart = np.abs(normal - theirs(torch.from_numpy(x)).detach().numpy()).max()
    kept = float(keras.ops.convert_to_numpy(ours.moving_variance)[0]), theirs.running_var.item()
    print(count, "values: outputs", f"{apart:.1e}", "apart, variances", *kept)
    assert apart < 1e-4, "this has changed"
    assert np.allclose(kept, (x.var(), x.var(ddof=1)), rtol=1e-4), "this has changed"
PY
