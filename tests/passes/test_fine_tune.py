"""`freeze` and `rates`: which parts are meant, and how deep they stand."""

from __future__ import annotations

from functools import cache

import networkx
import pytest
import references
import torch
from torch import nn

import resgraph
from resgraph.errors import Diagnostic
from resgraph.language.recipe.start import Rates, is_frozen
from resgraph.language.recipe.steps import Sgd
from resgraph.passes.fine_tune.depths import depths, factors
from resgraph.train.engine.optimizer import make_optimizer, set_lr

NETS = ("resnet-50", "digits", "vgg-bn", "hrnet-w18", "densenet-121")
SMALL = """
name: small
input: 3x8x8
net:
  conv1: 3x3 conv 4
  conv2: 2 x basic 4
  head: [global avg pool, fc 10]
train: {{recipe: synthetic, {}}}
"""


@cache
def loaded(name: str) -> resgraph.Plan:
    return resgraph.load(name)


@pytest.mark.parametrize("name", NETS)
def test_depths_are_those_of_the_items_as_a_graph(name: str) -> None:
    """Counted by networkx over the items of the rows, and not by node."""
    graph = loaded(name).graph
    items = {
        node: item.name
        for row in graph.rows
        for item in row.items
        for node in (n.name for n in graph.nodes_of(item))
    }
    quotient: networkx.DiGraph = networkx.DiGraph()
    weight = {
        item: any(
            graph.nodes[n].cost.params
            for n, i in items.items()
            if i == item
        )
        for item in dict.fromkeys(items.values())
    }
    quotient.add_nodes_from(weight)
    for source, target in graph.dag.edges:
        one, other = items.get(source), items.get(target)
        if one and other and one != other:
            quotient.add_edge(one, other)
    deep: dict[str, int] = {}
    for item in networkx.topological_sort(quotient):
        before = max(
            (deep[i] for i in quotient.predecessors(item)), default=0
        )
        deep[item] = before + weight[item]
    found = depths(graph)
    assert {
        n: found[n]
        for n in items
        if n in found and graph.nodes[n].cost.params
    } == {
        n: deep[i] for n, i in items.items() if graph.nodes[n].cost.params
    }


def test_resnet_50_has_a_stem_16_blocks_and_a_head() -> None:
    graph = loaded("resnet-50").graph
    found = depths(graph)
    assert found["conv1.0.conv"] == 1
    assert max(found.values()) == found["head.1"] == 18
    assert (
        len({v for k, v in found.items() if graph.nodes[k].cost.params})
        == 18
    )


def test_the_factors_are_timms() -> None:
    """timm 1.0's `param_groups_layer_decay`, whose groups of a ResNet are its blocks."""
    references.torchvision()
    timm = pytest.importorskip("timm")
    param_groups_layer_decay = pytest.importorskip(
        "timm.optim"
    ).param_groups_layer_decay
    theirs = timm.create_model("resnet50")
    groups = param_groups_layer_decay(
        theirs, weight_decay=0.0, layer_decay=0.75
    )
    scale = {
        id(p): group["lr_scale"]
        for group in groups
        for p in group["params"]
    }
    wanted = [scale[id(p)] for p in theirs.parameters()]
    plan = loaded("resnet-50")
    ours = factors(plan.graph, Rates(decay=0.75))
    found = [
        ours[name.rpartition(".")[0]]
        for name, _ in plan.module().named_parameters()
    ]
    assert sorted(found) == pytest.approx(sorted(wanted))


