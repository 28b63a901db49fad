"""What all ops have in common is worked out once, and not again in every class."""

from __future__ import annotations

from typing import get_type_hints

from resgraph.ops import VOCABULARY, Conv, Op


def test_class_variables_of_all_ops_are_not_evaluated_in_each() -> None:
    assert get_type_hints(Op) == {"op": str}
    assert Conv.family == "conv" and Conv.since == "0.1"


def test_they_are_no_fields_of_any_op() -> None:
    known = {name for name in vars(Op) if not name.startswith("_")}
    assert {"since", "autocast"} <= known
    for op in {*VOCABULARY.values()}:
        assert not (known - {"op"}) & op.fields().keys(), op
