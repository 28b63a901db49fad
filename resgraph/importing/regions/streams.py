"""Paths through which several values flow side by side → blocks that read several and give several
(HRNet, Wang et al. 2019).

Paths are laid out by how many joins are on the longest way to them. Where all values that are alive
behind some joins come out of the last of these, the net can be cut."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import cached_property
from itertools import combinations, pairwise, takewhile, zip_longest

from msgspec import Struct
from msgspec.structs import replace

from ...collecting import by_key, each_name, flatten, without
from ...structs import Frozen
from ..captured import Captured, CapturedOp
from .structure import (
    Branch,
    RegionItem,
    StepTree,
    leaves_of,
    times_read,
)

_Equation = tuple[CapturedOp, tuple[StepTree, ...]]
_MOST = 8
"""More streams than these are no rows."""


class StreamBlock(Struct, dict=True):
    """Paths between two cuts; they are in an order in which each reads earlier ones."""

    reads: tuple[str, ...]
    branches: list[Branch]
    gives: tuple[str, ...]

    @cached_property
    def users(self) -> Mapping[str, list[Branch]]:
        """The paths that read each value."""
        return by_key(
            (value, b) for b in self.branches for value in _reads(b)
        )

    @cached_property
    def held(self) -> Mapping[str, Branch]:
        """The paths that one equation alone reads."""
        return {
            branch.value: branch
            for branch in self.branches
            if self._holds(branch)
        }

    def _holds(self, branch: Branch) -> bool:
        users = self.users[branch.value]
        alone = len(users) == 1 and isinstance(users[0].start, tuple)
        return alone and isinstance(branch.start, str)

    @cached_property
    def roots(self) -> Sequence[set[str]]:
        """What each value that comes out rests on, of those that go in."""
        roots = {value: {value} for value in self.reads}
        for branch in self.branches:
            roots[branch.value] = set().union(
                *map(roots.__getitem__, _reads(branch))
            )
        return [*map(roots.__getitem__, self.gives)]

    @property
    def joins(self) -> bool:
        """Whether some of its paths meet; else it only leads to streams."""
        return any(len(_reads(branch)) > 1 for branch in self.branches)

    @property
    def exchanges(self) -> bool:
        """Whether two of the values that come out rest on the same two that go in, or one goes on,
        and feeds the other."""
        pairs = combinations(self.roots, 2)
        return self.runs_on or any(len(a & b) > 1 for a, b in pairs)

    @property
    def runs_on(self) -> bool:
        """Whether one of two goes on, and feeds a sum that goes on beside it (WaveNet's skips)."""
        one, *rest = sorted(self.roots, key=len)
        return len(one) == 1 and [*map(len, rest)] == [2] == [
            len(self.reads)
        ]


def _reads(branch: Branch) -> set[str]:
    return {*leaves_of(branch.start)}


def flowing(rows: Iterable[Iterable[StreamBlock]]) -> set[str]:
    """The values that come out of the paths of some rows."""
    return {path.value for path in _paths(rows)}


def _paths(rows: Iterable[Iterable[StreamBlock]]) -> Iterator[Branch]:
    blocks = flatten(rows)
    return flatten(block.branches for block in blocks)


class CutStreams(Struct):
    """Rows of such blocks, the paths that lead to them, and those behind them."""

    lead: list[Branch] = []
    rows: list[list[StreamBlock]] = []
    rest: list[Branch] = []

    def ends(self, outputs: Collection[str]) -> bool:
        """Whether no output is a value within a row, or within an equation there."""
        ends = flatten(row[-1].gives for row in self.rows)
        made = flatten(path.steps for path in _paths(self.rows))
        inner = {*outputs} - {*ends}
        return inner.isdisjoint(each_name(made))


def streams(
    entry: str, branches: list[Branch], net: Captured
) -> CutStreams:
    """Of the paths of a net behind one value, as far as something is exchanged from the first cut
    on: rows begin with what makes their streams, and behind a stream that comes out. There are none
    where layers share a weight, which rows of one value say by `again`."""
    lead = [*_leading(entry, branches)]
    entry = lead[-1].value if lead else entry
    layers = _Layers(entry, branches[len(lead) :], net)
    blocks = [*_exchanging([*_forked(layers.blocks())])]
    found = CutStreams(lead, rest=layers.behind(len(blocks)))
    for parts in blocks:
        before = found.rows[-1][-1].gives if found.rows else layers.given
        if len(parts) > 1 or layers.given.intersection(before):
            found.rows.append([])
        found.rows[-1] += parts
    ends = found.rows and found.ends(layers.given) and not net.shares
    return found if ends else CutStreams(rest=branches)


def _leading(entry: str, branches: Sequence[Branch]) -> Iterator[Branch]:
    """The paths that follow a value one after another, as far as nothing is beside them."""
    for place, branch in enumerate(branches):
        readers = [
            each for each in branches[place:] if entry in _reads(each)
        ]
        if readers != [branch] or branch.start != entry:
            return
        yield branch
        entry = branch.value


def _exchanging(
    blocks: Sequence[list[StreamBlock]],
) -> Iterator[list[StreamBlock]]:
    """Those from the first on that exchange something, or begin a sum that runs on beside what
    feeds it."""
    begins = len(blocks) > 1 and blocks[1][-1].runs_on
    if begins and len(blocks[0][-1].reads) == 1:
        yield blocks[0]
        blocks = blocks[1:]
    yield from takewhile(_exchanges, blocks)


def _exchanges(parts: Sequence[StreamBlock]) -> bool:
    return parts[-1].exchanges and len(parts[-1].gives) <= _MOST


class _Layers(Struct, dict=True):
    """Paths by the number of joins on the longest way to each, those that join nothing as late as
    what reads them. They all rest on `entry`."""

    entry: str
    whole: Sequence[Branch]
    net: Captured

    @cached_property
    def places(self) -> Mapping[str, int]:
        return {name: n for n, name in enumerate(self.net.steps)}

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """How many joins are on the longest way to each value of the net."""
        found: dict[str, int] = {}
        for step in self.net.steps.values():
            before = max(map(found.__getitem__, step.inputs), default=0)
            found[step.name] = before + (len({*step.inputs}) > 1)
        return found

    def _parted(self, branch: Branch) -> list[Branch]:
        return _parted(branch, self.depths)

    @cached_property
    def paths(self) -> Sequence[Branch]:
        parts = flatten(map(self._parted, self.whole))
        return sorted(parts, key=lambda path: self.places[path.value])

    @cached_property
    def joins(self) -> set[str]:
        return {path.value for path in self.paths if len(_reads(path)) > 1}

    @cached_property
    def taps(self) -> list[Branch]:
        """The paths that nothing reads, which only give what comes out."""
        read = {*flatten(map(_reads, self.paths))} | self.joins
        return [path for path in self.paths if path.value not in read]

    @cached_property
    def given(self) -> set[str]:
        """What comes out, and what paths begin with that do nothing else."""
        return {*self.net.outputs}.union(*map(_reads, self.taps))

    @cached_property
    def users(self) -> Mapping[str, list[str]]:
        paths = without(self.paths, self.taps)
        return by_key(
            (value, path.value) for path in paths for value in _reads(path)
        )

    @cached_property
    def layer(self) -> Mapping[str, int]:
        found = {self.entry: 0}
        for path in self.paths:
            early = max(map(found.__getitem__, _reads(path)))
            found[path.value] = early + (path.value in self.joins)
        last = 1 + max(found.values())
        loose = (
            p.value
            for p in reversed(self.paths)
            if p.value not in self.joins
        )
        for value in loose:
            later = map(found.__getitem__, self.users[value])
            found[value] = min(later, default=last)
        return found

    @cached_property
    def cuts(self) -> Mapping[int, tuple[str, ...]]:
        """The layers behind which nothing is alive but what several joins of the last give."""
        inner = range(1, 1 + max(self.layer.values()))
        alive = {
            layer: tuple(filter(self._alive(layer), self.layer))
            for layer in inner
        }
        ends = {
            n: own
            for n, own in alive.items()
            if len(own) > 1 and self._made(n, own)
        }
        return {0: (self.entry,), **ends}

    def _alive(self, layer: int) -> Callable[[str], bool]:
        def alive(value: str) -> bool:
            later = (self.layer[user] for user in self.users[value])
            given = value in self.given and self.layer[value] == layer
            return given or self.layer[value] <= layer < max(
                later, default=0
            )

        return alive

    def _made(self, layer: int, values: Iterable[str]) -> bool:
        """Whether values are all of joins of a layer."""
        return all(
            self.layer[v] == layer and v in self.joins for v in values
        )

    def blocks(self) -> list[StreamBlock]:
        """What lies between two cuts, from the first value on."""
        return [
            StreamBlock(
                reads,
                _together([*self._between(start, stop)], gives),
                gives,
            )
            for (start, reads), (stop, gives) in pairwise(self.cuts.items())
        ]

    def _between(self, start: int, stop: int) -> Iterator[Branch]:
        return (
            path
            for path in self.paths
            if start < self.layer[path.value] <= stop
        )

    def behind(self, count: int) -> list[Branch]:
        """The paths that are not of the first so many blocks, as they were."""
        own = {path.value for path in self._between(0, [*self.cuts][count])}
        found: list[Branch] = []
        for whole in self.whole:
            parts = self._parted(whole)
            found += _together([p for p in parts if p.value not in own])
        return sorted(
            found, key=lambda branch: self.places[branch.first.name]
        )


def _parted(branch: Branch, depths: Mapping[str, int]) -> list[Branch]:
    """A path as the equations that it begins with, each of which may be a stream, and what is
    behind them."""
    if branch.start is None or isinstance(branch.start, str):
        return [branch]
    trees: list[_Equation] = []
    trees.append(_equation(branch.start, trees, depths))
    found = [Branch(step.name, (step, terms), []) for step, terms in trees]
    behind = Branch(branch.value, found[-1].value, branch.items)
    return [*found, behind] if branch.items else found


def _equation(
    tree: _Equation, inner: list[_Equation], depths: Mapping[str, int]
) -> _Equation:
    """An equation over the values of those within it, which join `inner`: a sum of sums is one, but
    for one that runs on beside what its later terms rest on (WaveNet's skips)."""
    step, terms = tree
    latest = max(map(depths.__getitem__, _values(terms)), default=0)
    own: list[StepTree] = []
    for term in terms:
        said = (
            term
            if isinstance(term, str)
            else _equation(term, inner, depths)
        )
        if not isinstance(said, str) and (
            _is_apart(said, step) or depths[said[0].name] <= latest
        ):
            inner.append(said)
            said = said[0].name
        own.append(said)
    return step, tuple(own)


def _values(terms: Sequence[StepTree]) -> Iterator[str]:
    """What an equation reads itself."""
    yield from (term for term in terms if isinstance(term, str))


def _is_apart(tree: _Equation, step: CapturedOp) -> bool:
    joins = len(step.inputs) > 1 and len({*leaves_of(tree)}) > 1
    return joins and type(tree[0].op) is not type(step.op)


def _together(
    parts: Sequence[Branch], apart: Collection[str] = ()
) -> list[Branch]:
    """Such parts as paths again, but for the equations that are to stay."""
    once, trees = _once(parts) - {*apart}, dict[str, StepTree]()
    found: list[Branch] = []
    for part in parts:
        start = _over(part.start or "", trees)
        if part.value in once:
            trees[part.value] = start
        else:
            found.append(replace(part, start=start))
    return found


def _once(parts: Sequence[Branch]) -> set[str]:
    """The values of equations that are read once."""
    uses = times_read(part.start for part in parts)
    return {p.value for p in filter(_equates, parts) if uses[p.value] == 1}


def _equates(part: Branch) -> bool:
    return isinstance(part.start, tuple) and not part.items


def _over(tree: StepTree, trees: Mapping[str, StepTree]) -> StepTree:
    """An equation with others in place of their values."""
    if isinstance(tree, str):
        return trees.get(tree, tree)
    return tree[0], tuple(_over(term, trees) for term in tree[1])


def _forked(blocks: Sequence[StreamBlock]) -> Iterator[list[StreamBlock]]:
    """Blocks, before each what makes its streams: the layers of a path that some stream of it, or
    of the block behind it, has not; else those of all streams before their blocks."""
    for block, after in zip_longest(blocks, blocks[1:]):
        begun = _begun(block)
        like = (*begun, *(_begun(after) if after else ()))
        own = min((stream.words for stream in like), key=len)
        leads = [stream.lead(own) for stream in begun]
        if len(block.reads) == 1 and not any(leads):
            leads = [stream.layers() for stream in begun]
        yield _led(block, begun, leads) if any(leads) else [block]


def _led(
    block: StreamBlock,
    begun: Sequence[_Begun],
    leads: Sequence[Branch | None],
) -> list[StreamBlock]:
    """A block behind one of what leads to its streams; by itself where two of them are one."""
    pairs = [*zip(begun, leads, strict=True)]
    given = tuple(
        lead.value if lead else stream.value for stream, lead in pairs
    )
    made = {stream.end: lead for stream, lead in pairs if lead}
    fork = StreamBlock(block.reads, [*made.values()], given)
    behind = StreamBlock(given, [*_behind(block, made)], block.gives)
    return [fork, behind] if len({*given}) == len(given) else [block]


class _Begun(Frozen):
    """A stream of a block: the value of which it is made, and the path that others read more than
    once; None where it is that value itself."""

    value: str
    path: Branch | None

    @property
    def end(self) -> str:
        return self.path.value if self.path else self.value

    @property
    def words(self) -> list[str]:
        """What it does, but for numbers."""
        return [step.op.op for step in self.path.steps] if self.path else []

    def lead(self, own: Sequence[str]) -> Branch | None:
        """The layers before its last items, which do what `own` says."""
        items: list[RegionItem] = [*self.path.items] if self.path else []
        last: list[str] = []
        while items and len(last) < len(own):
            last[:0] = [step.op.op for step in items.pop().steps]
        leads = last == own and _are_layers(items)
        return Branch(items[-1].exit, self.value, items) if leads else None

    def layers(self) -> Branch | None:
        """Those before its first block."""
        own = self.path.items if self.path else []
        items = [*takewhile(_is_layer, own)]
        inner = 0 < len(items) < len(own)
        return Branch(items[-1].exit, self.value, items) if inner else None


def _is_layer(item: RegionItem) -> bool:
    return isinstance(item, CapturedOp)


def _are_layers(items: Sequence[RegionItem]) -> bool:
    return bool(items) and all(map(_is_layer, items))


def _begun(block: StreamBlock) -> list[_Begun]:
    found: list[_Begun] = []
    for value in block.reads:
        users = block.users[value]
        own = [
            b
            for b in users
            if b.start == value and len(block.users[b.value]) > 1
        ]
        found += [_Begun(value, None)] * (len(own) < len(users))
        found += [_Begun(value, branch) for branch in own]
    return found


def _behind(
    block: StreamBlock, leads: Mapping[str, Branch]
) -> Iterator[Branch]:
    """The paths of a block without what leads to them."""
    for branch in block.branches:
        lead = leads.get(branch.value)
        if lead is None:
            yield branch
        elif rest := branch.items[len(lead.items) :]:
            yield replace(branch, start=lead.value, items=rest)
