"""The README's blocks: its Python runs and its YAML, completed to whole specs, loads; so it cannot rot."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest
import torch
import yaml
from click.testing import CliRunner

import resgraph
from resgraph.cli import cli
from resgraph.train.data.index_cache import home

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


YAML = blocks("yaml")
COMMANDS = cli.list_commands(click.Context(cli))


def completed(text: str) -> str:
    """A block of the README with the keys that a whole spec needs, and a row that calls each of its blocks."""
    tree = yaml.safe_load(text)
    out = [text.rstrip()]
    if "name" not in tree:
        out.insert(0, "name: from the README")
    if "input" not in tree:
        out.insert(0, "input: 3x224x224")
    if "net" not in tree:
        called = {
            word
            for block in tree["blocks"].values()
            for word in re.findall(r"[\w-]+", str(block))
        }
        rows = [
            f"  r{i}: 2 x {name}"
            for i, name in enumerate(tree["blocks"])
            if name not in called - {name}
        ]
        out += ["net:", "  stem: 3x3 conv 64", *rows]
    return "\n".join(out) + "\n"


def test_there_are_blocks_to_try() -> None:
    assert len(YAML) >= 7 and len(blocks("python")) == 1


@pytest.mark.parametrize("place", range(len(YAML)))
def test_yaml_is_a_spec(place: int, tmp_path: Path) -> None:
    path = tmp_path / "readme.yaml"
    path.write_text(completed(YAML[place]), encoding="utf-8")
    variants = yaml.safe_load(YAML[place]).get("variants", {})
    for reference in [f"{path}::{name}" for name in variants] or [str(path)]:
        plan = resgraph.load(reference)
        assert plan.params > 0 and plan.unmet() == []


def test_python_runs_and_says_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), names)
    plan, model = names["plan"], names["model"]
    assert isinstance(plan, resgraph.Plan) and isinstance(model, torch.nn.Module)
    (claimed,) = re.findall(r"# (\d+), (\d+), (\d+):", code)
    assert (plan.params, plan.macs, plan.depth) == tuple(map(int, claimed))
    assert "conv3.0.body.2.bn.weight" in model.state_dict()
    assert "resnet-50" in capsys.readouterr().out
    assert (tmp_path / "resnet-50.svg").read_text("utf-8").startswith(("<svg", "<?xml"))
    compile((tmp_path / "model.py").read_text("utf-8"), "model.py", "exec")


def test_the_table_of_commands_names_every_command() -> None:
    rows = re.findall(r"^\| (`.+?) \|", TEXT, re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([a-z]+)[ `]", row)}
    assert set(COMMANDS) - named == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0 and result.output.startswith("Usage:")


def test_options_that_the_readme_names_exist() -> None:
    table = re.findall(r"^\| `([a-z]+)[^|]*\| (.+?) \|$", TEXT, re.MULTILINE)
    for command, says in table:
        if command in COMMANDS:
            options = CliRunner().invoke(cli, [command, "--help"]).output
            for option in re.findall(r"`(--?[a-z-]+)", says):
                assert option in options, f"{command} has no {option}"


def test_the_table_is_what_show_prints() -> None:
    spec, table = re.findall(
        r"<!-- table: (\S+) -->\n```\n(.*?)```\n", TEXT, re.DOTALL
    )[0]
    printed = (
        CliRunner()
        .invoke(cli, ["show", str(ROOT / spec)], env={"COLUMNS": "120"})
        .output
    )
    assert table in printed


def test_the_cache_lies_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (
        ("XDG_CACHE_HOME", "/cache"),
        ("XDG_CACHE_HOME", ""),
        ("HOME", "/me"),
    ):
        monkeypatch.setenv(variable, value)
        said = (
            "$XDG_CACHE_HOME/resgraph/shards"
            if value == "/cache"
            else "~/.cache/resgraph/shards"
        )
        assert f"`{said}`" in TEXT
        assert home() == Path(os.path.expandvars(said)).expanduser()


IDENTITY = """name: identity
input: 3x224x224
shortcut: identity

blocks:
  bottleneck:
    body:  [1x1 conv out/4, 3x3 conv out/4 /stride, 1x1 conv out linear]
    merge: relu(body + shortcut)

net:
  conv1: [7x7 conv 64 /2, 3x3 max pool /2]
  conv2: 3 x 3x3 conv 64
  conv3: 4 x bottleneck 512 /2
  head:  [global avg pool, fc 1000]
"""


def test_the_mistake_that_it_shows_is_told_so() -> None:
    with pytest.raises(resgraph.SpecError) as caught:
        resgraph.loads(IDENTITY, name="identity.yaml")
    assert f"```\n{caught.value}\n```" in TEXT
