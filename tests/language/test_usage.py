"""What nothing uses is an error on its line, and what any variant uses is used."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from nets import mistakes, plan, pointed, spec, told

from resgraph.checked import check_nets, found_in
from resgraph.plan import load, loads

BLOCK = "blocks:\n  b:\n    body: 3x3 conv out linear\n    merge: body + shortcut\n"


@pytest.mark.parametrize(
    ("net", "top", "expected"),
    [
        ("one: relu", BLOCK, [("E034", "b")]),
        ("one: b 8", BLOCK, []),
        ("one: {block: b, out: 8}", BLOCK, []),
        ("one: c 8", BLOCK + "  c: [b out]\n", []),
        ("one: relu", "blocks:\n  b: [b]\n", [("E034", "b")]),
        ("one: relu", "let: {w: 1}", [("E034", "w")]),
        ("one: 3x3 conv 2*w", "let: {w: 4}", []),
        ("one: 3x3 conv v", "let: {w: 4, v: 2*w}", []),
        ("one: 3x3 conv 8", "let: {n: 16}\nunit: [conv, gn n, relu]", [("E042", "3x3 conv 8")]),
        ("one: 3x3 conv 8", "let: {e: 1.0e-3}\nops: {bn: {eps: e}}", []),
        ("one: s 8", "let: {s: basic}", []),
        ("one: b 8", BLOCK.replace("    merge", "    side: relu\n    merge"), [("E034", "side")]),
        ("one: b 8", BLOCK.replace("    body", "    let: {k: 3}\n    body"), [("E034", "k")]),
        ("one: b 16", "blocks: {b: {a: relu, shortcut: none, merge: a + x}}", [("E034", "shortcut"), ("E036", "16")]),
        ("one: relu\ntwo: relu\nthree: [one, relu]", "", [("E034", "two")]),
        ("one: relu\ntwo: [one, relu]\nthree: one + two", "", []),
        ("one: {let: {k: 3}, body: 3x3 conv 8}", "", [("E034", "k")]),
    ],
)  # fmt: skip
def test_unused(
    net: str, top: str, expected: list[tuple[str, str]]
) -> None:
    assert told(spec(net, top=top)) == expected


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ("one: keep 8", [("E036", "8")]),
        ("one: keep /2", [("E036", "/2")]),
        ("one: keep shortcut none", [("E036", "shortcut")]),
        ("one: 3 x keep", []),
        ("one: keep /1", []),
    ],
)
def test_a_call_that_says_nothing(
    net: str, expected: list[tuple[str, str]]
) -> None:
    assert told(spec(net, top="blocks: {keep: [3x3 conv in]}")) == expected


def test_a_width_for_a_block_that_a_let_chose() -> None:
    top = "let: {b: keep}\nblocks: {keep: [3x3 conv in], wide: [3x3 conv out]}\nvariants: {k: {}, w: {b: wide}}"
    for variant in "kw":
        assert (
            plan("one: [3x3 conv 8, b 8]", top=top, variant=variant).output[
                0
            ]
            == 8
        )
    assert (
        plan("one: [3x3 conv 4, b 8]", top=top, variant="w").output[0] == 8
    )
    kept = top.replace(", wide: [3x3 conv out]", "").partition(
        "\nvariants"
    )[0]
    assert told(spec("one: [3x3 conv 8, b 8]", top=kept)) == []
    assert told(spec("one: [3x3 conv 4, b 8]", top=kept)) == [("E036", "8")]
    assert told(
        spec("one: [3x3 conv 8, keep 8]", top=kept.partition("\n")[2])
    ) == [("E036", "8")], "not chosen"


def test_what_one_variant_uses_is_used() -> None:
    top = "let: {b: small}\nblocks:\n  small: [3x3 conv out]\n  large: [5x5 conv out]\nvariants: {s: {}, l: {b: large}}"
    assert (
        plan("one: b 8", top=top, variant="s").params
        < plan("one: b 8", top=top, variant="l").params
    )


def test_a_misspelled_reader_is_one_mistake() -> None:
    assert told(spec("one: 3x3 conv widht", top="let: {width: 8}")) == [
        ("E030", "widht")
    ]
    assert told(
        spec("one: b 8", top=BLOCK.replace("body +", "bdoy +"))
    ) == [("E030", "bdoy")]


def test_what_could_not_be_read_may_use_anything() -> None:
    assert told(
        spec("one: b 8", top=BLOCK.replace("body + shortcut", "body + ("))
    ) == [("E010", "(")]


def test_the_work_grows_with_the_blocks_and_not_with_their_square() -> None:
    def calls(count: int) -> int:
        """The functions that are called, which is no time, and so the same on any machine."""
        blocks = "\n".join(f"  b{i}: [3x3 conv out]" for i in range(count))
        text = spec("one: b7 8", top=f"blocks:\n{blocks}\n")
        called = Counter[str]()
        sys.setprofile(lambda _, event, __: called.update([event]))
        try:
            found = mistakes(text)
        finally:
            sys.setprofile(None)
        assert len(found) == 51
        assert (
            found[-1].message == "50 mistakes are shown, and there are more"
        )
        return called["call"] + called["c_call"]

    assert calls(1000) < 7 * calls(200), (
        "5 times the blocks; their square is 25"
    )


@pytest.mark.parametrize(
    ("net", "top", "expected"),
    [
        (
            "one: 3x3 conv 8",
            "ops: {gn: {eps: 1.0e-3, groups: 4}, bn: {eps: 1.0e-3}}",
            ["gn"],
        ),
        ("one: 3x3 conv 8", "ops: {gn: {}}", ["gn"]),
        ("one: 3x3 conv 8", "let: {e: 0.1}\nops: {gn: {eps: e}}", ["gn"]),
        (
            "one: 3x3 conv 8",
            "unit: conv gn relu\nops: {gn: {groups: 4}}",
            [],
        ),
        ("one: 3x3 n 8", "let: {n: conv}\nops: {conv: {bias: 0}}", []),
        ("one: 3x3 depthwise conv", "ops: {conv: {bias: 0}}", ["conv"]),
        (
            "one: 3x3 conv 8 leaky relu",
            "ops: {leaky relu: {slope: 0.2}}",
            [],
        ),
        (
            "one: leaky_relu(input)",
            "let: {leaky_relu: leaky relu}\nops: {leaky relu: {slope: 0.2}}",
            [],
        ),
        (
            "one: [3x3 conv 8 bare, act]",
            "unit: conv leaky relu\nops: {leaky relu: {slope: 0.2}}",
            [],
        ),
        ("one: n 2", "let: {n: gn}\nops: {gn: {eps: 0.1}}", []),
        (
            "one: basic 8 /2",
            "shortcut: [avg pool /stride, 1x1 conv out linear]\nops: {avg pool: {ceil: true}}",
            [],
        ),
        (
            "one: b 8",
            "blocks: {b: [avg pool /stride, 3x3 conv out]}\nops: {avg pool: {ceil: true}}",
            [],
        ),
        (
            "one: n x b 8",
            "let: {n: 0}\nblocks: {b: [1x1 conv out bare, gn 2]}\nops: {gn: {eps: 0.1}}",
            [],
        ),
        (
            "one: [3x3 conv 8, flatten, fc 3]",
            "init: {conv: he, fc: torch}",
            [],
        ),
        ("one: 3x3 conv 8", "init: {conv: he, fc: torch}", ["fc"]),
        (
            "one: [global avg pool, fc 3]",
            "init: {conv: he, fc: torch}",
            ["conv"],
        ),
        ("one: 3x3 depthwise conv", "init: {conv: he}", []),
        (
            "one: [global avg pool, channel conv kernel 3]",
            "init: {conv: he}",
            [],
        ),
        ("one: 3x3 conv 8", "init: {zero_last: true}", ["zero_last"]),
        ("one: 3x3 conv 8", "init: {zero_last: false}", []),
        ("one: basic 8", "init: {zero_last: true}", []),
        (
            "one: 3x3 conv 8",
            "allow: [unused]\nops: {gn: {eps: 0.1}}\ninit: {fc: torch}",
            [],
        ),
    ],
)
def test_what_is_said_of_ops_that_the_net_has_not(
    net: str, top: str, expected: list[str]
) -> None:
    assert told(spec(net, top=top)) == [("E034", name) for name in expected]


def test_it_is_told_with_what_else_is_unused() -> None:
    found = mistakes(
        spec("one: 3x3 conv 8", top="let: {w: 3}\nops: {gn: {eps: 0.1}}")
    )
    assert [(d.code, pointed(d), d.help) for d in found] == [
        ("E034", "w", "read it, or take it out"),
        ("E034", "gn", "take it out"),
    ]
    assert (
        found[1].message
        == "`ops` sets options of `gn`, and there is no `gn` in the net"
    )


VARIANTS = """name: t
input: 16x32x32
let: {norm: bn}
unit: conv norm relu
ops: {gn: {groups: 4}, ln: {eps: 0.1}}
variants:
  plain: {}
  grouped: {norm: gn, ops: {gn: {eps: 0.1}}}
  wrong: {ops: {gn: {eps: 0.2}}}
