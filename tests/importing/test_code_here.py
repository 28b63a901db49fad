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
LOST = """\
import warnings

import torch
from torch import nn

from mine import Net


class Data(Net):
    def forward(self, x):
        y = self.conv(x)
        return y * y.data.sigmoid()


class Frozen(Net):
    def forward(self, x):
        with torch.no_grad():
            x = self.conv(x / 2)
        return x + 1


class Numpy(Net):
    def forward(self, x):
        y = self.conv(x).numpy()
        return torch.from_numpy(y)


class Written(Net):
    def forward(self, x):
        print(f"{self.conv(x).mean():.3f}")
        return self.conv(x)


class Cuda(Net):
    def forward(self, x):
        return self.conv(x.to("cuda:0"))


class Device(Net):
    def forward(self, x):
        return self.conv(x) + torch.zeros(1, device="cuda")


class Noise(Net):
    def forward(self, x):
        return self.conv(x + torch.randn_like(x))


class Over(Net):
    def forward(self, x):
        x[:, 0] = x[:, 1]
        return self.conv(x)


class Fixed(Net):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4 * 28 * 28, 10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Sized(Net):
    def __init__(self, width):
        super().__init__()


class Missing(Net):
    def __init__(self):
        open("missing.pth")


class Picked(Net):
    def forward(self, x):
        return x[x > 0]


class Apart(Net):
    def forward(self, x):
        self.conv(x)
        return torch.tensor([1.0, 2.0])


class Empty(nn.Module):
    pass


def two():
    return Net(), None


state = Net().state_dict()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    scripted = torch.jit.script(nn.Conv2d(3, 4, 1))
    traced = torch.jit.trace(nn.Conv2d(3, 4, 1), torch.rand(1, 3, 8, 8))
"""
READ = """\
import torch
from torch import nn

from mine import Net


class Numbers(Net):
    def forward(self, x):
        y = torch.tensor(0.1) * self.conv(x)
        return torch.tensor(1) - y


class Beside(Net):
    def forward(self, x):
        return self.conv(x), None, "eval", torch.tensor(0.0)


class Cast(Net):
    def forward(self, x):
        with torch.autocast("cpu"):
            y, z = self.conv(x), x + 1
            with torch.autocast("cpu", enabled=False):
                y = y.float().relu()
        return y, z


class Normed(Net):
    def forward(self, x):
        with torch.no_grad():
            x = x / 255
        return self.conv(x)


class Sizes(Net):
    def forward(self, x):
        print(self.conv(x), x.mean().item)
        return nn.functional.interpolate(self.conv(x), x.data.shape[2:])


def half():
    return Net().half()


def parallel():
    return nn.DataParallel(Net())
"""
FILES = {
    "lost.py": LOST,
    "seen.py": READ,
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
    for name in ("mine", "within", "inner", "lost", "seen"):
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Numbers", "head:  1 - conv2"),
        ("Beside", "3x3 conv 4"),
        ("Cast", "3x3 conv 4"),
        ("Normed", "[input/255, 3x3 conv 4]"),
        ("Sizes", "3x3 conv 4"),
        ("half", "3x3 conv 4"),
        ("parallel", "3x3 conv 4"),
    ],
)
def test_what_says_how_code_is_run_is_no_part_of_a_net(
    here: None, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", f"seen:{name}", "--input", "3x8x8"]) == 0
    told = capsys.readouterr()
    assert said in told.out and told.out.startswith("name: ")
    assert "proven: equal to" in told.err


TAKE = "; of a class that takes arguments, name a function without any"


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("Data", 1, "or `torch.no_grad()` there the net computes the same"),
        ("Data", 1, "(lost.py:12: `return y * y.data.sigmoid()`; 1 of"),
        ("Frozen", 1, "lost.py:18: `x = self.conv(x / 2)`; "),
        ("Numpy", 1, "leaves torch for NumPy"),
        ("Numpy", 1, "(lost.py:24: `y = self.conv(x).numpy()`)"),
        ("Written", 1, "take that out of `forward` (lost.py:30: `print("),
        ("Cuda", 1, "(lost.py:36: `return self.conv(x.to("),
        ("Device", 1, "asks for a GPU, which need not be here"),
        ("Noise", 1, "belongs behind `if self.training:` (lost.py:46"),
        ("Over", 1, "join the parts by `torch.cat` instead (lost.py:51"),
        ("Fixed", 1, "lost.py:61: `return self.fc("),
        ("Fixed", 1, "; it was given 3x8x8, which `--input` sets"),
        ("Sized", 2, f"argument: 'width'{TAKE}, as `def net(): return Sized(…)`"),
        ("Missing", 2, '(lost.py:71: `open("missing.pth")`)'),
        ("Picked", 1, "its code branches on the values of a tensor"),
        ("Apart", 1, "does not rest on its input"),
        ("Empty", 1, 'the required "forward" function'),
        ("two", 2, "gives no torch.nn.Module but what is of type tuple"),
        ("state", 2, "is of type OrderedDict: name a torch.nn.Module"),
        ("scripted", 1, "import the module that was scripted or traced"),
        ("traced", 1, "import the module that was scripted or traced"),
    ],
)  # fmt: skip
def test_what_no_graph_has_is_told_with_its_line(
    here: None,
    name: str,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["import", f"lost:{name}", "--input", "3x8x8"]) == code
    assert said in capsys.readouterr().err


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
