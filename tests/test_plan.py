"""The plan as a Python user has it: facts without torch, outputs on demand, itself in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

import resgraph

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def plan() -> resgraph.Plan:
    return resgraph.load(ROOT / "specs" / "resnet.yaml::resnet-50")


def test_facts(plan: resgraph.Plan) -> None:
    assert (plan.name, plan.params, plan.macs, plan.depth) == (
        "resnet-50",
        25_557_032,
        4_089_184_256,
        50,
    )
    assert (plan.input, plan.output) == ((3, 224, 224), (1000,))
    assert plan.unmet() == []


def test_what_is_printed_is_short(plan: resgraph.Plan) -> None:
    facts = (
        "3x224x224 → 1000, 25,557,032 params, 4,089,184,256 MACs, depth 50"
    )
    assert repr(plan) == str(plan) == f"<Plan resnet-50: {facts}>"
    assert (
        repr(plan.graph)
        == f"<Graph of {len(plan.graph.nodes)} nodes in 6 rows>"
    )
    assert repr(plan.spec).startswith("<Spec resnet-50, ")
    assert repr(plan.render()) == "Picture()"


def test_the_graph_is_a_networkx_dag(plan: resgraph.Plan) -> None:
    import networkx

    assert networkx.is_directed_acyclic_graph(plan.graph.dag)
    assert list(plan.graph.dag) == list(plan.graph.nodes)
    assert plan.graph.dag.nodes["conv1.0.conv"]["node"].shape == (
        64,
        112,
        112,
    )
    order = {name: place for place, name in enumerate(plan.graph.nodes)}
    assert all(order[a] < order[b] for a, b in plan.graph.dag.edges)


def test_outputs(plan: resgraph.Plan) -> None:
    assert plan.svg().startswith("<svg")
    assert plan.dot().startswith("digraph")
    assert "class Bottleneck(nn.Module)" in plan.source()
    assert "25,557,032" in plan.table()


def test_a_notebook_shows_it(plan: resgraph.Plan) -> None:
    shown = plan._repr_mimebundle_(include=None, exclude=None)
    assert shown["image/svg+xml"] == plan.svg()
    assert (
        plan.render(view="blocks", theme="dark")
        ._repr_svg_()
        .startswith("<svg")
    )


def test_the_resolved_spec_is_the_same_net(plan: resgraph.Plan) -> None:
    again = resgraph.loads(plan.resolved())
    assert [
        (n.name, n.op, n.shape) for n in again.graph.nodes.values()
    ] == [(n.name, n.op, n.shape) for n in plan.graph.nodes.values()]
    assert again.resolved() == plan.resolved()
    assert again.unmet() == []


def test_two_runs_give_the_same_bytes(plan: resgraph.Plan) -> None:
    again = resgraph.load(ROOT / "specs" / "resnet.yaml::resnet-50")
    assert (again.svg(), again.dot(), again.source()) == (
        plan.svg(),
        plan.dot(),
        plan.source(),
    )
