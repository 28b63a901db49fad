"""Every spec of the zoo plans and keeps what it expects, and counts what the reference implementations count."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import resgraph
from resgraph.ops.base import shape_text

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
GOLDEN = yaml.safe_load((Path(__file__).parent / "golden.yaml").read_text())


def tree(path: Path) -> dict[str, object]:
    return yaml.safe_load(path.read_text())


def variants(path: Path) -> dict[str, object]:
    """The variants of a spec, and of what it extends."""
    spec = tree(path)
    base = variants(path.parent / str(spec["extends"])) if "extends" in spec else {}
    return {**base, **spec.get("variants", {})}  # type: ignore[dict-item]


REFERENCES = [(path, variant) for path in SPECS for variant in variants(path) or [None]]
NAMES = [path.stem + (f"::{variant}" if variant else "") for path, variant in REFERENCES]


@pytest.mark.parametrize(("path", "variant"), REFERENCES, ids=NAMES)
def test_keeps_what_it_expects(path: Path, variant: str | None) -> None:
    claims = tree(path)["expect"]
    claims = claims[variant] if variant else claims  # type: ignore[index]
    plan = resgraph.load(f"{path}::{variant}" if variant else path)
    assert plan.unmet() == []
    found = {"params": plan.params, "macs": plan.macs, "depth": plan.depth, "output": shape_text(plan.output)}
    assert {key: str(found[key]) for key in claims} == {key: str(value) for key, value in claims.items()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_variant_states_the_numbers_that_matter(path: Path) -> None:
    spec = tree(path)
    names = variants(path)
    expect = spec["expect"]
    claims = [expect[name] for name in names] if names else [expect]  # type: ignore[index]
    assert not names or expect.keys() == names.keys()  # type: ignore[union-attr]
    assert all({"params", "macs", "depth"} <= claim.keys() for claim in claims)
    assert "arXiv" in str(spec["about"]) or path.stem.startswith("digits")


@pytest.mark.parametrize(
    ("fact"),
    [fact for nets in GOLDEN.values() for fact in nets.values()],
    ids=[f"{source}/{name}" for source, nets in GOLDEN.items() for name in nets],
)
def test_counts_what_the_reference_counts(fact: dict[str, object]) -> None:
    overrides = [f"input={fact['input']}"] if "input" in fact else []
    plan = resgraph.load(ROOT / str(fact["spec"]), overrides)
    assert (plan.params, plan.macs) == (fact["params"], fact["macs"])
    assert plan.output == (1000,)
