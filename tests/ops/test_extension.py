"""An installed package brings an op: the example's, in a process that sees its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "custom_op"


def run(code: str, site: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(site), str(EXAMPLE), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def install(site: Path, target: str) -> None:
    """What `pip install` leaves of a package that is importable already: its metadata."""
    info = site / "corner_pad-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: corner-pad\nVersion: 0.1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[resgraph.ops]\ncorner-pad = {target}\n")


def test_the_example_is_checked_and_built(tmp_path: Path) -> None:
    install(tmp_path, "corner_pad.ops:CornerPad")
    code = f"""
import sys, resgraph
plan = resgraph.load({str(EXAMPLE / "spec.yaml")!r})
print(plan.graph.nodes["stem.0"].shape, "torch" in sys.modules)
import torch
print(tuple(plan.module()(torch.zeros(2, 3, 32, 32)).shape))
"""
    done = run(code, tmp_path)
    assert done.stdout.splitlines() == ["(3, 33, 33) False", "(2, 10)"], done.stderr


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
