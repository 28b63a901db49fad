"""`extends`, variants and overrides: what one spec takes from another, and every way to get it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import pointed

import resgraph
from resgraph.checked import check_nets, found_in
from resgraph.errors import Diagnostic, SpecError, UsageError
from resgraph.language.extends import read_file
from resgraph.language.recipe.steps import Steps
from resgraph.language.references import locate
from resgraph.plan import Plan, loads

BASE = """\
name: Base
about: the one below
input: 3x32x32
let: {w: 16, n: 2}
ops: {bn: {eps: 1.0e-3, momentum: 0.2}}
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  stem:  3x3 conv w
  one:   n x pair w
  two:   pair 2*w /2
  head:  [global avg pool, fc 10]
variants:
  small: {}
  large: {w: 32, n: 3}
expect:
  small: {depth: 8}
  large: {depth: 10}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def extended(
    files: Path, text: str, reference: str = "", **options: object
) -> Plan:
    (files / "top.yaml").write_text(f"extends: base.yaml\n{text}")
    return resgraph.load(f"{files}/top.yaml{reference}", **options)  # type: ignore[arg-type]


def problems(
    files: Path, text: str, reference: str = ""
) -> list[Diagnostic]:
    with pytest.raises(SpecError) as caught:
        extended(files, text, reference)
    return list(caught.value.diagnostics)


def test_a_spec_that_adds_nothing_is_the_base_without_its_claims(
    files: Path,
) -> None:
    top = extended(files, "", "::large")
    base = resgraph.load(f"{files}/base.yaml::large")
    assert list(top.graph.nodes) == list(base.graph.nodes)
    assert (top.params, top.macs) == (base.params, base.macs)
    assert base.spec.expect is not None
    assert top.spec.expect is None


def test_what_is_written_replaces(files: Path) -> None:
    top = extended(
        files, "name: Top\nabout: mine\ninput: 1x28x28\n", "::small"
    )
    assert (top.spec.title, top.spec.about, top.input) == (
        "Top",
        "mine",
        (1, 28, 28),
    )


def test_maps_merge_key_by_key(files: Path) -> None:
    top = extended(
        files,
        "let: {n: 1}\nops: {bn: {eps: 0.5}}\nvariants: {large: {w: 64}, huge: {w: 128}}\n",
        "::large",
    )
    assert top.spec.variants == ("small", "large", "huge")
    norm = top.graph.nodes["stem.bn"].op
    assert (norm.eps, norm.momentum) == (0.5, 0.2)  # type: ignore[attr-defined]
    assert top.graph.nodes["stem.conv"].shape == (64, 32, 32)
    assert (
        sum(block.block == "pair" for block in top.graph.blocks()) == 3 + 1
    ), "`n` is still what the variant says"


def test_a_row_keeps_its_place_and_a_new_one_comes_last(
    files: Path,
) -> None:
    top = extended(
        files, "net: {two: pair 3*w /2, tail: relu}\n", "::small"
    )
    assert [row.word for row in top.graph.rows] == [
        "stem",
        "one",
        "two",
        "head",
        "tail",
    ]
    assert top.graph.nodes["two.body.0.conv"].shape == (48, 16, 16)


def test_a_block_replaces_whole(files: Path) -> None:
    top = extended(
        files,
        "blocks: {pair: {body: 3x3 conv out /stride linear, merge: body + shortcut}}\n",
        "::small",
    )
    assert "one.0.body.conv" in top.graph.nodes
    assert not any(
        name.startswith("one.0.body.1") for name in top.graph.nodes
    )


def test_none_removes(files: Path) -> None:
    top = extended(
        files,
        "about: none\nvariants: {large: none}\nnet: {one: none}\nlet: {n: none}\n",
        "::small",
    )
    assert [row.word for row in top.graph.rows] == ["stem", "two", "head"]
    assert top.spec.variants == ("small",)
    assert top.spec.about == ""


