"""`output:` and `aux:`: which rows a net gives, which it leaves out, and what is wrong with those named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from nets import mistakes, plan, shapes, spec, told

from resgraph.plan import load, loads

NET = """
c1: 3x3 conv 16
c2: 3x3 conv 32 /2
c3: 3x3 conv 64 /2
head: [global avg pool, fc 10]
"""
GOOGLENET = NET + "aux1: [c2, global avg pool, fc 10]"
# by hand: 16·16·9 + 32 (a norm's two), and so on
PARAMS = {
    "c1": 16 * 16 * 9 + 32,
    "c2": 16 * 32 * 9 + 64,
    "c3": 32 * 64 * 9 + 128,
}
HEAD, AUX = 64 * 10 + 10, 32 * 10 + 10


def test_without_a_word_of_it_the_last_row_is_the_output() -> None:
    made = plan(NET)
    assert made.outputs == {"head": (10,)} and made.aux == {}
    assert made.module()(torch.zeros(2, 16, 32, 32)).shape == (2, 10)


def test_named_rows_are_a_tuple_in_their_order() -> None:
    made = plan(NET, top="output: [head, c2, c1]")
    assert made.outputs == {
        "head": (10,),
        "c2": (32, 16, 16),
        "c1": (16, 32, 32),
    }
    assert made.output == (10,)
    out = made.module()(torch.zeros(2, 16, 32, 32))
    assert isinstance(out, tuple)
    assert [tuple(one.shape[1:]) for one in out] == list(
        made.outputs.values()
    )


def test_one_named_row_is_a_tuple_too() -> None:
    out = plan(NET, top="output: [head]").module()(
        torch.zeros(2, 16, 32, 32)
    )
    assert (
        isinstance(out, tuple) and len(out) == 1 and out[0].shape == (2, 10)
    )


def test_what_is_named_is_what_hooks_see() -> None:
    net = plan(NET, top="output: [c1, c2, c3, head]").module().eval()
    seen: list[torch.Tensor] = []
    for row in ("c1", "c2", "c3", "head"):
        net.get_submodule(row).register_forward_hook(
            lambda _, __, out: seen.append(out.clone())
        )
    out = net(torch.randn(2, 16, 32, 32))
    assert all(torch.equal(a, b) for a, b in zip(out, seen, strict=True))


def test_aux_is_in_training_alone() -> None:
    net = plan(GOOGLENET, top="aux: [aux1]").module()
    images = torch.randn(4, 16, 32, 32)
    logits, aux = net.train()(images)
    assert logits.shape == aux.shape == (4, 10)
    assert net.eval()(images).shape == (4, 10)


def test_aux_stands_behind_what_is_named() -> None:
    made = plan(GOOGLENET, top="output: [c3, head]\naux: [aux1]")
    net, images = made.module(), torch.randn(4, 16, 32, 32)
    assert [out.dim() for out in net.train()(images)] == [4, 2, 2]
    assert [out.dim() for out in net.eval()(images)] == [4, 2]


def test_evaluation_pays_nothing_for_aux_but_its_parameters() -> None:
    bare, made = plan(NET), plan(GOOGLENET, top="aux: [aux1]")
    assert bare.params == sum(PARAMS.values()) + HEAD
    assert made.params == bare.params + AUX
    assert made.macs == bare.macs and made.activations == bare.activations
    assert made.depth == bare.depth == 4
    assert sum(p.numel() for p in made.module().parameters()) == made.params


def test_rows_that_no_output_needs_are_left_out() -> None:
    made = loads(spec(NET), overrides=["output=[c1, c2]"])
    assert list(shapes(made)) == [
        "input", "c1.conv", "c1.bn", "c1.relu", "c2.conv", "c2.bn", "c2.relu",
    ]  # fmt: skip
    assert made.params == PARAMS["c1"] + PARAMS["c2"]
    assert list(made.module().state_dict())[-1].startswith("c2.")


def test_in_a_file_of_its_own_such_a_row_is_a_mistake() -> None:
    assert told(spec(NET, top="output: [c2]")) == [
        ("E034", "c3"),
        ("E034", "head"),
    ]
    assert told(spec(NET, top="output: [c2]\nallow: [unused]")) == []


def test_a_variant_leaves_rows_to_the_others() -> None:
    text = spec(
        NET, top="variants: {whole: {}, features: {output: [c1, c2]}}"
    )
    assert list(loads(text, "whole").outputs) == ["head"]
    assert [row.name for row in loads(text, "features").graph.rows] == [
        "c1",
        "c2",
    ]


def test_a_row_of_a_name_alone_gives_what_it_names() -> None:
    made = plan(
        "c1: 3x3 conv 16\nsame: c1\nhead: [c1, 3x3 conv 8]",
        top="output: [same, head, c1]",
    )
    same, _, one = made.module()(torch.randn(2, 16, 8, 8))
    assert torch.equal(same, one)


@pytest.mark.parametrize(
    ("top", "code", "place", "said"),
    [
        ("output: [c4, head]", "E030", "c4", "no row is called `c4`"),
        ("output: [input, head]", "E030", "input", "no row is called `input`"),
        ("aux: [hed]", "E030", "hed", "no row is called `hed`"),
        ("output: [c3, head, c3]", "E022", "c3", "`c3` is named twice"),
        ("output: [head, c3]\naux: [c3]", "E022", "c3", "is an output in evaluation too"),
        ("aux: [c1, c2, c3, head]", "E022", "[c1, c2, c3, head]", "`aux` names every row"),
        ("output: head", "E022", "head", "the rows are a list"),
        ("output: 10", "E022", "10", "a list of rows"),
        ("output: []", "E022", "[]", "at least one row"),
        ("output: [[c1]]", "E022", "[[c1]]", "a list of rows"),
    ],
)  # fmt: skip
def test_what_is_no_output(
    top: str, code: str, place: str, said: str
) -> None:
    (problem,) = mistakes(spec(NET, top=top))
    assert told(spec(NET, top=top)) == [(code, place)]
    assert said in problem.message and problem.help


def test_a_name_that_is_nearly_a_row_is_mended() -> None:
    (problem,) = mistakes(spec(NET, top="output: [haed]"))
    assert "did you mean `head`?" in problem.help


def test_a_let_may_still_be_called_so() -> None:
    top = "let: {output: 16, aux: 8}\nvariants: {a: {output: 32}, b: {}}"
    net = "c1: 3x3 conv output\nc2: 3x3 conv aux"
    assert (
        loads(spec(net, top=top), "a").graph.nodes["c1.conv"].shape[0] == 32
    )


@pytest.mark.parametrize(
    ("claims", "problems"),
    [
        ("[32x16x16, 10]", []),
        ("[32x16x16]", ["expected an output of 32x16x16, the net has 2 outputs (32x16x16, 10)"]),
        ("10", ["expected an output of 10, the net has 2 outputs (32x16x16, 10)"]),
        ("[10, 32x16x16]", [
            "expected 2 outputs (10, 32x16x16), the net has 2 outputs (32x16x16, 10)"
        ]),
    ],
)  # fmt: skip
def test_what_is_expected_of_several(
    claims: str, problems: list[str]
) -> None:
    top = f"output: [c2, head]\nexpect: {{output: {claims}}}"
    assert [d.message for d in mistakes(spec(NET, top=top))] == problems


def test_one_output_may_be_expected_as_a_list() -> None:
    assert (
        mistakes(spec(NET, top="output: [head]\nexpect: {output: [10]}"))
        == []
    )


def test_resolved_gives_the_same_outputs() -> None:
    made = plan(GOOGLENET, top="output: [c3, head]\naux: [aux1]")
    again = loads(made.resolved())
    assert (again.outputs, again.aux) == (made.outputs, made.aux)


def test_what_is_resolved_leaves_out_the_rows_that_nothing_needs(
    tmp_path: Path,
) -> None:
    """Who extends a file may leave its head out; in one file with `output` it is a mistake."""
    (tmp_path / "base.yaml").write_text(
        spec("a: 3x3 conv 4\nhead: [narrow 8, global avg pool]",
             top="blocks: {narrow: [1x1 conv out]}")
    )  # fmt: skip
    (tmp_path / "maps.yaml").write_text(
        "name: maps\nextends: base.yaml\noutput: [a]\n"
    )
    whole = load(tmp_path / "maps.yaml")
    text = whole.resolved()
    again = loads(text)
    assert "head" not in text
    assert "narrow" not in text
    assert str(again.graph) == str(whole.graph)
