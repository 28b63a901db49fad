"""A net and several crops of each validation image → its score by the mean of its predictions.

The papers test so. Krizhevsky et al. 2012 (section 4.1) average "the predictions made by the
network's softmax layer" over the four corners, the middle and their mirror images: ten crops, which
are "the standard 10-crop testing" of He et al. 2016 (section 3.4). For their best results, these
take the fully-convolutional form of Simonyan, Zisserman 2015, and average "the scores at multiple
scales (images are resized such that the shorter side is in {224, 256, 384, 480, 640})". In that
form (section 3.2 there) the net is applied to the whole image, its class scores are averaged over
the places, and "the soft-max class posteriors of the original and flipped images are averaged". A
net that ends in a global average pool and one fc, both linear, has that form already: it is applied
to the larger image as it is.

So probabilities are averaged here, not what comes before the softmax (fb.resnet.torch's code and
torchvision's example of TenCrop do that), and mirror images are always among the views: of what the
net reads, so after a mean image is taken out, as in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ...language.recipe.target import SingleLabel
from ...ops.base import Shape, shape_text
from ...structs import Frozen
from ..augment.crops import CropPolicy, FiveCrop, FullImage
from ..data.image_files import Decoded, center_crop_of
from ..data.normalize import Normalization
from ..data.sets import DataSet, Resident
from ..parallel.distributed import World
from ..settings.decide import Decisions
from ..tasks.classes import Classes
from .evaluate import BatchCallback, Score, Sums
from .several import first

CROPS = (1, 10)
"""How many crops a test may have; 1 is what validation does."""


def crop_policy_for(
    data: DataSet, crops: int, sides: tuple[int, ...]
) -> CropPolicy | None:
    """The crops of a test; None where they are those of validation. Raises `UsageError`
    where it cannot."""
    if crops not in CROPS:
        raise UsageError(
            f"--crops {crops}: there are {' and '.join(map(str, CROPS))}"
        )
    asked = "--sides" if sides else f"--crops {crops}"
    if sides and crops != 1:
        raise UsageError(
            "--crops 10 and --sides are two ways of testing; give one of them"
        )
    if crops == 1 and not sides:
        return None
    if not isinstance(data.target, SingleLabel):
        raise UsageError(
            f"{asked} is for classes of images, and not for `target: {data.target.kind}`"
        )
    if data.validation.beside:
        raise UsageError(f"{asked} is for nets that read images alone")
    if isinstance(data.validation, Resident):
        raise UsageError(
            f"{asked} is for images on disk, which are larger than the net's input; those of"
            f" {data.name} are {shape_text(data.shape)}, just what it reads"
        )
    return (
        FullImage(sides, data.way)
        if sides
        else FiveCrop(
            center_crop_of(data).side,
            (data.shape[1], data.shape[2]),
            data.way,
        )
    )


class MultiCrop(Frozen):
    """Predictions of a net (in evaluation mode) for every view and its mirror image. `batch`
    counts views of the net's own input size that it takes at a time; of larger ones it takes
    fewer. `look` is shown each batch of them."""

    net: nn.Module
    normalization: Normalization
    shape: Shape
    classes: int
    batch: int
    decisions: Decisions
    look: BatchCallback | None = None

    @torch.no_grad()
    def score(
        self, pixels: Decoded, policy: CropPolicy, images: int, world: World
    ) -> Score:
        """Of the validation part, which has so many images, over all ranks."""
        size = max(1, self.batch // self._weight(policy))
        mine = list(range(world.rank, images, world.size))
        sums = Sums(self.decisions, Classes(self.classes), self.look)
        for groups, labels in pixels.views(
            policy,
            [mine[at : at + size] for at in range(0, len(mine), size)],
        ):
            total: Tensor | int = 0
            views_seen = torch.zeros(
                len(labels),
                1,
                dtype=self.decisions.sum_type,
                device=labels.device,
            )
            for views, places in groups:
                probabilities = self._chances(views)
                total = total + probabilities.new_zeros(
                    len(labels), probabilities.shape[1]
                ).index_add_(0, places, probabilities)
                views_seen.index_add_(
                    0, places, views_seen.new_ones(len(places), 1)
                )
            sums.add(
                (total / views_seen)
                .clamp_min(torch.finfo(views_seen.dtype).tiny)
                .log(),
                labels,
            )
        return sums.score(world)

    @property
    def _area(self) -> int:
        """Pixels that the net reads."""
        return self.shape[1] * self.shape[2]

    def _weight(self, policy: CropPolicy) -> int:
        """The views of an image, in inputs of the net."""
        if isinstance(policy, FullImage):
            return -(
                -sum(side * side for side in policy.sides) // self._area
            )
        return 5

    def _chances(self, views: Tensor) -> Tensor:
        """uint8 (k, channels, height, width) → (k, classes), the means of a view and its mirror
        image."""
        most = self.batch * self._area // (views.shape[2] * views.shape[3])
        parts = torch.split(views, max(1, most))
        return torch.cat([*map(self._mean, parts)])

    def _mean(self, views: Tensor) -> Tensor:
        own = tuple(views.shape[1:]) == self.shape
        images = (
            self.normalization if own else any_size(self.normalization)
        )(views)
        probabilities = [
            self._softmax(form, own=own)
            for form in (images, images.flip(3))
        ]
        return (probabilities[0] + probabilities[1]) / 2

    def _softmax(self, images: Tensor, *, own: bool) -> Tensor:
        if self.decisions.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        try:
            with self.decisions.autocast():
                logits = first(self.net(images))
        except RuntimeError as error:
            if own or isinstance(error, torch.OutOfMemoryError):
                raise
            raise UsageError(
                f"--sides: the net does not take {shape_text(tuple(images.shape[1:]))}"
                f" ({str(error).splitlines()[0]}); it must end in a `global avg pool` and `fc`, and"
                " be free of what only certain sizes divide"
            ) from error
        return logits.to(self.decisions.sum_type).softmax(1)


def any_size(normalization: Normalization) -> Normalization:
    """The same for images of any size: a mean image gives way to the mean of each channel."""
    scale, offset = (
        part.mean((1, 2), keepdim=True)
        for part in (normalization.scale, normalization.offset)
    )
    return Normalization(scale, offset)
