#!/usr/bin/env bash
# keras 3.15.1: the parameters of a net, by `count_params` and as "Total params" of `summary`, hold the running means
# and variances of its norms, two numbers a channel. MobileNetV2 has 3,538,984 there and DenseNet-121 8,062,504, where
# papers, torchvision and timm count 3,504,872 and 7,978,856 for the same weights; ResNet50 has 25,636,712 for
# 25,557,032, where a third of the surplus is biases of its convs, which BatchNorm takes away again. One would have
# guessed that parameters are what is learned: a table that takes its rows from two libraries has a net 1 % larger for
# nothing, and a port that is checked by this number seems to lack layers. The sum over `trainable_weights` is what is
# learned.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 keras==3.15.1 numpy==2.4.6
export KERAS_BACKEND=torch
"$work/venv/bin/python" - <<'PY'
from math import prod

import keras
from keras import applications

# by torchvision, of the same layers
LEARNED = {"MobileNetV2": 3_504_872, "DenseNet121": 7_978_856, "ResNet50": 25_557_032}
print("keras", keras.__version__)
for name, learned in LEARNED.items():
    net = getattr(applications, name)(weights=None)
    trained = sum(prod(weight.shape) for weight in net.trainable_weights)
    norms = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    statistics = sum(2 * layer.moving_mean.shape[0] for layer in norms)
    biases = sum(
        layer.bias.shape[0] for layer in net.layers if type(layer) is keras.layers.Conv2D and layer.use_bias
    )
    print(f"{name:12} {net.count_params():,} by keras: {trained:,} are learned, {statistics:,} statistics of norms; "
          f"{biases:,} of the learned are biases before a norm")
    assert net.count_params() == trained + statistics, "this has changed"
    assert trained == learned + biases, "this has changed"
    assert (biases > 0) == (name == "ResNet50"), "this has changed"
PY