def test_shortcut_none_is_a_policy_and_removes_nothing(files: Path) -> None:
    top = extended(files, "shortcut: none\n", "::small")
    assert not any(".shortcut" in name for name in top.graph.nodes)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("net: {thre: none}\n", "E063", "thre"),
        ("train: none\n", "E063", "train"),
        ("net: {two: pair 3*w /}\n", "E010", "/"),
        ("let: {v: 2}\n", "E034", "v"),
        ("nte: {}\n", "E020", "nte"),
        ("name: Top\nname: Top\n", "E005", "name"),
    ],
)
def test_mistakes_are_where_they_are_written(
    files: Path, text: str, code: str, at: str
) -> None:
    (problem,) = problems(files, text, "::small")
    assert (problem.code, pointed(problem)) == (code, at)
    assert problem.span is not None and problem.span.source.name.endswith(
        "top.yaml"
    )


def test_mistakes_of_the_base_are_in_the_base(files: Path) -> None:
    (files / "base.yaml").write_text(
        BASE.replace("stem:  3x3 conv", "stem:  3x3 convv")
    )
    (problem,) = problems(files, "", "::small")
    assert problem.span is not None
    assert (problem.span.source.name, problem.span.line) == (
        f"{files}/base.yaml",
        11,
    )


def test_chains(files: Path) -> None:
    for number in range(7):
        below = "base.yaml" if number == 0 else f"c{number - 1}.yaml"
        (files / f"c{number}.yaml").write_text(
            f"extends: {below}\nlet: {{n: {number + 1}}}\n"
        )
    assert (
        sum(
            b.block == "pair"
            for b in resgraph.load(f"{files}/c6.yaml").graph.blocks()
        )
        == 7 + 1
    )
    (files / "c7.yaml").write_text("extends: c6.yaml\n")
    with pytest.raises(SpecError) as caught:
        resgraph.load(f"{files}/c7.yaml")
    assert [problem.code for problem in caught.value.diagnostics] == [
        "E004"
    ]


def test_circles(files: Path) -> None:
    (files / "a.yaml").write_text("extends: b.yaml\n")
    (files / "b.yaml").write_text("extends: ./a.yaml\n")
    with pytest.raises(SpecError) as caught:
        resgraph.load(f"{files}/a.yaml")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E061"
    assert (
        "a.yaml → " in problem.notes[0] and pointed(problem) == "./a.yaml"
    )


def test_a_link_to_itself(files: Path) -> None:
    (files / "same.yaml").symlink_to(files / "top.yaml")
    (files / "top.yaml").write_text("extends: same.yaml\n")
    with pytest.raises(SpecError) as caught:
        resgraph.load(f"{files}/top.yaml")
    assert caught.value.diagnostics[0].code == "E061"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("missing.yaml", "E060"),
        ("bsae.yaml", "E060"),
        ("../outside.yaml", "E062"),
        ("/etc/hostname", "E062"),
        ("link.yaml", "E062"),
        (".", "E001"),
        ("sub", "E001"),
        ("a" * 300, "E060"),
        ("loop.yaml", "E060"),
        ("[base.yaml]", "E060"),
        ("7", "E060"),
    ],
)
def test_what_cannot_be_extended(
    files: Path, target: str, code: str
) -> None:
    (files / "sub").mkdir()
    (files / "loop.yaml").symlink_to("loop.yaml")
    (files / "link.yaml").symlink_to("/etc/hostname")
    (files / "top.yaml").write_text(f"extends: {target}\n")
    with pytest.raises(SpecError) as caught:
        resgraph.load(f"{files}/top.yaml")
    (problem,) = caught.value.diagnostics
    assert problem.code == code
    assert problem.span is not None and problem.span.line == 1
    if target == "bsae.yaml":
        assert problem.help == "did you mean `base.yaml`?"


def test_outside_may_be_allowed(files: Path) -> None:
    (files / "sub").mkdir()
    (files / "sub" / "top.yaml").write_text("extends: ../base.yaml\n")
    assert (
        resgraph.load(
            f"{files}/sub/top.yaml::small", allow_outside=True
        ).params
        > 0
    )


def test_a_text_extends_nothing() -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(
            "extends: base.yaml\nname: a\ninput: 3\nnet: {one: relu}\n"
        )
    assert [problem.code for problem in caught.value.diagnostics] == [
        "E060"
    ]


# -- variants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "path", "variant"),
    [
        ("a.yaml", "a.yaml", None),
        ("dir/a.yaml::v-1", "dir/a.yaml", "v-1"),
        ("a::b.yaml::v", "a::b.yaml", "v"),
        ("a::b/c.yaml", "a::b/c.yaml", None),  # a folder may have colons
        ("a::b/c.yaml::v", "a::b/c.yaml", "v"),
        (Path("a.yaml"), "a.yaml", None),
    ],
)
def test_references(
    reference: str | Path, path: str, variant: str | None
) -> None:
    found = locate(reference)
    assert (found.path, found.variant, found.zoo) == (
        Path(path),
        variant,
        "",
    )


