"""A program → steps: each call is given to the handler of its op, which makes steps of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, TypeVar

from msgspec.structs import replace
from torch import Tensor

from ...collecting import among, each_name, each_value, flatten, of_type
from ...ops import (
    Dropout,
    Flatten,
    GlobalPool,
    Input,
    Op,
    Pool,
    Shape,
    ShapeError,
)
from ...ops.attention import To
from ...structs import Frozen
from ..captured import (
    Captured,
    CapturedOp,
    ImportRefused,
    MovedKey,
    captured,
    keys_of,
)
from ..numbers.factors import gathered
from ..program import AtenCall, AtenProgram, TensorRef, meant
from ..restated.cuts import without_cuts
from ..restated.groups import in_groups
from ..restated.pools import with_own_pools
from .axes import (
    BATCH,
    EXPANDED,
    Axis,
    Layout,
    axis_of,
    flat,
    joined,
    layout,
    sizes,
    stored,
)
from .places import moved_numbers


class ForeignValue(Frozen):
    """A foreign tensor that stands for what a step gives, and how its axes lie on that."""

    step: str
    axes: Layout


class StateTensor(Frozen):
    """A parameter or buffer, perhaps viewed with other `axes` (over its numbers in a row), perhaps
    `standardized` as filters may be (with `gain`, the key of a learned factor, times `factor`)."""

    key: str
    axes: Layout
    learned: bool = True
    standardized: str = ""
    eps: float = 0.0
    gain: str = ""
    factor: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        return sizes(self.axes)

    @property
    def moved(self) -> bool:
        """Whether its axes stand in another order than in the model."""
        return joined(flat(self.axes)) != layout((prod(self.shape),))[0]

    @property
    def ordered(self) -> bool:
        """Whether it is all of its numbers, with its axes in some order."""
        atoms = [axis[0] for axis in self.axes if len(axis) == 1]
        whole = len(atoms) == sum(map(bool, self.axes))
        return whole and all(atom.of == 0 for atom in atoms)

    def laid(self) -> str:
        """Its key, with the order in which its axes stand where that is not the model's."""
        steps = [axis[0].step if axis else 1 for axis in self.axes]
        return (
            MovedKey.of(self.key, self.shape, steps)
            if self.moved
            else self.key
        )

    @property
    def plain(self) -> bool:
        """Whether it is the parameter itself."""
        return not self.standardized and self.factor == 1.0


class StateCut(Frozen):
    """Some places along an axis of a parameter, perhaps viewed with other `axes`: its numbers from
    `start` on."""

    of: StateTensor
    axes: Layout
    start: int

    @property
    def shape(self) -> tuple[int, ...]:
        return sizes(self.axes)

    def alone(self, reader: Reader) -> ForeignValue:
        """What it is to all but what puts a parameter together again."""
        raise reader.no("it reads a part of a parameter")


class Moved(Frozen):
    """As a `ForeignValue`, whose batch is among its axes and does not stand first alone."""

    step: str
    axes: Layout

    def alone(self, reader: Reader) -> ForeignValue:
        """What it is to all that does not follow the batch."""
        raise reader.no("it reads a tensor whose batch was moved")


AnyValue = ForeignValue | Moved
SameValue = TypeVar("SameValue", bound=AnyValue)
_Found = TypeVar("_Found")
Arguments = Mapping[str, Any]
"""Arguments by name: `Value`s, `Tensor`s, numbers and words."""
Handler = Callable[["Reader", AtenCall, Arguments], Any]
HANDLERS: dict[str, Handler] = {}


