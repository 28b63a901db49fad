"""How the mistakes of a spec are told: all at once, in order, each once, and never a mistake with its consequences."""

from __future__ import annotations

from nets import mistakes, spec, told

from resgraph.errors import MOST_TOLD, Diagnostic, Source, Span, in_order

FILE = Source("a.yaml", "one: [two, three]\nfour: five\n")
OTHER = Source("b.yaml", "one: [two, three]\nfour: five\n")


def at(line: int, column: int, length: int = 1, source: Source = FILE) -> Span:
    return Span(source, line, column, line, column + length)


def codes(*found: tuple[str, Span | None]) -> list[str]:
    return [problem.code for problem in in_order(Diagnostic(code, "wrong", span) for code, span in found)]


def test_from_top_to_bottom() -> None:
    assert codes(("E012", at(2, 1)), ("E010", at(1, 6)), ("E011", at(1, 1))) == ["E011", "E010", "E012"]


def test_file_by_file() -> None:
    assert codes(("E010", at(2, 1, source=OTHER)), ("E011", at(1, 1)), ("E012", at(1, 1, source=OTHER))) == [
        "E012", "E010", "E011",
    ]  # fmt: skip


def test_what_has_no_place_comes_first() -> None:
    assert codes(("E010", at(1, 1)), ("E001", None)) == ["E001", "E010"]


def test_equal_ones_once() -> None:
    assert codes(("E010", at(1, 1)), ("E010", at(1, 1))) == ["E010"]


def test_on_the_same_characters_the_first_is_the_cause() -> None:
    assert codes(("E023", at(1, 1, 3)), ("E034", at(1, 1, 3))) == ["E023"]
    assert codes(("E023", at(1, 1, 3)), ("E034", at(1, 1, 2))) == ["E023", "E034"]


def test_in_what_yaml_could_not_read_nothing_more_is_wrong() -> None:
    assert codes(("E006", at(1, 6, 11)), ("E010", at(1, 8)), ("E011", at(2, 1))) == ["E006", "E011"]
    assert codes(("E022", at(1, 6, 11)), ("E010", at(1, 8))) == ["E022", "E010"]


def test_two_missing_keys_at_one_place_are_two() -> None:
    missing = [Diagnostic("E021", f"`{name}` is missing", at(1, 1)) for name in ("name", "net")]
    assert len(in_order(missing)) == 2


def test_a_limit() -> None:
    many = [Diagnostic("E010", "wrong", at(line, 1)) for line in range(1, 200)]
    found = in_order(many)
    assert len(found) == MOST_TOLD + 1
    assert (found[-1].code, found[-1].message) == ("E004", "50 mistakes are told, and there are more")


def test_labels_shapes_and_use_in_one_go() -> None:
    top = "let: {v: 1}\nblocks:\n  b: {body: 3x3 conv out, other: relu, merge: body + x}\n"
    net = "one: 3x3 convv 8\ntwo: [input, 3x3 conv 8/2]\nthree: [input, b 32]\nfour: 3x3 conv 5 groups 5"
    assert told(spec(net, top=top)) == [
        ("E034", "v"), ("E034", "other"), ("E040", "body + x"), ("E034", "one"), ("E011", "convv"), ("E034", "two"),
        ("E015", "8/2"),
    ]  # fmt: skip


def test_what_follows_from_a_mistake_is_silent() -> None:
    assert told(spec("one: 3x3 convv 8\ntwo: 3x3 conv in\nthree: [fc 3, 3x3 conv 8]"))[0] == ("E011", "convv")
    assert told(spec("one: 3x3 conv w/2\ntwo: bottleneck 32\nthree: [global avg pool, fc 10]")) == [("E030", "w")]
    assert told(spec("one: [3x3 conv 8 groups 3, 5 x basic 7, part 0 of 2]")) == [("E042", "3x3 conv 8 groups 3")]


def test_every_mistake_of_yaml_and_of_the_rest_of_the_file() -> None:
    text = "name: a\nname: b\ninput: 3x8x8\nnet:\n  one: 3x3 convv 8\n  two: ~\n"
    found = [(problem.code, problem.span.line) for problem in mistakes(text) if problem.span]
    assert found == [("E005", 2), ("E011", 5), ("E008", 6)]