def test_each_weight_steps_by_its_rate() -> None:
    plan = resgraph.loads(SMALL.format("batch: 8"))
    net = plan.module()
    rates = Rates(
        decay=0.5, by={"head": 10.0, "conv2.1": 2.0, "conv2.1.body.0": 3.0}
    )
    recipe = Sgd(
        name="sgd",
        lr=1.0,
        momentum=0.0,
        weight_decay=0.5,
        no_decay=("norm",),
    )
    optimizer = make_optimizer(recipe, net, plan, rates, fused=False)
    set_lr(optimizer, 0.1)
    before = {
        name: p.detach().clone() for name, p in net.named_parameters()
    }
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    norms = {
        n for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)
    }
    for name, parameter in net.named_parameters():
        module = name.rpartition(".")[0]
        # conv1, two blocks, the head: depths 1, 2, 3 and 4
        factor = {
            "conv1": 0.125,
            "conv2.0": 0.25,
            "conv2.1.body.0": 3 * 0.5,
            "conv2.1": 2 * 0.5,
            "head": 10.0,
        }
        rate = next(
            v for k, v in factor.items() if f"{name}.".startswith(f"{k}.")
        )
        decay = 0.0 if module in norms else 0.5
        wanted = before[name] - 0.1 * rate * (1 + decay * before[name])
        assert torch.allclose(parameter, wanted, atol=1e-6), name


def mistakes(recipe: str) -> list[Diagnostic]:
    return resgraph.loads(SMALL.format(recipe)).unmet()


@pytest.mark.parametrize(
    ("recipe", "said", "hint", "column"),
    [
        (
            "freeze: [conv1, cnv2]",
            "`freeze` names `cnv2`",
            "did you mean `conv2`?",
            44,
        ),
        ("freeze: conv2.2", "`freeze` names `conv2.2`", "did you mean", 36),
        (
            "freeze: all but heat",
            "`freeze` names `heat`",
            "did you mean `head`?",
            36,
        ),
        ("freeze: head.0", "nothing there that learns", "", 36),
        (
            "freeze: [conv1, conv2, head]",
            "leaves nothing",
            "all but head",
            28,
        ),
        (
            "rates: {by: {hed: 2}}",
            "`rates.by` names `hed`",
            "did you mean `head`?",
            41,
        ),
        ("freeze: stage1", "`freeze` names `stage1`", "its rows are", 36),
    ],
)
def test_a_part_that_is_not_there_is_told_at_its_place(
    recipe: str, said: str, hint: str, column: int
) -> None:
    (found,) = mistakes(recipe)
    assert found.code == "E052"
    assert said in found.message
    assert hint in found.help
    assert found.span
    assert (found.span.line, found.span.column) == (8, column)


def test_parts_of_a_mixed_convolution_are_there() -> None:
    mixed = SMALL.replace("net:", "net:\n  mix: 3x3 depthwise conv mixed 2")
    parts = ["mix", "mix.conv", "mix.conv.1", "mix.conv.1.weight"]
    assert not resgraph.loads(
        mixed.format(f"freeze: [{', '.join(parts)}]")
    ).unmet()


@pytest.mark.parametrize(
    ("recipe", "mended"),
    [
        ("freeze: all but heads", "freeze: all but head"),
        ("freeze: [conv1, heads]", "freeze: [conv1, head]"),
        ("freeze: heads", "freeze: head"),
        ("rates: {by: {heads: 2}}", "rates: {by: {head: 2}}"),
    ],
)
def test_what_mends_a_name_leaves_the_rest(
    recipe: str, mended: str
) -> None:
    (found,) = mistakes(recipe)
    (edit,) = found.edits
    lines = SMALL.format(recipe).split("\n")
    line = lines[edit.span.line - 1]
    start, end = edit.span.column - 1, edit.span.end_column - 1
    lines[edit.span.line - 1] = line[:start] + edit.text + line[end:]
    assert "\n".join(lines) == SMALL.format(mended)


@pytest.mark.parametrize(
    ("words", "frozen"),
    [
        (("conv1",), {"conv1", "conv1.bn"}),
        (("conv1.bn",), {"conv1.bn"}),
        (("conv",), set()),
        (("all but head",), {"conv1", "conv1.bn", "conv2.0"}),
        (("all but conv2", "all but head"), {"conv1", "conv1.bn"}),
        (("all but conv1", "conv1.bn"), {"conv1.bn", "conv2.0", "head"}),
        ((), set()),
    ],
)
def test_names_mean_what_stands_within_them(
    words: tuple[str, ...], frozen: set[str]
) -> None:
    names = ("conv1", "conv1.bn", "conv2.0", "head")
    assert {name for name in names if is_frozen(name, words)} == frozen
