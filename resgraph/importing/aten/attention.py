"""Attention, as one call or spelled out: queries times keys, their softmax, times values."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from msgspec.structs import replace

from ...collecting import among
from ...ops import Concat, Mul, Part, ZeroPad, reduction
from ...ops.attention import Attention
from ...structs import Frozen
from ..program import AtenCall
from .axes import Layout, axis_of, flat, layout, sizes
from .convolutions import linear
from .places import Distances, roles, said_of_distances
from .reader import (
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateTensor,
    reads,
)

_EXACT = 1e-6
"""A scale is what it should be within this: files have it in float32."""


class Scores(Frozen):
    """What queries say of keys: their products times `factor`, and of `distances`; `shares` behind
    a softmax. `turned_over`: keys stand before queries."""

    q: AnyValue
    k: AnyValue
    factor: float = 1.0
    distances: Distances | None = None
    shares: bool = False
    turned_over: bool = False

    def alone(self, reader: Reader) -> ForeignValue:
        """What they are to all but the values."""
        raise reader.no(
            "it reads the scores of an attention, which the language keeps inside"
        )

    def ordered(self, reader: Reader, order: Sequence[int]) -> Scores:
        """As they are, or with their last two axes in each other's place."""
        *outer, rows, columns = range(len(order))
        if list(order) == [*outer, rows, columns]:
            return self
        if list(order) != [*outer, columns, rows]:
            self.alone(reader)
        return replace(self, turned_over=not self.turned_over)

    def softmax(self, reader: Reader, axis: int) -> Scores:
        """Over the keys."""
        if self.shares or axis != (-2 if self.turned_over else -1):
            raise reader.no(
                "of scores of an attention, over anything but its keys"
            )
        return replace(self, shares=True)


_POWERS = {"mul": 1, "div": -1}


def scored(reader: Reader, word: str, a: Any, b: Any) -> Scores:
    """Scores times a number, or over one, and with what queries say of distances."""
    scores, other = (a, b) if isinstance(a, Scores) else (b, a)
    if scores.shares or scores.distances is not None:
        scores.alone(reader)
    if (word, type(other)) == ("add", Distances) and not scores.turned_over:
        return replace(scores, distances=other)
    if isinstance(other, Real) and word in (
        _POWERS if scores is a else ("mul",)
    ):
        return replace(
            scores, factor=scores.factor * float(other) ** _POWERS[word]
        )
    raise reader.no(
        "of scores of an attention with what the language has no word for"
    )


def of_distances(reader: Reader, word: str, a: Any, b: Any) -> Distances:
    """The sum of what queries say of distances down and across."""
    both = isinstance(a, Distances) and isinstance(b, Distances)
    if not both or word != "add" or a.of != b.of:
        raise reader.no(
            "it reads what queries say of distances, outside of attention"
        )
    found: Distances = a.joined(b)
    return found


