"""timm 1.0.31 → `timm_keys.json.gz`: every entry of the state dicts of 91 nets, without weights.

Run it where timm is installed: python tests/golden_facts/timm_keys.py
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import timm
import torch

NETS = (
    r"resnetv2_\d+(d|d_gn|d_frn|x\d_bit|d_evos)?|nf_(se|eca)?resnet\d+|res2net.*|res2next.*"
    r"|regnet[xyz]_\d+|resnest.*"
    r"|convnext_(atto|femto|pico|nano|tiny|small|base|large)(_ols|_hnf)?"
    r"|(se|eca|gc)?resnet3[23]ts"
)


def main() -> None:
    found = {}
    for name in timm.list_models():
        if re.fullmatch(NETS, name):
            with torch.device("meta"):
                net = timm.create_model(name, pretrained=False)
            state = net.state_dict()
            found[f"timm/{name}"] = [
                f"{k} {tuple(v.shape)}" for k, v in state.items()
            ]
    packed = gzip.compress(json.dumps(found).encode(), mtime=0)
    Path(__file__).with_name("timm_keys.json.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
