"""Deep nets expand without recursion, and nets that are too large are refused before they cost anything."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from nets import mistakes, plan, spec, told

import resgraph

ROOT = Path(__file__).parents[2]

BUSY = 3  # times as much CPU time as promised: what other programs on the machine can cost, and no bomb keeps to


def test_resnet_1202_expands_in_under_a_second() -> None:
    started = time.process_time()
    made = resgraph.load(ROOT / "specs" / "cifar-resnet.yaml::resnet-1202")
    assert time.process_time() - started < BUSY * 1
    assert made.depth == 1202


def test_ten_thousand_layers_are_no_recursion() -> None:
    limit = sys.getrecursionlimit()
    made = plan("one: 3000 x pair 16\ntwo: 4000 x 1x1 conv 16 bare", top=(
        "blocks:\n  pair:\n    body: [3x3 conv out bare, 3x3 conv out linear]\n    merge: relu(body + shortcut)\n"
    ))  # fmt: skip
    assert made.depth == 10_000
    assert len(list(made.graph.blocks())) == 3000
    assert (
        sum(1 for row in made.graph.rows for _ in made.graph.nodes_of(row))
        == len(made.graph.nodes) - 1
    )
    assert sys.getrecursionlimit() == limit


BOMBS = {
    "a repeat": ("one: 10001 x relu", "", "E004"),
    "a huge repeat": ("one: 999_999_999_999 x relu", "", "E004"),
    "repeats in blocks in repeats": (
        "one: 10000 x c",
        "blocks: {a: [10000 x relu], b: [10000 x a], c: [10000 x b]}",
        "E004",
    ),
    "repeats of nothing": (
        "one: 10000 x a",
        "blocks: {a: [10000 x b], b: {merge: x}}",
        "E004",
    ),
    "repeats of pools that are nothing": (
        "one: 10000 x a",
        "blocks: {a: [10000 x 1x1 max pool]}",
        "E004",
    ),
    "many repeats side by side": (
        "\n".join(f"r{i}: 9000 x relu" for i in range(40)),
        "",
        "E004",
    ),
    "blocks that double": (
        "one: b20",
        "blocks:\n  b0: [relu]\n"
        + "".join(f"  b{i + 1}: [b{i}, b{i}]\n" for i in range(20)),
        "E004",
    ),
    "blocks in blocks": (
        "one: b40",
        "blocks:\n  b0: [relu]\n"
        + "".join(f"  b{i + 1}: [b{i}]\n" for i in range(40)),
        "E004",
    ),
    "a block in itself": ("one: a", "blocks: {a: [relu, a]}", "E037"),
    "blocks in a circle": (
        "one: a",
        "blocks: {a: [b], b: [c], c: [a]}",
        "E037",
    ),
    "parameters": (
        "one: [1x1 conv 1_000_000, 9x9 conv 1_000_000]",
        "",
        "E004",
    ),
    "a kernel": ("one: 9999x9999 conv 8", "", "E035"),
    "a width": ("one: 3x3 conv 1e20", "", "E035"),
    "a stride": ("one: 3x3 conv 8 /1e20", "", "E035"),
    "a padding": ("one: 3x3 conv 8 pad 1e9", "", "E035"),
    "an upsampling": ("one: 30 x upsample 1000", "", "E035"),
    "a number": (
        "one: 3x3 conv 9*9999999999999*9999999999999*9999999999999",
        "",
        "E004",
    ),
    "an exponent": ("one: 3x3 conv 1e9999", "", "E004"),
    "brackets": (
        "one: 3x3 conv " + "(" * 1000 + "1" + ")" * 1000,
        "",
        "E004",
    ),
    "signs": ("one: 3x3 conv " + "-" * 1000 + "1", "", "E004"),
    "a sum": ("one: 3x3 conv " + "+".join(["1"] * 5000), "", "E004"),
    "an equation": ("one: " + " + ".join(["input"] * 5000), "", "E004"),
    "a circle of values": ("one: 3x3 conv a", "let: {a: b, b: a}", "E037"),
    "a wide unit": ("one: 3x3 conv 8", "unit: conv " + "relu " * 5000, ""),
    "a long label": ("one: 3x3 conv 8 " + "foo " * 50_000, "", "E012"),
    "a long word": ("one: " + "c" * 200_000, "", "E030"),
    "layers as functions": ("one: " + "relu(" * 20_000, "", "E004"),
    "many mistakes": (
        "\n".join(f"r{i}: convv" for i in range(5000)),
        "",
        "E011",
    ),
    "a tall input": ("one: 3x3 conv 8", "input2: 3", "E020"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly(name: str) -> None:
    net, top, code = BOMBS[name]
    started = time.process_time()
    found = mistakes(spec(net, top=top))
    seconds = time.process_time() - started
    assert seconds < BUSY * 2, f"{seconds:.1f} s"
    assert (
        code in {problem.code for problem in found} if code else not found
    )
    assert all(len(problem.frame()) < 5000 for problem in found)


def test_a_bomb_costs_little_memory() -> None:
    net, top, _ = BOMBS["repeats in blocks in repeats"]
    code = f"import resgraph\ntry: resgraph.loads({spec(net, top=top)!r})\nexcept resgraph.SpecError: pass\n"
    # Linux hands a parent's peak down to a child that is forked, not to what is executed then: hence its own status.
    code += "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < 300 * 1024


def test_the_largest_net_that_is_no_bomb_is_refused_within_the_promise() -> (
    None
):
    """30,000 nodes are made before the limit is reached: the worst that a spec of any size can cost."""
    text = spec(
        "one: 10000 x pair 16",
        top="blocks: {pair: [1x1 conv out, 1x1 conv out]}",
    )
    started = time.process_time()
    assert told(text) == [("E004", "1x1 conv out")]
    assert time.process_time() - started < BUSY * 2