@pytest.mark.parametrize(
    ("reference", "missing"), [("::v", "file"), ("::", "file")]
)
def test_half_a_reference(reference: str, missing: str) -> None:
    with pytest.raises(UsageError, match=f"names no {missing}"):
        locate(reference)


def test_half_a_reference_to_extend(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: ::b\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_file(tmp_path / "a.yaml")
    assert [problem.code for problem in caught.value.diagnostics] == [
        "E060"
    ]


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("smal", "no variant `smal` in {}: did you mean `small`?"),
        ("xyz", "no variant `xyz` in {}: it has small, large"),
        ("", "no variant `` in {}: it has small, large"),
    ],
)
def test_unknown_variants(files: Path, variant: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resgraph.load(f"{files}/base.yaml::{variant}")
    assert str(caught.value) == said.format(files / "base.yaml")


def test_a_file_without_variants_has_none(files: Path) -> None:
    (files / "plain.yaml").write_text(
        "name: a\ninput: 3x8x8\nnet: {one: relu}\n"
    )
    with pytest.raises(UsageError, match="it has no variants"):
        resgraph.load(f"{files}/plain.yaml::small")


@pytest.mark.parametrize(
    ("variants", "code", "at"),
    [
        ("{small: {v: 1}}", "E064", "v"),
        ("{small: 3}", "E022", "3"),
        ("{small: {w: 1.5}}", "E032", "1.5"),
        ("{small: {let: 3}}", "E022", "3"),
        ("{small: {expect: 3}}", "E022", "3"),
    ],
)
def test_mistakes_of_variants(
    files: Path, variants: str, code: str, at: str
) -> None:
    found = problems(files, f"variants: {variants}\n", "::small")
    assert (found[0].code, pointed(found[0])) == (code, at)


def test_a_variant_that_is_no_map_is_told_once(files: Path) -> None:
    """By the variant itself, and by the file that the others read."""
    path = files / "one.yaml"
    net = "name: a\ninput: 3x8x8\nnet: {one: relu}\n"
    path.write_text(f"{net}variants: {{a: 3, b: {{}}, c: {{}}}}\n")
    (found,) = found_in(check_nets(str(path)))
    assert (found.code, pointed(found)) == ("E022", "3")


# -- overrides --------------------------------------------------------------------------------------------------------


def overridden(
    files: Path, *overrides: str, variant: str = "small"
) -> Plan:
    return resgraph.load(f"{files}/base.yaml::{variant}", overrides)


@pytest.mark.parametrize(
    ("override", "node", "width"),
    [
        ("let.w=24", "stem.conv", 24),
        ("let.w = 3*8", "stem.conv", 24),
        ("net.stem=3x3 conv 24", "stem.conv", 24),
        ("net.stem=[3x3 conv 8, 3x3 conv 24]", "stem.1.conv", 24),
        (
            "blocks.pair.body=[3x3 conv out /stride, 1x1 conv 24, 3x3 conv out linear]",
            "one.0.body.1.conv",
            24,
        ),
        ("input=24x32x32", "input", 24),
    ],
)
def test_overrides(
    files: Path, override: str, node: str, width: int
) -> None:
    assert overridden(files, override).graph.nodes[node].shape[0] == width


def test_overrides_come_after_the_variant_one_after_another(
    files: Path,
) -> None:
    assert (
        overridden(files, "let.w=24", "let.w=40", variant="large")
        .graph.nodes["stem.conv"]
        .shape[0]
        == 40
    )


@pytest.mark.parametrize(
    "override",
    [
        "unit=conv relu",
        "shortcut=zero-pad",
        "ops.bn.eps=0.1",
        "train=digits",
    ],
)
def test_what_a_file_leaves_out_can_be_set(
    files: Path, override: str
) -> None:
    assert overridden(files, override).params > 0


@pytest.mark.parametrize(
    ("override", "code", "at"),
    [
        ("net.five=relu", "E065", "net.five"),
        ("let.ww=24", "E065", "let.ww"),
        ("nte.stem=relu", "E065", "nte.stem"),
        ("net.stem.conv=3", "E065", "net.stem.conv"),
        ("name.first=a", "E065", "name.first"),
        ("let.w=0b11", "E007", "0b11"),
        ("let.w=", "E008", "let.w"),
        ("net.stem=3x3 convv 8", "E011", "convv"),
        ("net.stem=3x3 conv 8/2", "E015", "8/2"),
        ("net.stem=[3x3 conv 8", "E003", "["),
        ("net.stem=3x3 conv 3.5", "E032", "3.5"),
        ("let=3", "E022", "3"),
    ],
)
def test_overrides_make_the_same_mistakes_as_the_file(
    files: Path, override: str, code: str, at: str
) -> None:
    with pytest.raises(SpecError) as caught:
        overridden(files, override)
    first = next(
        d
        for d in caught.value.diagnostics
        if d.span and d.span.source.name == "--set"
    )
    assert (first.code, pointed(first)) == (code, at)


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("epochs=4", "train.epochs"),
        ("batch_size=4", "train.batch"),
        ("lr=.5", "train.optimizer.lr"),
        ("learning_rate=.5", "train.optimizer.lr"),
        ("optimizer.lr=.5", "train.optimizer.lr"),
        ("crop.cells=2", "train.augment.crop.cells"),
        ("warmup.length=1", "train.warmup.length"),
        ("w=24", "let.w"),
        ("lett.w=24", "let.w"),
        ("let.W=24", "let.w"),
    ],
)
def test_an_override_of_a_name_that_stands_deeper(
    files: Path, override: str, meant: str
) -> None:
    with pytest.raises(SpecError) as caught:
        overridden(files, override)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.help) == (
        "E065",
        f"did you mean `{meant}`?",
    )


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "let.w=3",
            "the spec has no `let`: give it one, `let: {w: …}`, and read it, as in `3x3 conv w`",
        ),
        (
            "blocks.basic.let.r=3",
            "the spec has no `blocks`; a call sets what a block of the library reads, as in"
            " `bottleneck 64 dilation 2`",
        ),
        ("w=3", "the names here are name, input, net"),
    ],
)
def test_an_override_in_a_section_that_the_spec_lacks(
    override: str, said: str
) -> None:
    with pytest.raises(SpecError) as caught:
        loads(
            "name: A\ninput: 3x8x8\nnet: {a: 3x3 conv 8}", None, [override]
        )
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.help) == ("E065", said)


