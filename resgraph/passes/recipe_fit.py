"""A recipe and the shapes of its net → where the two do not fit, as far as that is known before
data is read.

`check` and `build` both ask here, so what one refuses the other does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

from msgspec.structs import replace

from ..collecting import flatten
from ..counting import counted
from ..errors import Diagnostic, SpecError, fault, ticked
from ..graph import Graph, Node
from ..language.recipe import Train
from ..language.recipe.augment import AreaCrop, Augment, PadCrop, SideCrop
from ..language.recipe.data import OnDisk
from ..language.recipe.start import IMAGENET, is_frozen
from ..language.recipe.steps import Muon
from ..language.spec import Spec
from ..ops import Shape, shape_text
from ..ops.norm import BatchNorm
from ..ops.window import Conv
from ..structs import Frozen
from .data_fit import image_input
from .expand import expand
from .fine_tune.matrices import matrix_layers
from .fine_tune.parts import unfit_parts
from .target_fit import FITS, Fit


class Problem(Frozen):
    """What is wrong at a key below `train`, and what to do."""

    keys: tuple[str, ...]
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}"

    def told(self, spec: Spec) -> Diagnostic:
        """E051 at the key."""
        place = spec.place("train", *self.keys)
        return fault("E051", self.message, place, self.hint).diagnostic


def _none(keys: tuple[str, ...], message: str) -> Problem:
    """A key that is better left out."""
    return Problem(keys, message, f"write `{keys[-1]}: none`")


def _asked(record: Any, keys: Iterable[str]) -> Iterator[str]:
    """Those of these keys that a record says something of."""
    return (key for key in keys if getattr(record, key))


def unfit_recipe(
    spec: Spec, graph: Graph, train: Train
) -> list[Diagnostic]:
    """E051 at each key of the recipe that does not fit the net, and at the layers that cannot be
    trained by it."""
    output = graph.shape(graph.output)
    if found := problems(train, spec.inputs, output):
        return [each.told(spec) for each in found]
    smaller, sized = _smaller(spec, graph, train)
    named = unfit_layers(spec, graph, train)
    return named + smaller + lonely_norms([graph, *sized], train)


def unfit_layers(
    spec: Spec, graph: Graph, train: Train
) -> list[Diagnostic]:
    """What the recipe names of the net, or needs in it, and is not there."""
    for find in (unfit_parts, unfit_whitening, unfit_matrices):
        if found := find(spec, graph, train):
            return found
    return []


def unfit_whitening(
    spec: Spec, graph: Graph, train: Train
) -> list[Diagnostic]:
    """E051 at a layer to whiten that is no convolution of the images, or has other filters than
    there are directions."""
    if train.whiten is None:
        return []
    name = train.whiten.layer
    why, hint = _unwhitened(graph, graph.nodes.get(name), graph.inputs[0])
    if why == "":
        return []
    said = f"`whiten` names `{name}`, {why}"
    return [Problem(("whiten", "layer"), said, hint).told(spec)]


def _unwhitened(graph: Graph, node: Node | None, images: str) -> Fit:
    """Why a node cannot whiten, and what to write."""
    first = "name the first convolution of the net"
    if node is None or not isinstance(node.op, Conv):
        return "which is no convolution", first
    if node.inputs != (images,):
        return "which does not read the images", first
    width = 2 * prod(node.op.kernel) * graph.shape(images)[0]
    if node.op.groups != 1 or node.shape[0] != width:
        size = "x".join(map(str, node.op.kernel))
        said = f"which has {node.shape[0]} filters, and its patches have {width // 2} directions"
        return (
            said,
            f"write `{size} conv {width}`: each direction and its negative",
        )
    return FITS


def unfit_matrices(
    spec: Spec, graph: Graph, train: Train
) -> list[Diagnostic]:
    """E051 at an optimizer for matrices where there are none that learn."""
    moving = (
        name
        for name in matrix_layers(graph)
        if not is_frozen(name, train.frozen)
    )
    if not isinstance(train.optimizer, Muon) or any(moving):
        return []
    said = (
        "`optimizer: muon` steps convolutions and fully connected layers before the last one, and"
        " the net has none that learns"
    )
    hint = "write `optimizer: {name: sgd, lr: 0.1}`"
    return [Problem(("optimizer",), said, hint).told(spec)]


def problems(
    train: Train, inputs: Mapping[str, Shape], output: Shape
) -> list[Problem]:
    """What needs only the recipe and the shapes at the ends of the net."""
    if several := [*_several(train, inputs)]:
        return several
    reads = inputs[image_input(inputs)]
    parts = (
        _mixtures(train, inputs),
        _crop(train, reads),
        _border(train.augment.crop, reads),
        _sides(train, reads),
        _target(train),
        _clashes(train),
        _images_only(train, reads),
        _weights(train, output),
        _counts(train, output),
        _normalize(train, reads),
    )
    return [*flatten(parts)]


_MIXTURES = ("mixup", "cutmix")
"""What makes one image of two."""


def _target(train: Train) -> Iterator[Problem]:
    """What the data has nothing for, and what would change an image and not its target."""
    kind, data = train.target.kind, train.data
    if kind not in data.targets:
        known = ticked(sorted(data.targets), " or ")
        said = f"`{data.set}` has nothing for `target: {kind}`"
        yield Problem(("target",), said, f"take a set that has, or {known}")
    if kind in ("map", "number", "itself"):
        for key in _asked(train.augment, _MIXTURES):
            said = (
                f"`{key}` mixes classes of images, and not `target: {kind}`"
            )
            yield _none(("augment", key), said)
        if train.label_smoothing and kind != "map":
            said = f"`label_smoothing` is for classes, and not for `target: {kind}`"
            yield _none(("label_smoothing",), said)
    if kind == "map":
        yield from _mask(train)


def _mask(train: Train) -> Iterator[Problem]:
    """What would move an image and not the mask that is its target."""
    for key in _asked(train.augment, ("randaugment", "trivialaugment")):
        said = f"`{key}` moves the pixels of an image, and not those of its mask"
        yield _none(("augment", key), said)
    if train.progressive:
        said = "`progressive` makes images smaller, and not their masks"
        yield _none(("progressive",), said)


Clash = tuple[bool, tuple[str, ...], str, str]
"""Whether it is broken, the keys, what is wrong, and what to write."""


def _clashes(train: Train) -> Iterator[Problem]:
    """Keys that leave one another nothing to do."""
    clashes = (*_thresholds(train), *_policies(train), *_balances(train))
    for wrong, keys, said, hint in clashes:
        if wrong:
            yield Problem(keys, said, hint)
    if train.whiten and train.weights:
        said = "`whiten` makes the weights of a layer, and `weights` brings others"
        yield Problem(
            ("whiten",), said, "write `whiten: none`, or `weights: none`"
        )


def _thresholds(train: Train) -> Iterator[Clash]:
    """What makes a threshold of mixtures meaningless, or is made so by it."""
    if getattr(train.target, "threshold", None) is None:
        return
    keys = "target", "threshold"
    shares = getattr(train.target, "loss", "") == "cross-entropy"
    said = "`threshold` says which classes are there, and a cross-entropy takes shares of them"
    yield shares, keys, said, "write `loss: bce`, or leave `threshold` out"
    mixed = train.augment.mixup or train.augment.cutmix
    said = (
        "`threshold` is for mixtures of images, and the recipe makes none"
    )
    hint = "write `augment: {cutmix: 1.0}`, or leave `threshold` out"
    yield not shares and not mixed, keys, said, hint
    said = "with `target.threshold` a class is there or it is not: nothing is left to smooth"
    hint = "write `label_smoothing: none`, or leave `threshold` out"
    yield train.label_smoothing > 0, ("label_smoothing",), said, hint


def _balances(train: Train) -> Iterator[Clash]:
    """Rare classes that are drawn more often, where there are none, or that count more as well."""
    kind, keys = train.target.kind, ("sampling",)
    drawn = train.sampling is not None
    said = f"`sampling: {train.sampling}` is of the classes of images, and not for `target: {kind}`"
    yield drawn and kind != "label", keys, said, "write `sampling: none`"
    twice = (
        getattr(train.target, "weights", None) == "balanced"
        and kind == "label"
    )
    said = "rare classes are drawn more often by `sampling`, and count more by `target.weights`"
    yield (
        drawn and twice,
        keys,
        said,
        "write `sampling: none`, or leave the weights out",
    )


def _images_only(train: Train, reads: Shape) -> Iterator[Problem]:
    """Views and whitening of what is no image, or views whose target would not move with them."""
    for key in (
        _asked(train, ("views", "whiten")) if len(reads) != 3 else ()
    ):
        said = (
            f"`{key}` is for images, but the net reads {shape_text(reads)}"
        )
        yield _none((key,), said)
    if train.views and train.target.kind in ("map", "itself"):
        said = f"`views` moves an image, and not its `target: {train.target.kind}`"
        yield _none(("views",), said)


def _policies(train: Train) -> Iterator[Clash]:
    """Augmentations that need others, or stand in their place."""
    augment, copies = train.augment, train.augment.repeats
    keys = "augment", "repeats"
    said = f"with `repeats: {copies}` a batch of {train.batch} does not hold two images"
    few = copies > 1 and train.batch < 2 * copies
    yield few, keys, said, f"write `batch: {2 * copies}` or more"
    random = replace(augment, repeats=1) != Augment()
    said = "`repeats` changes an image anew each time, and `augment` says no change"
    hint = "write `augment: {crop: …, flip: true}` too, or `repeats: none`"
    yield copies > 1 and not random, keys, said, hint
    alone = augment.alternate and not augment.flip
    said = "`alternate` says when an image is mirrored, and `flip` that none is"
    yield alone, ("augment", "alternate"), said, "write `flip: true` too"
    both = augment.trivialaugment and augment.randaugment is not None
    said = "`trivialaugment` stands in place of `randaugment`, and both are written"
    hint = "write `randaugment: none`, or `trivialaugment: none`"
    yield both, ("augment", "trivialaugment"), said, hint


def _weights(train: Train, output: Shape) -> Iterator[Problem]:
    weights = getattr(train.target, "weights", None)
    if isinstance(weights, tuple) and len(weights) != output[0]:
        said = f"`target.weights` has {counted(len(weights), 'number')}, but the net"
        said += f" {counted(output[0], 'class')}"
        yield Problem(
            ("target", "weights"), said, "write one for each, or `balanced`"
        )


def _normalize(train: Train, reads: Shape) -> Iterator[Problem]:
    """Means of another number of channels, or those of weights that the recipe does not name."""
    how, keys = train.normalize, ("normalize",)
    if how == "weights" and not train.weights:
        said = "`normalize: weights` takes what the weights say, and there are none"
        yield Problem(
            keys, said, "write `weights: FILE`, or `normalize: measured`"
        )
    mean = IMAGENET[0] if how == "imagenet" else getattr(how, "mean", None)
    if mean is not None and len(mean) != reads[0]:
        has = counted(len(mean), "channel")
        said = (
            f"`normalize` has {has}, but the net reads {shape_text(reads)}"
        )
        yield Problem(
            keys, said, "write a number for each channel, or `measured`"
        )


def _several(
    train: Train, inputs: Mapping[str, Shape]
) -> Iterator[Problem]:
    """A net of several inputs, and a data set that has one thing to give."""
    if len(inputs) > 1 and not train.data.feeds_names:
        listed = ticked(inputs)
        said = f"the net reads {listed}, and `{train.data.set}` has images alone"
        hint = "`resgraph export` writes the net for a loop of your own"
        yield Problem(("data",), said, hint)


def _mixtures(
    train: Train, inputs: Mapping[str, Shape]
) -> Iterator[Problem]:
    """What would make one image of two, and leave what is read beside it."""
    for key in _asked(train.augment, _MIXTURES) if len(inputs) > 1 else ():
        said = (
            f"`{key}` mixes images, and not what the net reads beside them"
        )
        yield _none(("augment", key), said)


def _counts(train: Train, output: Shape) -> Iterator[Problem]:
    counts = train.data.counts(output[0])
    if counts and train.batch > (images := counts[0]):
        message = f"a batch of {train.batch} is more than the {images:,} training images"
        yield Problem(
            ("batch",), message, f"make `train.batch` {images} or smaller"
        )


def _crop(train: Train, reads: Shape) -> Iterator[Problem]:
    crop, keys = train.augment.crop, ("augment", "crop")
    if isinstance(train.data, OnDisk):
        if len(reads) != 3 or reads[0] not in (1, 3):
            said = f"images have 1 or 3 channels, but the net reads {shape_text(reads)}"
            hint = "write `input: 3x224x224`, or the size that is meant"
            yield Problem(("data",), said, hint)
            return
        yield from _disk_crop(train, train.data, reads)
    elif isinstance(crop, SideCrop):
        said = (
            f"`augment.crop` of kind side is for folders of images; {train.data.title} takes pad"
            " or area"
        )
        yield Problem(keys, said, "write `crop: {kind: pad, cells: 4}`")
    elif crop and len(reads) != 3 and not train.data.shape:
        yield _none(
            keys, "`augment.crop` is for images, but the net reads vectors"
        )
    elif isinstance(crop, AreaCrop) and crop.interpolation:
        said = f"`crop.interpolation` is for images on disk; {train.data.title} is in memory"
        yield Problem((*keys, "interpolation"), said, "leave it out")
    if isinstance(crop, SideCrop):
        yield from _least_side(crop, reads)


def _least_side(crop: SideCrop, reads: Shape) -> Iterator[Problem]:
    widest = max(reads[1:], default=0)
    if crop.side[0] < widest:
        begin, size = crop.side[0], shape_text(reads)
        said = f"`augment.crop.side` begins at {begin}, but the net reads {size}"
        hint = f"write `side: [{widest}, {max(widest, crop.side[1])}]`"
        yield Problem(("augment", "crop", "side"), said, hint)


def _border(crop: object, reads: Shape) -> Iterator[Problem]:
    if not isinstance(crop, PadCrop) or crop.border != "reflect":
        return
    least = min(reads[1:], default=0)
    if crop.cells >= least > 0:
        size = shape_text(reads)
        said = f"`crop.cells: {crop.cells}` mirrors more of an image than {size} has"
        hint = f"write `cells: {max(1, least - 1)}` or less"
        yield Problem(("augment", "crop"), said, hint)


def _disk_crop(
    train: Train, data: OnDisk, reads: Shape
) -> Iterator[Problem]:
    if isinstance(train.augment.crop, PadCrop):
        said = (
            "images on disk have many sizes: `augment.crop` must be of kind area or side, or"
            " none"
        )
        hint = "write `crop: {kind: area}`, or `crop: none` for the middle of each"
        yield Problem(("augment", "crop"), said, hint)
    widest = max(reads[1:])
    if data.resize and data.resize < widest:
        said = f"`data.resize: {data.resize}` is less than the net reads, {shape_text(reads)}"
        hint = f"write `resize: {widest}` or more"
        yield Problem(("data", "resize"), said, hint)


def _sides(train: Train, reads: Shape) -> Iterator[Problem]:
    if train.progressive is None:
        return
    keys = ("progressive", "sides")
    if len(reads) != 3:
        message = f"`progressive` is for images, but the net reads {shape_text(reads)}"
        yield _none(keys[:1], message)
    elif max(train.progressive.sides) >= min(reads[1:]):
        size = shape_text(reads)
        message = f"`progressive.sides` must be smaller than the net's own input, {size}"
        yield Problem(keys, message, "leave the larger ones out")


def scaled(reads: Shape, side: int) -> Shape:
    """The shape of images whose shorter side is `side`."""
    scale = side / min(reads[1:])
    return (reads[0], *(round(length * scale) for length in reads[1:]))


def _smaller(
    spec: Spec, graph: Graph, train: Train
) -> tuple[list[Diagnostic], list[Graph]]:
    """E051 where the net does not take one of the smaller sizes as it is, and the graphs of those
    that it takes."""
    if train.progressive is None:
        return [], []
    graphs = []
    for side in train.progressive.sides:
        inputs = {
            name: scaled(shape, side) if len(shape) > 1 else shape
            for name, shape in spec.inputs.items()
        }
        try:
            other = expand(
                replace(spec, inputs=inputs, mistakes=(), unused=())
            ).whole()
        except SpecError as error:
            why = error.diagnostics[0].message
        else:
            graphs.append(other)
            why = _differs(graph, other)
        if why:
            smaller = shape_text(scaled(spec.input, side))
            message = (
                f"`progressive`: the net does not take {smaller} ({why})"
            )
            hint = "a net takes other sizes where `global avg pool` stands before its `fc`"
            return [
                Problem(("progressive", "sides"), message, hint).told(spec)
            ], graphs
    return [], graphs


def _differs(graph: Graph, other: Graph) -> str:
    """Why a net at another size is not the same module; nothing where it is."""
    end = graph.shape(graph.output)
    there = other.nodes[other.output].shape
    if end != there:
        return f"it puts out {shape_text(there)}"
    for node, same in zip(
        graph.nodes.values(), other.nodes.values(), strict=True
    ):
        if node.cost.params != same.cost.params:
            return (
                f"`{node.name}` would have {same.cost.params:,} parameters and not"
                f" {node.cost.params:,}"
            )
    return ""


def lonely_norms(
    graphs: list[Graph], train: Train, world: int = 1
) -> list[Diagnostic]:
    """E051 at the first batch norm that would see one value per channel in a step: its variance is
    0, its output too.

    A step of one process has `batch / accumulate / world` images; with `sync_bn` all processes
    count."""
    images = (
        train.batch // train.accumulate // (1 if train.sync_bn else world)
    )
    for graph in graphs if images == 1 else ():
        for node in graph.nodes.values():
            lonely = (
                isinstance(node.op, BatchNorm) and prod(node.shape[1:]) == 1
            )
            if lonely and not is_frozen(node.name, train.frozen):
                return [_lonely(node, train, world)]
    return []


def _lonely(node: Node, train: Train, world: int) -> Diagnostic:
    parts = [f"a batch of {train.batch}"]
    parts += (
        [f"in {train.accumulate} parts"] if train.accumulate > 1 else []
    )
    parts += [f"over {world} processes"] if world > 1 else []
    message = (
        f"in training `{node.name}` would norm one value per channel, {shape_text(node.shape)} of"
        f" one image ({' '.join(parts)}), which leaves nothing of it"
    )
    fewer = "a larger `train.batch`" + (
        ", or a smaller `train.accumulate`" if train.accumulate > 1 else ""
    )
    return fault(
        "E051",
        message,
        node.origin.span,
        f"take {fewer}, or `ln` in place of `bn`",
    ).diagnostic
