"""Matching: what may differ is said, what could be two things is refused, a map settles it."""

from __future__ import annotations

import math

import pytest
import torch

import resgraph
from resgraph.outputs.pytorch.weights.align import AlignmentError
from resgraph.outputs.pytorch.weights.matching import matched
from resgraph.outputs.pytorch.weights.taking import of_channels, take

Entries = dict[str, tuple[int, ...]]
OURS: Entries = {
    "conv1.conv.weight": (8, 3, 3, 3),
    "conv2.0.body.0.conv.weight": (8, 8, 3, 3),
    "conv2.0.body.1.conv.weight": (8, 8, 3, 3),
    "head.1.weight": (10, 8),
    "head.1.bias": (10,),
}
THEIRS: Entries = {
    "stem.conv.weight": (8, 3, 3, 3),
    "stages.0.conv1.weight": (8, 8, 3, 3),
    "stages.0.conv2.weight": (8, 8, 3, 3),
    "head.fc.weight": (10, 8),
    "head.fc.bias": (10,),
}
PAIRS = dict(zip(OURS, THEIRS, strict=True))


def with_(entries: Entries, **changed: tuple[int, ...]) -> Entries:
    named = {key.replace("_", "."): shape for key, shape in changed.items()}
    assert named.keys() <= entries.keys()
    return entries | named


def test_all_of_it_is_kept() -> None:
    match = matched(OURS, THEIRS)
    assert match.kept == PAIRS
    assert not (match.new or match.adapted or match.missing or match.unused)


def test_another_number_of_classes_makes_a_new_head() -> None:
    theirs = with_(THEIRS, head_fc_weight=(1000, 8), head_fc_bias=(1000,))
    match = matched(OURS, theirs)
    assert match.new == {
        "head.1.weight": "head.fc.weight",
        "head.1.bias": "head.fc.bias",
    }
    assert match.kept == {k: v for k, v in PAIRS.items() if "head" not in k}


def test_another_number_of_channels_adapts_the_first_convolution() -> None:
    match = matched(with_(OURS, conv1_conv_weight=(8, 1, 3, 3)), THEIRS)
    assert match.adapted == {"conv1.conv.weight": "stem.conv.weight"}


def test_a_layer_in_the_middle_of_another_width_is_refused() -> None:
    theirs = THEIRS | {"stages.0.conv1.weight": (16, 8, 3, 3)}
    with pytest.raises(
        AlignmentError, match=r"module 2 differs: here `conv2\.0"
    ):
        matched(OURS, theirs)


def test_a_file_without_a_head_and_a_net_without_one() -> None:
    headless = {
        key: shape for key, shape in THEIRS.items() if "head" not in key
    }
    assert matched(OURS, headless).missing == (
        "head.1.weight",
        "head.1.bias",
    )
    ours = {key: shape for key, shape in OURS.items() if "head" not in key}
    assert matched(ours, THEIRS).unused == (
        "head.fc.weight",
        "head.fc.bias",
    )


def test_two_readings_are_refused_with_both_and_a_map_settles_it() -> None:
    theirs = {
        key.replace("conv1.", "left.").replace("conv2.", "right."): shape
        for key, shape in THEIRS.items()
    }
    with pytest.raises(
        AlignmentError, match=r"could be `conv2\.0\.body\.0\.conv` or"
    ):
        matched(OURS, theirs)
    names = {"conv2.0.body.0.conv": "stages.0.right"}
    match = matched(OURS, theirs, names)
    assert (
        match.kept["conv2.0.body.0.conv.weight"] == "stages.0.right.weight"
    )
    assert (
        match.kept["conv2.0.body.1.conv.weight"] == "stages.0.left.weight"
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"conv9": "stem.conv"}, "`conv9`, which the net lacks"),
        ({"conv1.conv": "nothing"}, "`nothing`, which the file lacks"),
        (
            {
                "conv2.0.body.0.conv": "stages.0.conv1",
                "conv2.0.body.1.conv": "stages.0.conv1",
            },
            "one entry of the file to two",
        ),
        (
            {"conv1.conv": "stages.0.conv1"},
            r"here, and 8x.x3x3 in the file",
        ),
    ],
)
def test_a_map_that_cannot_be_is_refused(
    names: dict[str, str], said: str
) -> None:
    with pytest.raises(AlignmentError, match=said):
        matched(OURS, THEIRS, names)