def test_an_override_of_an_op_in_a_spec_without_settings() -> None:
    net = loads(
        "name: A\ninput: 3x8x8\nnet: {a: 3x3 conv 8}",
        None,
        ["ops.bn.eps=0.5"],
    )
    assert "eps 0.5" in str(net.graph)


def test_an_override_of_a_recipe_says_what_it_needs(files: Path) -> None:
    with pytest.raises(SpecError) as caught:
        overridden(files, "train=cifar", "train.warmup.length=1")
    problem = next(d for d in caught.value.diagnostics if d.code == "E021")
    assert problem.message == "`kind` of `warmup` is missing"
    assert problem.help == "one of `linear`, `hold`"


def test_another_length_stretches_the_recipe(files: Path) -> None:
    train = overridden(files, "train=cifar", "train.epochs=2").spec.train
    assert (
        train is not None
        and isinstance(train.schedule, Steps)
        and train.schedule.at == (1, 1.5)
    )


@pytest.mark.parametrize(
    "override",
    [
        "",
        "let.w",
        "=3",
        ".=3",
        "let..w=3",
        "let.w=3\nname: x",
        "a: b=3",
        "variants.small.w=3",
        "train" + ".a" * 2000 + "=1",
    ],
)
def test_what_is_no_override(files: Path, override: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        overridden(files, override)


def test_a_variant_can_be_extended(tmp_path: Path) -> None:
    base = "name: base\ninput: 3x8x8\nlet: {n: 1}\nnet: {a: n x 3x3 conv 4, b: 1x1 conv 2}\nvariants: {big: {n: 3}}\n"
    (tmp_path / "base.yaml").write_text(base)
    child = tmp_path / "child.yaml"
    child.write_text(
        "extends: base.yaml::big\nname: child\nnet: {b: 1x1 conv 5}\n"
    )
    plan = resgraph.load(child)
    assert (plan.depth, plan.output, plan.spec.variants) == (
        4,
        (5, 8, 8),
        (),
    )
    child.write_text("extends: base.yaml::bit\nname: child\n")
    with pytest.raises(SpecError, match="did you mean `big`"):
        resgraph.load(child)


# -- what a base and its children may hold ----------------------------------------------------------------------------


def rows(plan: Plan) -> list[str]:
    return [row.word for row in plan.graph.rows]


def test_what_comes_from_a_base_is_never_asked_whether_it_is_used(
    files: Path,
) -> None:
    # `pair` and `n` are left over
    top = extended(
        files, "net: {one: relu, two: 3x3 conv 2*w /2}\n", "::small"
    )
    assert rows(top) == ["stem", "one", "two", "head"]
    (mine,) = problems(
        files, "let: {v: 2}\nnet: {one: relu, two: relu}\n", "::small"
    )
    assert pointed(mine) == "v"


def test_a_base_may_hold_blocks_for_its_children(files: Path) -> None:
    spare = BASE.replace("net:\n", "  spare: [1x1 conv out]\nnet:\n")
    (files / "base.yaml").write_text(spare)
    with pytest.raises(SpecError):
        resgraph.load(f"{files}/base.yaml::small")
    assert extended(files, "net: {one: spare 8}\n", "::small").graph.nodes[
        "one.0.conv"
    ].shape == (8, 32, 32)
    (files / "base.yaml").write_text("allow: [unused]\n" + spare)
    assert resgraph.load(f"{files}/base.yaml::small").params > 0
    # what a base allows, it allows itself
    (mine,) = problems(
        files, "blocks: {other: [1x1 conv out]}\n", "::small"
    )
    assert pointed(mine) == "other"


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ("{tail: relu}", ["stem", "one", "two", "head", "tail"]),
        (
            "{stem: 3x3 conv 8, tail: relu}",
            ["stem", "one", "two", "head", "tail"],
        ),
        (
            "{extra: relu, two: pair 2*w /2}",
            ["stem", "one", "extra", "two", "head"],
        ),
        (
            "{stem: 3x3 conv w, extra: relu, one: pair w}",
            ["stem", "extra", "one", "two", "head"],
        ),
        (
            "{a: relu, b: relu, one: pair w, c: relu}",
            ["stem", "a", "b", "one", "two", "head", "c"],
        ),
        ("{extra: relu, head: none}", ["stem", "one", "two", "extra"]),
        (
            "{stem: relu, two: relu, one: relu, e: relu, head: relu}",
            ["stem", "two", "one", "e", "head"],
        ),
        (
            "{two: relu, one: relu}",
            ["stem", "one", "two", "head"],
        ),  # not all of them: each keeps its place
    ],
)
def test_the_order_of_rows(
    files: Path, net: str, expected: list[str]
) -> None:
    assert rows(extended(files, f"net: {net}\n", "::small")) == expected


