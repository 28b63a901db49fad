"""Norms and activations of an installed package are such everywhere; and what is told of an op that is broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from interpreter import python

from resgraph import loads
from resgraph.ops import ACTIVATIONS, NORMS

from .rows import ROWS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "small"
NAMES = ("Frn", "Snake", "Closed", "Bent", "Grn", "Fork", "Fails", "Mute")
SPEC = """\
name: net
input: 3x16x16
unit: conv frn snake
blocks:
  pair: {body: [3x3 conv out /stride, 3x3 conv out linear], merge: snake(closed(body) + shortcut)}
net:
  one: [3x3 conv 8, 3x3 conv 8 bare, 3x3 conv 8 relu, 3x3 conv 12 closed]
  two: pair 16 /2
  head: [global avg pool, fc 3]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the package is installed."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, site / "small")
    info = site / "small-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: small\nVersion: 1\n"
    )
    entries = "".join(
        f"{name.lower()} = small.ops:{name}\n" for name in NAMES
    )
    (info / "entry_points.txt").write_text(f"[resgraph.ops]\n{entries}")
    return site


def run(
    site: Path, *arguments: str, spec: str = SPEC
) -> subprocess.CompletedProcess[str]:
    (site / "net.yaml").write_text(spec)
    return python(
        *arguments, cwd=site, path=os.pathsep.join([str(site), str(ROOT)])
    )


def resgraph(
    site: Path, *arguments: str, spec: str = SPEC
) -> subprocess.CompletedProcess[str]:
    return run(site, "-m", "resgraph", *arguments, spec=spec)


def test_the_list_of_ops_tells_where_they_come_from(site: Path) -> None:
    listed = resgraph(site, "blocks").stdout.splitlines()
    found = [
        line.split()[0] for line in listed if line.endswith("(of small)")
    ]
    assert sorted(found) == sorted(name.lower() for name in NAMES)
    assert resgraph(site, "blocks", "snake").stdout.endswith(
        "of the package small\n"
    )


def test_a_package_keeps_a_word_that_resgraph_has_since(site: Path) -> None:
    code = """
import resgraph
net = resgraph.loads("name: n\\ninput: 8x4x4\\nnet: {a: grn}\\n")
print(type(net.graph.nodes["a"].op).__module__, net.params)
"""
    done = run(site, "-c", code)
    assert (done.returncode, done.stdout.split()) == (
        0,
        ["small.ops", "0"],
    ), done.stderr


def test_an_installed_norm_and_activation_are_such(site: Path) -> None:
    code = """
import json, resgraph
plan = resgraph.load("net.yaml")
print(json.dumps({name: node.op.label() for name, node in plan.graph.nodes.items()}))
print(json.dumps([node.op.bias for node in plan.graph.nodes.values() if node.op.op == "conv"]))
import torch
module = plan.module()
print(json.dumps([sum(p.numel() for p in module.parameters()) - plan.params, module(torch.ones(2, 3, 16, 16)).shape]))
print(json.dumps([module.one[0].frn.weight.unique().tolist(), module.one[0].frn.bias.unique().tolist()]))
"""
    done = run(site, "-c", code)
    assert done.returncode == 0, done.stderr
    labels, biases, built, filled = map(
        json.loads, done.stdout.splitlines()
    )  # type: ignore[assignment]
    assert filled == [[1.0], [0.0]], (
        "the numbers that the constructor of the op's class gives them"
    )
    assert [
        labels[f"one.0.{word}"] for word in ("conv", "frn", "snake")
    ] == [
        "3x3 conv 8",
        "frn",
        "snake",
    ]
    assert "one.1.frn" not in labels
    assert (
        labels["one.2.relu"],
        labels["one.3.closed"],
        labels["two.merge.closed"],
        labels["two.merge.snake"],
    ) == ("relu", "closed", "closed", "snake")
    assert "two.body.1.frn" in labels
    assert "two.body.1.snake" not in labels
    assert biases == ["none"] * 7
    assert built == [0, [2, 3]]


@pytest.mark.parametrize("word", ["FilterResponseNorm", "frm", "snakes"])
def test_a_slip_finds_the_installed_op(site: Path, word: str) -> None:
    """Also of words that resgraph would say it has not, were they not installed."""
    right = "snake" if word == "snakes" else "frn"
    spec = SPEC.replace("3x3 conv 8 relu", f"3x3 conv 8 bare, {word}, relu")
    done = resgraph(site, "check", "net.yaml", spec=spec)
    assert done.returncode == 1
    assert f"did you mean `{right}`?" in done.stderr


