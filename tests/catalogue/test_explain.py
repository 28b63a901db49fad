"""`resgraph explain SPEC NAME` says of each name where its numbers come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resgraph import load
from resgraph.cli import run
from resgraph.outputs.explanation import explanation
from resgraph.passes.provenance import options_of
from resgraph.plan import loads

SPECS = Path(__file__).parents[2] / "specs"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["explain", *arguments]) == 0
    return capsys.readouterr().out


def place(file: str, text: str, occurrence: int = 0) -> str:
    """`file:line:column` of a text in a spec."""
    found = [
        (number, match.start() + 1)
        for number, line in enumerate(
            (SPECS / file).read_text(encoding="utf-8").splitlines(), 1
        )
        for match in re.finditer(re.escape(text), line)
    ]
    line, column = found[occurrence]
    return f"{SPECS / file}:{line}:{column}"


def test_a_convolution_is_worked_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = said(
        capsys, f"{SPECS}/resnet.yaml::resnet-50", "conv3.0.body.1.conv"
    )
    assert "height    floor((56 + 2*1 - 3)/2) + 1 = 28\n" in out
    assert "params      128*128*3*3 = 147,456\n" in out
    assert "MACs        28*28*128*128*3*3 = 115,605,504\n" in out
    assert "reads       conv3.0.body.0.relu, 128x56x56\n" in out
    assert "read by     conv3.0.body.1.bn\n" in out


def test_values_are_followed_to_where_they_were_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = said(
        capsys,
        f"{SPECS}/resnet.yaml::wide-resnet-50-2",
        "conv3.0.body.1.conv",
    )
    label = "3x3 conv width /stride groups cardinality"
    row = "reps.1 x block 128*e /2"
    assert f"written at {place('resnet.yaml', label)}: `{label}`" in out
    assert f"called at {place('resnet.yaml', row)}: `{row}`" in out
    assert (
        f"width = out/4*wider at {place('resnet.yaml', 'out/4*wider')}\n"
        in out
    )
    assert f"out = 128*e at {place('resnet.yaml', '128*e')}\n" in out
    assert f"wider = 2 at {place('resnet.yaml', '2}', 0)}\n" in out


def test_only_the_first_copy_has_the_stride(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = said(
        capsys, f"{SPECS}/resnet.yaml::resnet-50", "conv3.1.body.1.conv"
    )
    assert re.search(
        r"stride = 1 at .* \(none is given, or not to this copy\)", out
    )


def test_what_the_unit_and_ops_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = said(capsys, f"{SPECS}/convnext.yaml::convnext-tiny", "stem.1")
    assert re.search(
        r"eps +1e-6 +at \S+convnext\.yaml:5:\d+ \(`ops:`\)", out
    )


def test_a_block_says_its_call(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, f"{SPECS}/resnet.yaml::resnet-50", "conv3.0")
    assert "its call  in = 256, out = 512, stride = 2\n" in out
    assert "merge     relu(body + shortcut)\n" in out
    assert re.search(r"in all +379,392 params +372,506,624 MACs", out)


def test_a_block_says_the_file_that_defines_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, child = tmp_path / "base.yaml", tmp_path / "child.yaml"
    pair = "blocks:\n  pair: [3x3 conv out /stride, 3x3 conv out]\n"
    base.write_text(
        f"name: b\ninput: 3x8x8\n{pair}net:\n  one: [2 x pair 8, basic 8]\n  two: 2 x basic 8\n"
    )
    child.write_text(f"extends: base.yaml\n{pair}")
    for file in (base, child):
        line = 4 if file == base else 3
        for name in ("one", "one.0"):
            assert f"  `pair` is defined at {file}:{line}:3\n" in said(
                capsys, str(file), name
            )
        assert "is defined" not in said(capsys, str(file), "two")


def test_an_unknown_name_is_told_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run(["explain", f"{SPECS}/resnet.yaml::resnet-50", "conv3.0.bdy"])
        == 2
    )
    assert "did you mean `conv3.0.body`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("2.bn.weight", "a parameter, 512 numbers"),
        (
            "2.bn.running_mean",
            "a buffer, which is not learned, 512 numbers",
        ),
        (
            "2.bn.num_batches_tracked",
            "a buffer, which is not learned, one number",
        ),
        ("2.conv.weight", "a parameter, 512x128x1x1, 65,536 numbers"),
    ],
)
def test_a_key_of_the_state_dict_says_its_shape_and_its_node(
    key: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"conv3.0.body.{key}"
    out = said(capsys, f"{SPECS}/resnet.yaml::resnet-50", name)
    node = said(
        capsys, f"{SPECS}/resnet.yaml::resnet-50", name.rpartition(".")[0]
    )
    assert out == f"{name}: {first}\n\n{node}"


def test_an_unknown_parameter_is_told_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run(
            [
                "explain",
                f"{SPECS}/resnet.yaml::resnet-50",
                "conv3.0.body.2.bn.wieght",
            ]
        )
        == 2
    )
    assert (
        "did you mean `conv3.0.body.2.bn.weight`?"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "net", ["se-resnext-26-d.yaml", "convnext.yaml::convnext-tiny"]
)
def test_every_key_of_the_state_dict_can_be_explained(net: str) -> None:
    plan = load(f"{SPECS}/{net}")
    for name in list(plan.module(device="meta").state_dict())[::40]:
        assert explanation(plan, name).startswith(f"{name}: a ")


@pytest.mark.parametrize(
    "net",
    [
        "res-unet.yaml",
        "se-resnext-26-d.yaml",
        "nf-resnet.yaml",
        "efficientnet-b0.yaml",
    ],
)
def test_every_name_can_be_explained(net: str) -> None:
    plan = load(SPECS / net)
    names = {
        *plan.graph.nodes,
        *(row.name for row in plan.graph.rows),
        *(block.name for block in plan.graph.blocks()),
    }
    for name in names:
        assert explanation(plan, name).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "net",
    [
        "resnet.yaml::resnext-50-32x4d",
        "se-resnext-26-d.yaml",
        "regnet.yaml::regnet-y-400mf",
    ],
)
def test_what_a_label_says_has_a_place(net: str) -> None:
    """An option that is not at its default was set by somebody, except a pool's kernel, which follows its stride."""
    plan = load(SPECS / net)
    for node in plan.graph.nodes.values():
        for option in options_of(
            plan.spec, node, plan.sources.get(node.name)
        ):
            field = node.op.fields()[option.key]
            if not option.setting.span and option.key not in (
                "bias",
                "kernel",
            ):
                assert getattr(node.op, option.key) == field.default, (
                    node.name,
                    option,
                )


