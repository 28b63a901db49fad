"""What leads into blocks alone → their first path: the norm and activation of pre-activation (He
et al. 2016), the activation of a norm-free net times a number (Brock et al. 2021)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile

from ...collecting import among, by_name, of_type, present, without
from ...ops import Div, Mul, Op
from ..captured import CapturedOp
from ..numbers.factors import number_of
from .structure import (
    Branch,
    Region,
    RegionItem,
    StepTree,
    is_activation,
    is_called,
    leaves_of,
    product_of,
    sums,
    times_read,
)

_ONE: Mapping[str, Op] = {"*": Mul(left=1.0), "/": Div(right=1.0)}
"""The word of a product with a number, whichever, and what it is where it is missing."""
_Words = tuple[str, ...]


def prefixed(
    items: Sequence[RegionItem], outputs: AbstractSet[str]
) -> list[RegionItem]:
    """Steps before a block that starts two paths with them are its own, but for `outputs`.

    Where the blocks that change nothing begin their body so, a block that changes something shares
    them between its body and its shortcut."""
    begins = {*map(_beginning, of_type(Region, items))} - {()}
    shared: set[_Words] = set()
    found: list[RegionItem] = []
    for item in _released(items, {words[0] for words in begins}):
        if isinstance(item, Region):
            words, count = _before(begins, found, item)
            if words and outputs.isdisjoint(
                item.exit for item in found[-count:]
            ):
                shared.add(words)
                begin(item, _paths(_steps(found[-count:]), words))
                del found[-count:]
        found.append(item)
    for item in of_type(Region, found):
        _split(item, shared)
    return found


def begin(block: Region, paths: Sequence[Branch]) -> None:
    """Let a block begin with paths, from the last of which its others start."""
    for branch in block.branches:
        branch.start = branch.start or paths[-1].value
    block.branches[:0] = paths
    first, *_ = paths[0].steps
    block.entry = first.inputs[0]
    _know(block)


def _know(block: Region) -> None:
    """The steps that were made for it."""
    own = by_name(block.steps)
    if own.keys() - block.known.keys():
        block.known = {**block.known, **own}


def _released(
    items: Iterable[RegionItem], acts: Collection[str]
) -> Iterable[RegionItem]:
    """An activation behind a sum is the next block's where blocks begin with it."""
    for item in items:
        act = _taken_off(item, acts) if isinstance(item, Region) else None
        yield from [item, act] if act else [item]


def _taken_off(block: Region, acts: Collection[str]) -> CapturedOp | None:
    """The activation behind a block's sum, which has it no more."""
    merge, inner = block.merge, _inner(block.merge)
    if not isinstance(merge, tuple) or inner is merge or not sums(inner):
        return None
    act = merge[0]
    if act.op.label() not in acts:
        return None
    block.merge, block.exit = inner, act.inputs[0]
    return act


def _before(
    begins: Collection[_Words], found: Sequence[RegionItem], block: Region
) -> tuple[_Words, int]:
    """The most of these that stand before a block, and how many items they are."""
    for words in sorted(begins, key=len, reverse=True):
        for said in filter(None, (words, _unmultiplied(words))):
            if _words(found[-len(said) :]) == said and _shares(block, said):
                return words, len(said)
    return (), 0


def _unmultiplied(words: _Words) -> _Words:
    return tuple(without(words, _ONE))


def _words(items: Sequence[RegionItem]) -> _Words:
    return tuple(
        item.op.label()
        if isinstance(item, CapturedOp)
        else _times_word(product_of(item))
        for item in items
    )


def _times_word(product: CapturedOp | None) -> str:
    return getattr(product.op, "symbol", "") if product else ""


def _steps(items: Iterable[RegionItem]) -> list[CapturedOp]:
    """Steps, and products with numbers, as steps."""
    made = (
        item if isinstance(item, CapturedOp) else product_of(item)
        for item in items
    )
    return present(made)


