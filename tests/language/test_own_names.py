"""A name that a later version has as an op stays the file's: the net is the one that another name gives."""

from __future__ import annotations

from pathlib import Path

import pytest

import resgraph
from resgraph import SpecError
from resgraph.errors import Source
from resgraph.language.format import reformat
from resgraph.language.grammar.words import name_problem
from resgraph.ops import LATER, VOCABULARY
from resgraph.passes.lint import lint

WORDS = sorted(w for w in LATER if " " not in w and not name_problem(w))
OTHER = "another"

SPECS = {
    "a number": "let: {NAME: 8}\nnet: {a: [3x3 conv NAME, 3x3 conv 2*NAME groups NAME], b: 3x3 conv NAME+4}",
    "a list": "let: {NAME: [4, 8]}\nnet: {a: 3x3 conv NAME.1, b: NAME.0 x 3x3 conv 8}",
    "a value of another": "let: {NAME: 8, w: NAME}\nnet: {a: 3x3 conv w, b: 3x3 conv w groups w}",
    "a block by a value": "let: {NAME: basic}\nnet: {a: NAME 8, b: 2 x NAME 16 /2}",
    "a block by a value of another": "let: {NAME: basic, w: NAME}\nnet: {a: w 8, b: 2 x w 16 /2}",
    "an activation": """\
let: {NAME: silu}
unit: conv bn NAME
net: {a: [3x3 conv 8, 3x3 conv 8 NAME, NAME], b: NAME(a), c: act(b + a), d: [global avg pool, fc 4 NAME]}""",
    "a block": """\
blocks: {NAME: {body: 3x3 conv out /stride, merge: body}}
net: {a: NAME 8, b: 2 x NAME 16 /2, c: {block: NAME, out: 8, stride: 2}}""",
    "a bare block": "blocks: {NAME: [3x3 conv 8, relu]}\nnet: {a: NAME, b: 2 x NAME}",
    "a block within another": """\
blocks: {NAME: [global avg pool, fc in sigmoid], g: {s: NAME, merge: x*s}}
net: {a: [3x3 conv 8, g]}""",
    "a row": "net: {NAME: 3x3 conv 3, b: [NAME, 3x3 conv 3], c: NAME + b, d: [concat(NAME c), 3x3 conv 8]}",
    "a path": "blocks: {g: {NAME: 3x3 conv out, y: [NAME, 3x3 conv out], merge: relu(NAME + y)}}\nnet: {a: g 8}",
    "an option": """\
blocks: {g: {let: {NAME: 4}, body: [1x1 conv NAME, 3x3 conv out], merge: body}}
net: {a: g 8, b: g 8 NAME 6, c: {block: g, out: 8, NAME: 2}}""",
    "an option that is a word": """\
blocks: {g: {let: {NAME: relu}, body: [3x3 conv out NAME, NAME], merge: NAME(body)}}
net: {a: g 8, b: g 8 NAME gelu}""",
    "a value of a variant": "let: {NAME: 8}\nvariants: {v: {NAME: 16}, u: {NAME: 4}}\nnet: {a: 3x3 conv NAME}",
}  # fmt: skip
every_spec = pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
every_word = pytest.mark.parametrize("word", WORDS)


def spec(text: str, name: str) -> str:
    return f"name: net\ninput: 3x16x16\n{text}\n".replace("NAME", name)


def load(text: str) -> resgraph.Plan:
    return resgraph.loads(text, "u" if "variants" in text else None)


def test_there_are_such_words() -> None:
    assert {"prelu", "grn", "attention", "position", "token"} <= set(WORDS)
    assert all(VOCABULARY[word].since == "0.2" for word in WORDS)


@every_word
@every_spec
def test_the_net_is_the_one_that_another_name_gives(
    text: str, word: str
) -> None:
    mine, other = (load(spec(text, name)) for name in (word, OTHER))
    assert _printed(mine, word) == _printed(other, OTHER)


def _printed(plan: resgraph.Plan, name: str) -> list[list[str]]:
    """The graph's words, whose columns are as wide as the names are long."""
    return [
        line.replace(name, "NAME").split()
        for line in str(plan.graph).splitlines()
    ]


@every_word
@every_spec
def test_there_is_one_warning(text: str, word: str) -> None:
    plan = load(spec(text, word))
    (warning,) = (
        w for w in lint(plan.spec, plan.graph) if w.code == "W015"
    )
    assert f"`{word}` is an op since version 0.2" in warning.message
    assert warning.span is not None and warning.span.written().startswith(
        word
    )
    plan = load(spec(text, OTHER))
    assert "W015" not in [w.code for w in lint(plan.spec, plan.graph)]


@every_word
@every_spec
def test_its_forms_are_the_same_net(text: str, word: str) -> None:
    mine = spec(text, word)
    expected = _printed(load(mine), word)
    for form in ("keep", "long", "short"):
        formed = reformat(Source("spec", mine), form)
        assert _printed(load(formed), word) == expected, formed


def test_it_is_the_op_in_other_files() -> None:
    plan = resgraph.loads(spec("net: {a: [3x3 conv 8, grn, prelu]}", ""))
    assert [node.op.op for node in plan.graph.nodes.values()][-2:] == [
        "grn",
        "prelu",
    ]


def test_a_word_of_the_first_version_names_nothing() -> None:
    for word in ("relu", "scale", "flatten"):
        with pytest.raises(SpecError, match="cannot name a row"):
            resgraph.loads(spec(f"net: {{{word}: 3x3 conv 8}}", ""))


def test_a_file_that_extends_one_with_such_a_name(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(spec(SPECS["a block"], "grn"))
    top = tmp_path / "top.yaml"
    top.write_text("extends: base.yaml\nname: top\nnet: {d: [grn 4]}\n")
    plan = resgraph.load(top)
    convs = {
        n.name: n.op.label()
        for n in plan.graph.nodes.values()
        if n.op.word == "conv"
    }
    assert convs["d.0.body.conv"] == "3x3 conv 4"
