"""Every spec of the zoo plans and keeps what it expects, and counts what the reference implementations count."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from nets import zoo

import resgraph
from resgraph.ops.base import shape_text

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
GOLDEN: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "golden.yaml").read_text()
)
FACTS = {
    library: json.loads(
        (ROOT / f"tests/golden_facts/{library}.json").read_text()
    )
    for library in GOLDEN
}


# ten times as fast, where built
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def tree(path: Path) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.load(path.read_text(), LOADER)
    return spec


@cache
def variants(path: Path) -> dict[str, Any]:
    """The variants of a spec, and of what it extends."""
    spec = tree(path)
    file, _, variant = str(spec.get("extends", "")).partition("::")
    base = variants(path.parent / file) if file and not variant else {}
    return {**base, **spec.get("variants", {})}


REFERENCES = [
    (path, variant)
    for path in SPECS
    for variant in variants(path) or [None]
]
NAMES = [
    path.stem + (f"::{variant}" if variant else "")
    for path, variant in REFERENCES
]


@pytest.mark.parametrize(("path", "variant"), REFERENCES, ids=NAMES)
def test_keeps_what_it_expects(path: Path, variant: str | None) -> None:
    claims = tree(path)["expect"]
    claims = claims[variant] if variant else claims
    plan = zoo(f"{path.name}::{variant}" if variant else path.name)
    assert plan.unmet() == []
    found = {
        "params": plan.params,
        "macs": plan.macs,
        "depth": plan.depth,
        "output": [*map(shape_text, plan.outputs.values())],
    }
    if not plan.graph.listed:
        found["output"] = found["output"][0]
    if isinstance(claims.get("output"), list):
        claims = claims | {
            "output": [str(shape) for shape in claims["output"]]
        }
    assert {key: str(found[key]) for key in claims} == {
        key: str(value) for key, value in claims.items()
    }


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_variant_can_be_extended(path: Path, tmp_path: Path) -> None:
    """`extends: file.yaml::variant` is that net, with nothing of the others to complain of."""
    child = tmp_path / "child.yaml"
    for variant in variants(path) or [None]:
        reference = f"{path.name}::{variant}" if variant else path.name
        child.write_text(
            f"extends: {path.parent}/{reference}\nname: Child\n"
        )
        base, top = zoo(reference), resgraph.load(child, allow_outside=True)
        assert [
            (n.name, n.op, n.shape) for n in top.graph.nodes.values()
        ] == [(n.name, n.op, n.shape) for n in base.graph.nodes.values()]
        assert (top.name, top.spec.expect, top.spec.init) == (
            "Child",
            None,
            base.spec.init,
        )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_variant_states_the_numbers_that_matter(path: Path) -> None:
    spec = tree(path)
    names = variants(path)
    expect = spec["expect"]
    claims = [expect[name] for name in names] if names else [expect]
    assert not names or expect.keys() == names.keys()
    assert all(
        {"params", "macs", "depth"} <= claim.keys() for claim in claims
    )
    assert "arXiv" in str(spec["about"]) or path.stem.startswith("digits")


@pytest.mark.parametrize(
    ("library", "name"),
    [(library, name) for library, nets in GOLDEN.items() for name in nets],
)
def test_counts_what_the_reference_counts(library: str, name: str) -> None:
    (fact,) = [fact for fact in FACTS[library] if fact["name"] == name]
    size = shape_text(fact["input_size"])
    plan = resgraph.load(ROOT / GOLDEN[library][name], [f"input={size}"])
    assert (plan.params, plan.macs) == (fact["params"], fact["macs"])
    assert [1, *plan.output] == fact["output_shape"]
