"""The pages of the manual and their code blocks, and how each kind of block is tried.

A page is a story: its blocks run from top to bottom in one empty directory. A `yaml` block
whose first line is `# name.yaml` is saved under that name; every other one is a spec, a part of
one, or a `train:` section, and loads. `python` runs. Lines of `sh`, and the lines of `console`
behind a `$`, are commands; what stands below such a line is what it prints, where `...` stands
for anything. A comment behind a `print(...)`, up to a colon, is what that prints. A comment
`<!-- not run: why -->` above a block excuses it."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

import resgraph
from resgraph.cli import cli, run
from resgraph.language.recipe import resolve_train

ROOT = Path(__file__).parents[2]
MADE = {"errors.md", "commands.md", "ops.md", "training-keys.md", "zoo.md"}
"""Generated pages: what they show is tried where it comes from."""
APART = MADE | {"adding.md", "gallery.md"}
"""Pages whose blocks are tried elsewhere, or that have none."""
GALLERY = ROOT / "docs" / "gallery"
"""What a build of the site draws."""
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "AGENTS.md",
    ROOT / "examples/custom_op/README.md",
    *sorted(
        path
        for path in (ROOT / "docs").rglob("*.md")
        if path.name not in APART and path.parent != GALLERY
    ),
]
OUTSIDE = ("pip ", "python3 -m venv", "torchrun ", "git ", "pytest", "ruff ", "mypy", ".ci/",
           "python ", ".venv/bin/", ". .venv/")  # fmt: skip
"""Commands that are not tried: they install, or test, or take long."""
_BLOCK = re.compile(
    r"(<!-- not run: [^\n]+ -->\n+)?^```(\w+)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and whether it says that it is not run."""

    language: str
    text: str
    excused: bool


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page or a part of one, in order."""
    for excuse, language, inside in _BLOCK.findall(text):
        yield Block(language, inside, bool(excuse))


@dataclass
class Story:
    """A page as it is followed in an empty directory, which is the current one."""

    page: Path
    names: dict[str, Any] = field(default_factory=dict)

    def follow(self) -> None:
        """Tries every block. Raises what goes wrong, an `AssertionError` mostly."""
        for block in blocks(self.page.read_text(encoding="utf-8")):
            how = getattr(self, f"_{block.language}", None)
            if how is None:
                assert block.language in ("text", "toml", "lua", "diff"), (
                    block.language
                )
            elif not block.excused:
                how(block.text)
            elif block.language == "sh":
                self._parse(block.text)

    def _yaml(self, text: str) -> None:
        named = re.match(r"# (\S+\.yaml)\n", text)
        if named:
            Path(named[1]).write_text(text, encoding="utf-8")
            return
        tree = yaml.safe_load(text)
        if tree.keys() == {"train"}:
            resolve_train(tree["train"])
            return
        Path("block.yaml").write_text(completed(text), encoding="utf-8")
        variants = tree.get("variants", {})
        for reference in [f"block.yaml::{name}" for name in variants] or [
            "block.yaml"
        ]:
            plan = resgraph.load(reference)
            assert plan.params > 0 and plan.unmet() == []

    def _python(self, text: str) -> None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, self.page.name, "exec"), self.names)
        for said in re.findall(r"^print\(.+\)  # ([^:\n]+)", text, re.M):
            assert f"{said}\n" in printed.getvalue(), said

    def _sh(self, text: str) -> None:
        for line in commands(text):
            if not line.startswith(OUTSIDE):
                self._command(line, "...\n")

    def _console(self, text: str) -> None:
        for line, printed in re.findall(
            r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.M
        ):
            self._command(line, printed)

    def _command(self, line: str, expected: str) -> None:
        """Runs a line of resgraph's, and compares all that it prints."""
        program, *arguments = shlex.split(line, comments=True)
        assert program == "resgraph", line
        printed = io.StringIO()
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            code = run(arguments)
        told = printed.getvalue()
        assert code == int(expected.startswith("error")), f"{line}\n{told}"
        like = doctest.OutputChecker().check_output(expected, told, LIKE)
        assert like, f"{line} prints\n{told}\nand not\n{expected}"

    def _parse(self, text: str) -> None:
        """Of lines that are not run: their commands and options exist."""
        for line in commands(text):
            if line.startswith(OUTSIDE):
                continue
            program, name, *arguments = shlex.split(line, comments=True)
            command = cli.get_command(click.Context(cli), name)
            assert program == "resgraph" and command is not None, line
            command.make_context(name, arguments)


def commands(text: str) -> list[str]:
    """The command lines of a block of shell."""
    whole = text.replace("\\\n", "")
    return [
        line
        for line in whole.splitlines()
        if line and not line.startswith("#")
    ]


def completed(text: str) -> str:
    """A part of a spec with the keys that a whole one needs, and a row that calls each block."""
    tree = yaml.safe_load(text)
    out = [text.rstrip()]
    if "name" not in tree:
        out.insert(0, "name: from the manual")
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