def test_a_map_over_a_recipe_that_is_named_in_one_word(files: Path) -> None:
    (files / "base.yaml").write_text(BASE + "train: digits\n")
    train = extended(
        files,
        "train: {epochs: 3, optimizer: {lr: 0.5}, warmup: none}\n",
        "::small",
    ).spec.train
    assert train is not None
    assert (train.epochs, train.optimizer.lr, train.warmup) == (
        3,
        0.5,
        None,
    )
    assert (
        train.batch
        == resgraph.load(f"{files}/base.yaml::small").spec.train.batch
    )  # type: ignore[union-attr]


def test_none_is_a_value_where_it_means_one(files: Path) -> None:
    (files / "base.yaml").write_text(
        BASE.replace("ops: {bn", "ops: {conv: {bias: 0}, bn")
    )
    top = extended(files, "ops: {conv: {bias: none}}\n", "::small")
    assert top.graph.nodes["stem.conv"].op.bias == "none"  # type: ignore[attr-defined]


# -- variants that set keys of the file -------------------------------------------------------------------------------

KEYED = BASE.replace(
    "variants:\n",
    """\
train: digits
variants:
  wide: {w: 32, input: 1x28x28, name: Wide, about: wider, unit: conv gn silu, shortcut: zero-pad}
  slow: {train: {epochs: 7}, ops: {bn: {eps: 0.5}}, init: {conv: xavier}, allow: [odd-width], expect: {depth: 8}}
  long: {let: {n: 4}, about: none}
""",
)


