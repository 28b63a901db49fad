"""Tables in every format: the paper's numbers, columns aligned by row, and text that no format takes for its own."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest

import resgraph
from resgraph.cli import run
from resgraph.outputs.numbers import count_text
from resgraph.outputs.registry import named
from resgraph.passes.memory import training_memory
from resgraph.passes.paths import paths
from resgraph.passes.summary import summarize

SPECS = Path(__file__).parents[3] / "specs"
RESNET = SPECS / "resnet.yaml"
TABLES = {name: output.load() for name, output in named("show").items()}


def plans(*variants: str) -> list[resgraph.Plan]:
    return [resgraph.load(f"{RESNET}::{variant}") for variant in variants]


RATES = """name: rates
input: 3x16x16
blocks:
  pair: {{body: [3x3 conv out, drop path {}], merge: body + shortcut}}
net:
  conv1: 3x3 conv 8
  conv2: 6 x pair 8
  head: [global avg pool, dropout 1/3, dropout 0.5, fc 3]
"""


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0.1*index/total", "drop path 0 to 0.0833"),
        ("0.1 - 0.1*index/total", "drop path 0.1 to 0.0167"),
        ("1/120", "drop path 0.00833"),
        ("0.1*index*(total - 1 - index)", "drop path 0 to 0.6"),
    ],
)
def test_blocks_that_differ_in_a_rate_are_one(
    rate: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(RATES.format(f"({rate})"))
    plan = resgraph.load(tmp_path / "a.yaml")
    _, pairs, head = summarize(plan.graph)
    assert [(group.lines, group.count) for group in pairs.groups] == [
        (("3x3 conv 8", said), 6)
    ]
    assert [group.lines for group in head.groups][1:3] == [
        ("dropout 0.333",),
        ("dropout 0.5",),
    ]
    rates = [
        getattr(node.op, "rate", None)
        for node in plan.graph.nodes.values()
        if node.op.op == "dropout"
    ]
    assert rates == [1 / 3, 0.5], (
        "rounded where it is shown, and nowhere else"
    )


def test_the_papers_table_in_markdown() -> None:
    lines = TABLES["markdown"](
        plans("resnet-18", "resnet-34", "resnet-50")
    ).splitlines()
    assert lines[5].split(" | ")[1:] == [
        "28 × 28",
        "[3x3 conv 128 (/2 once), 3x3 conv 128] × 2",
        "[3x3 conv 128 (/2 once), 3x3 conv 128] × 4",
        "[1x1 conv 128, 3x3 conv 128 (/2 once), 1x1 conv 512] × 4 |",
    ]
    assert {line.count(" | ") for line in lines} == {4}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[bn, relu, fc out]", "[fc 8] × 1"),
        (
            "[ln, gelu, dropout 0.1, fc out]",
            "[ln, gelu, dropout 0.1, fc 8] × 1",
        ),
    ],
)
def test_only_batch_norm_and_relu_go_without_saying(
    body: str, said: str
) -> None:
    plan = resgraph.loads(
        f"name: N\ninput: 8\nblocks:\n  res:\n    body: {body}\n    merge: body + x\nnet:\n  s: res 8\n"
    )
    assert f"| s | 8 | {said} |" in TABLES["markdown"]([plan])


STRIDES = {
    "stem-c 64": "[3x3 conv 32 /2, 3x3 conv 32, 3x3 conv 64, 3x3 max pool /2] × 1",
    "[basic 8 /2, basic 8 /2, basic 8, basic 8]": (
        "[3x3 conv 8 /2, 3x3 conv 8] × 2<br>[3x3 conv 8, 3x3 conv 8] × 2"
    ),
    "3 x basic 8 /2x1": "[3x3 conv 8 (/2x1 once), 3x3 conv 8] × 3",
}


@pytest.mark.parametrize("row", STRIDES)
def test_strides_are_said_in_brackets(row: str) -> None:
    plan = resgraph.loads(f"name: N\ninput: 3x64x64\nnet:\n  s: {row}\n")
    assert (
        TABLES["markdown"]([plan])
        .splitlines()[3]
        .endswith(f" | {STRIDES[row]} |")
    )


def test_blocks_that_grow_are_one_where_there_are_many() -> None:
    """Han et al. 2016: widths of conv4 grow from 100 + 184/3 = 202 (rounded down) to 286; four that
    differ are still told one by one."""
    plan = resgraph.load(
        f"{SPECS / 'pyramidnet.yaml'}::pyramidnet-110-a270"
    )
    *_, conv4, _ = summarize(plan.graph)
    (group,) = conv4.groups
    assert group.lines == (
        "3x3 conv 201 to 286 (/2 once)",
        "3x3 conv 201 to 286",
    )
    assert group.count == 18
    four = "[basic 8, basic 9, basic 10, basic 11]"
    grown = four.replace("]", ", basic 12 /2, basic 13, basic 14 /2]")
    counts = [
        [
            group.count
            for group in summarize(
                resgraph.loads(
                    f"name: N\ninput: 3x64x64\nnet:\n  s: {row}\n"
                ).graph
            )[0].groups
        ]
        for row in (four, grown)
    ]
    assert counts == [[1, 1, 1, 1], [4, 2, 1]], (
        "of those told as one, only the first strides"
    )


def test_a_block_in_a_block_is_said() -> None:
    """A block of one layer is that layer; another stands with its layers set in; what does nothing is left out."""
    blocks = "blocks:\n  nothing: x\n  one: {let: {g: 1}, body: 3x3 conv out groups g}\n"
    blocks += (
        "  outer: [nothing, one 16, se reduction 4, 1x1 conv out /2]\n"
    )
    plan = resgraph.loads(
        f"name: N\ninput: 3x64x64\n{blocks}net:\n  s: outer 8\n"
    )
    inside = (
        "se reduction 4",
        "  global avg pool",
        "  fc 8",
        "  fc 16 sigmoid",
    )
    (group,) = summarize(plan.graph)[0].groups
    assert group.lines == ("3x3 conv 16", *inside, "1x1 conv 8 /2")
    listed = "[3x3 conv 16, se reduction 4 (global avg pool, fc 8, fc 16 sigmoid), 1x1 conv 8 /2] × 1"
    assert listed in TABLES["markdown"]([plan])
    assert (
        r"\text{se reduction 4} \\ \text{\quad global avg pool}"
        in TABLES["latex"]([plan])
    )
    assert "│ se reduction 4    │\n" in plan.table()


def test_csv_adds_up() -> None:
    (plan,) = plans("resnet-50")
    rows = list(csv.DictReader(StringIO(TABLES["csv"]([plan]))))
    assert sum(int(row["params"]) for row in rows) == plan.params
    assert sum(int(row["macs"]) for row in rows) == plan.macs
    assert [row["row"] for row in rows] == [
        "conv1",
        "conv2",
        "conv3",
        "conv4",
        "conv5",
        "head",
    ]


def test_rows_that_one_net_lacks_keep_their_place() -> None:
    one = resgraph.loads(
        "name: a\ninput: 3x8x8\nnet: {stem: 3x3 conv 4, mid: 3x3 conv 4, head: 3x3 conv 2}\n"
    )
    two = resgraph.loads(
        "name: b\ninput: 3x8x8\nnet: {stem: 3x3 conv 4, more: 3x3 conv 4, head: 3x3 conv 2}\n"
    )
    rows = [
        line.split(" | ")[0]
        for line in TABLES["markdown"]([one, two]).splitlines()[3:7]
    ]
    assert rows == ["| stem", "| more", "| mid", "| head"]


def test_user_text_is_only_text() -> None:
    name = "a|b*c & <i>\\input{x}$"
    plan = resgraph.loads(
        f"name: '{name}'\ninput: 3x8x8\nnet: {{stem: 3x3 conv 4}}\n"
    )
    assert r"a\|b\*c &amp; &lt;i&gt;\\input{x}$" in TABLES["markdown"](
        [plan]
    )
    assert (
        r"a\textbar{}b*c \& \textless{}i\textgreater{}\textbackslash{}input\{x\}\$"
        in TABLES["latex"]([plan])
    )


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)
def test_latex_compiles(tmp_path: Path) -> None:
    table = TABLES["latex"](plans("resnet-18", "resnet-50"))
    text = (
        r"\documentclass{article}\usepackage{booktabs,amsmath}\begin{document}"
        + table
        + r"\end{document}"
    )
    (tmp_path / "t.tex").write_text(text)
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()[-800:]


def test_every_shortcut_doubles_the_ways() -> None:
    """Veit et al. 2016: 2^n paths through n blocks; the identity ones leave conv1 and fc."""
    (plan,) = plans("resnet-50")
    found = paths(plan.graph)
    assert (found.count, found.shortest, found.longest, found.mean) == (
        2**16,
        2,
        50,
        26,
    )
    plain = paths(resgraph.load(f"{SPECS / 'plain.yaml'}::plain-34").graph)
    assert (plain.count, plain.shortest, plain.longest) == (1, 34, 34)


def test_training_memory_is_near_what_was_measured() -> None:
    """A bf16 step of ResNet-50 was measured at 40.6 MB an image; norm inputs and activations are what is kept."""
    (plan,) = plans("resnet-50")
    memory = training_memory(plan.graph, 32, width=2)
    assert 0.9 < memory.activations / 40.6e6 < 1.25
    assert memory.total == plan.params * 12 + 32 * memory.activations


def test_show_prints_json_of_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run(
            [
                "show",
                f"{RESNET}::resnet-18",
                f"{RESNET}::resnet-34",
                "--json",
            ]
        )
        == 0
    )
    assert [
        net["depth"] for net in json.loads(capsys.readouterr().out)
    ] == [18, 34]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "–"),
        (999, "999"),
        (25_557_032, "25.6 M"),
        (10**18, "1.00 E"),
        (10**32, "1.00e+32"),
        (10**400, "1.00e+400"),
    ],
)
def test_no_number_is_too_large_to_be_told(number: int, text: str) -> None:
    assert count_text(number) == text
