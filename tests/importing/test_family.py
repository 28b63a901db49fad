"""Several specs that were imported → one file with variants."""

from __future__ import annotations

import pytest

from resgraph.importing import ImportRefused
from resgraph.importing.variants.family import Member, family
from resgraph.plan import load, loads

FRAME = """\
name: {name}
about: timm:{name}
input: {input}

net:
  stem:   [7x7 conv 64 /2, 3x3 max pool /2]
  layer1: {rows[0]}
  layer2: {rows[1]} /2
  layer3: {rows[2]} /2
  layer4: {rows[3]} /2
  head:   [global avg pool, fc 1000]

expect: {{params: {params:_}}}
"""
ROWS = {
    "resnet18": [
        "2 x basic 64",
        "2 x basic 128",
        "2 x basic 256",
        "2 x basic 512",
    ],
    "resnet50": [
        "3 x bottleneck 256",
        "4 x bottleneck 512",
        "6 x bottleneck 1024",
        "3 x bottleneck 2048",
    ],
    "other": ["basic 64", "basic 96", "basic 256", "2 x basic 512"],
}
PARAMS = {"resnet18": 11_689_512, "resnet50": 25_557_032}


def member(
    name: str, frame: str = FRAME, input: str = "3x224x224", **rows: str
) -> Member:
    own = [rows.get(f"row{n}", text) for n, text in enumerate(ROWS[name])]
    params = PARAMS.get(name, 0)
    text = frame.format(name=name, rows=own, input=input, params=params)
    if not params:
        text = text.partition("\nexpect")[0] + "\n"
        params = loads(text).params
        text += f"\nexpect: {{params: {params:_}}}\n"
    return Member(name, f"timm:{name}", text, loads(text))


def test_what_differs_is_a_let() -> None:
    text = family(
        [member("resnet18"), member("resnet50", input="3x256x256")]
    )
    assert (
        text
        == """\
name: resnet
about: timm's resnet18, resnet50
input: 3x224x224

let: {block: basic, wider: 1, reps: [2, 2, 2, 2]}

net:
  stem:   [7x7 conv 64 /2, 3x3 max pool /2]
  layer1: reps.0 x block 64*wider
  layer2: reps.1 x block 128*wider /2
  layer3: reps.2 x block 256*wider /2
  layer4: reps.3 x block 512*wider /2
  head:   [global avg pool, fc 1000]

variants:
  resnet18: {}
  resnet50: {block: bottleneck, wider: 4, reps: [3, 4, 6, 3], input: 3x256x256}

expect:
  resnet18: {params: 11_689_512}
  resnet50: {params: 25_557_032}
"""
    )
    zoo = load("resnet", ["input=3x256x256"])
    assert loads(text, "resnet50").macs == zoo.macs


def test_widths_that_no_factor_gives_are_a_list() -> None:
    text = family([member("resnet18"), member("other")], "mine")
    assert (
        "name: mine\n" in text
        and "layer2: reps.1 x basic width /2" not in text
    )
    assert "let: {reps: [2, 2, 2, 2], wider: 128}" in text
    text = family([member("resnet18"), member("other", row2="basic 200")])
    assert "widths: [128, 256]" in text and "basic widths.1 /2" in text
    assert "other:    {reps: [1, 1, 1, 2], widths: [96, 200]}" in text


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (
            FRAME.replace("7x7 conv 64 /2", "3x3 conv 64 /2"),
            "7x7 conv 64 /2",
        ),
        (
            FRAME.replace("[7x7 conv 64 /2, ", "[7x7 conv 64 /2, relu, "),
            "rows `stem`",
        ),
        (FRAME.replace("  layer4: {rows[3]} /2\n", ""), "numbers of rows"),
        (
            FRAME.replace("\nnet:", "\nunit: conv bn relu6\nnet:"),
            "not all of them have `unit`",
        ),
    ],
)
def test_nets_that_share_too_little_are_refused(
    frame: str, said: str
) -> None:
    with pytest.raises(
        ImportRefused, match="share too little for one file"
    ) as caught:
        family([member("resnet18"), member("other", frame)])
    assert said in str(caught.value) and "file of its own" in str(
        caught.value
    )


def test_a_variant_that_would_be_another_net_is_refused() -> None:
    """The check can fail: a member whose plan is not that of its text."""
    one, two = member("resnet18"), member("other")
    wrong = Member("other", two.about, two.text, one.plan)
    with pytest.raises(ImportRefused, match="other would be another net"):
        family([one, wrong])
    with pytest.raises(ImportRefused, match="one name"):
        family([one, one])


def test_blocks_of_the_file_are_shared() -> None:
    frame = FRAME.replace(
        "\nnet:",
        "\nblocks:\n  basic:\n    body:  [3x3 conv {rows[4]} /stride, 3x3 conv out linear]\n"
        "    merge: relu(body + shortcut)\n\nnet:",
    )
    members = []
    for name, width in (("resnet18", 32), ("other", 48)):
        own = frame.format(
            name=name, rows=[*ROWS[name], width], input="3x64x64", params=0
        )
        plan = loads(own.partition("\nexpect")[0])
        text = own.replace("params: 0", f"params: {plan.params:_}")
        members.append(Member(name, f"timm:{name}", text, plan))
    text = family(members)
    assert "body:  [3x3 conv widths.0 /stride, 3x3 conv out linear]" in text
    assert "resnet18: {}" in text and "widths: [48, 96]" in text


BROKEN = """\
name: {name}
about: timm:{name}
input: 3x32x32

blocks:
  long:
    body:  [3x3 conv 96 linear, 3x3 conv {width} linear, 3x3 conv 96 linear,{more}
            1x1 conv 16 linear]
    merge: body + x

net:
  stem: 3x3 conv 16
  one:  2 x long
  head: 1x1 conv 8
"""


def test_a_list_that_is_broken_elsewhere_is_the_same_list() -> None:
    more = (" 3x3 conv 96,", "\n            3x3 conv 96,")
    members = []
    for name, width, part in zip("ab", (96, 128), more, strict=True):
        text = BROKEN.format(name=name, width=width, more=part)
        text += f"\nexpect: {{params: {loads(text).params:_}}}\n"
        members.append(Member(name, f"timm:{name}", text, loads(text)))
    lines = family(members).splitlines()
    assert (
        "    body:  [3x3 conv 96 linear, 3x3 conv wider linear, "
        in lines[8]
    )
    assert lines[9] == "            1x1 conv 16 linear]"
    assert max(map(len, lines)) <= 100
