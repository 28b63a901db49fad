"""Names of timm nets → specs of them, with depths and widths read off their lists of keys."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

FACTS = Path(__file__).parents[2] / "golden_facts" / "timm_keys.json.gz"

Shape = tuple[int, ...]
Entries = dict[str, Shape]


@cache
def _lists() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = json.loads(
        gzip.decompress(FACTS.read_bytes())
    )
    return loaded


def entries(net: str) -> Entries:
    """A net's state dict: keys in the order of registration, and shapes."""
    found = {}
    for entry in _lists()[f"timm/{net}"]:
        key, _, shape = entry.partition(" ")
        found[key] = tuple(
            int(number) for number in re.findall(r"\d+", shape)
        )
    return found


def spec(net: str) -> str:
    """The spec of a net; KeyError where none is written."""
    keys = entries(net)
    for pattern, write in _WRITERS.items():
        if re.fullmatch(pattern, net):
            return f"name: {net}\ninput: 3x224x224\n{write(net, keys)}"
    raise KeyError(net)


def known() -> list[str]:
    """The nets that have a spec."""
    names = [name.removeprefix("timm/") for name in _lists()]
    return [n for n in names if any(re.fullmatch(p, n) for p in _WRITERS)]


def depths(keys: Entries, pattern: str) -> list[int]:
    """How many blocks each stage has: `pattern` finds a stage and a block in a key."""
    found: dict[str, set[str]] = {}
    for key in keys:
        if match := re.match(pattern, key):
            found.setdefault(match[1], set()).add(match[2])
    return [len(blocks) for blocks in found.values()]


def _rows(
    blocks: list[str], counts: list[int], widths: list[int], first: int
) -> str:
    return "\n".join(
        f"  conv{i + 2}: {n} x {block} {width}{' /2' if i or first == 2 else ''}"
        for i, (block, n, width) in enumerate(
            zip(blocks, counts, widths, strict=True)
        )
    )


_DEEP = """
  deep:
    unit: conv {norm} relu
    body: [3x3 conv {w} /2, 3x3 conv {w}, 3x3 conv {out} bare]
"""


def _resnetv2(net: str, keys: Entries) -> str:
    bit, basic = "_bit" in net, "norm3" not in "".join(keys)
    norm = "gn" if bit or "_gn" in net else "bn"
    counts = depths(keys, r"stages\.(\d)\.blocks\.(\d+)")
    last = "conv2" if basic else "conv3"
    widths = [
        keys[f"stages.{i}.blocks.0.{last}.weight"][0] for i in range(4)
    ]
    body = (
        "[pre, 3x3 conv out /stride bare, 3x3 conv out]"
        if basic
        else "[pre, 1x1 conv out/4 bare, 3x3 conv out/4 /stride, 1x1 conv out]"
    )
    deep = "stem.conv1.weight" in keys
    out = keys["stem.conv3.weight" if deep else "stem.conv.weight"][0]
    stem = f"deep {out}" if deep else f"7x7 conv {out} /2 bare"
    down = (
        "avg pool /stride ceil, 1x1 conv out bare"
        if deep
        else "1x1 conv out /stride bare"
    )
    pool = "pad 1, 3x3 max pool /2 pad 0" if bit else "3x3 max pool /2"
    return f"""
unit: {norm} relu conv
{"ops: {conv: {standardize: weight}}" if bit else ""}
blocks:
  unit-v2:
    pre:      [{norm}, relu]
    body:     {body}
    shortcut: [pre, {down}]
    merge:    body + shortcut
{_DEEP.format(norm=norm, w=out // 2, out="out") if deep else ""}
net:
  conv1: [{stem}, {pool}]
{_rows(["unit-v2"] * 4, counts, widths, 1)}
  head:  [{norm}, relu, global avg pool, fc 1000]
"""


def _nf(net: str, keys: Entries) -> str:
    counts = depths(keys, r"stages\.(\d)\.(\d+)")
    attention = (
        ", eca"
        if "eca" in net
        else ", se squeeze make_divisible(out/16 8)"
        if "se" in net
        else ""
    )
    rows = [f"  conv2: {counts[0]} x nf 256"]
    for i, width in enumerate((512, 1024, 2048)):
        start = f"nf {width} /2 variance {1 + 0.04 * counts[i]:.2f}"
        rows.append(
            f"  conv{i + 3}: [{start}, {counts[i + 1] - 1} x nf {width}]"
        )
    rows_text = "\n".join(rows)
    return f"""
unit: conv relu
ops: {{conv: {{standardize: scaled, gamma: 1.7139588594436646}}}}
blocks:
  nf:
    let:      {{variance: 1 + 0.04*row_index}}
    pre:      relu(x)/sqrt(variance)
    body:     [pre, 1x1 conv out/4, 3x3 conv out/4 /stride, 1x1 conv out bare{attention}]
    shortcut: [pre, avg pool /stride ceil, 1x1 conv out bare]
    merge:    {"0.4" if attention else "0.2"}*body + shortcut
net:
  conv1: [7x7 conv 64 /2 bare, 3x3 max pool /2]
{rows_text}
  head:  [relu, global avg pool, fc 1000]
"""