def reads(*words: str) -> Callable[[Handler], Handler]:
    """Enter a handler for ops of ATen by their words; one that works in place is the same op."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(words, handler))
        return handler

    return enter


def handler_of(word: str) -> Handler | None:
    """What reads an op, or the op that one works in place of."""
    return HANDLERS.get(word) or HANDLERS.get(word.removesuffix("_"))


class NeedsMaps(Exception):
    """A map of one cell was read as a vector, which something reads as a map (as ASPP's)."""


class NeedsSequences(Exception):
    """Cells in a row were read as a map's, whose places something mixes (as MLP-Mixer)."""


class Reader:
    """Walks a program. `values` holds what each of its tensors stands for.

    A pool to one cell gives a vector, but where a first reading shows that a map is needed, and a
    map whose cells are in a row is a map still, but where one shows that a sequence is."""

    def __init__(
        self,
        program: AtenProgram,
        *,
        vectors: bool = True,
        sequences: bool = False,
    ) -> None:
        self.program, self.vectors, self.sequences = (
            program,
            vectors,
            sequences,
        )
        self.values: dict[str, Any] = {
            name: StateTensor(found.key, stored(found.axes), found.learned)
            for name, found in program.parameters.items()
        }
        # tensors that share memory → whose it is
        self.views: dict[str, str] = {}
        # and the way back
        self.shared: dict[str, list[str]] = defaultdict(list)
        self.steps: dict[str, CapturedOp] = {}
        # what is computed twice of the same is one step
        self.made: dict[Any, str] = {}
        # by the module that first gives it
        self.said_in: dict[ForeignValue, str] = {}
        self.call = AtenCall("input", {}, ())
        self.count = 0  # calls that were read

    def read(self) -> Captured:
        """The model's steps. Raises `ImportRefused`."""
        program = self.program
        for each in program.inputs:
            name, shape = each.name, each.axes[1:]
            self.steps[name] = CapturedOp(
                name, Input(shape=shape), (), shape
            )
            self.values[name] = self.lying(name)
        if any(_trains(call.given) for call in program.calls):
            raise ImportRefused(
                "the model was exported in training mode; call `.eval()` first"
            )
        try:
            given = self._given()
        except NeedsMaps:
            return self.anew(vectors=False).read()
        except NeedsSequences:
            return self.anew(sequences=True).read()
        if not all(
            hasattr(each, "alone") or isinstance(each, AnyValue)
            for each in given
        ):
            raise ImportRefused(
                "the model returns a tensor that does not rest on its input"
            )
        outputs = [*map(self._returned, given)]
        inputs = program.names
        if {*inputs}.issuperset(outputs):
            raise ImportRefused("the model returns its input, or no tensor")
        return self._whole(captured(self.steps.values(), inputs, outputs))

    def _whole(self, net: Captured) -> Captured:
        """With all that is known of it."""
        program, outputs = self.program, net.outputs
        steps = in_groups(gathered(net.steps.values(), outputs), outputs)
        steps = without_cuts(with_own_pools(steps), outputs)
        if program.plain:
            steps = each_value(self._sure, steps)
        return replace(
            net,
            steps=steps,
            ties=program.ties,
            classes=program.classes,
            fixed=tuple(dict.fromkeys(_fixed(steps.values(), program))),
            frozen=tuple(
                dict.fromkeys(among(_keys(steps.values()), program.frozen))
            ),
        )

    def _sure(self, step: CapturedOp) -> CapturedOp:
        """A step that knows whether its tensors may be equal to others by chance."""
        keys = _keys([step])
        return replace(step, sure=not {*keys} <= {*self.program.plain})

    def _given(self) -> list[Any]:
        """What the model returns, all calls read."""
        program = self.program
        for self.count, call in _live(program):
            try:
                self._read(call)
            except ImportRefused as problem:
                problem.call = call.name
                problem.came = (
                    f"{self.count} of {len(program.calls)} ops were read"
                )
                raise
        given = [self.values[name] for name in program.outputs]
        if self.vectors and any(map(self._is_cell, given)):
            raise NeedsMaps
        return given

    def anew(self, **needs: bool) -> Reader:
        """A reader of the same program that knows more of it."""
        known = {"vectors": self.vectors, "sequences": self.sequences}
        return Reader(self.program, **{**known, **needs})

    def _read(self, call: AtenCall) -> None:
        self.call = call
        handler = handler_of(call.word)
        if handler is None:
            said = f"`{call.word}` is not in the language{_hint(call)}"
            raise ImportRefused(said, call.module)
        given = {k: meant(v, self.values) for k, v in call.given.items()}
        try:
            made: Any = moved_numbers(call, given)
            made = handler(self, call, given) if made is None else made
        except (ShapeError, ValueError) as problem:
            raise self.no(str(problem)) from None
        for output, value in zip(
            call.outputs, made if call.several else [made], strict=False
        ):
            self._check(value, output.axes)
            if isinstance(value, ForeignValue):
                self.said_in.setdefault(value, call.module)
            self.values[output.name] = value
        self._aliases(call)

    def _check(self, value: Any, axes: Sequence[int]) -> None:
        found = (
            sizes(self.whole(value))
            if isinstance(value, AnyValue)
            else tuple(axes)
        )
        if found[1:] != tuple(axes[1:]):
            raise self.no(
                f"{tuple(axes)} come out, and {found} were expected"
            )

    def _aliases(self, call: AtenCall) -> None:
        """What is done in place is seen by all who share the memory."""
        name = call.name
        given = of_type(TensorRef, call.given.values())
        source = next(iter(each_name(given)), "")
        root = self.views.get(source, source)
        if call.word.endswith("_"):
            old, new = self.values.get(source), self.values.get(name)
            if isinstance(old, AnyValue) and isinstance(new, AnyValue):
                self._renew(root, old.step, new.step)
        if call.word.endswith("_") or call.word in VIEWS:
            self.views[name] = root
            self.shared[root].append(name)

    def _renew(self, root: str, old: str, new: str) -> None:
        """A step's place is taken by another in all that shares memory with `root`."""
        for name in (root, *self.shared[root]):
            value = self.values.get(name)
            if isinstance(value, AnyValue) and value.step == old:
                self.values[name] = replace(value, step=new)

    def no(self, why: str) -> ImportRefused:
        """A refusal of the call at hand."""
        return ImportRefused(f"`{self.call.word}`: {why}", self.call.module)

    def need(self, found: _Found | None, otherwise: str) -> _Found:
        """What was found. Raises `ImportRefused` where that is nothing."""
        if found is None:
            raise self.no(otherwise)
        return found

    @property
    def batch(self) -> Axis:
        """The axis of the images."""
        return axis_of(BATCH, self.program.inputs[0].axes[0])

    def placed(self, x: Any) -> AnyValue:
        """As `value`, wherever its batch stands."""
        return x if isinstance(x, Moved) else self.value(x)

    def whole(self, x: Any) -> Layout:
        """All axes of a tensor, its batch among them."""
        x = self.placed(x)
        return x.axes if isinstance(x, Moved) else (self.batch, *x.axes)

    def laid(self, step: str, axes: Layout) -> AnyValue:
        """What a step gives, by all axes."""
        if axes[:1] == (self.batch,):
            return ForeignValue(step, axes[1:])
        return Moved(step, axes)

    def lying(self, step: str) -> ForeignValue:
        """What a step gives, as ours lie."""
        return ForeignValue(step, layout(self.steps[step].shape))

    def shape(self, value: AnyValue) -> Shape:
        """Of the step behind a value."""
        return self.steps[value.step].shape

    def own_axes(self, value: AnyValue) -> Layout:
        """Of that step, as its op gives them."""
        return layout(self.shape(value))

    def add(
        self, op: Op, *inputs: str, tensors: Mapping[str, str] | None = None
    ) -> ForeignValue:
        """A step of its own; what it gives lies as ours do. An op that does nothing makes none."""
        shape = op.infer(*(self.steps[each].shape for each in inputs))
        if op.nothing():
            return self.lying(inputs[0])
        same = op, inputs
        if tensors is None and same in self.made:
            return self.lying(self.made[same])
        name = self.call.name or self.call.word
        if name in self.steps:
            name = f"{name}.{len(self.steps)}"
        if not isinstance(op, Dropout):
            self.made[same] = name
        self.steps[name] = CapturedOp(
            name, op, inputs, shape, tensors or {}, self.call.module
        )
        return self.lying(name)

    def kept(
        self, op: Op, x: SameValue, tensors: Mapping[str, str] | None = None
    ) -> SameValue:
        """A step that keeps the shape, however its axes lie."""
        return replace(x, step=self.add(op, x.step, tensors=tensors).step)

    def value(self, x: Any) -> ForeignValue:
        """A tensor that rests on the input. Raises `ImportRefused` for others."""
        if isinstance(x, ForeignValue):
            return x
        if x is None or isinstance(x, StateTensor | Tensor | int | float):
            raise self.no("it reads what is computed from parameters alone")
        alone: ForeignValue | None = (
            x.alone(self) if hasattr(x, "alone") else None
        )
        return self.need(
            alone, "it reads a part of what the language has one word for"
        )

    def plain(self, x: Any) -> str:
        """The step of a tensor as ours lie; one is made where a view has a word."""
        value = self.value(x)
        why = _MOVED if len(self.shape(value)) > 1 else _SPREAD
        return self.need(self._plain(value), why)

    def as_map(self, x: Any) -> str:
        """As `plain`, for what reads maps alone: a vector that was viewed as one cell is that.
        Raises `NeedsMaps` where it may be a map that was read as a vector."""
        value = self.value(x)
        if not self._is_cell(value):
            return self.plain(x)
        if self.vectors:
            raise NeedsMaps
        return self.add(
            To(size=(1,) * (len(value.axes) - 1)), value.step
        ).step

    def _plain(self, value: ForeignValue) -> str | None:
        """As `plain`; None where nothing says how the axes stand."""
        shape = self.shape(value)
        filled = [*filter(None, value.axes)]
        if value.axes == layout(shape) or self.vector(value):
            return value.step
        whole = [*filter(None, [flat(layout(shape))])]
        if len(value.axes) < 2 and filled == whole:
            return self._flat(value.step)
        return self._in_words(value)

    def _returned(self, x: Any) -> str:
        """The step of what the model returns."""
        step = self._plain(self.value(x))
        if step is None:
            raise ImportRefused(
                "the model returns a tensor whose axes were moved, for which there is no word:"
                " return it as it was before"
            )
        return step

    def _flat(self, step: str) -> str:
        """A map as a vector; of a pool to one cell, the pool over all."""
        op, before = self.steps[step].op, self.steps[step].inputs
        if isinstance(op, Pool) and _to_one(op):
            word: Any = f"global {op.op}"
            return self.add(GlobalPool(op=word), *before).step
        return self.add(Flatten(), step).step

    def channelled(self, x: Any) -> ForeignValue:
        """A value whose first axis are its step's channels, as what has a weight for each reads it:
        what moved them has its word before."""
        value = self.value(x)
        if value.axes[:1] == layout(self.shape(value))[:1]:
            return value
        return self.lying(self.plain(value))

    def worded(self, value: ForeignValue) -> ForeignValue:
        """A value of which what moved its channels has a word, behind that; one whose axes stand
        in another order is what it is."""
        shape = self.shape(value)
        own = layout(shape)
        if len(value.axes) != len(shape) or value.axes[0] == own[0]:
            return value
        if sorted(value.axes) == sorted(own):
            return value
        step = self._in_words(value)
        return self.lying(step) if step else value

    def _in_words(self, value: ForeignValue) -> str | None:
        """The step that moves a value's axes so, where there is a word for it."""
        for word in WORDS:
            op = word(value, self.shape(value))
            if op is not None:
                made = self.add(op, value.step)
                if made.axes == layout(sizes(value.axes)):
                    return self._in_its_module(made.step, value)
        return None

    def _in_its_module(self, step: str, value: ForeignValue) -> str:
        """A step of what a view before has said, which is of the module that says it."""
        made = self.steps[step]
        where = self.said_in.get(value, made.module)
        self.steps[step] = replace(made, module=where)
        return step

    def _is_cell(self, value: Any) -> bool:
        """Whether a map of one cell was read as a vector."""
        plain = isinstance(value, ForeignValue)
        return plain and len(value.axes) > 1 and self.vector(value)

    def vector(self, value: ForeignValue) -> bool:
        """Whether a value is a vector, perhaps among axes of one place."""
        shape = self.shape(value)
        filled = [*filter(None, value.axes)]
        return len(shape) == 1 and filled in (
            [],
            [*filter(None, layout(shape))],
        )


def _keys(steps: Iterable[CapturedOp]) -> Iterator[str]:
    """The model's tensors that steps have."""
    tensors = flatten(step.tensors.values() for step in steps)
    yield from flatten(map(keys_of, tensors))


def _fixed(
    steps: Iterable[CapturedOp], program: AtenProgram
) -> Iterator[str]:
    """The keys of weights and biases that do not learn, and will in the net of a spec."""
    buffers = {
        each.key for each in program.parameters.values() if not each.learned
    }
    for step in steps:
        roles = among(("weight", "bias"), step.tensors)
        keys = flatten(keys_of(step.tensors[role]) for role in roles)
        yield from among(keys, buffers)


WORDS: list[Callable[[ForeignValue, Shape], Op | None]] = []
"""What a value's axes may be in our words, as a shuffle; a candidate's layout is checked."""
_MOVED = (
    "it reads a tensor whose axes were moved; with its channels last, layers over the channels are"
    " read (a linear layer, a layer norm, an activation, a scale), and others once it is moved back"
)
_SPREAD = (
    "it reads a vector whose numbers were put in another order, for which there is no word; viewed"
    " as maps, one after another, it is read"
)
VIEWS = frozenset([
    "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "squeeze",
    "unsqueeze", "permute", "transpose", "movedim", "select", "t", "expand", "slice",
    "narrow", "chunk", "split", "split_with_sizes", "unbind", "alias", "detach",
])  # fmt: skip
"""Ops whose result shares memory with what they read."""


_RANDOM = (
    ": random numbers have no word but dropout's; what is random in training alone belongs behind"
    " `if self.training:`"
)
_WRITTEN = ": a part of a tensor is written over; join the parts by `torch.cat` instead"
_MERGED = ": merge what works out the weight first, by `torch.nn.utils.{}`"
_OVER_TIME = (
    ": a recurrent layer runs over time, and a spec is one graph without loops; `--partial` writes"
    " what stands before it"
)
_DISTANCE = (
    ": what compares outputs belongs to the loss; let the model return the tensors that are"
    " compared"
)
_HINTS = {
    **dict.fromkeys(
        ("lstm", "gru", "rnn_tanh", "rnn_relu", "rnn"),
        _OVER_TIME,
    ),
    **dict.fromkeys(
        ("pairwise_distance", "cosine_similarity", "cdist"), _DISTANCE
    ),
    "embedding": (
        ": a table of vectors is looked up by number, and a spec reads images and vectors; let the"
        " model take what the table gives as an input"
    ),
    "roll": (
        ": cells that leave a map on one side come in on the other, as of shifted windows (Swin);"
        " attention has a word where it lies over all cells"
    ),
    # torch's older hooks of a weight
    "_weight_norm": _MERGED.format("remove_weight_norm(layer)"),
    "mv": _MERGED.format("remove_spectral_norm(layer)"),
    **dict.fromkeys(("copy_", "index_put", "index_put_"), _WRITTEN),
    **dict.fromkeys(
        (
            "bernoulli",
            "bernoulli_",
            "normal",
            "normal_",
            "rand",
            "rand_like",
            "randint",
            "randn",
            "randn_like",
            "randperm",
            "uniform",
            "uniform_",
        ),
        _RANDOM,
    ),
}
"""What to do about an op that is not in the language."""


def _hint(call: AtenCall) -> str:
    """What to do about one, as about a weight that a parametrization works out; "" of others."""
    if "parametrizations" in call.module.split("."):
        return _MERGED.format(
            "parametrize.remove_parametrizations(layer, 'weight')"
        )
    return _HINTS.get(call.word, "")


def spread(axis: Axis) -> bool:
    """Whether an axis has one place, or was expanded from one."""
    return all(atom.of == EXPANDED for atom in axis)


def _live(program: AtenProgram) -> list[tuple[int, AtenCall]]:
    """The calls that something comes of, numbered; what is done in place may be seen in other
    views."""
    needed, live = set(program.outputs), list[tuple[int, AtenCall]]()
    for place, call in reversed([*enumerate(program.calls)]):
        if call.made & needed or call.word.endswith("_"):
            live.append((place, call))
            needed.update(call.reads)
    return live[::-1]


def _trains(given: Arguments) -> bool:
    """Whether a batch norm or a dropout runs as in training. Filters are standardized by a norm
    without statistics."""
    statistics = given.get("running_mean", 0) is not None
    return bool(
        given.get("train") or (given.get("training") and statistics)
    )


def _to_one(op: Pool) -> bool:
    """Whether one cell comes out, whatever comes in."""
    return {*(op.to or ())} == {1}
