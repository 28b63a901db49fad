"""Alignment: by order, shape and names, tolerant of what is unambiguous, refused with the first disagreement."""

from __future__ import annotations

import pytest
import torch

import resgraph
from resgraph.errors import RunError
from resgraph.outputs.pytorch import module
from resgraph.outputs.pytorch.weights.align import AlignmentError, align
from resgraph.outputs.pytorch.weights.taking import load_aligned

Entries = dict[str, tuple[int, ...]]


def conv(name: str, width: int, into: int, kernel: int = 3) -> Entries:
    return {f"{name}.weight": (width, into, kernel, kernel)}


def bn(name: str, width: int) -> Entries:
    leaves = ("weight", "bias", "running_mean", "running_var")
    return {
        **{f"{name}.{leaf}": (width,) for leaf in leaves},
        f"{name}.num_batches_tracked": (),
    }


def test_equal_order_needs_no_names() -> None:
    ours = {**conv("body.0.conv", 8, 4), **bn("body.0.bn", 8)}
    theirs = {**conv("conv1", 8, 4), **bn("bn1", 8)}
    pairs = align(ours, theirs)
    assert pairs["body.0.conv.weight"] == "conv1.weight"
    assert pairs["body.0.bn.running_var"] == "bn1.running_var"
    assert pairs.keys() == ours.keys()


def test_an_old_checkpoint_has_no_counters() -> None:
    theirs = {
        key: shape
        for key, shape in bn("bn1", 8).items()
        if "num_batches" not in key
    }
    assert "a.bn.num_batches_tracked" not in align(bn("a.bn", 8), theirs)


def test_a_linear_layer_is_a_1x1_convolution() -> None:
    assert align(conv("a.conv", 8, 4, 1), {"fc.weight": (8, 4)}) == {
        "a.conv.weight": "fc.weight"
    }


def test_a_shortcut_may_stand_before_its_body() -> None:
    body = {**conv("b.body.0.conv", 8, 4, 1), **conv("b.body.1.conv", 8, 8)}
    theirs = {
        **conv("b.proj", 8, 4, 1),
        **conv("b.f.a", 8, 4, 1),
        **conv("b.f.b", 8, 8),
    }
    pairs = align({**body, **conv("b.shortcut.conv", 8, 4, 1)}, theirs)
    assert pairs == {
        "b.body.0.conv.weight": "b.f.a.weight",
        "b.body.1.conv.weight": "b.f.b.weight",
        "b.shortcut.conv.weight": "b.proj.weight",
    }


def test_a_shortcut_whose_shape_is_in_the_body_too_goes_where_scopes_nest() -> (
    None
):
    ours = {
        **conv("b.body.0.conv", 8, 8, 1),
        **conv("b.body.1.conv", 8, 8),
        **conv("b.body.2.conv", 8, 8, 1),
        **conv("b.shortcut.conv", 8, 8, 1),
    }
    theirs = {
        **conv("b.proj", 8, 8, 1),
        **conv("b.f.a", 8, 8, 1),
        **conv("b.f.b", 8, 8),
        **conv("b.f.c", 8, 8, 1),
    }
    pairs = align(ours, theirs)
    assert pairs["b.shortcut.conv.weight"] == "b.proj.weight"
    assert pairs["b.body.2.conv.weight"] == "b.f.c.weight"


def test_a_scale_may_be_registered_before_what_it_scales() -> None:
    ours = {**conv("b.body.0.conv", 8, 8), "b.body.1.weight": (8, 1, 1)}
    theirs = {"b.layer_scale": (8, 1, 1), **conv("b.block.0", 8, 8)}
    assert align(ours, theirs)["b.body.1.weight"] == "b.layer_scale"