BORROWED = """\
name: borrowed
input: 4x8x8
unit: [conv, bn, leaky relu 0.3]
blocks:
  pair:
    body: [3x3 conv out /stride, leaky relu 0.1, leaky relu]
    merge: kind(act(body + shortcut))
let: {e: 3, kind: leaky relu}
net:
  one: 2 x 3x3 conv 8 /2
  two: {block: pair, out: 16, shortcut: [1x1 conv (e*5 + 1) linear]}
"""


@pytest.mark.parametrize(
    ("node", "key", "text", "note", "names"),
    [
        # the second of two copies has no stride, whatever their label says
        ("one.0.conv", "stride", "2", "", []),
        ("one.1.conv", "stride", "1", "default", []),
        # a shortcut that is written in a call reads the names in sight there
        ("two.shortcut.0.conv", "width", "(e*5 + 1)", "", ["e = 3"]),
        ("two.body.0.leaky_relu", "slope", "0.3", "of the unit", []),
        ("two.body.1", "slope", "0.1", "", []),
        # a layer, or a function, of the same word is not the unit's
        ("two.body.2", "slope", "0.01", "default", []),
        ("two.merge.leaky_relu", "slope", "0.3", "of the unit", []),
        ("two.merge.leaky_relu2", "slope", "0.01", "default", []),
    ],
)
def test_an_option_is_where_the_net_has_it_from(
    node: str, key: str, text: str, note: str, names: list[str]
) -> None:
    plan = loads(BORROWED)
    options = options_of(
        plan.spec, plan.graph.nodes[node], plan.sources.get(node)
    )
    (option,) = [option for option in options if option.key == key]
    assert (
        option.setting.text,
        option.setting.note.partition(" `")[0],
    ) == (text, note)
    assert [f"{name.name} = {name.text}" for name in option.names] == names


def test_without_a_name_the_rows_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["explain", f"{SPECS}/digits.yaml"]) == 2
    assert (
        "its rows are conv1, conv2, conv3, conv4, head"
        in capsys.readouterr().err
    )


LONG = """\
name: long
input: 3x32x32
let: {w: 16}
net:
  conv1: {op: conv, kernel: 3x3, width: 2*w, stride: 2}
  conv2:
    body: 3x3 conv out groups g
    merge: body
    let: {g: 2}
    out: 4*w
  conv3: {block: bottleneck, out: 64, width: w}
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("conv1.conv", "width     32       `2*w` at <text>:5:41"),
        ("conv1.conv", "w = 16 at <text>:3:10"),
        ("conv2.body.conv", "groups    2        `g` at <text>:7:31"),
        ("conv2.body.conv", "g = 2 at <text>:9:14"),
        ("conv2.body.conv", "out = 4*w at <text>:10:10"),
        ("conv3.body.1.conv", "width = w at <text>:11:46"),
    ],
)
def test_the_long_form_and_blocks_written_inline_are_read(
    name: str, line: str
) -> None:
    found = " ".join(explanation(loads(LONG), name).split())
    assert " ".join(line.split()) in found
