"""What all ops have in common is worked out once, and not again in every class."""

from __future__ import annotations

from resgraph.ops import VOCABULARY, Conv, Op


def test_class_variables_of_all_ops_are_not_evaluated_in_each() -> None:
    assert {"family", "role", "since", "aliases"} <= Op.__class_vars__
    assert not Op.__class_vars__ & Op.__annotations__.keys()


def test_they_are_no_fields_of_any_op() -> None:
    for op in {*VOCABULARY.values()}:
        assert not Op.__class_vars__ & op.model_fields.keys(), op
        assert {"family", "since"} <= op.__class_vars__, op
    assert Conv.family == "conv" and Conv.since == "0.1"
