"""A compiled run: no recompiles after the first epoch, and it learns; the real plan through the whole way."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

import resgraph
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.train import Options, Silent, build, evaluate, resume
from resgraph.train.reporter import Epoch

SPECS = Path(__file__).parents[2] / "specs"


class Counter(Silent):
    """How many graphs had been compiled at the end of each epoch."""

    def __init__(self) -> None:
        self.graphs: list[int] = []

    def epoch(self, epoch: Epoch) -> None:
        self.graphs.append(
            torch._dynamo.utils.counters["stats"]["unique_graphs"]
        )


@pytest.mark.slow
def test_nothing_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch._dynamo

    monkeypatch.setattr(
        "resgraph.train.engine.assemble.compile_blocks",
        partial(compile_blocks, backend="eager"),
    )
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    plan = resgraph.load(str(SPECS / "digits.yaml"), ["train.epochs=3"])
    counter = Counter()
    result = build(
        plan,
        out=tmp_path / "run",
        options=Options(threads=1, compile="on"),
        reporter=counter,
    )
    assert counter.graphs[0] > 0
    assert counter.graphs == [counter.graphs[0]] * 3
    assert torch._dynamo.utils.counters["recompiles"] == {}
    assert result.train_accuracy > 70


def test_a_real_plan_goes_the_whole_way(tmp_path: Path) -> None:
    few = ["train.epochs=2", "train.batch=32", "train.data.test=0.9"]
    plan = resgraph.load(str(SPECS / "digits.yaml"), few)
    result = build(plan, out=tmp_path / "run", options=Options(threads=1))
    assert evaluate(tmp_path / "run").error == pytest.approx(
        100 - result.accuracy
    )
    assert "class Pair" in result.files["source"].read_text()
    assert "<svg" in result.files["diagram"].read_text()
    longer = resgraph.load(
        str(tmp_path / "run" / "spec.yaml"), ["train.epochs=3"]
    )
    assert resume(tmp_path / "run", plan=longer).epochs == 3


def test_a_shallow_net_is_one_graph_where_that_is_fine_and_a_deep_one_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch._dynamo.reset()
    net = resgraph.load(str(SPECS / "digits.yaml")).module().eval()
    images = torch.randn(2, 1, 8, 8)
    wanted = net(images)
    rows = len(list(net.children()))
    assert compile_blocks(net, whole=True, backend="eager") == 1
    torch.testing.assert_close(net(images), wanted)
    assert compile_blocks(net, backend="eager") >= rows
    monkeypatch.setattr(
        "resgraph.outputs.pytorch.compile.SHALLOW", rows - 1
    )
    assert compile_blocks(net, whole=True, backend="eager") >= rows
    torch.testing.assert_close(net(images), wanted)
