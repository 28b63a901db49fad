"""Every op under common laws: what it says of its shape, its cost and its call is what torch does."""

from __future__ import annotations

import inspect
import json
from math import prod

import msgspec
import pytest
import torch
from msgspec.structs import asdict
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from resgraph.errors import Source, Span
from resgraph.language.diagnose.nearest import certain
from resgraph.language.diagnose.option import bind
from resgraph.language.environment import Environment
from resgraph.language.foreign import squeezed
from resgraph.language.grammar.label import parse_label
from resgraph.ops import (
    ACTIVATIONS,
    NORMS,
    VOCABULARY,
    BlurPool,
    Call,
    ChannelConv,
    Flatten,
    Op,
)
from resgraph.outputs.pytorch.signatures import Signatures
from resgraph.passes.expand.option import Unsaid, make_op

from .build import module, numbers, target
from .rows import OWN, ROWS, Row

every_row = pytest.mark.parametrize("row", ROWS + OWN, ids=Row.name)
every_row_of_ours = pytest.mark.parametrize("row", ROWS, ids=Row.name)


def test_every_op_has_a_row() -> None:
    assert {row.op.op for row in ROWS} == set(VOCABULARY)


@every_row
def test_the_shape_is_torchs(row: Row) -> None:
    made = module(row.op, row.x).double()
    assert tuple(made(numbers(row.x)).shape[1:]) == row.op.infer(row.x)


@every_row
def test_the_parameters_are_torchs(row: Row) -> None:
    made = module(row.op, row.x)
    assert (
        sum(p.numel() for p in made.parameters())
        == row.op.params(row.x)
        == row.op.cost(row.x).params
    )


@every_row
def test_the_multiply_adds_are_the_formulas_and_torchs(row: Row) -> None:
    assert row.op.macs(row.x) == row.macs == row.op.cost(row.x).macs
    # torch 2.13 counts nothing for the fused attention of a CPU
    math = sdpa_kernel(SDPBackend.MATH)
    with math, FlopCounterMode(display=False) as counter:
        module(row.op, row.x).eval()(
            numbers(row.x, batch=1).float().detach()
        )
    # a blur learns nothing
    counted = (
        0
        if isinstance(row.op, BlurPool)
        else counter.get_total_flops() // 2
    )
    assert counted == row.macs


@every_row
def test_the_activations_are_the_output(row: Row) -> None:
    assert row.op.cost(row.x).activations == prod(row.op.infer(row.x))


@every_row
def test_the_call_says_nothing_that_torch_knows(row: Row) -> None:
    call = row.op.torch(row.x)
    parameters = inspect.signature(target(call)).parameters
    for key, value in call.kwargs:
        assert parameters[key].default != value, (
            f"{key}={value} is the default"
        )
        assert not (isinstance(value, tuple) and len(set(value)) == 1), (
            f"{key}={value} is one number"
        )


def test_an_alias_means_one_op() -> None:
    said = [
        (alias, phrase)
        for op in dict.fromkeys(VOCABULARY.values())
        for phrase, words in zip(
            op.phrases(), op.aliases, strict=bool(op.aliases)
        )
        for alias in words.split()
    ]
    assert len(dict(said)) == len(said) > 60
    for alias, phrase in said:
        assert alias == squeezed(alias)
        assert certain(alias, VOCABULARY) == phrase


def test_every_long_name_is_one_phrases() -> None:
    for op in VOCABULARY.values():
        assert len(op.long_names) in (0, len(op.phrases()))
        assert not set(op.long_names) & set(op.phrases()), (
            'that is what "" is for'
        )


RENAMED = {
    "in_channels": "width_in",
    "in_features": "width_in",
    "num_channels": "width",
    "num_features": "width",
    "normalized_shape": "width",
    "out_channels": "width",
    "out_features": "width",
    "num_groups": "norm_groups",
    "negative_slope": "slope",
    "p": "rate",
}
"""What torch calls a parameter, and what it means here."""


@every_row
def test_the_names_and_defaults_of_a_call_are_torchs_in_torchs_order(
    row: Row,
) -> None:
    call = row.op.torch(row.x)
    torchs = list(inspect.signature(target(call)).parameters.values())
    said = [*call.names, *dict(call.defaults)]
    assert said == [
        RENAMED.get(p.name, p.name) for p in torchs[: len(said)]
    ]
    known = {parameter.name: parameter.default for parameter in torchs}
    assert all(known[name] == default for name, default in call.defaults)


