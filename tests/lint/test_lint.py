"""Lints warn of what they should, stay silent about what is meant, and can be silenced by name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import resgraph
from resgraph.checked import check_nets, found_in
from resgraph.cli import run
from resgraph.language.lints import LINTS
from resgraph.ops import Conv
from resgraph.passes.lint import _CHECKS, lint
from resgraph.plan import loads

SPECS = Path(__file__).parents[2] / "specs"
PACKAGE = Path(resgraph.__file__).parent
HEAD = "name: test\ninput: 3x32x32\n"


def warnings(text: str) -> list[str]:
    plan = loads(
        f"name: test\n{text}" if text.startswith("input:") else HEAD + text
    )
    return [w.code for w in lint(plan.spec, plan.graph)]


SILENT = {
    "a bias before a layer norm has a meaning": """
        unit: conv
        net: {stem: [4x4 conv 96 /4, ln], head: [global avg pool, fc 10]}
    """,
    "beside a 3x3 that reads every cell a 1x1 may stride": """
        net: {conv1: 3x3 conv 16, conv2: repvgg 32 /2}
    """,
    "a projection may stride": """
        net: {conv1: 3x3 conv 16, conv2: basic 32 /2, conv3: bottleneck 64 /2}
    """,
    "a pool as large as its stride loses nothing": """
        net: {conv1: 3x3 conv 16, pool: avg pool /4}
    """,
    "small nets are as wide as they like": """
        net: {conv1: 3x3 conv 17, conv2: 3x3 conv 33, head: [global avg pool, fc 10]}
    """,
    "what makes the output is as wide as it has to be": """
        net: {conv1: 3x3 conv 512, conv2: 3x3 conv 512, head: [1x1 conv 21 bare, global avg pool]}
    """,
    "a stem is no stage": """
        net: {conv1: [7x7 conv 64 /2, 3x3 max pool /2], conv2: 3 x bottleneck 256}
    """,
    "dilation stands for a stride": """
        net: {conv1: 3x3 conv 16, conv2: 3 x basic 16, conv3: 3 x basic 32 dilation 2}
    """,
    "patches that are padded where that is written, and those of an even kernel": """
        net: {a: 3x3 conv 16 /3 pad 1, b: 3x3 conv 16 /3 pad 0:1, c: 2x2 conv 16 /2}
    """,
    "all parts are read": """
        net: {conv1: 3x3 conv 16, a: [conv1, part 0 of 2], b: [conv1, part 1 of 2], c: concat(a b)}
    """,
    "a part beside the whole": """
        net: {conv1: 3x3 conv 16, a: [conv1, part 0 of 2, 3x3 conv 16], c: conv1 + a}
    """,
    "an activation after the sum of a block that begins with a convolution": """
        net: {conv1: 3x3 conv 16, conv2: 2 x basic 16, head: [global avg pool, fc 10]}
    """,
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_what_is_meant_is_not_warned_of(text: str) -> None:
    import textwrap

    assert warnings(textwrap.dedent(text)) == []


WARNED = {
    "bias-before-norm": "net: {a: [flatten, fc 16, bn, relu], b: fc 10}\n",
    "activation-after-sum": (
        "unit: bn relu conv\n"
        "blocks: {pair: {body: 3x3 conv out, merge: [body + shortcut, relu]}}\n"
        "net: {a: 3x3 conv 16 bare, b: pair 16, c: [bn, relu]}\n"
    ),
    "strided-1x1": "net: {a: 3x3 conv 16, b: 1x1 conv 32 /2}\n",
    "stride-over-kernel": "net: {a: 3x3 conv 16, b: 3x3 max pool /4}\n",
    "odd-width": "net: {a: 3x3 conv 500, b: bottleneck 2004, c: [global avg pool, fc 10]}\n",
    "padded-patches": "net: {a: 7x7 conv 16 /7}\n",
    "window-over-map": "net: {a: 3x3 conv 16 /32, b: 3x3 conv 16}\n",
    "channels-last": "input: 32x32x3\nnet: {a: 3x3 conv 16}\n",
    "mixed-activations": "unit: conv bn silu\nnet: {a: [3x3 conv 8, relu]}\n",
    "unlike-cross-entropy": "net: {a: [global avg pool, fc 3, softmax]}\ntrain: synthetic\n",
    "no-downsampling": "net: {a: 4 x 3x3 conv 16, b: 4 x 3x3 conv 32}\n",
    "named-like-an-op": "net: {grn: 3x3 conv 16, a: grn + grn}\n",
    "dead-path": "net: {a: 3x3 conv 16, b: 3x3 conv 16, c: a + 0*b}\n",
    "missing-final-norm": (
        "unit: relu conv bn\n"
        "blocks: {pair: {body: 3x3 conv out, merge: body + shortcut}}\n"
        "net: {a: 3x3 conv 16 bare, b: pair 16, c: [global avg pool, fc 10]}\n"
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_each_lint_warns_and_is_silenced_by_its_name(name: str) -> None:
    assert LINTS[name] in warnings(WARNED[name])
    assert LINTS[name] not in warnings(f"{WARNED[name]}allow: [{name}]\n")


def test_every_lint_is_a_function_and_every_function_a_lint() -> None:
    """`unused-allow` looks at a file, and not at one of its nets."""
    assert set(_CHECKS) == set(LINTS) - {"unused-allow"}
    files = (PACKAGE / "passes" / "lint").glob("*.py")
    public = re.findall(
        r"^def ([a-z]\w*)", "".join(f.read_text() for f in files), re.M
    )
    assert {name.replace("_", "-") for name in public} - {
        "lint",
        "linted",
    } == set(_CHECKS)


def test_every_lint_is_tested() -> None:
    assert set(WARNED) == set(LINTS) - {"unused-allow"}


@pytest.mark.parametrize(
    ("size", "label"),
    [("4x64", "1 conv 8"), ("4x8x8x8", "1x1x1 conv 8 /1")],
)
def test_a_window_of_one_cell_is_no_patch(size: str, label: str) -> None:
    """Whatever axes a map has, its padding is a number for each, all 0."""
    assert warnings(f"input: {size}\nnet: {{a: {label}}}\n") == []


@pytest.mark.parametrize(
    "label", ["7x7 conv 16 /7", "3x3 conv 16 /3 groups 4"]
)
def test_what_is_advised_for_patches_cuts_them_from_the_corner(
    label: str,
) -> None:
    text = "name: test\ninput: 8x42x42\nnet: {{a: {}}}\n"
    plan = loads(text.format(label))
    (found,) = lint(plan.spec, plan.graph)
    advised = found.help.split("`")[1]
    assert found.code == "W010" and advised == f"{label} pad 0"
    mended = loads(text.format(advised))
    assert lint(mended.spec, mended.graph) == []
    conv = mended.graph.nodes["a.conv"]
    assert conv.op.window.padding == (0, 0)
    assert conv.shape[1] * conv.op.window.stride[0] == 42


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        ("", []),
        ("loss: {one: 1}", []),
        ("loss: {one: 1, two: 0.4}", ["W013"]),
        ("loss: {one: 1, two: 0.4, three: 0.4}", ["W013", "W013"]),
    ],
)
def test_every_output_that_has_a_loss_is_looked_at(
    loss: str, found: list[str]
) -> None:
    text = (
        "output: [one]\naux: [two, three]\n"
        "net: {body: [3x3 conv 16, global avg pool], one: fc 3,"
        " two: [body, fc 3, softmax], three: [body, fc 3 relu]}\n"
        f"train: {{recipe: synthetic, {loss}}}\n"
    )
    assert [code for code in warnings(text) if code == "W013"] == found


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("fc 3", []),
        ("fc 3, softmax", ["W013"]),
        ("fc 3 relu", ["W013"]),
        ("fc 3 sigmoid", ["W013"]),
        ("fc 3 relu, dropout 0.5", ["W013"]),
        ("fc 3, dropout 0.5", ["W013"]),
        ("fc 3, scale", ["W013"]),
        ("fc 3 bias none, bn", ["W013"]),
        ("dropout 0.5, fc 3", []),
        ("scale, fc 3", []),
        ("fc 1", []),
        ("fc 8 relu, fc 3", []),
    ],
)
def test_what_the_loss_reads(head: str, found: list[str]) -> None:
    net = f"net: {{a: [3x3 conv 8, global avg pool, {head}]}}\n"
    assert warnings(f"{net}train: synthetic\n") == found
    assert warnings(net) == [], "without a recipe there is no loss"


@pytest.mark.parametrize(
    ("shape", "net", "found"),
    [
        ("12x4096x1", "17x1 conv 8", []),
        ("12x4096x1", "[flatten, fc 8]", []),
        ("16x24x1", "5x1 conv 8", []),
        ("28x28x1", "3x3 conv 8", ["W011"]),
        ("224x224x3", "3x3 conv 8", ["W011"]),
    ],
)
def test_a_row_of_cells_is_no_picture(
    shape: str, net: str, found: list[str]
) -> None:
    assert [
        code
        for code in warnings(f"input: {shape}\nnet: {{a: {net}}}\n")
        if code == "W011"
    ] == found


def test_one_cause_of_many_biases_is_told_once() -> None:
    rows = "net: {a: [3x3 conv 8, bn, relu, 3x3 conv 8 /2, bn], b: 3 x bottleneck 16, c: [1x1 conv 4 bias 1, bn]}\n"
    plan = loads(f"{HEAD}unit: conv\nallow: [no-downsampling]\n{rows}")
    whole, single = lint(plan.spec, plan.graph)
    assert (
        whole.notes[0]
        == "they are `3x3 conv 8` in line 5, `3x3 conv 8 /2` in line 5"
    )
    assert (
        whole.help
        == "write `bias none` in each, or `ops: {conv: {bias: none}}` for all"
    )
    assert single.message.startswith(
        "the bias of `1x1 conv 4 bias 1` and its start value 1 do nothing"
    )
    plan = loads(
        f"{HEAD}ops: {{conv: {{bias: 0}}}}\nnet: {{a: 3x3 conv 8, b: [3x3 conv 8, 5x5 conv 8], c: 2 x 3x3 conv 4}}\n"
    )
    (only,) = lint(plan.spec, plan.graph)
    assert only.span is not None
    assert (only.span.line, only.span.column) == (3, 20)
    assert only.notes[0].endswith("in line 4, 1 more")


def allowances(folder: Path, text: str) -> list[str]:
    spec = folder / "a.yaml"
    spec.write_text(HEAD + text)
    return [d.message for d in found_in(check_nets(str(spec)))]


def test_an_allowance_that_one_variant_needs_is_used(
    tmp_path: Path,
) -> None:
    text = "let: {start: none}\nnet: {a: 3x3 conv 8 bias start}\n"
    variants = "variants: {plain: {}, biased: {start: 1}}\n"
    assert (
        allowances(tmp_path, f"{text}{variants}allow: [bias-before-norm]\n")
        == []
    )
    assert allowances(tmp_path, f"{text}allow: [bias-before-norm]\n") == [
        "`bias-before-norm` is allowed, and there is nothing to silence"
    ]


def test_an_allowance_from_the_extended_file_is_not_this_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "base.yaml").write_text(
        f"{HEAD}net: {{a: 3x3 conv 8 bias 1}}\nallow: [bias-before-norm]\n"
    )
    (tmp_path / "top.yaml").write_text(
        "extends: base.yaml\nnet: {a: 3x3 conv 8}\n"
    )
    assert found_in(check_nets(str(tmp_path / "top.yaml"))) == []


def test_what_a_library_block_does_is_said_at_its_call() -> None:
    plan = loads(
        HEAD
        + "net:\n  a: 3x3 conv 512\n  b: bottleneck 2004\n  c: [global avg pool, fc 10]\n"
    )
    (warning,) = lint(plan.spec, plan.graph)
    assert warning.span is not None
    assert (warning.span.source.name, warning.span.line) == ("<text>", 5)


def test_an_unknown_lint_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(f"{HEAD}net: {{a: 3x3 conv 8}}\nallow: [odd-with]\n")
    assert run(["check", str(spec)]) == 1
    error = capsys.readouterr().err
    assert "no lint `odd-with`" in error
    assert "did you mean `odd-width`?" in error


@pytest.fixture
def warned(tmp_path: Path) -> Path:
    spec = tmp_path / "warned.yaml"
    spec.write_text(f"{HEAD}net: {{a: 3x3 conv 8 bias 1}}\n")
    return spec


def test_a_warning_does_not_fail_a_check(
    warned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(warned)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("ok  ")
    assert printed.err.startswith("warning[W001]: ")
    assert printed.err.endswith(
        "\n1 warning; `resgraph explain W001` says more\n"
    )


def test_strict_fails_on_a_warning(
    warned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "--strict", "--json", str(warned)]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is False
    assert [(d["code"], d["severity"]) for d in printed["diagnostics"]] == [
        ("W001", "warning")
    ]


def test_the_zoo_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["check", "--strict", *map(str, sorted(SPECS.glob("*.yaml")))])
        == 0
    )
    assert capsys.readouterr().err == ""


BLOCK = "blocks:\n  pair: {body: [3x3 conv out, 3x3 conv out linear], merge: relu(body + shortcut)}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{BLOCK}net: {{a: 3x3 conv 8, b: pair 8}}\n", []),
        (
            f"unit: conv bn silu\n{BLOCK}net: {{a: 3x3 conv 8, b: pair 8}}\n",
            ["W014"],
        ),
        (
            f"unit: conv bn silu\n{BLOCK.replace('relu(', 'act(')}net: {{a: 3x3 conv 8, b: pair 8}}\n",
            [],
        ),
        (
            f"unit: conv bn silu\n{BLOCK.replace('relu(', 'sigmoid(')}net: {{a: 3x3 conv 8, b: pair 8}}\n",
            [],
        ),
        (
            f"unit: conv bn sigmoid\n{BLOCK}net: {{a: 3x3 conv 8, b: pair 8}}\n",
            ["W014"],
        ),
        ("unit: conv bn silu\nnet: {a: 3x3 conv 8, b: 2 x basic 8}\n", []),
        (
            "unit: conv bn silu\nnet: {a: [3x3 conv 8, 3x3 conv 8 relu]}\n",
            [],
        ),
        ("unit: conv bn silu\nnet: {a: [3x3 conv 8 bare, bn, relu]}\n", []),
    ],
)
def test_a_unit_and_another_activation_beside_it(
    text: str, found: list[str]
) -> None:
    assert warnings(text) == found


def test_mixed_activations_after_an_override() -> None:
    text = f"{HEAD}{BLOCK}net: {{a: 3x3 conv 8, b: 3 x pair 8}}\n"
    plan = loads(text, None, ("unit=conv bn silu",))
    (found,) = lint(plan.spec, plan.graph)
    assert (
        found.message
        == "the net has both `silu`, the unit's activation, and this `relu`"
    )
    assert "`act` means the unit's activation" in str(found.help)


def test_a_deep_net_is_asked_for_as_many_windows_as_a_shallow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Conv] = []
    window = Conv.window.fget
    assert window is not None
    counted = property(lambda op: asked.append(op) or window(op))
    monkeypatch.setattr(Conv, "window", counted)
    counts = []
    for name in ("resnet-20", "resnet-1202"):
        plan = resgraph.load(f"{SPECS / 'cifar-resnet.yaml'}::{name}")
        asked.clear()
        lint(plan.spec, plan.graph)
        counts.append(len(asked))
    assert 0 < counts[1] == counts[0]