def test_equal_numbers_that_mean_other_layers_are_refused() -> None:
    """Four layers of one shape, which the other net counts from 0."""
    ours = {f"conv{i}.weight": (8, 8, 3, 3) for i in (1, 2, 3)}
    theirs = {f"conv{i}.weight": (8, 8, 3, 3) for i in (0, 1, 2)}
    with pytest.raises(AlignmentError):
        matched(ours, theirs)


def test_a_row_that_changed_is_not_taken_by_the_names_that_are_left() -> (
    None
):
    rows = {f"a{i}.0.conv.weight": (8, 8, 3, 3) for i in range(3)}
    ours = rows | {f"b.{i}.conv.weight": (8, 8, 3, 3) for i in range(3)}
    theirs = rows | {f"b.{i}.conv.weight": (8, 8, 3, 3) for i in range(4)}
    with pytest.raises(
        AlignmentError, match=r"and 1 more: `b\.3\.conv\.weight`"
    ):
        matched(ours, theirs)


def test_pre_activation_is_not_read_as_post_activation() -> None:
    """Norm 1 before convolution 1, in a file that keeps no order."""
    ours: Entries = {"conv1.weight": (8, 3, 3, 3)}
    theirs: Entries = {"stem.conv.weight": (8, 3, 3, 3)}
    for i, width in enumerate((8, 16)):
        into = 8
        ours |= {
            f"row.{i}.pre.0.weight": (into,),
            f"row.{i}.body.1.conv.weight": (width, into, 3, 3),
            f"row.{i}.body.2.bn.weight": (width,),
            f"row.{i}.body.2.conv.weight": (width, width, 3, 3),
        }
        theirs |= {
            f"stages.{i}.conv1.weight": (width, into, 3, 3),
            f"stages.{i}.conv2.weight": (width, width, 3, 3),
            f"stages.{i}.norm1.weight": (into,),
            f"stages.{i}.norm2.weight": (width,),
        }
    match = matched(ours, {key: theirs[key] for key in sorted(theirs)})
    assert match.kept["row.0.pre.0.weight"] == "stages.0.norm1.weight"
    assert match.kept["row.0.body.2.conv.weight"] == "stages.0.conv2.weight"


@pytest.mark.parametrize("kernel", [(4,), (2, 2), (1, 2, 2), ()])
@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_channels_are_adapted_as_timm_does(
    channels: int, kernel: tuple[int, ...]
) -> None:
    weight = torch.arange(2.0 * 3 * max(1, math.prod(kernel)))
    weight = weight.reshape(2, 3, *kernel)
    adapted = of_channels(weight, channels)
    assert adapted.shape == (2, channels, *kernel)
    if channels == 1:
        assert torch.equal(
            adapted[:, 0], weight[:, 0] + weight[:, 1] + weight[:, 2]
        )
    else:
        for place in range(channels):
            expected = weight[:, place % 3] * (3 / channels)
            torch.testing.assert_close(adapted[:, place], expected)


def test_what_is_new_keeps_its_first_weights() -> None:
    net = "name: n\ninput: 3x8x8\nnet:\n  a: 3x3 conv 4\n  head: [global avg pool, fc {}]\n"
    one, other = (resgraph.loads(net.format(n)).module() for n in (2, 5))
    state = one.state_dict()
    before = other.state_dict()["head.1.weight"].clone()
    match = matched(other.state_dict(), state)
    take(other, state, match)
    assert torch.equal(other.state_dict()["head.1.weight"], before)
    assert torch.equal(
        other.state_dict()["a.conv.weight"], state["a.conv.weight"]
    )
