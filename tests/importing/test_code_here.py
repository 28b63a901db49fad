"""Code in the folder that one works in, by its file or its module, as it is found when it is run
there; what its own code raises is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from resgraph.cli import run

NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


class Half(Net):
    def __init__(self):
        super().__init__()
        self.half()

    def forward(self, x):
        return self.conv(x.half())


class Branch(Net):
    def forward(self, x):
        if x.mean() > 0:
            x = x * 2
        return self.conv(x)
"""
FILES = {
    "mine.py": NET,
    "within.py": "from mine import Net\n",
    "script.py": "import sys\nsys.exit('no data')\n",
    "run.py": "raise RuntimeError('no data')\n",
    "relative.py": "from .mine import Net\n",
    "torch/types.py": NET,
    "wrong.py": "class Net(\n",
    "parts/inner.py": NET,
    "weights.pth": "",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with such files, of which nothing is installed."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    for name in ("mine", "within", "inner"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "word",
    ["mine:Net", "mine.py:Net", "./within.py:Net", "parts/inner.py:Net", "parts.inner:Net",
     "mine:Half"],
)  # fmt: skip
def test_read(
    here: None, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", word, "--input", "3x8x8"]) == 0
    assert "3x3 conv 4" in capsys.readouterr().out


RUNS = '; what is to run belongs under `if __name__ == "__main__":`'


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("script:Net", 2, f"cannot be imported: SystemExit: no data{RUNS}"),
        ("run.py:Net", 2, f"cannot be imported: RuntimeError: no data{RUNS}"),
        ("relative:Net", 2, "name it by its package, as package.module:NAME"),
        ("wrong:Net", 2, "cannot be imported: SyntaxError"),
        ("torch/types.py:Net", 2, "of a module that is loaded already"),
        ("mine.py", 2, "write which of the file is meant, as mine.py:Net"),
        ("nowhere.py:Net", 2, "nowhere.py is not there"),
        ("weights.pth", 2, "weights say no net; name the code that builds"),
        ("mine.py:Branch", 1, "its code branches on the values of a tensor"),
        ("mine.py:Branch", 1, "(mine.py:24: `if x.mean() > 0:`)"),
    ],
)  # fmt: skip
def test_told(
    here: None,
    word: str,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["import", word, "--input", "3x8x8"]) == code
    assert said in capsys.readouterr().err