def test_a_recipe_and_the_start_know_an_installed_norm(site: Path) -> None:
    code = """
import json, resgraph
from resgraph.train.engine.optimizer import exempt_names, norms_of
plan = resgraph.load("net.yaml")
net = plan.module()
print(json.dumps(sorted(exempt_names(net, ("norm",), norms_of(plan)))))
print(json.dumps(sorted(n for n, p in net.named_parameters() if n.endswith("frn.weight") and not p.any())))
"""
    done = run(site, "-c", code, spec=SPEC + "init: {zero_last: true}\n")
    assert done.returncode == 0, done.stderr
    exempt, zeroed = map(json.loads, done.stdout.splitlines())
    norms = (
        "one.0",
        "one.2",
        "one.3",
        "two.body.0",
        "two.body.1",
        "two.shortcut",
    )
    assert exempt == sorted(
        f"{norm}.frn.{name}"
        for norm in norms
        for name in ("weight", "bias", "least")
    )
    assert zeroed == ["two.body.1.frn.weight"]


def test_an_installed_norm_without_a_weight(site: Path) -> None:
    layers = site / "small" / "layers.py"
    text = layers.read_text()
    layers.write_text(text.replace("self.weight", "self.gamma"))
    done = resgraph(
        site,
        "export",
        "-o",
        "net.pt2",
        "--force",
        "net.yaml",
        spec=SPEC + "init: {zero_last: true}\n",
    )
    layers.write_text(text)
    assert done.returncode == 4, done.stderr
    assert (
        "`zero_last` starts the `weight` of an installed norm at 0: Frn has no attribute `weight`"
        in done.stderr
    )


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["show"],
        ["render", "-o", "net.svg", "--force"],
        ["export", "-o", "net.pt2", "--force"],
        ["resolve"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_takes_them(site: Path, command: list[str]) -> None:
    name, *rest = command
    done = resgraph(site, name, "net.yaml", *rest)
    assert done.returncode == 0, done.stderr


def test_the_source_names_every_argument(site: Path) -> None:
    text = resgraph(site, "export", "net.yaml").stdout
    assert "import small.layers" in text
    assert "def conv_frn_snake(width_in, width" in text
    assert not re.search(r"value\d", text)
    other = SPEC.replace(
        "unit: conv frn snake", "unit: conv bn frn"
    ).replace("relu, ", "relu, frn, ")
    assert not re.search(
        r"value\d", resgraph(site, "export", "net.yaml", spec=other).stdout
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "two: {body: relu, merge: bent(body + x)}",
            "it has an option without a default",
        ),
        (
            "two: fork",
            "the op `fork` of small.ops gives ((12, 16, 16), (12, 16, 16))",
        ),
        (
            "two: fails",
            "the op `fails` of small.ops fails on 12x16x16: IndexError",
        ),
    ],
)
def test_a_mistake_of_an_op_is_told_where_it_stands(
    site: Path, row: str, said: str
) -> None:
    spec = SPEC.replace("two: pair 16 /2", row).replace(
        SPEC[SPEC.index("blocks") : SPEC.index("net:")], ""
    )
    done = resgraph(site, "check", "net.yaml", spec=spec)
    assert done.returncode == 1
    assert said in done.stderr and "net.yaml:6:" in done.stderr
    assert "bug in resgraph" not in done.stderr


def test_an_op_without_a_torch_call(site: Path) -> None:
    spec = SPEC.replace("two: pair", "two: mute\n  three: pair")
    assert resgraph(site, "check", "net.yaml", spec=spec).returncode == 0
    done = resgraph(site, "export", "net.yaml", spec=spec)
    assert (
        done.returncode,
        "the op `mute` of small.ops has no torch call" in done.stderr,
    ) == (4, True)
    row = "two: {body: relu, merge: mute(body + x)}"
    spec = SPEC.replace("two: pair", f"{row}\n  three: pair")
    done = resgraph(site, "export", "net.yaml", spec=spec)
    told = "the op `mute` of small.ops gives 'torch.mute(x)' for a torch `Call`"
    assert (done.returncode, told in done.stderr) == (4, True)


def test_the_roles_of_our_own() -> None:
    assert {"bn", "ln", "gn"} <= NORMS
    assert not {"scale", "gain", "softmax", "dropout"} & (
        NORMS | ACTIVATIONS
    )
    for row in ROWS:
        role = type(row.op).role
        assert (row.op.op in NORMS, row.op.op in ACTIVATIONS) == (
            role == "norm",
            role == "activation",
        )
        if role:
            assert row.op.infer(row.x) == row.x, (
                "a unit's norm and activation keep the shape"
            )


@pytest.mark.parametrize(
    "word", sorted(w for w in ACTIVATIONS if " " not in w)
)
def test_what_an_equation_takes_can_be_exported(word: str) -> None:
    """Also one that learns: it is a module."""
    text = f"""\
name: net
input: 4x8x8
blocks:
  pair: {{body: 3x3 conv out linear, merge: {word}(body + x)}}
net:
  one: pair 4
"""
    plan = loads(text)
    compile(plan.source(), "net.py", "exec")
    assert (
        len(list(plan.module().get_submodule("one.merge").children())) == 1
    )
