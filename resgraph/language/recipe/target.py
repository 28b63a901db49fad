"""What a net learns to say of each image, and the loss that asks it for that."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from ..record import Record
from .base import Share

Weight = Annotated[float, Meta(gt=0, le=10**6)]
Weights = Literal["balanced"] | tuple[Weight, ...]


class Goal(Record):
    """A target, with what is known of it before anything is read."""

    measure: ClassVar[str]
    """What the score is called, a share of which 1 is the best; an error is what it lacks of 1, in
    percent."""
    kind: str


class SingleLabel(Goal):
    """One class of each image: the cross-entropy of the softmax of what the net puts out, or the
    binary cross-entropy of each class, and the share of images that are right."""

    measure = "accuracy"
    kind: Literal["label"] = "label"
    loss: Literal["cross-entropy", "bce"] = "cross-entropy"
    """Cross-entropy, or the binary one of each class, which mixtures of two classes add up to
    (Wightman et al. 2021)."""
    threshold: Share | None = None
    """With `bce`, the share of a mixture above which a class is there as a whole, and below which
    it is not (timm's `--bce-target-thresh`; 0: both classes are)."""
    summed: bool = False
    """Add up the losses of a batch, in place of their mean: its gradient is so many times as
    large."""
    weights: Weights | None = None
    """Weight of each class in the loss, in order; `balanced` weights each class by the inverse of
    its number of training images. Cross-entropy is the mean by these weights; `bce` is multiplied
    by them, so that larger ones are larger steps."""


class Labels(Goal):
    """Any number of classes of each image: the binary cross-entropy of each, and the mean of the
    classes' average precision (mAP)."""

    measure = "mAP"
    kind: Literal["labels"]
    weights: Weights | None = None
    """Weight of what has a class against what has it not, of each class in order; `balanced`: how
    many more images have it not."""


class Regression(Goal):
    """One or several numbers of each image, and the share of their variance that the net explains
    (R², the mean over several numbers)."""

    measure = "R²"
    kind: Literal["number"]
    loss: Literal["mse", "l1", "huber"] = "mse"
    """Squared error, absolute error, or Huber's: squared up to 1 and absolute beyond."""
    standardize: bool = True
    """Each number is learned as how many standard deviations it is from its mean over the training
    part; a prediction is in the numbers' own units. Else the net puts them out as they are."""


class PixelLabel(Goal):
    """A class of each pixel: the mean cross-entropy over all pixels, and the mean over classes of
    intersection over union (mIoU)."""

    measure = "mIoU"
    kind: Literal["map"]
    ignore: Annotated[int, Meta(ge=0, le=65535)] = 255
    """The value of pixels in a mask that count nowhere."""
    weights: Weights | None = None
    """As of a label, by pixels."""


class Itself(Goal):
    """The image itself, as the net reads it (an autoencoder), and the share of its variance that
    the net explains (R²)."""

    measure = "R²"
    kind: Literal["itself"]
    loss: Literal["mse", "l1", "huber"] = "mse"
    """As of a number."""


AnyGoal = SingleLabel | Labels | Regression | PixelLabel | Itself
LABEL = SingleLabel()
"""What a recipe learns where it says nothing of it."""
