"""Texts → trees with places, or frames compared whole; and no text at all that the reader cannot answer."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from promise import answers, parts

from resgraph.errors import Diagnostic, Source, Span, SpecError
from resgraph.language.yaml import reader
from resgraph.language.yaml.reader import Limits, decode, open_source, read
from resgraph.language.yaml.tree import (
    Mapping,
    Scalar,
    Sequence,
    plain_value,
)

SPECS = Path(__file__).parents[2] / "specs"
GOOD = """\
name: ResNet-50          # He et al. 2016
about: >
  Deep residual
  learning
input: 3x224x224
let: {e: 4, reps: [3, 4, 6, 3]}
blocks:
  bottleneck:
    body:  [1x1 conv out/4, '3x3 conv out/4 /stride', 1x1 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 7x7 conv 64 /2
  head:
  - global avg pool
  - fc 1000
ops: {bn: {eps: 1e-5}}
expect: {params: 25_557_032, depth: 50}
"""


def frames(text: str) -> str:
    """What the reader says of a text."""
    _, errors = read(Source("spec.yaml", text))
    return "\n\n".join(error.frame() for error in errors)


def codes(text: str) -> list[str]:
    _, errors = read(Source("spec.yaml", text))
    return [error.code for error in errors]


def tree_of(text: str) -> Mapping:
    tree, errors = read(Source("spec.yaml", text))
    assert errors == []
    assert tree is not None
    return tree


def value_of(text: str) -> Any:
    return plain_value(tree_of(f"key: {text}"))["key"]


def written(span: Span) -> str:
    """The text that a span covers."""
    lines = span.source.text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    return "\n".join(lines)[span.column - 1 :]


# -- what is read ------------------------------------------------------------------------------------------------


def test_a_spec_becomes_values() -> None:
    assert plain_value(tree_of(GOOD)) == {
        "name": "ResNet-50",
        "about": "Deep residual learning\n",
        "input": "3x224x224",
        "let": {"e": 4, "reps": [3, 4, 6, 3]},
        "blocks": {
            "bottleneck": {
                "body": [
                    "1x1 conv out/4",
                    "3x3 conv out/4 /stride",
                    "1x1 conv out linear",
                ],
                "merge": "relu(body + shortcut)",
            }
        },
        "net": {
            "conv1": "7x7 conv 64 /2",
            "head": ["global avg pool", "fc 1000"],
        },
        "ops": {"bn": {"eps": 1e-5}},
        "expect": {"params": 25_557_032, "depth": 50},
    }


def test_every_value_knows_its_place() -> None:
    tree = tree_of(GOOD)
    blocks = tree.entries["blocks"].value
    assert isinstance(blocks, Mapping)
    assert written(blocks.span).startswith("bottleneck:")
    assert written(blocks.span).endswith("relu(body + shortcut)")
    body = blocks.entries["bottleneck"].value
    assert isinstance(body, Mapping)
    body = body.entries["body"].value
    assert isinstance(body, Sequence)
    assert (
        written(body.span)
        == "[1x1 conv out/4, '3x3 conv out/4 /stride', 1x1 conv out linear]"
    )
    assert written(body.items[1].span) == "3x3 conv out/4 /stride", (
        "inside the quotes"
    )
    assert (body.items[1].span.line, body.items[1].span.column) == (9, 30)
    assert (body.flow, blocks.flow) == (True, False)
    assert (
        written(tree.entries["about"].value.span)
        == "Deep residual\n  learning"
    )
    net = tree.entries["net"].value
    assert isinstance(net, Mapping)
    assert (
        written(net.entries["head"].value.span)
        == "- global avg pool\n  - fc 1000"
    )


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "a: [😀 é, 'b']\n\n# é\nc:\t😀 \n",
        "a:\n- b\n- c",
    ],
)
def test_the_place_of_a_plain_text_holds_that_text(text: str) -> None:
    for part in parts(tree_of(text)):
        if isinstance(part, Scalar) and "\n" not in written(part.span):
            assert written(part.span) == part.text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"a \uD83D\uDE00\uD834\udd1e, b"', "a 😀𝄞, b"),
        (r'"\\\ud83d\ude00"', "\\😀"),
        (r"'\ud83d\ude00'", r"\ud83d\ude00"),
        (r"\ud83d\ude00 \\\ud83d\uDE00", r"\ud83d\ude00 \\\ud83d\uDE00"),
    ],
)
def test_a_pair_of_escapes_is_one_character(
    text: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (
        f"{{a: {text}, b: 1}}" if "," not in text else f"a: {text}\nb: 1"
    )
    tree = tree_of(whole)
    assert plain_value(tree) == {"a": value, "b": 1}
    assert written(tree.entries["a"].value.span) == text.strip("\"'")
    monkeypatch.setattr(reader, "LOADER", yaml.SafeLoader)
    assert tree_of(whole) == tree


@pytest.mark.parametrize("name", ["resnet", "densenet", "convnext"])
def test_the_two_loaders_agree(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(SPECS / f"{name}.yaml")
    fast = read(source)
    monkeypatch.setattr(reader, "LOADER", yaml.SafeLoader)
    assert read(source) == fast


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("-4", -4),
        ("+4", 4),
        ("0", 0),
        ("25_557_032", 25_557_032),
        ("9999999999999999999", 9_999_999_999_999_999_999),
        ("1e-4", 1e-4),
        ("1.0e-5", 1e-5),
        (".5", 0.5),
        ("-1.", -1.0),
        ("0.10", 0.1),
        ("1_000.5", 1000.5),
        ("0e0", 0.0),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("No", "No"),
        ("off", "off"),
        ("y", "y"),
        ("none", "none"),
        ("nulls", "nulls"),
        ("'010'", "010"),
        ('"true"', "true"),
        ("''", ""),
        ("3x3", "3x3"),
        ("1.2.3", "1.2.3"),
        ("reps.0", "reps.0"),
        ("-x", "-x"),
        ("2 x b 64 /2", "2 x b 64 /2"),
        ("1e", "1e"),
        (".", "."),
        ("concat(x, body)", "concat(x, body)"),
    ],
)
def test_values_by_the_core_schema(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


# -- what is refused, word for word ------------------------------------------------------------------------------


def test_a_comma_in_brackets() -> None:
    assert frames(
        "cat: {body: 3x3 conv out, merge: concat(x, body)}"
    ) == dedent("""\
        error[E009]: a comma cuts `concat(x, body)` in pieces
         --> spec.yaml:1:34
          |
        1 | cat: {body: 3x3 conv out, merge: concat(x, body)}
          |                                  ^^^^^^^^^^^^^^^
          = note: between `[ ]` or `{ }`, YAML ends a value at every comma
          = help: leave the comma out: `concat(x body)`""")


def test_a_repeated_key_and_an_ambiguous_number_come_at_once() -> None:
    assert (
        frames(
            "net:\n  conv1: 7x7 conv 64\n  head: fc 10\n  conv1: 3x3 conv 64\nlet: {w: 010}\n"
        )
        == dedent("""\
        error[E005]: duplicate key `conv1`
         --> spec.yaml:4:3
          |
        4 |   conv1: 3x3 conv 64
          |   ^^^^^
         ::: spec.yaml:2:3
          |
        2 |   conv1: 7x7 conv 64
          |   ^^^^^ first here
          = help: keep one of them

        error[E007]: `010` means different things to different readers
         --> spec.yaml:5:10
          |
        5 | let: {w: 010}
          |          ^^^ base 8 to some, base 10 to others
          = help: leave the zeros in front out; if text is meant, write `"010"`""")
    )


def test_nothing_where_a_value_belongs() -> None:
    assert (
        frames("shortcut: ~\nnet:\nhead: [a]")
        == dedent("""\
        error[E008]: `~` is not a word of the language
         --> spec.yaml:1:11
          |
        1 | shortcut: ~
          |           ^
          = help: write `none`

        error[E008]: `net` has no value
         --> spec.yaml:2:1
          |
        2 | net:
          | ^^^
          = help: write it after the colon, or on lines that are indented further""")
    )


def test_indexing_in_a_list() -> None:
    assert frames("net:\n  conv2: [reps[0] x block 64, b]") == dedent("""\
        error[E003]: brackets after a name do not work here: `reps[0]`
         --> spec.yaml:2:11
          |
        2 |   conv2: [reps[0] x block 64, b]
          |           ^^^^^^^
          = help: write `reps.0`""")


def test_a_list_that_is_not_closed() -> None:
    assert frames(
        "net:\n  head: [global avg pool, fc 1000\n  tail: x\n"
    ) == dedent("""\
        error[E003]: this list is not closed
         --> spec.yaml:2:9
          |
        2 |   head: [global avg pool, fc 1000
          |         ^ opened here
          = help: put a `]` at its end""")


def test_a_tab() -> None:
    assert frames("net:\n\tconv1: x") == dedent("""\
        error[E003]: a line is indented with a tab
         --> spec.yaml:2:1
          |
        2 |  conv1: x
          | ^ a tab
          = help: indent with spaces, two for each level""")


def test_a_character_that_cannot_be_seen() -> None:
    assert frames("name: Res\u202eNet") == dedent("""\
        error[E002]: the file holds U+202E RIGHT-TO-LEFT OVERRIDE, which cannot be seen
         --> spec.yaml:1:10
          |
        1 | name: Res�Net
          |          ^
          = help: take it out""")


def test_a_number_too_long() -> None:
    assert frames("let: {w: 25557032255570322555}") == dedent("""\
        error[E004]: this number has 20 digits, and the limit is 19
         --> spec.yaml:1:10
          |
        1 | let: {w: 25557032255570322555}
          |          ^^^^^^^^^^^^^^^^^^^^""")


def test_an_anchor_and_an_alias() -> None:
    assert (
        frames("a: &conv 3x3 conv 64\nb: *conv\n")
        == dedent("""\
        error[E006]: `&conv` is an anchor, which a spec does not have
         --> spec.yaml:1:4
          |
        1 | a: &conv 3x3 conv 64
          |    ^^^^^
          = help: take it out; if text is meant, put quotes around it

        error[E006]: `*conv` is an alias, which a spec does not have
         --> spec.yaml:2:4
          |
        2 | b: *conv
          |    ^^^^^
          = help: write the value out, or name it in `let:`; if text is meant, put quotes around it""")
    )


def test_an_empty_file() -> None:
    assert (
        frames("# to do\n")
        == dedent("""\
        error[E003]: the file says nothing
         --> spec.yaml:1:1
          |
        1 | # to do
          | ^
          = help: a spec begins with lines such as `name: ResNet-50` and `input: 3x224x224`""")
    )


@pytest.mark.parametrize(
    ("text", "code", "message", "place"),
    [
        ("a: b: c", "E003", "a second colon on one line", ":"),
        ("a: 1\nfoo\nb: 2", "E003", "this line is not `name: value`", "foo"),
        ("a:\n  b:3x3 conv\n  c: 1", "E003", "this line is not `name: value`", "b:3x3 conv"),
        ("a: 1\n  b: 2", "E003", "this key is indented below a key that has a value", "b"),
        ("a:\n  b: 1\n c: 2", "E003", "this line is indented like none above it", "c"),
        ("a:\n  - 1\n  b: 2", "E003", "a list goes on with `-`, and this line has none", "b"),
        ("a: b\n- c", "E003", "a key is expected here, not an item of a list", "-"),
        ("a: - b", "E003", "a list with `-` cannot begin on this line", "-"),
        ("a: {b: 1", "E003", "this map is not closed", "{"),
        ("a: [b}", "E003", "a list that begins with `[` ends with `]`", "}"),
        ("a: [b]]", "E003", "unmatched `]`", "]"),
        ("a: [b,,c]", "E003", "a value cannot begin with `,`", ","),
        ("a: {b: c: d}", "E003", "a second colon in one entry", ":"),
        ("a: 'b", "E003", "this quote is not closed", "'"),
        ("a: 'b' c", "E003", "a value has ended, and more follows", "c"),
        (r'a: "\q"', "E003", r"invalid escape `\q`", r"\q"),
        (r'a: "\U00110000"', "E003", r"invalid escape `\U00110000`", r"\U00110000"),
        ("a: @b", "E003", "a value cannot begin with `@`", "@"),
        ("a: |b\n c", "E003", "nothing but a comment can follow `|` or `>`", "b"),
        ("- a\n- b", "E003", "a spec is a map of `name: value` lines, and this is a list", "- a\n- b"),
        ("ab", "E003", "a spec is a map of `name: value` lines, and this is text", "ab"),
        ("4: a", "E005", "a key is a name, and `4` is a number", "4"),
        ("true: a", "E005", "a key is a name, and `true` is a truth value", "true"),
        ("010: a", "E005", "a key is a name, and `010` is not", "010"),
        ("? [a]\n: b", "E005", "a key is a name, and this is a list", "[a]"),
        ("? {a: 1}\n: b", "E005", "a key is a name, and this is a map", "{a: 1}"),
        ("'': a", "E005", "a key is missing here", ""),
        ("<<: {a: 1}", "E006", "`<<` is a merge key, which a spec does not have", "<<"),
        ("a: !!int 3", "E006", "`!!int` is a tag, which a spec does not have", "!!int"),
        ("a: !<x", "E006", "a spec has no tags", "!"),
        ("*a : b", "E006", "`*a` is an alias, which a spec does not have", "*a"),
        ("a: 1\n---\nb: 2", "E006", "a second document begins here", "---"),
        ("%YAML 1.1\n---\na: 1", "E006", "a spec has no `%` lines", "%YAML 1.1"),
        ("a: 12:30", "E007", "`12:30` means different things to different readers", "12:30"),
        ("a: 0b11", "E007", "`0b11` means different things to different readers", "0b11"),
        ("a: 0x1F", "E007", "`0x1F` means different things to different readers", "0x1F"),
        ("a: 0o17", "E007", "`0o17` means different things to different readers", "0o17"),
        ("a: 1__0", "E007", "`1__0` means different things to different readers", "1__0"),
        ("a: 2015-12-10", "E007", "`2015-12-10` means different things to different readers", "2015-12-10"),
        ("a: -.inf", "E007", "`-.inf` is not a number that a network can use", "-.inf"),
        ("a: .nan", "E007", "`.nan` is not a number that a network can use", ".nan"),
        ("a: 1e999", "E004", "`1e999` is too large for a float, which goes from 5e-324 to 1.8e308", "1e999"),
        ("a: 1e-999", "E004", "`1e-999` is too small for a float, which goes from 5e-324 to 1.8e308", "1e-999"),
        ("a: null", "E008", "`null` is not a word of the language", "null"),
        ("a: {b, c: 1}", "E008", "`b` has no value", "b"),
        ("a:\n  -\n  - b", "E008", "an item of the list is missing here", "-"),
        ("a: [conv max(8, in/4), b]", "E009", "a comma cuts `conv max(8, in/4)` in pieces", "conv max(8, in/4)"),
        ("a: [f(x, b]", "E009", "`f(x, b` opens a bracket that is not closed", "f(x, b"),
        ("a: [b), c]", "E009", "`b)` closes a bracket that was not opened", "b)"),
        ("a: {b: f(x, y: 1, z), c: 2}", "E009", "a comma cuts `f(x, y: 1, z)` in pieces", "f(x, y: 1, z)"),
        (r'a: "b\u200b"', "E002", "an escape stands for U+200B ZERO WIDTH SPACE, which cannot be seen", r"b\u200b"),
        (r'a: "b\r\n"', "E002", "an escape stands for U+000D CARRIAGE RETURN, which cannot be seen", r"b\r\n"),
        (r'a: "\ud83d b"', "E003", r"invalid escape `\ud83d`", r"\ud83d"),
        (r'a: "\ud83d\ude00\ude00"', "E003", r"invalid escape `\ude00`", r"\ude00"),
        (r'a: "\\ud83d\ude00"', "E003", r"invalid escape `\ude00`", r"\ude00"),
        ("a: b\rc: d", "E002", "the file holds U+000D CARRIAGE RETURN, which cannot be seen", "\r"),
        ("a: \x00", "E002", "the file holds U+0000 NUL, which cannot be seen", "\x00"),
        ("a: \ud800", "E002", "the file holds U+D800 (half of a surrogate pair), which cannot be seen", "\ud800"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_error_at_its_place(
    text: str, code: str, message: str, place: str
) -> None:
    _, errors = read(Source("spec.yaml", text))
    assert [(error.code, error.message) for error in errors] == [
        (code, message)
    ]
    assert errors[0].span is not None
    assert written(errors[0].span) == place


def test_what_is_wrong_is_mended_so_that_reading_goes_on() -> None:
    text = "a: [f(x, y), b]\nb: {m: g(x, y), n: 1}\nc: ~\nd:\ne: 010\na: 2\nf: yes\n1: g"
    tree, errors = read(Source("spec.yaml", text))
    assert tree is not None
    assert plain_value(tree) == {
        "a": ["f(x y)", "b"],
        "b": {"m": "g(x y)", "n": 1},
        "c": "none",
        "d": "none",
        "e": "010",
        "f": "yes",
    }
    assert [error.code for error in errors] == [
        "E009",
        "E009",
        "E008",
        "E008",
        "E007",
        "E005",
        "E005",
    ]


def test_there_is_no_tree_where_reading_broke_off() -> None:
    assert read(Source("spec.yaml", "a: 1\nb: ["))[0] is None
    assert codes("a: ~\nb: [c, d: {e") == ["E008", "E003"], (
        "what came before is told too, what broke off is not"
    )


def test_no_more_mistakes_are_told_than_anyone_would_read() -> None:
    _, errors = read(Source("spec.yaml", "a: [" + "~, " * 1000 + "b]"))
    assert len(errors) == 51
    assert (
        errors[-1].message
        == "50 mistakes are shown, and the file is read no further"
    )


# -- files -------------------------------------------------------------------------------------------------------


def refusal(path: Path, limits: Limits = reader.LIMITS) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        open_source(path, limits)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_a_byte_order_mark_and_windows_line_ends_are_fine(
    tmp_path: Path,
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    tree, errors = read(open_source(path))
    assert tree is not None
    assert (plain_value(tree), errors) == ({"a": 1, "b": "x"}, [])
    assert str(tree.entries["b"].value.span).endswith("spec.yaml:2:4")


def test_what_is_no_file_is_refused_unread(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refusal(pipe).message == f"cannot read `{pipe}`: it is a pipe"
    assert (
        refusal(tmp_path).message
        == f"cannot read `{tmp_path}`: it is a directory"
    )
    assert (
        refusal(Path("/dev/zero")).message
        == "cannot read `/dev/zero`: it is a device"
    )
    assert (
        refusal(tmp_path / "none.yaml").message
        == f"cannot read `{tmp_path}/none.yaml`: there is no such file"
    )
    assert (
        refusal(Path("a\0b")).message
        == "cannot read `a�b`: embedded null byte"
    )
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert (
        refusal(loop).message
        == f"cannot read `{loop}`: too many levels of symbolic links"
    )


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("a: 1\n" * 3)
    assert open_source(path, Limits(size=15)).text == "a: 1\n" * 3
    problem = refusal(path, Limits(size=14))
    assert problem.code == "E004"
    assert (
        problem.message
        == f"cannot read `{path}`: it is larger than 14 bytes, which is the limit"
    )


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(SpecError) as caught:
        decode("name: é\nabout: ".encode() + b"caf\xe9\n", "spec.yaml")
    assert str(caught.value) == dedent("""\
        error[E002]: byte 0xE9 at offset 19 is not UTF-8
         --> spec.yaml:2:11
          |
        2 | about: caf�
          |           ^
          = help: save the file as UTF-8""")
    with pytest.raises(SpecError, match="it is UTF-16"):
        decode("a: 1".encode("utf-16"), "spec.yaml")
    with pytest.raises(
        SpecError, match="byte 0xED at offset 3 is not UTF-8"
    ):
        decode(b"a: \xed\xa0\x80", "spec.yaml")


# -- any text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{a: " * 100_000, "E004"),
        ("- " * 100_000, "E004"),
        ("[" * 1_000_000, "E004"),
        ("[? " * 300_000, "E004"),
        ("a: &a [x]\nb: [" + "*a, " * 99_000 + "]", "E006"),
        ("a: [" + "1, " * 300_000 + "]", "E004"),
        ("a: " + "1" * 1_000_000, "E004"),
        ("a: " + "1:" * 400_000 + "1", "E007"),
        ("a: 0" + "1_" * 400_000, "E007"),
        ("a: [" + "f(x, " * 99_000 + "]", "E009"),
        ('a: "' + "\n" * 1_000_000, "E003"),
        ("x\n" * 500_000 + "a: b", "E003"),
        ("a: 1\n" * 200_000, "E005"),
        ("---\n" * 200_000, "E006"),
        ("\u200b" * 300_000, "E002"),
        ("a" * 2**20 + "b", "E004"),
    ],
    # whole ones are 18 MB of names, which workers and pytest tell each other for each phase
    ids=lambda value: value[:12],
)
def test_hostile_texts_are_answered_in_time_and_space(
    text: str, code: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    _, errors = read(Source("spec.yaml", text))
    told = "\n".join(error.frame() for error in errors)
    assert errors[0].code == code
    assert time.process_time() - start < 6, (
        "2 s are promised; a busy machine costs up to three times as much"
    )
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        < 200 * 1024
    ), "KiB"
    assert len(told) < 30_000


_PIECES = st.sampled_from(
    [
        *"[]{}()|>'\"&*!%@`?:,-#~<=_0123456789.+ \n\t\\é😀",
        ": ",
        "- ",
        "\n  ",
        ", ",
        "a",
        "null",
        "true",
        "<<",
        "---\n",
        "010",
        "12:30",
        "concat(x, y)",
        "reps[0]",
        "...\n",
        "\r\n",
        "\ufeff",
        "\x1b",
        "\u2028",
        "\ud800",
        "\\u202e",
    ]
)
_LOADERS = st.sampled_from(["CSafeLoader", "SafeLoader"])


@settings(deadline=None)
@given(text=st.text(), loader=_LOADERS)
@example("", "CSafeLoader")
def test_any_text_is_answered(text: str, loader: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LOADER", getattr(yaml, loader))
        answers(text)


@settings(deadline=None)
@given(text=st.lists(_PIECES, max_size=40).map("".join), loader=_LOADERS)
def test_any_yaml_like_text_is_answered(text: str, loader: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LOADER", getattr(yaml, loader))
        answers(text)


@settings(deadline=None)
@given(data=st.data(), loader=_LOADERS)
def test_any_mutation_of_a_good_spec_is_answered(
    data: st.DataObject, loader: str
) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = (
            text[:start]
            + data.draw(_PIECES | st.just(text[start:end] * 2))
            + text[end:]
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LOADER", getattr(yaml, loader))
        answers(text)


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_text_or_a_spec_error(data: bytes) -> None:
    if data.startswith(b"\xff\xfe") or data.decode(
        errors="replace"
    ) != data.decode(errors="ignore"):
        with pytest.raises(SpecError, match="E002"):
            decode(data, "spec.yaml")
    else:
        answers(decode(data, "spec.yaml").text)