@reads("matmul", "bmm")
def matmul(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    a, b = given["self"], given.get("other", given.get("mat2"))
    if isinstance(b, StateTensor):
        return _with_weight(reader, call, a, b)
    if isinstance(a, Scores):
        return _attended(reader, a, b)
    if isinstance(b, Scores):
        turned = replace(b, turned_over=not b.turned_over)
        return _swapped(
            reader, _attended(reader, turned, _swapped(reader, a))
        )
    weighed = _weighed(reader, a, b, place=-1) or _weighed(
        reader, b, a, place=-2
    )
    return weighed or Scores(reader.placed(a), _swapped(reader, b))


def _weighed(
    reader: Reader, x: Any, shares: Any, place: int
) -> ForeignValue | None:
    """The sum of a map's cells, which that axis are, each times what a map of one channel has
    there; None where they are something else."""
    if not isinstance(x, ForeignValue) or not isinstance(
        shares, ForeignValue
    ):
        return None
    channels, *size = reader.shape(shares)
    cells = flat(layout((1, *size))[1:])
    one = channels == 1 and cells and flat(shares.axes) == cells
    if (
        not one
        or x.axes[place] != cells
        or list(reader.shape(x)[1:]) != size
    ):
        return None
    if shares.axes[-3 - place] != cells:
        return None
    step = reader.add(Mul(), x.step, shares.step).step
    axes = (
        *x.axes[:-2],
        *((x.axes[-2], ()) if place == -1 else ((), x.axes[-1])),
    )
    return replace(reader.add(reduction("sum", "cells"), step), axes=axes)


def _swapped(reader: Reader, x: Any) -> AnyValue:
    """With the last two axes in each other's place."""
    *outer, rows, columns = reader.whole(x)
    return reader.laid(reader.placed(x).step, (*outer, columns, rows))


def _with_weight(
    reader: Reader, call: AtenCall, a: Any, b: StateTensor
) -> Any:
    """A linear layer; of the queries of a head, what they say of distances."""
    x, weight = reader.placed(a), replace(b, axes=b.axes[::-1])
    if len(b.axes) != 2 or not weight.ordered:
        raise reader.no("with anything but the two axes of a matrix")
    rows, width = weight.shape
    shape, axes = reader.shape(x), reader.whole(x)
    if (
        axes[-1] == layout((width,))[0]
        and width < shape[0]
        and not weight.moved
    ):
        return said_of_distances(x.step, shape, axes, weight.key, rows)
    return linear(
        reader, call, {"input": x, "weight": weight, "bias": None}
    )


@reads("scaled_dot_product_attention")
def whole_attention(
    reader: Reader, call: AtenCall, given: Arguments
) -> AnyValue:
    mask, scale = given["attn_mask"], given["scale"]
    if given["dropout_p"] or given["is_causal"] or given.get("enable_gqa"):
        raise reader.no(
            "with dropout, a causal mask, or fewer keys than queries"
        )
    if mask is not None and not isinstance(mask, Distances):
        raise reader.no("with a mask")
    q, k = reader.placed(given["query"]), reader.placed(given["key"])
    width = sizes(reader.whole(q))[-1]
    factor = width**-0.5 if scale is None else float(scale)
    return _attended(
        reader, Scores(q, k, factor, mask, shares=True), given["value"]
    )


def _attended(reader: Reader, scores: Scores, values: Any) -> AnyValue:
    """Values by their shares: the whole is one op."""
    if not scores.shares or scores.turned_over:
        raise reader.no(
            "of scores of an attention without a softmax over its keys"
        )
    v = reader.placed(values)
    (q, one), (k, other) = (
        _unscaled(reader, _widened(reader, x, v))
        for x in (scores.q, scores.k)
    )
    axes = reader.whole(q)
    if not axes == reader.whole(k) == reader.whole(v):
        raise reader.no(_unlike(*map(reader.whole, (q, k, v))))
    heads, width = _heads(reader, q, axes), sizes(axes)[-1]
    ratio = scores.factor * one * other * width**0.5
    exact = abs(ratio - 1) < _EXACT
    tensors = _of_places(reader, scores.distances, q, exact=exact)
    if not exact:
        q = reader.kept(Mul(left=ratio), q)
    op = Attention(heads=heads, relative=tensors is not None)
    made = reader.add(op, _three(reader, (q, k, v)), tensors=tensors)
    return reader.laid(made.step, axes)


def _widened(reader: Reader, x: AnyValue, values: AnyValue) -> AnyValue:
    """Queries or keys of one head that have fewer channels than its values (SAGAN), with zeros
    beside them, which change no product."""
    own, axes = reader.whole(x), reader.whole(values)
    channels, *_ = reader.shape(values)
    least, *_ = reader.shape(x)
    ends = (
        own[-1] == layout((least,))[0],
        axes[-1] == layout((channels,))[0],
    )
    if not all(ends) or least >= channels:
        return x
    ones = (1,) * (len(reader.shape(x)) - 1)
    op = ZeroPad(width=channels, stride=ones)
    step = reader.add(op, x.step).step
    return reader.laid(step, (*own[:-1], axes[-1]))


def _unlike(queries: Layout, keys: Layout, values: Layout) -> str:
    """Why queries, keys and values are no attention of ours."""
    (many, wide), (places, same), (_, width) = (
        sizes(axes)[-2:] for axes in (queries, keys, values)
    )
    if many != places:
        return _ELSEWHERE.format(many, places)
    return _WIDER.format(width, wide) if wide == same != width else _ORDER


_ELSEWHERE = (
    "of {} queries and {} keys: in the language's `attention` each place has a query, a key and a"
    " value, and keys from elsewhere, as of cross-attention or of a smaller map, have no word"
)
_WIDER = (
    "of values of {} channels a head, and queries and keys of {}: the language's `attention` has"
    " heads whose queries, keys and values are equally wide"
)
_ORDER = (
    "of queries, keys and values whose channels or places lie in different orders: give all three"
    " the same views"
)


def _of_places(
    reader: Reader, distances: Distances | None, q: AnyValue, *, exact: bool
) -> dict[str, str] | None:
    """The tensors of what unscaled queries say of distances, where they do."""
    if distances is None:
        return None
    own = exact and distances.of == q.step and len(reader.shape(q)) == 3
    found = (
        roles(distances, reader.shape(q), reader.whole(q)) if own else None
    )
    return reader.need(
        found, "with other distances than those down and across a map"
    )


def _unscaled(reader: Reader, x: AnyValue) -> tuple[AnyValue, float]:
    """What was multiplied with a number, and that."""
    before, factor = reader.steps[x.step], 1.0
    while isinstance(before.op, Mul) and len(before.inputs) == 1:
        factor *= before.op.left or before.op.right or 1.0
        x = replace(x, step=before.inputs[0])
        before = reader.steps[x.step]
    return x, factor


def _heads(reader: Reader, x: AnyValue, axes: Layout) -> int:
    """Over how many equal parts of the channels queries lie, each over all cells."""
    *outer, rows, columns = axes
    channels, *_ = reader.shape(x)
    (width,) = sizes((columns,))
    heads = channels // width
    parts = [*reader.batch, *axis_of(0, heads, width)]
    own = sorted(flat(outer)) == sorted(parts)
    if (
        not own
        or columns != layout((width,))[0]
        or rows != flat(reader.own_axes(x)[1:])
    ):
        raise reader.no(
            "over anything but all cells, by equal parts of the channels: attention in windows"
            " (Swin), along one side of a map (axial) or over channels (XCA) has no word"
        )
    return heads


def _three(reader: Reader, parts: Sequence[AnyValue]) -> str:
    """The step of queries, keys and values in a row."""
    steps = [reader.steps[x.step] for x in parts]
    whole = steps[0].inputs
    thirds = [
        (Part(which=n, of=len(parts)), whole) for n in range(len(parts))
    ]
    if [(step.op, step.inputs) for step in steps] == thirds:
        return whole[0]
    return reader.add(Concat(), *(x.step for x in parts)).step


@reads("einsum")
def einsum(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Of two tensors, as the product of matrices that it is."""
    terms, _, out = given["equation"].replace(" ", "").partition("->")
    one, _, other = terms.partition(",")
    both = _axes(out, set(one) & set(other))
    summed = _axes(one, set(other) - set(out))
    rows = _axes(out, set(one) - set(other))
    columns = _axes(out, set(other) - set(one))
    if not len(rows) == len(columns) == len(summed) == 1 or "," in other:
        raise reader.no(
            "of anything but two matrices for each of some axes"
        )
    a, b = given["tensors"]
    left, right = both + rows + summed, both + summed + columns
    matrices = {
        "self": ordered(reader, a, [*map(one.index, left)]),
        "other": ordered(reader, b, [*map(other.index, right)]),
    }
    product = matmul(reader, call, matrices)
    return ordered(
        reader, product, [*map((both + rows + columns).index, out)]
    )


def _axes(term: str, these: set[str]) -> str:
    return "".join(among(term, these))


def ordered(reader: Reader, x: Any, order: Sequence[int]) -> Any:
    """With its axes in another order."""
    if isinstance(x, Scores):
        return x.ordered(reader, order)
    axes = reader.whole(x)
    return reader.laid(reader.placed(x).step, tuple(axes[d] for d in order))


@reads("arange", "gather")
def known(reader: Reader, call: AtenCall, given: Arguments) -> None:
    raise reader.no("of anything but what queries say of distances")
