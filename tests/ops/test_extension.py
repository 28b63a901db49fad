"""An installed package brings an op: the example's, in a process that sees its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pydantic
import pytest
from interpreter import python

from resgraph.errors import MissingError
from resgraph.ops import Fc, Op
from resgraph.ops.extension import _load, _may_be_some

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "custom_op"
OPS = ("corner_pad.ops:CornerPad", "corner_pad.ops:GemPool")


def path(site: Path) -> str:
    return os.pathsep.join([str(site), str(EXAMPLE), str(ROOT)])


def run(code: str, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def install(site: Path, *targets: str) -> None:
    """What `pip install` leaves of a package that is importable already: its metadata."""
    info = site / "corner_pad-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: corner-pad\nVersion: 0.1.0\n"
    )
    names = zip(("corner-pad", "gem-pool"), targets, strict=False)
    entries = "".join(f"{name} = {target}\n" for name, target in names)
    (info / "entry_points.txt").write_text(f"[resgraph.ops]\n{entries}")


def test_the_example_is_checked_and_built(tmp_path: Path) -> None:
    install(tmp_path, *OPS)
    code = f"""
import sys, resgraph
plan = resgraph.load({str(EXAMPLE / "spec.yaml")!r})
print(plan.graph.nodes["stem.0"].shape, "torch" in sys.modules)
"""
    done = run(code, tmp_path)
    assert done.stdout == "(3, 33, 33) False\n", done.stderr
    code = f"""
import resgraph, torch
plan = resgraph.load({str(EXAMPLE / "spec.yaml")!r})
print(tuple(plan.module()(torch.zeros(2, 3, 32, 32)).shape))
"""
    done = python("-c", code, cwd=tmp_path, path=path(tmp_path))
    assert done.stdout == "(2, 10)\n", done.stderr


def test_an_op_that_learns_is_counted_built_and_trained(
    tmp_path: Path,
) -> None:
    """The generalized mean is the average at exponent 1 and near the largest at a large one, and its exponent has the
    gradient that finite differences have."""
    install(tmp_path, *OPS)
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: pools\ninput: 2x4x4\nnet:\n  a: gem pool 1\n  b: [input, gem pool 90]\n  c: [input, gem pool]\n"
        "output: [a, b, c]\nexpect: {params: 3}\n"
    )
    code = f"""
import torch, resgraph
plan = resgraph.load({str(spec)!r})
net = plan.module().double()
assert plan.unmet() == [] and plan.graph.nodes["c.1"].cost.params == 1
assert {{k: v.item() for k, v in net.named_parameters()}} == {{"a.p": 1, "b.1.p": 90, "c.1.p": 3}}
x = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)).double() + 0.1
mean, largest, c = net(x)
assert torch.allclose(mean, x.mean((2, 3))) and torch.allclose(largest, x.amax((2, 3)), rtol=0.05)
c.sum().backward()
power = lambda p: x.pow(p).mean((2, 3)).pow(1 / p).sum()
assert abs(net.get_parameter("c.1.p").grad.item() - float(power(3 + 1e-5) - power(3 - 1e-5)) / 2e-5) < 1e-6
print([plan.graph.nodes[name].op.label() for name in ("a", "b.1", "c.1")], "GemPool(1.0)" in plan.source())
again = resgraph.loads(plan.resolved())
print(again.params, torch.export.export(net.float(), (x.float(),)).module()(x.float())[2].shape)
"""
    done = python("-c", code, cwd=tmp_path, path=path(tmp_path))
    assert done.stdout.splitlines() == [
        "['gem pool 1', 'gem pool 90', 'gem pool'] True",
        "3 torch.Size([3, 2])",
    ], done.stderr


@pytest.mark.parametrize(
    "target", ["corner_pad.ops:Nothing", "json:dumps", "nowhere:X"]
)
def test_a_broken_package_is_named(tmp_path: Path, target: str) -> None:
    install(tmp_path, target)
    done = run(
        "from resgraph.cli import run; print(run(['check', 'specs/digits.yaml']))",
        tmp_path,
    )
    assert "corner-pad" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("made", "may"),
    [
        ([], False),
        (["other-1.dist-info/entry_points.txt: [console_scripts]"], False),
        (["mine-1.dist-info/entry_points.txt: [resgraph.ops]"], True),
        (["mine.egg-info/entry_points.txt: [resgraph.ops]"], True),
        (["mine.zip: PK"], True),
        (["mine.egg/EGG-INFO/entry_points.txt: [resgraph.ops]"], True),
        (["mine-1.dist-info/entry_points.txt/no file: "], True),
    ],
)
def test_installed_packages_are_read_where_one_may_have_an_op(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: list[str],
    may: bool,
) -> None:
    for name, _, text in (each.partition(": ") for each in made):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    archives = [*map(str, tmp_path.glob("mine.[ze]*[pg]"))]
    monkeypatch.setattr("sys.path", [str(tmp_path), "/no/such", *archives])
    monkeypatch.setattr("sys.meta_path", [PathFinder])
    assert _may_be_some() == may


def test_they_are_read_where_another_finder_knows_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.path", [])
    other = SimpleNamespace(find_distributions=list)
    monkeypatch.setattr("sys.meta_path", [PathFinder, other])
    assert _may_be_some()


def _bounded() -> type[Op]:
    class Bounded(Fc):
        op: Literal["bounded"] = "bounded"  # type: ignore[assignment]
        share: Annotated[float, pydantic.Field(ge=0)] = 0.5

    return Bounded


def _defaulted() -> type[Op]:
    class Defaulted(Fc):
        op: Literal["defaulted"] = "defaulted"  # type: ignore[assignment]
        share: float = pydantic.Field(0.5, ge=0)

    return Defaulted


def _checked() -> type[Op]:
    class Checked(Fc):
        op: Literal["checked"] = "checked"  # type: ignore[assignment]

        @pydantic.model_validator(mode="after")
        def _consistent(self) -> Checked:
            return self

    return Checked


@pytest.mark.parametrize("make", [_bounded, _defaulted, _checked])
def test_what_is_said_to_pydantic_is_refused(
    make: Callable[[], type[Op]],
) -> None:
    """It would be read by nobody."""
    entry: Any = SimpleNamespace(
        load=make, name="mine", dist=None, value="mine:Op"
    )
    with pytest.raises(MissingError, match=r"msgspec\.Meta"):
        _load(entry)
    entry.load = lambda: Fc
    assert _load(entry) is Fc
