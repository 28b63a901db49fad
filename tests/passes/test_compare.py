"""Two graphs → their differences as a reader sees them: what is one net's own is told in that net's words."""

from __future__ import annotations

from nets import plan

from resgraph.passes.compare import grouped

BLOCKS = """let: {kind: plain}
blocks:
  plain: {a: 3x3 conv out/2, b: [a, 3x3 conv out/2], merge: concat(a b)}
  res: {body: 3x3 conv out, merge: body + shortcut}
"""


def differences(
    net: str, other: str, *, kinds: tuple[str, str] = ("plain", "plain")
) -> list[tuple[str, ...]]:
    """Kind, name and both texts of every group."""
    tops = [BLOCKS.replace("kind: plain", f"kind: {kind}") for kind in kinds]
    graphs = [
        plan(text, top=top).graph for text, top in zip((net, other), tops, strict=True)
    ]
    return [
        (group.kind, group.name, group.before, group.after)
        for group in grouped(*graphs)
    ]


def test_a_block_in_the_place_of_another_is_told_with_both_names() -> None:
    net = "one: 2 x kind 8\ntwo: [res 8, plain 4]"
    assert differences(net, net, kinds=("plain", "res")) == [
        ("removed", "one.{0-1}", "", "plain 8"),
        ("added", "one.{0-1}", "", "res 8"),
    ]


def test_a_net_differs_from_itself_in_nothing() -> None:
    net = "one: 2 x kind 8\ntwo: [res 8, plain 4]"
    assert differences(net, net) == []


def test_blocks_of_a_longer_row_are_one_difference() -> None:
    one, other = (f"one: {count} x res 16\ntwo: [plain 4, kind 4]" for count in (2, 5))
    assert differences(one, other) == [("added", "one.{2-4}", "", "res 16")]
