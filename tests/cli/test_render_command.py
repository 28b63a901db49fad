"""Pictures from the command line: formats by suffix, several nets, and what holds together of a wrong spec."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

from resgraph.cli import run

SPECS = Path(__file__).parents[2] / "specs"
RESNET = f"{SPECS / 'resnet.yaml'}::resnet-18"


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        ("svg", "<svg"),
        ("dot", "digraph"),
        ("html", "<!"),
        ("tex", "\\documentclass[tikz]{standalone}"),
        ("mmd", "---"),
    ],
)
def test_the_suffix_says_the_format(
    suffix: str, begins: str, tmp_path: Path
) -> None:
    out = tmp_path / f"net.{suffix}"
    assert run(["render", RESNET, "-o", str(out)]) == 0
    assert out.read_text().startswith(begins)


def test_several_nets_stand_side_by_side(tmp_path: Path) -> None:
    out = tmp_path / "figure-3.svg"
    assert (
        run(
            [
                "render",
                f"{SPECS / 'plain.yaml'}::plain-18",
                RESNET,
                "-o",
                str(out),
            ]
        )
        == 0
    )
    text = "".join(ElementTree.parse(out).getroot().itertext())
    assert "plain-18" in text
    assert "resnet-18" in text


def test_a_wrong_spec_can_be_drawn_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, out = tmp_path / "wrong.yaml", tmp_path / "partial.svg"
    spec.write_text(
        "name: w\ninput: 3x32x32\nnet:\n  a: 3x3 conv 16\n  b: 3x3 cnv 32\n"
    )
    assert run(["render", str(spec), "-o", str(out)]) == 1
    assert not out.exists()
    assert run(["render", str(spec), "--partial", "-o", str(out)]) == 1
    assert "E011" in capsys.readouterr().err
    assert "no op or block `cnv`" in "".join(
        ElementTree.parse(out).getroot().itertext()
    )


def test_what_cannot_be_drawn_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["render", RESNET, "-o", "net.bmp"]) == 2
    assert "cannot draw `bmp`" in capsys.readouterr().err
    assert run(["render", RESNET, "--only", "conv9"]) == 2
    assert "did you mean `conv" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        ("render", RESNET, "--scale", "nan"),
        ("render", RESNET, "--width", "NaN"),
        ("build", RESNET, "--minutes", "nan", "--plan"),
        ("mcp", "--minutes", "inf"),
    ],
)
def test_a_number_that_is_none_is_refused(
    option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*option]) == 2
    assert "is no finite number" in capsys.readouterr().err


def test_graphviz_draws_whole_nets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        run(["render", RESNET, "--engine", "dot", "--only", "conv3"]) == 2
    )
    assert (
        "`--engine dot` has no use for `--only`: leave it out"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("kind", ["pdf", "tex", "png", "mmd"])
def test_what_is_refused_leaves_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"net.{kind}"
    deep = f"{SPECS / 'cifar-resnet.yaml'}::resnet-1202"
    assert run(["render", deep, "--view", "blocks", "-o", str(out)]) == (
        2 if _can(kind) else 4
    )
    assert "--view stages" in capsys.readouterr().err or not _can(kind)
    assert list(tmp_path.iterdir()) == []


def _can(kind: str) -> bool:
    """Whether the package that a format needs is here."""
    return bool(
        importlib.util.find_spec(
            {"pdf": "typst", "png": "resvg_py"}.get(kind, "resgraph")
        )
    )


def test_painted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.svg"
    assert run(["render", RESNET, "--paint", "macs", "-o", str(out)]) == 0
    text = "".join(ElementTree.parse(out).getroot().itertext())
    assert "MACs 118 M" in text  # in the title of the 7x7 convolution
    for wrong, said in (
        (["--paint", "heat"], "cannot paint `heat`"),
        (
            ["--paint", "params", "--paint", "macs"],
            "there are 2 of it for 1",
        ),
        (["--paint", str(tmp_path / "no.csv")], "there is no such file"),
    ):
        assert (
            run(["render", RESNET, *wrong, "-o", str(tmp_path / "b.svg")])
            == 2
        )
        assert said in capsys.readouterr().err
        assert not (tmp_path / "b.svg").exists()
    two = ["render", RESNET, RESNET, "--paint", "params", "--paint", "macs"]
    assert run(two) == 2
    assert "one scale" in capsys.readouterr().err
