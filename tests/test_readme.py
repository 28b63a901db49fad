"""The README is a first page: short, with links that lead somewhere, and true in what it says of commands.

Its code blocks are tried with those of the manual, in tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import resgraph
from resgraph.cli import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = cli.list_commands(click.Context(cli))


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= 150


def test_the_first_two_commands_set_up_train_and_test() -> None:
    start = TEXT.partition("## Start\n")[2].partition("\n## ")[0]
    first, second = re.findall(r"^```sh\n(.+)\n```$", start, re.MULTILINE)
    install = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e"
    assert (
        first == f"{install} '.[train]' && .venv/bin/resgraph build digits"
    )
    assert (
        second
        == f"{install} '.[dev]' && .venv/bin/pytest -n auto --dist worksteal"
    )
    assert resgraph.load("digits").spec.train is not None


def test_the_table_of_commands_names_every_command() -> None:
    rows = re.findall(r"^\| (`.+?) \|", TEXT, re.MULTILINE)
    named = {
        word for row in rows for word in re.findall(r"`([a-z]+)[ `]", row)
    }
    assert set(COMMANDS) - named == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0 and result.output.startswith("Usage:")


def test_options_that_the_readme_names_exist() -> None:
    table = re.findall(
        r"^\| `([a-z]+)[^|]*\| (.+?) \|$", TEXT, re.MULTILINE
    )
    for command, says in table:
        if command in COMMANDS:
            options = CliRunner().invoke(cli, [command, "--help"]).output
            for option in re.findall(r"`(--?[a-z-]+)", says):
                assert option in options, f"{command} has no {option}"


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
    assert f"```text\n{caught.value}\n```" in TEXT