def test_what_order_and_shape_do_not_tell_is_refused() -> None:
    ours = {
        **conv("b.p.conv", 8, 8),
        **conv("b.q.conv", 8, 4),
        **conv("b.r.0.conv", 8, 8),
        **conv("b.r.1.conv", 8, 8),
    }
    theirs = {
        **conv("w", 8, 8),
        **conv("x", 8, 8),
        **conv("y", 8, 8),
        **conv("z", 8, 4),
    }
    with pytest.raises(
        AlignmentError,
        match=r"`w` could be `b\.p\.conv` or `b\.r\.0\.conv`: order, shape",
    ):
        align(ours, theirs)


def row(name: str, paths: tuple[str, ...], layers: int) -> Entries:
    return {
        key: shape
        for path in paths
        for i in range(layers)
        for key, shape in conv(f"{name}.{path}.{i}", 8, 8).items()
    }


def test_modules_of_one_shape_whose_names_tell_no_order_are_refused() -> (
    None
):
    with pytest.raises(
        AlignmentError,
        match=r"`net\.t\.0` could be `b\.gate\.9` or `b\.value\.0`: order, shape and",
    ):
        align(row("b", ("gate", "value"), 10), row("net", ("h", "t"), 10))


@pytest.mark.parametrize("theirs", [("value", "gate"), ("gate", "value")])
def test_parts_of_one_name_belong_together_in_whatever_order(
    theirs: tuple[str, str],
) -> None:
    pairs = align(
        row("deep.0", ("gate", "value"), 2), row("deep.0", theirs, 2)
    )
    assert all(ours == other for ours, other in pairs.items())


def test_a_part_that_is_named_alike_elsewhere_is_told_apart_by_it() -> None:
    pairs = align(
        row("b", ("gate", "value"), 2),
        row("blocks.1", ("gate", "value"), 2),
    )
    assert pairs["b.gate.1.weight"] == "blocks.1.gate.1.weight"
    with pytest.raises(AlignmentError, match="could be"):
        align(
            row("b", ("gate", "value"), 2),
            row("blocks.1", ("value", "gate"), 2),
        )


def test_equal_names_win_over_order() -> None:
    ours = {
        **conv("deep.gate", 8, 8),
        **conv("deep.value", 8, 8),
        **conv("head", 8, 8),
    }
    theirs = {
        **conv("deep.value", 8, 8),
        **conv("deep.gate", 8, 8),
        **conv("classifier", 8, 8),
    }
    pairs = align(ours, theirs)
    assert pairs["deep.value.weight"] == "deep.value.weight"
    assert pairs["head.weight"] == "classifier.weight"


def test_a_shortcut_is_not_taken_for_a_layer_of_the_body() -> None:
    ours = {
        **conv("b.body.0.conv", 8, 8),
        **conv("b.body.1.conv", 8, 8),
        **conv("b.shortcut.conv", 8, 8),
    }
    pairs = align(
        ours,
        {
            **conv("b.downsample", 8, 8),
            **conv("b.f.1", 8, 8),
            **conv("b.f.2", 8, 8),
        },
    )
    assert pairs == {
        "b.body.0.conv.weight": "b.f.1.weight",
        "b.body.1.conv.weight": "b.f.2.weight",
        "b.shortcut.conv.weight": "b.downsample.weight",
    }


def test_numbers_out_of_order_are_refused() -> None:
    ours = {**conv("a.0.conv", 8, 8), **conv("a.1.conv", 8, 8)}
    with pytest.raises(
        AlignmentError,
        match=r"`conv1` could be `a\.0\.conv` or `a\.1\.conv`",
    ):
        align(ours, {**conv("conv2", 8, 8), **conv("conv1", 8, 8)})


def test_the_first_disagreement_is_shown_with_both_names_and_shapes() -> (
    None
):
    ours = {
        **conv("a.conv", 8, 4),
        **bn("a.bn", 8),
        **conv("b.conv", 16, 8),
    }
    theirs = {
        **conv("conv1", 8, 4),
        **bn("bn1", 8),
        **conv("conv2", 16, 8, 5),
    }
    with pytest.raises(AlignmentError) as caught:
        align(ours, theirs)
    assert str(caught.value) == (
        "module 3 differs: here `b.conv` (weight 16x8x3x3), in the state dict `conv2` (weight 16x8x5x5)"
    )
    assert isinstance(caught.value, RunError)