def test_a_variant_sets_keys_of_the_file(files: Path) -> None:
    (files / "base.yaml").write_text(KEYED)
    wide, slow, long = (
        resgraph.load(f"{files}/base.yaml::{name}")
        for name in ("wide", "slow", "long")
    )
    assert (wide.input, wide.name, wide.spec.about) == (
        (1, 28, 28),
        "Wide",
        "wider",
    )
    assert wide.graph.nodes["stem.gn"].op.label() == "gn"
    assert "stem.silu" in wide.graph.nodes
    assert (
        wide.graph.nodes["two.shortcut"].op.label().startswith("zero-pad")
    )
    norm = slow.graph.nodes["stem.bn"].op
    assert (norm.eps, norm.momentum) == (0.5, 0.2)  # type: ignore[attr-defined]
    assert (
        slow.spec.train is not None
        and slow.spec.init is not None
        and slow.spec.expect is not None
    )
    assert (slow.spec.train.epochs, slow.spec.init.conv, slow.name) == (
        7,
        "xavier",
        "slow",
    )
    assert slow.spec.expect.depth == 8 and "E050" not in [
        d.code for d in slow.unmet()
    ]
    assert long.spec.about == "" and long.depth == slow.depth + 4
    for plan in (wide, slow, long):
        again = resgraph.loads(plan.resolved())
        assert (again.params, again.name, again.input) == (
            plan.params,
            plan.name,
            plan.input,
        )


@pytest.mark.parametrize(
    "key", ["blocks: {}", "net: {}", "variants: {}", "extends: a.yaml"]
)
def test_what_a_variant_cannot_set(files: Path, key: str) -> None:
    (found,) = problems(
        files, f"variants: {{small: {{{key}}}}}\n", "::small"
    )
    assert (found.code, pointed(found)) == ("E064", key.partition(":")[0])


def test_a_let_has_no_name_of_a_key(files: Path) -> None:
    found = problems(files, "let: {unit: conv relu, about: 3}\n", "::small")
    assert [(d.code, pointed(d)) for d in found if d.code == "E023"] == [
        ("E023", "unit"),
        ("E023", "about"),
    ]


# -- an input of `let`s -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ("3xsidexside", (3, 48, 48)),
        ("3 x side x side", (3, 48, 48)),
        ("box*2xsidexmax(side/2 7)", (10, 48, 24)),
        ("side", (48,)),
        ("sizes.0xsizes.1x7", (3, 9, 7)),
        ("1_000", (1000,)),
    ],
)
def test_an_input_of_lets(written: str, shape: tuple[int, ...]) -> None:
    text = f"name: a\ninput: {written}\nlet: {{side: 48, box: 5, sizes: [3, 9]}}\nallow: [unused]\nnet: {{one: relu}}\n"
    plan = resgraph.loads(text)
    assert plan.input == shape
    assert resgraph.loads(plan.resolved()).input == shape


def test_a_let_that_only_an_input_reads_is_read() -> None:
    text = "name: a\ninput: 3xsidexside\nlet: {side: 8}\nnet: {one: relu}\nvariants: {s: {}, l: {side: 16}}\n"
    assert resgraph.loads(text, "l").input == (3, 16, 16)


@pytest.mark.parametrize(
    "written",
    ["3xsidexsid", "3xsidexside/5", "3xsidexside-8", "1x3xsidexsidexside"],
)
def test_no_input(written: str) -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(
            f"name: a\ninput: {written}\nlet: {{side: 8}}\nnet: {{one: relu}}\n"
        )
    assert [problem.code for problem in caught.value.diagnostics] == [
        "E022"
    ]


# -- `--set` ----------------------------------------------------------------------------------------------------------


def test_none_removes_as_in_extends(files: Path) -> None:
    assert rows(overridden(files, "net.head=none")) == [
        "stem",
        "one",
        "two",
    ]
    assert overridden(files, "about=none").spec.about == ""
    assert overridden(files, "shortcut=none").spec.shortcut is not None, (
        "a policy"
    )
    train = overridden(
        files, "train=cifar", "train.augment.crop=none"
    ).spec.train
    assert train is not None
    for path, meant in (
        ("net.hed", "did you mean `head`?"),
        ("ops.bn.esp", "did you mean `eps`?"),
        ("train", ""),
    ):
        with pytest.raises(SpecError) as caught:
            overridden(files, f"{path}=none")
        assert [(d.code, d.help) for d in caught.value.diagnostics] == [
            ("E063", meant)
        ]