net:
  one: 3x3 conv 8
"""


def test_what_one_variant_reads_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(VARIANTS)
    found = found_in(check_nets(str(path)))
    assert [
        (d.code, pointed(d), d.span.line, d.message.partition("and ")[2])
        for d in found
        if d.span
    ] == [
        ("E034", "ln", 5, "there is no `ln` in any variant"),
        ("E034", "eps", 9, "there is no `gn` in the net"),
    ]
    path.write_text(VARIANTS.replace("norm: gn, ", ""))
    assert [
        (pointed(d), d.message.partition("and ")[2])
        for d in found_in(check_nets(str(path)))
    ] == [
        ("gn", "there is no `gn` in any variant"),
        ("ln", "there is no `ln` in any variant"),
    ]


def test_one_variant_tells_only_what_it_alone_says(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(VARIANTS)
    for variant, expected in (
        ("plain", []),
        ("grouped", []),
        ("wrong", [9]),
    ):
        lines = [
            d.span.line
            for d in load(f"{path}::{variant}", strict=False).unused
            if d.span
        ]
        assert lines == expected
        assert [
            d.span.line
            for d in found_in(check_nets(f"{path}::{variant}"))
            if d.span
        ] == expected


def test_a_variant_with_a_mistake_may_read_anything(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(VARIANTS.replace("plain: {}", "plain: {nrm: gn}"))
    assert [d.code for d in found_in(check_nets(str(path)))] == [
        "E064",
        "E034",
    ], "the one of `wrong`"


def test_what_a_base_says_is_for_its_children(tmp_path: Path) -> None:
    base, child = tmp_path / "base.yaml", tmp_path / "child.yaml"
    base.write_text(
        spec(
            "one: 3x3 conv 8",
            top="unit: conv gn relu\nops: {gn: {groups: 4}}\ninit: {fc: torch}",
        )
    )
    child.write_text("extends: base.yaml\nunit: conv bn relu\n")
    assert load(child).unused == ()
    assert found_in(check_nets(str(child))) == []
    child.write_text(
        "extends: base.yaml\nunit: conv bn relu\nops: {gn: {eps: 0.1}}\ninit: {fc: normal 0.01}\n"
    )
    assert [
        (pointed(d), d.span.line)
        for d in load(child, strict=False).unused
        if d.span
    ] == [("eps", 3), ("fc", 4)]


def test_what_an_override_says(tmp_path: Path) -> None:
    grouped = spec(
        "one: 3x3 conv 8",
        top="let: {norm: gn}\nunit: conv norm relu\nops: {gn: {groups: 4}}",
    )
    assert told(grouped, overrides=("let.norm=bn",)) == [], (
        "the file has its reasons"
    )
    assert told(grouped, overrides=("ops.gn.eps=0.1",)) == []
    assert [
        code for code, _ in told(grouped, overrides=("ops.bn.eps=0.1",))
    ] == ["E034"]
    assert [
        code for code, _ in told(grouped, overrides=("init.fc=torch",))
    ] == ["E034"]
    path = tmp_path / "t.yaml"
    path.write_text(
        VARIANTS.replace(", ln: {eps: 0.1}", "").partition("  wrong")[0]
        + "net:\n  one: 3x3 conv 8\n"
    )
    assert found_in(check_nets(str(path), ("ops.gn.eps=0.3",))) == [], (
        "one of the variants has a `gn`"
    )


def test_a_resolved_net_says_only_what_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        VARIANTS.replace("unit:", "init: {conv: he, fc: torch}\nunit:")
    )
    texts = [
        load(f"{path}::{name}").resolved() for name in ("plain", "grouped")
    ]
    plain, grouped = (loads(text).spec for text in texts)
    assert (plain.defaults, {*grouped.defaults["gn"]}) == (
        {},
        {"groups", "eps"},
    )
    assert yaml.safe_load(texts[0])["init"].keys() == {"conv"}