def _res2net(net: str, keys: Entries) -> str:
    counts = depths(keys, r"layer(\d)\.(\d+)")
    scale = depths(keys, r"(layer1\.0)\.convs\.(\d)")[0] + 1
    cut = keys["layer1.0.conv1.weight"][0]
    inside = keys["layer1.0.convs.0.weight"]
    conv = f"3x3 conv out*{cut // scale}/256{{stride}} groups {inside[0] // inside[1]}"
    deep = "conv1.0.weight" in keys
    blocks = ""
    for name, first in (("first", True), ("later", False)):
        parts = range(scale)
        paths = [f"cut: 1x1 conv out*{cut}/256"]
        for i in parts[:-1]:
            at = conv.format(stride=" /stride" if first else "")
            paths.append(f"p{i}: [cut, part {i} of {scale}]")
            source = f"p{i}" if first or not i else f"y{i - 1} + p{i}"
            paths.append(f"y{i}: [{source}, {at}]")
        pool = ", 3x3 avg pool /stride pad 1" if first else ""
        paths.append(
            f"y{scale - 1}: [cut, part {scale - 1} of {scale}{pool}]"
        )
        every = " ".join(f"y{i}" for i in parts)
        paths += [
            f"body: [concat({every}), 1x1 conv out linear]",
            "merge: act(body + shortcut)",
        ]
        blocks += f"  {name}:\n" + "".join(
            f"    {path}\n" for path in paths
        )
    rows = "\n".join(
        f"  conv{i + 2}: [first {width}{' /2' if i else ''}, {counts[i] - 1} x later {width}]"
        for i, width in enumerate((256, 512, 1024, 2048))
    )
    stem = "stem-c 64" if deep else "stem-7x7 64"
    return f"""
{"shortcut: shortcut-d out /stride" if deep else ""}
blocks:
{blocks}
net:
  conv1: {stem}
{rows}
  head: [global avg pool, fc 1000]
"""


def _resnest(net: str, keys: Entries) -> str:
    counts = depths(keys, r"layer(\d)\.(\d+)")
    rows = _rows(["resnest"] * 4, counts, [256, 512, 1024, 2048], 1)
    return f"""
shortcut: shortcut-d out /stride
net:
  conv1: stem-c {keys["bn1.weight"][0]}
{rows}
  head:  [global avg pool, fc 1000]
"""


def _regnet(net: str, keys: Entries) -> str:
    counts = depths(keys, r"s(\d)\.b(\d+)")
    widths = [keys[f"s{i}.b1.conv1.conv.weight"][0] for i in (1, 2, 3, 4)]
    group = max(keys[f"s{i}.b1.conv2.conv.weight"][1] for i in (1, 2, 3, 4))
    block = f"regnet-{net[6]}"
    rows = "\n".join(
        f"  s{i + 1}: {n} x {block} {width} /2 group {group}"
        for i, (n, width) in enumerate(zip(counts, widths, strict=True))
    )
    return f"""
net:
  stem: 3x3 conv 32 /2
{rows}
  head: [global avg pool, fc 1000]
"""


def _convnext(net: str, keys: Entries) -> str:
    counts = depths(keys, r"stages\.(\d)\.blocks\.(\d+)")
    widths = [
        keys[f"stages.{i}.blocks.0.conv_dw.weight"][0] for i in range(4)
    ]
    rows = [f"  s1: {counts[0]} x convnext"]
    for i in (1, 2, 3):
        rows.append(
            f"  s{i + 1}: [convnext-down {widths[i]} /2, {counts[i]} x convnext]"
        )
    stem = f"[4x4 conv {widths[0]} /4, ln]"
    if "ols" in net:
        stem = f"[3x3 conv {keys['stem.0.weight'][0]} /2, 3x3 conv {widths[0]} /2, ln]"
    head = (
        "ln, global avg pool"
        if "norm_pre.weight" in keys
        else "global avg pool, ln"
    )
    lines = "\n".join(rows)
    return f"""
unit: conv
ops: {{ln: {{eps: 1.0e-6}}}}
net:
  stem: {stem}
{lines}
  head: [{head}, fc 1000]
"""


def _resnet33(net: str, keys: Entries) -> str:
    counts = depths(keys, r"stages\.(\d)\.(\d+)")
    widths = [
        keys[f"stages.{i}.0.conv3_1x1.conv.weight"][0] for i in range(4)
    ]
    middles = [
        keys[f"stages.{i}.0.conv1_1x1.conv.weight"][0] for i in range(4)
    ]
    gate = (
        "- se squeeze make_divisible(width/16 8)"
        if net.startswith("se")
        else ""
    )
    final = (
        f"1x1 conv {keys['final_conv.conv.weight'][0]}, "
        if "final_conv.conv.weight" in keys
        else ""
    )
    rows = "\n".join(
        f"  conv{i + 2}: {n} x unit {width} width {middle}{' /2' if i else ' '}"
        for i, (n, width, middle) in enumerate(
            zip(counts, widths, middles, strict=True)
        )
    )
    return f"""
unit: conv bn silu
blocks:
  unit:
    let:  {{width: out/4}}
    body:
      - 1x1 conv width
      - 3x3 conv width /stride
      {gate}
      - 1x1 conv out linear
    merge: act(body + shortcut)
net:
  conv1: [3x3 conv 24 /2, 3x3 conv 32, 3x3 conv 64, 3x3 max pool /2]
{rows}
  head: [{final}global avg pool, fc 1000]
"""


_WRITERS: dict[str, Callable[[str, Entries], str]] = {
    r"resnetv2_(?!.*(evos|frn)).*": _resnetv2,
    r"nf_.*": _nf,
    r"res2ne.*": _res2net,
    r"resnest(?!.*\dx).*": _resnest,
    r"regnet[xy]_.*": _regnet,
    r"convnext_.*": _convnext,
    r"(se)?resnet3[23]ts": _resnet33,
}