def test_all_that_is_not_there_to_remove_is_told_at_once(
    files: Path,
) -> None:
    found = problems(
        files,
        "net: {hed: none, head: none, tow: none}\nops: {bn: {esp: none}}\n",
    )
    assert [(d.code, pointed(d), d.help) for d in found] == [
        ("E063", "hed", "did you mean `head`?"), ("E063", "tow", "did you mean `two`?"),
        ("E063", "esp", "did you mean `eps`?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "let.reps.0=9",
            "a list is set whole: write `--set let.reps='[9, 3]'`",
        ),
        (
            "let.reps.2=9",
            "the list has the elements 0 to 1, and is set whole: write `--set let.reps='[2, 3]'`",
        ),
        (
            "let.reps.-1=9",
            "the list has the elements 0 to 1, and is set whole: write `--set let.reps='[2, 3]'`",
        ),
        (
            "let.reps.first=9",
            "a list is set whole: write `--set let.reps='[2, 3]'`",
        ),
        ("let.n.0=9", "`n` is set whole: write `--set let.n=…`"),
        ("output.0=9", "`output` is set whole: write `--set output=…`"),
    ],
)
def test_an_element_of_a_list_is_not_set_alone(
    files: Path, override: str, said: str
) -> None:
    (files / "base.yaml").write_text(
        BASE.replace("n: 2}", "n: 2, reps: [2, 3]}")
    )
    with pytest.raises(SpecError) as caught:
        overridden(files, override)
    assert [(d.code, d.help) for d in caught.value.diagnostics] == [
        ("E065", said)
    ]


def test_claims_of_a_variant_beside_those_of_none_are_one_mistake(
    files: Path,
) -> None:
    text = BASE.replace(
        "large: {w: 32, n: 3}", "large: {w: 32, n: 3, expect: {depth: 10}}"
    )
    head, _, _ = text.partition("expect:\n")
    (files / "base.yaml").write_text(f"{head}expect: {{depth: 8}}\n")
    for variant in ("", "::small", "::large"):
        with pytest.raises(SpecError) as caught:
            resgraph.load(f"{files}/base.yaml{variant}")
        assert [(d.code, d.message) for d in caught.value.diagnostics] == [
            ("E022", "a file with variants expects by variant")
        ]


def test_a_length_in_quotes_stretches_the_recipe(files: Path) -> None:
    train = overridden(
        files, "train={recipe: cifar, epochs: '2'}"
    ).spec.train
    assert (
        train
        == overridden(files, "train={recipe: cifar, epochs: 2}").spec.train
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("epochs", "it belongs to `train`: `train: {epochs: …}`"),
        ("lr", "it belongs to `train`: `train: {optimizer: {lr: …}}`"),
        ("batch_size", "it belongs to `train`: `train: {batch: …}`"),
        ("params", "it belongs to `expect`: `expect: {params: …}`"),
        (
            "amp",
            "the command says it, not the file: `resgraph build --precision …`",
        ),
        (
            "depth_of_it",
            "the file's `let` has `w`, `n`; a variant also sets keys of the file",
        ),
    ],
)
def test_what_a_variant_cannot_set_is_told_its_place(
    files: Path, key: str, said: str
) -> None:
    (files / "base.yaml").write_text(
        BASE.replace("small: {}", f"small: {{{key}: 3}}")
    )
    with pytest.raises(SpecError) as caught:
        resgraph.load(f"{files}/base.yaml::small")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message, pointed(problem)) == (
        "E064",
        f"`{key}` is no `let` of this file",
        key,
    )
    assert problem.help == said


def test_what_is_set_voids_the_claims_of_the_file(files: Path) -> None:
    changed = overridden(files, "let.n=1")
    assert (changed.unmet(), changed.spec.expect, changed.spec.void) == (
        [],
        None,
        True,
    )
    trained = overridden(files, "train=digits", "train.epochs=1")
    assert trained.spec.expect is not None and not trained.spec.void
    claimed = overridden(files, "let.n=1", "expect.small.depth=7")
    assert [problem.code for problem in claimed.unmet()] == ["E050"]
    assert "expect" not in changed.resolved()