def test_roles_are_checked_as_well_as_shapes() -> None:
    with pytest.raises(
        AlignmentError,
        match=r"here `a` \(weight 8, bias 8\), in the state dict `n` \(weight 8\)",
    ):
        align({"a.weight": (8,), "a.bias": (8,)}, {"n.weight": (8,)})


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (
            conv("a", 8, 4) | conv("b", 8, 8),
            conv("c", 8, 4),
            "only the net has `b` (weight 8x8x3x3)",
        ),
        (
            conv("a", 8, 4),
            conv("c", 8, 4) | conv("d", 8, 8),
            "only the state dict has `d` (weight 8x8x3x3)",
        ),
    ],
)
def test_too_many_and_too_few(
    ours: Entries, theirs: Entries, said: str
) -> None:
    with pytest.raises(AlignmentError) as caught:
        align(ours, theirs)
    assert said in str(caught.value)


def test_a_long_row_of_reordered_blocks_does_not_recurse() -> None:
    ours: Entries = {}
    theirs: Entries = {}
    for index in range(1500):
        ours |= {
            **conv(f"row.{index}.body.conv", 8, 8),
            f"row.{index}.scale.weight": (8, 1, 1),
        }
        theirs |= {
            f"row.{index}.layer_scale": (8, 1, 1),
            **conv(f"row.{index}.block", 8, 8),
        }
    assert (
        align(ours, theirs)["row.1499.scale.weight"]
        == "row.1499.layer_scale"
    )


def test_loading_gives_the_values_and_the_same_output() -> None:
    text = "name: net\ninput: 3x8x8\nnet:\n  a: 3x3 conv 4\n  head: [global avg pool, fc 2]\n"
    one, other = (module(resgraph.loads(text)).eval() for _ in range(2))
    state = {
        key.replace("a.", "stem.").replace("head.1", "classifier"): v
        for key, v in one.state_dict().items()
    }
    load_aligned(other, state)
    image = torch.randn(1, 3, 8, 8)
    assert torch.equal(one(image), other(image))


def attention(name: str, letters: tuple[str, ...]) -> Entries:
    return {
        key: shape
        for letter in letters
        for key, shape in conv(f"{name}.{letter}", 8, 8, 1).items()
    }


def test_a_query_is_a_query_in_whatever_order() -> None:
    pairs = align(
        attention("head", ("k", "q", "v")),
        attention("net.attn", ("q", "k", "v")),
    )
    assert pairs["head.k.weight"] == "net.attn.k.weight"
    assert pairs["head.q.weight"] == "net.attn.q.weight"
    with pytest.raises(
        AlignmentError, match=r"could be `head\.a` or `head\.b`"
    ):
        align(
            attention("head", ("a", "b", "c")),
            attention("attn", ("q", "k", "v")),
        )


def blocks(name: str, place: str, count: int) -> Entries:
    """Blocks of a convolution and a number that it is multiplied by, which stands first or last."""
    found: Entries = {}
    for index in range(count):
        gain: Entries = {
            f"{name}.{index}.skip_gain{'.weight' * (place == 'last')}": ()
        }
        layer = conv(f"{name}.{index}.conv", 8, 8)
        found |= gain | layer if place == "first" else layer | gain
    return found


def test_a_number_beside_modules_belongs_to_its_block() -> None:
    pairs = align(blocks("row", "last", 3), blocks("stage", "first", 3))
    assert pairs["row.2.skip_gain.weight"] == "stage.2.skip_gain"
    elsewhere = blocks("stage", "first", 3)
    elsewhere["stage.2.more.skip_gain"] = elsewhere.pop("stage.1.skip_gain")
    with pytest.raises(AlignmentError):
        align(blocks("row", "last", 3), elsewhere)
