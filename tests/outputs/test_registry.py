"""The one list of outputs: each line names what is there, and commands, plans and README follow it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import Choice
from click.testing import CliRunner

import resgraph
from resgraph.cli import cli
from resgraph.cli.commands.export import export
from resgraph.cli.commands.render import render
from resgraph.cli.commands.show import show
from resgraph.outputs.registry import OUTPUTS, named

ROOT = Path(__file__).parents[2]
NEEDS = {
    "pdf": "typst", "png": "resvg_py", "onnx": "onnxscript", "pt2": "torch", "safetensors": "torch",
    "module": "torch",
}  # fmt: skip
DIGITS = resgraph.load("digits")
TINY = resgraph.loads(
    "name: tiny net\ninput: 1x8x8\nnet: {a: 3x3 conv 4, b: [basic 4, global avg pool, fc 3]}"
)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_plan_is_written_as_each(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    made = TINY.to(name)
    assert made is not None
    if isinstance(made, str):
        assert made.endswith("\n") and (
            TINY.name in made or "TinyNet" in made
        )


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("table", "text"),
        ("svg", "svg"),
        ("dot", "dot"),
        ("source", "py"),
        ("resolved", "yaml"),
    ],
)
def test_the_methods_of_a_plan_are_short_for_it(
    method: str, name: str
) -> None:
    assert getattr(DIGITS, method)() == DIGITS.to(name)


def test_options_reach_the_writer() -> None:
    assert DIGITS.to("tex", only="conv1") != DIGITS.to("tex")
    assert DIGITS.to("mmd", view="ops") != DIGITS.to("mmd", view="stages")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        resgraph.UsageError, match="no output `gif`: there are svg, pdf"
    ):
        DIGITS.to("gif")


@pytest.mark.parametrize("command", [render, show, export])
def test_a_command_offers_its_outputs(command: object) -> None:
    (kind,) = [each for each in command.params if "--format" in each.opts]  # type: ignore[attr-defined]
    assert isinstance(kind.type, Choice)
    assert list(kind.type.choices) == list(named(command.name))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", named("show"))
def test_show_prints_each(name: str) -> None:
    done = CliRunner().invoke(cli, ["show", "digits", "--format", name])
    assert done.exit_code == 0 and DIGITS.name in done.output
    if named("show")[name].takes == "plans":
        assert done.output == DIGITS.to(name)