def _beginning(block: Region) -> _Words:
    """What begins the one path beside an identity, before all layers with weights."""
    first = _beside_identity(block)
    if first is None:
        return ()
    light = [*takewhile(_is_light, first.items)]
    if len(light) < len(first.items):
        return _words(light)
    product = _times_word(_multiplied(block))
    return (*_words(light), product) if product else ()


def _is_light(item: RegionItem) -> bool:
    return isinstance(item, CapturedOp) and not item.op.weighted


def _beside_identity(block: Region) -> Branch | None:
    """The one path that reads what comes in, which the sum reads too."""
    merge = _inner(block.merge)
    if not sums(merge) or block.entry not in merge[1]:
        return None
    reading = [
        path for path in block.branches if _reads(path.start, block.entry)
    ]
    alone = len(reading) == 1 and reading[0].start is None
    return reading[0] if alone and reading == block.branches[:1] else None


def _inner(merge: StepTree) -> StepTree:
    """An equation without the activation of all of it."""
    if isinstance(merge, tuple) and is_activation(merge[0]):
        return merge[1][0]
    return merge


def _multiplied(block: Region) -> CapturedOp | None:
    """The product with a number by which the second path begins, where that alone reads the
    first."""
    first, *rest = block.branches
    starts = [branch.start for branch in rest]
    once = times_read((*starts, block.merge))[first.value] == 1
    if not once or not starts or not isinstance(starts[0], tuple):
        return None
    step, terms = starts[0]
    return (
        step
        if terms == (first.value,) and number_of(step.op) is not None
        else None
    )


def _reads(tree: StepTree | None, value: str) -> bool:
    return tree is None or value in leaves_of(tree)


def _shares(block: Region, words: _Words) -> bool:
    """Whether two paths or more start with what comes in, none of them with such words, and nothing
    else reads it."""
    begun = [path for path in block.branches if path.start is None]
    read = times_read((*block.starts, block.merge))[block.entry]
    first = [_words(path.items[: len(words)]) for path in begun]
    return (
        sums(block.merge) and read == len(first) > 1 and words not in first
    )


def _paths(steps: list[CapturedOp], words: _Words) -> list[Branch]:
    """The first path of a block; two where a number multiplies what no equation names."""
    if words[-1] not in _ONE:
        return [Branch(steps[-1].name, None, [*steps])]
    if len(steps) < len(words):
        steps.append(_once(steps[-1], _ONE[words[-1]]))
    *before, last, product = steps
    if before or not is_called(last):
        first = Branch(last.name, None, [*before, last])
        return [first, Branch(product.name, (product, (last.name,)), [])]
    tree = product, ((last, (last.inputs[0],)),)
    return [Branch(product.name, tree, [])]


def _once(step: CapturedOp, op: Op) -> CapturedOp:
    """A product with 1: a number of others of its kind."""
    name = f"{step.name}.once"
    return CapturedOp(name, op, (step.name,), step.shape, {}, step.module)


def _split(block: Region, shared: Collection[_Words]) -> None:
    """A block that changes nothing begins with a path as those that change something, so that both
    are of one kind."""
    words = _beginning(block)
    whole = next(iter(among(_whole(words), shared)), ())
    if not words or not whole:
        return
    first, *rest = block.branches
    count = len(_unmultiplied(words))
    own = _steps(first.items[:count])
    if words[-1] in _ONE:
        block.branches = [
            *_paths([*own, *_multiplying(block)], whole),
            *rest,
        ]
    else:
        paths = _paths(own, whole)
        first.items, first.start = first.items[count:], paths[-1].value
        block.branches = [*paths, first, *rest]
    _know(block)


def _multiplying(block: Region) -> Iterable[CapturedOp]:
    """The product by which the second path begins, which then begins behind it."""
    if product := _multiplied(block):
        block.branches[1].start = product.name
        yield product


def _whole(words: _Words) -> Iterable[_Words]:
    """What words are where a product may be missing."""
    return (words, *((*words, one) for one in _ONE))
