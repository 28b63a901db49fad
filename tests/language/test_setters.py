"""A mistake whose value stands elsewhere names that place: in a variant, in `--set`, in the other file of `extends`."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import mistakes

import resgraph
from resgraph.checked import check_nets, found_in
from resgraph.errors import Diagnostic, SpecError

BASE = """\
name: tiny
input: 3x16x16
let: {act: relu, w: 8, g: 4, v: 2*w}
blocks:
  pair:
    let: {k: 2*g}
    body: [3x3 conv out /stride groups g, 3x3 conv out linear groups k]
    merge: act(body + shortcut)
net:
  conv1: 3x3 conv w
  conv2: pair v
  head: [global avg pool, fc 3]
"""


def places(found: Diagnostic) -> list[tuple[str, str, str]]:
    """The file, the text and the label of each place beside the first."""
    return [
        (Path(r.span.source.name).name, r.span.written(), r.label)
        for r in found.related
    ]


def checked(path: Path, *overrides: str) -> list[Diagnostic]:
    return found_in(check_nets(str(path), overrides))


@pytest.mark.parametrize(
    ("variant", "code", "place"),
    [
        ("{act: softmax}", "E030", ("act", "variant `bad` sets `act`")),
        ("{w: 7}", "E042", ("w", "variant `bad` sets `w`")),
        ("{let: {w: 7}}", "E042", ("w", "variant `bad` sets `w`")),
        ("{g: 3}", "E042", ("g", "variant `bad` sets `g`")),
        (
            "{shortcut: identity}",
            "E041",
            ("shortcut", "variant `bad` sets `shortcut`"),
        ),
        ("{input: 784}", "E044", ("input", "variant `bad` sets `input`")),
        (
            "{unit: [conv, gn 3]}",
            "E042",
            ("unit", "variant `bad` sets `unit`"),
        ),
        (
            "{ops: {conv: {groups: 5}}}",
            "E042",
            ("conv", "variant `bad` sets `ops.conv`"),
        ),
        (
            "{train: digits}",
            "E051",
            ("train", "variant `bad` sets `train`"),
        ),
    ],
)
def test_a_variant(
    variant: str, code: str, place: tuple[str, str], tmp_path: Path
) -> None:
    (path := tmp_path / "a.yaml").write_text(
        f"{BASE}variants:\n  good: {{}}\n  bad: {variant}\n",
        encoding="utf-8",
    )
    for reference in (path, Path(f"{path}::bad")):
        found = checked(reference)[0]
        assert (found.code, found.span and found.span.line < 13) == (
            code,
            True,
        ), "the place is in the shared text"
        assert ("a.yaml", *place) in places(found)
    assert not checked(Path(f"{path}::good"))
    try:
        shown: tuple[Diagnostic, ...] = tuple(
            resgraph.load(f"{path}::bad", strict=False).unmet()
        )
    except SpecError as problem:
        shown = problem.diagnostics
    assert shown[0].code == code
    assert code == "E051" or ("a.yaml", *place) in places(shown[0])


def test_a_mistake_in_the_variant_itself_names_it() -> None:
    (found,) = mistakes(
        f"{BASE}variants:\n  one:\n    w:\n      nothing\n", "one"
    )
    assert (found.code, found.notes) == ("E030", ("in variant `one`",))


def test_what_all_variants_share_is_of_none(tmp_path: Path) -> None:
    text = BASE.replace("fc 3", "3x3 conv 3")
    (path := tmp_path / "a.yaml").write_text(
        f"{text}variants:\n  a: {{w: 12}}\n  b: {{w: 16}}\n",
        encoding="utf-8",
    )
    found = checked(path)
    assert [(one.code, places(one), one.notes) for one in found] == 2 * [
        ("E044", [], ())
    ]


def test_variants_with_one_mistake_are_all_named(tmp_path: Path) -> None:
    variants = (
        "variants:\n  a: {}\n  b: {act: softmax}\n  c: {act: softmax}\n"
    )
    (path := tmp_path / "a.yaml").write_text(
        BASE + variants, encoding="utf-8"
    )
    (found,) = checked(path)
    labels = [label for _, _, label in places(found)]
    assert labels == [
        "called here",
        "variant `b` sets `act`",
        "variant `c` sets `act`",
    ]


@pytest.mark.parametrize(
    ("override", "code", "name"),
    [("let.act=softmax", "E030", "let.act"), ("let.w=7", "E042", "let.w"), ("shortcut=identity", "E041", "shortcut"),
     ("ops.conv.groups=3", "E042", "ops.conv.groups")],
)  # fmt: skip
def test_an_override(override: str, code: str, name: str) -> None:
    found = checked_text(override)
    assert found.code == code
    last = found.related[-1]
    assert (
        last.span.source.name,
        last.span.source.text.partition(":")[0],
    ) == (
        "--set",
        name,
    )


def checked_text(override: str) -> Diagnostic:
    from resgraph.errors import Source

    (net,) = check_nets(
        "a.yaml", (override,), source=Source("a.yaml", BASE)
    )
    return net.problems[0]


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("let.w=nothing", "E030"),
        ("let.w=w + 1", "E037"),
        ("let.w=2.5", "E032"),
        ("let.w=7 7", "E010"),
        ("net.conv1=2 2 conv 8", "E011"),
        ("net.conv1=1 conv 8", "E046"),
    ],
)
def test_a_mistake_in_an_override_is_shown_once(
    override: str, code: str, tmp_path: Path
) -> None:
    """And nothing of the variant, which it does not read."""
    (path := tmp_path / "a.yaml").write_text(
        f"{BASE}variants:\n  a: {{g: 2}}\n", encoding="utf-8"
    )
    (found,) = checked(path, override)
    assert found.code == code and found.span
    assert found.span.source.is_override
    assert not any(one.span.source.is_override for one in found.related)
    if code != "E046":
        assert found.related == ()


@pytest.mark.parametrize(
    ("child", "code", "place"),
    [
        ("let: {act: softmax}", "E030", ("act", "`act` is set here")),
        ("let: {w: 7}", "E042", ("w", "`w` is set here")),
        (
            "shortcut: identity",
            "E041",
            ("shortcut", "`shortcut` is set here"),
        ),
        ("input: 784", "E044", ("input", "`input` is set here")),
        (
            "net: {conv1: 3x3 conv 6}",
            "E042",
            ("conv1", "`net.conv1` is set here"),
        ),
    ],
)
def test_a_file_that_extends(
    child: str, code: str, place: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    (path := tmp_path / "child.yaml").write_text(
        f"extends: base.yaml\n{child}\n", encoding="utf-8"
    )
    found = checked(path)[0]
    assert (
        found.code,
        Path(found.span.source.name).name if found.span else "",
    ) == (
        code,
        "base.yaml",
    )
    assert ("child.yaml", *place) in places(found)


def test_a_row_that_reads_a_value_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    (path := tmp_path / "child.yaml").write_text(
        "extends: base.yaml\nnet: {conv1: 3x3 conv (w/3)}\n",
        encoding="utf-8",
    )
    (found,) = checked(path)
    assert (found.code, places(found)) == (
        "E032",
        [("base.yaml", "w", "`w` is set here")],
    )


def test_a_block_that_takes_fewer_arguments_than_the_base_gives(
    tmp_path: Path,
) -> None:
    (tmp_path / "base.yaml").write_text(
        BASE.replace("pair v", "pair v k 4"), encoding="utf-8"
    )
    child = "extends: base.yaml\nblocks:\n  pair: {body: 3x3 conv out groups g, merge: act(body + shortcut)}\n"
    (path := tmp_path / "child.yaml").write_text(child, encoding="utf-8")
    (found,) = checked(path)
    assert (
        found.code,
        Path(found.span.source.name).name if found.span else "",
    ) == (
        "E012",
        "base.yaml",
    )
    assert places(found) == [
        ("child.yaml", "pair", "`pair` is defined here")
    ]