@every_row
def test_each_argument_of_a_call_has_a_name_in_the_source(row: Row) -> None:
    known, call = Signatures(), row.op.torch(row.x)
    known.learn(call, row.op, [row.x])
    names = known.roles(call.target, len(call.args))
    assert all(name and "option" not in name for name in names)
    assert len(set(names)) == len(names)


def test_an_argument_without_a_name_is_a_width_or_an_option() -> None:
    known = Signatures()
    known.learn(Call("mine.Layer", (2, 0.5, 8)), Flatten(), [(8, 4, 4)])
    assert known.roles("mine.Layer", 3) == ("option", "option_2", "width")


@every_row_of_ours
def test_the_label_is_the_least_and_reads_back(row: Row) -> None:
    assert row.op.label() == row.label
    label = parse_label(
        row.label,
        Span(Source("label", row.label), 1, 1, 1, len(row.label) + 1),
        (),
    )
    assert label is not None
    assert VOCABULARY[label.word] is type(row.op)
    bound = bind(label, type(row.op), ())
    unsaid = Unsaid(fields=_unsaid(row.op), axes=len(row.x) - 1)
    assert (
        make_op(type(row.op), bound, Environment({}, {}), unsaid) == row.op
    )


def _unsaid(op: Op) -> dict[str, object]:
    """What a label leaves to `ops:` and to the unit."""
    values = {
        key: getattr(op, key) for key in type(op).quiet & set(op.fields())
    }
    return values | (
        {"bias": op.bias}
        if op.word == "conv" and isinstance(op.bias, str)
        else {}
    )  # type: ignore[attr-defined]


@every_row_of_ours
def test_as_text_it_is_whole(row: Row) -> None:
    """As the IR prints it, nothing is left to `ops:` or to the unit."""
    text = str(row.op)
    label = parse_label(
        text, Span(Source("label", text), 1, 1, 1, len(text) + 1), ()
    )
    assert label is not None
    options = bind(label, type(row.op), ())
    unsaid = Unsaid(axes=len(row.x) - 1)
    assert (
        make_op(type(row.op), options, Environment({}, {}), unsaid)
        == row.op
    )


@every_row
def test_the_record_reads_back_and_is_closed(row: Row) -> None:
    record = type(row.op)
    fields = asdict(row.op)
    assert record(**fields) == row.op
    assert record(**json.loads(msgspec.json.encode(row.op))) == row.op
    assert len({row.op, record(**fields)}) == 1
    with pytest.raises(ValueError, match="Extra inputs"):
        record(**fields, colour="red")
    with pytest.raises(AttributeError, match="immutable"):
        row.op.op = "other"


@every_row
def test_what_shares_memory_and_what_the_backward_pass_keeps(
    row: Row,
) -> None:
    """The facts that decide what may run in place, against torch's own autograd."""
    made, x = module(row.op, row.x).double(), numbers(row.x)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.data_ptr()) or t, lambda t: t
    ):
        out = made(x)
        shares = _shares(out, x) or _shares(made.eval()(x), x)
    assert row.op.returns_view == shares
    if not shares:
        assert row.op.saves_output == (out.data_ptr() in kept)


def _shares(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


@pytest.mark.parametrize("word", sorted(ACTIVATIONS))
def test_in_place_is_exact_and_keeps_no_copy(word: str) -> None:
    op = VOCABULARY[word](op=word)
    takes = (
        "inplace" in inspect.signature(target(op.torch((8,)))).parameters
    )
    assert takes or not op.takes_inplace
    if not takes:
        return
    made, x = module(op, (8,)), numbers((8,))
    expected = torch.autograd.grad(made(x).sum(), x)[0]
    made.inplace, y, kept = True, x * 1, []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.data_ptr()) or t, lambda t: t
    ):
        out = made(y)
    assert out.data_ptr() == y.data_ptr()
    assert torch.allclose(torch.autograd.grad(out.sum(), x)[0], expected)
    assert op.takes_inplace == (set(kept) <= {out.data_ptr()})


def test_the_lists_agree() -> None:
    assert set(VOCABULARY) >= ACTIVATIONS | NORMS
    assert {VOCABULARY[word].family for word in ACTIVATIONS} == {
        "activation"
    }
    assert {VOCABULARY[word].family for word in NORMS} == {"norm"}
    for phrase, op in VOCABULARY.items():
        assert op.number is None or op.number in op.fields()
        assert op.weighted == (
            phrase in {"conv", "depthwise conv", "up conv", "fc"}
        )
        assert (op.word == "conv") == (op.weighted and phrase != "fc")
    assert not ChannelConv.weighted
