"""How the class of an op is made of its text, and what it says of fields that cannot be."""

from __future__ import annotations

import gc
import sys
from typing import Annotated, Any, ClassVar, Literal

import pytest
from msgspec import Meta
from msgspec.structs import replace

from resgraph.ops import Conv, Family, Op, Upsample
from resgraph.ops.base import Sized
from resgraph.ops.record import FieldError

from .rows import OWN, ROWS


class _Wide(Op):
    family: ClassVar[Family] = "shape"
    width: Annotated[int, Meta(ge=1)]
    share: float = 0.5


class _Odd(Sized):
    odd: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.odd:
            raise ValueError("it is odd")


class _Both(_Odd, _Wide):
    op: Literal["both"] = "both"
    share: float = 1.0
    last: str = ""


class _Below(_Both):
    op: Literal["below"] = "below"
    share: Annotated[float, Meta(le=2)] = 2.0


def test_an_op_has_the_fields_of_all_its_bases_the_lowest_first() -> None:
    assert [*_Both.fields()] == ["op", "width", "share", "odd", "last"]
    assert [*_Below.fields()] == [*_Both.fields()]
    assert [f.default for f in _Below.fields().values()][2:] == [
        2.0,
        False,
        "",
    ]
    assert _Both(width=3).share == 1.0 and _Below(width=3).op == "below"


@pytest.mark.parametrize(
    ("given", "message", "key", "value"),
    [
        ({}, "Field required", "width", None),
        ({"share": "x"}, "Field required", "width", None),
        ({"width": 0}, "Input should be greater than or equal to 1", "width", 0),
        ({"width": 1, "share": 2.5}, "Input should be less than or equal to 2", "share", 2.5),
        ({"width": True}, "Input should be a valid integer", "width", True),
        ({"width": 1, "odd": 1}, "Input should be a valid boolean", "odd", 1),
        ({"width": 1, "op": "both"}, "Input should be 'below'", "op", "both"),
        ({"width": 1, "colour": "red"}, "Extra inputs are not permitted", "colour", "red"),
    ],
)  # fmt: skip
def test_the_first_field_that_cannot_be_is_named(
    given: dict[str, Any], message: str, key: str, value: object
) -> None:
    with pytest.raises(FieldError) as caught:
        _Below(**given)
    assert (str(caught.value), caught.value.key) == (message, key)
    assert caught.value.missing == (value is None)
    assert caught.value.missing or caught.value.value == value


def test_what_is_wrong_between_fields_is_in_the_ops_own_words() -> None:
    with pytest.raises(ValueError, match=r"^it is odd$") as caught:
        _Both(width=1, odd=True)
    assert type(caught.value) is ValueError
    with pytest.raises(ValueError, match=r"^it is odd$"):
        replace(_Both(width=1), odd=True)


def test_a_number_that_a_label_lacks_has_no_name() -> None:
    with pytest.raises(FieldError) as caught:
        Upsample()
    assert caught.value.missing and caught.value.key == ""


def test_the_place_in_a_size_is_found() -> None:
    with pytest.raises(FieldError) as caught:
        Conv(kernel=3, width=8, pad=(1, (2, 5000)))
    # of what is one number or two, the first is asked for
    assert (str(caught.value), caught.value.value) == (
        "Input should be a valid integer",
        (2, 5000),
    )
    with pytest.raises(FieldError) as caught:
        Conv(kernel=(3, 0), width=8)
    assert caught.value.value == 0


def test_garbage_is_collected_of_all() -> None:
    """What msgspec keeps of the types of all ops' fields outlives it."""
    made = [type(row.op) for row in ROWS + OWN]
    assert {Conv, Upsample} <= {*made}
    gc.collect()


def test_a_class_variable_of_a_base_is_no_field() -> None:
    """Though the text of its annotation means nothing where the op is."""
    space = {"__module__": "resgraph.ops.dense", "__annotations__": {"op": Literal["far"]}}  # fmt: skip
    made: Any = type(Op)("Far", (_Wide,), space)
    assert [*made.fields()] == ["op", "width", "share"]
    assert made(op="far", width=2).family == "shape"


def test_a_class_without_text_of_a_type_is_as_python_314_has_it() -> None:
    space = {
        "__module__": __name__,
        "__qualname__": "Made",
        "__annotate_func__": lambda form: {
            "op": Literal["made"],
            "width": int,
        },
        "op": "made",
    }
    if sys.version_info >= (3, 14):
        space["__annotate_func__"].__annotations__ = {}  # type: ignore[attr-defined]
    made: Any = type(Op)("Made", (Op,), space)
    assert made(width=2).width == 2 and made.phrases() == ("made",)
