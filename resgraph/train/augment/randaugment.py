"""Raw images → each under a few random operations of one magnitude (Cubuk et al. 2020), or under
one of any magnitude (Müller, Hutter 2021), whole batches at a time.

Three sets of operations differ in what comes in from outside and where a shear begins: the paper's
(gray, in the middle), torchvision's for TrivialAugment (black, at the top left corner) and timm's
(the mean of ImageNet, at that corner)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...language.recipe.augment import RandAugment
from ...structs import Frozen
from ..rng import key, normal, uniform

Operation = Callable[[Tensor, Tensor], Tensor]
"""(n, channels, height, width) in [0, 255] and a signed strength of (n,) in [-1, 1] → the same
shape."""
SLACK = 1e-5
"""So that what is whole in decimal numbers is so here."""
BINS = 31
"""Strengths that TrivialAugment draws from."""
SHEAR, MOVE, ROTATE = 0.3, 0.9, 30
"""Shear, shift (2 is the whole side) and degrees at full strength."""


def rand_augment(
    images: Tensor, recipe: RandAugment, seed: int, index: Tensor
) -> Tensor:
    """float32 in [0, 255] → the same. Each image draws `ops` operations, and a sign for each."""
    out, base = images, key(seed, "randaugment")
    timm = recipe.policy == "timm"
    operations = INCREASING if timm else OPERATIONS
    draw = uniform(base, index, 2 * recipe.ops)
    spread = (
        normal(key(base, "deviation"), index, recipe.ops) * recipe.deviation
    )
    done = uniform(key(base, "done"), index, recipe.ops) < (
        0.5 if timm else 1.0
    )
    level = (recipe.magnitude + spread).clamp(0, 10) / 10
    for turn in range(recipe.ops):
        choice = (draw[:, 2 * turn] * len(operations)).to(torch.int64)
        sign = torch.where(draw[:, 2 * turn + 1] < 0.5, -1.0, 1.0)
        chosen = torch.where(done[:, turn], choice, -1)
        out = _changed(out, chosen, sign * level[:, turn], operations)
    return out


def trivial_augment(images: Tensor, seed: int, index: Tensor) -> Tensor:
    """float32 in [0, 255] → the same. Each image draws one operation, one of 31 strengths from none
    to the widest of that operation, and a sign."""
    draw = uniform(key(seed, "trivialaugment"), index, 3)
    choice = (draw[:, 0] * len(WIDE)).to(torch.int64)
    level = torch.floor(draw[:, 1] * BINS) / (BINS - 1)
    sign = torch.where(draw[:, 2] < 0.5, -1.0, 1.0)
    height, width = images.shape[2:]
    moves = {1: 0.99 / SHEAR, 2: 0.99 / SHEAR, 3: 64 / width / MOVE, 4: 64 / height / MOVE,
             5: 135 / ROTATE, 6: 1.1, 7: 1.1, 8: 1.1, 9: 1.1, 10: 1.5}  # fmt: skip
    widest = torch.tensor(
        [moves.get(place, 1.0) for place in range(len(WIDE))],
        device=images.device,
    )
    return _changed(images, choice, sign * level * widest[choice], WIDE)


def _changed(
    images: Tensor,
    choice: Tensor,
    strength: Tensor,
    operations: Sequence[Operation],
) -> Tensor:
    """Each image under the operation of its choice, -1 for none."""
    painted = images.clone()
    for number, operation in enumerate(operations):
        chosen = (choice == number).nonzero().flatten()
        if len(chosen):
            painted[chosen] = operation(images[chosen], strength[chosen])
    return painted


def _blend(images: Tensor, other: Tensor, strength: Tensor) -> Tensor:
    """`strength` -1 is `other`, 0 the image, 1 as far beyond it; 0.9 of that, as PIL's enhancers
    are used."""
    factor = (1 + 0.9 * strength).view(-1, 1, 1, 1)
    return torch.lerp(other, images, factor).clamp(0, 255)


def _gray(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    weights = torch.tensor(
        [0.299, 0.587, 0.114], device=images.device
    ).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def _identity(images: Tensor, strength: Tensor) -> Tensor:
    return images


def _brightness(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, torch.zeros_like(images), strength)


def _colour(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, _gray(images).expand_as(images), strength)


def _contrast(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(
        images,
        _gray(images).mean((1, 2, 3), keepdim=True).expand_as(images),
        strength,
    )


def _sharpness(images: Tensor, strength: Tensor) -> Tensor:
    channels = images.shape[1]
    kernel = (
        torch.tensor(
            [[1.0, 1, 1], [1, 5, 1], [1, 1, 1]], device=images.device
        )
        / 13
    )
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    smooth = F.conv2d(
        padded, kernel.expand(channels, 1, 3, 3), groups=channels
    )
    return _blend(images, smooth, strength)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    """8 bits down to 4 at full strength."""
    step = 2.0 ** torch.round(4 * strength.abs()).view(-1, 1, 1, 1)
    return torch.floor(images / step) * step


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    bound = (256 * (1 - strength.abs())).view(-1, 1, 1, 1)
    return torch.where(images < bound, images, 255 - images)


def _posterize_from_4(images: Tensor, strength: Tensor) -> Tensor:
    """4 bits down to none at full strength, as timm's "increasing" has it."""
    step = 2.0 ** (4 + torch.floor(4 * strength.abs() + SLACK)).view(
        -1, 1, 1, 1
    )
    return torch.floor(images / step) * step


def _solarize_add(images: Tensor, strength: Tensor) -> Tensor:
    """Up to 110 more for what is dark."""
    more = torch.floor(110 * strength.abs() + SLACK).view(-1, 1, 1, 1)
    return torch.where(images < 128, (images + more).clamp(max=255), images)


def _invert(images: Tensor, strength: Tensor) -> Tensor:
    return 255 - images


def _autocontrast(images: Tensor, strength: Tensor) -> Tensor:
    low = images.amin((2, 3), keepdim=True)
    high = images.amax((2, 3), keepdim=True)
    return torch.where(
        high > low,
        (images - low) * (255 / (high - low).clamp_min(1)),
        images,
    )


def _equalize(images: Tensor, strength: Tensor) -> Tensor:
    """Each channel's values spread by their own distribution."""
    flat, counts = _histograms(images)
    share = counts.cumsum(1) - counts / 2
    return (255 * share / flat.shape[1]).gather(1, flat).view_as(images)


def _equalize_whole(images: Tensor, strength: Tensor) -> Tensor:
    """The same in whole numbers as Pillow counts: the last value that there is makes no step."""
    flat, counts = _histograms(images)
    there = (counts > 0).to(torch.int64).cumsum(1)
    last = there.argmax(1, keepdim=True)  # the first place of the largest
    step = ((flat.shape[1] - counts.gather(1, last)) / 255).floor()
    below = counts.cumsum(1) - counts + (step / 2).floor()
    table = (below / step.clamp_min(1)).floor().clamp(max=255)
    spread = table.gather(1, flat).view_as(images)
    return torch.where(
        (step > 0).view(*images.shape[:2], 1, 1), spread, images
    )


def _histograms(images: Tensor) -> tuple[Tensor, Tensor]:
    """The values of each channel, (n * channels, places), and how many there are of each of 256."""
    flat = (
        images.round()
        .clamp(0, 255)
        .to(torch.int64)
        .flatten(2)
        .flatten(0, 1)
    )
    counts = torch.zeros(len(flat), 256, device=images.device).scatter_add_(
        1, flat, torch.ones_like(flat, dtype=torch.float32)
    )
    return flat, counts


def _matrix(
    strength: Tensor, entries: dict[tuple[int, int], Tensor]
) -> Tensor:
    matrix = torch.zeros(len(strength), 2, 3, device=strength.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1
    for (row, column), values in entries.items():
        matrix[:, row, column] = values
    return matrix


class Moves(Frozen):
    """Shears, shifts and rotations. `fill` comes in from outside, a gray or a colour of three;
    with `corner`, a shear leaves the top left corner of an image where it is, in pixels, else its
    middle, in halves of its sides."""

    fill: tuple[float, ...]
    corner: bool

    def rotate(self, images: Tensor, strength: Tensor) -> Tensor:
        """Up to 30 degrees."""
        angle = strength * torch.pi * ROTATE / 180
        height, width = images.shape[2:]
        cos, sin = torch.cos(angle), torch.sin(angle)
        entries = {
            (0, 0): cos,
            (0, 1): -sin * height / width,
            (1, 0): sin * width / height,
            (1, 1): cos,
        }
        return self._affine(images, _matrix(strength, entries))

    def shear_x(self, images: Tensor, strength: Tensor) -> Tensor:
        """Rows apart."""
        return self._shear(images, strength, 0)

    def shear_y(self, images: Tensor, strength: Tensor) -> Tensor:
        """Columns apart."""
        return self._shear(images, strength, 1)

    def translate_x(self, images: Tensor, strength: Tensor) -> Tensor:
        """Up to 0.45 of the width."""
        return self._affine(
            images, _matrix(strength, {(0, 2): MOVE * strength})
        )

    def translate_y(self, images: Tensor, strength: Tensor) -> Tensor:
        """Up to 0.45 of the height."""
        return self._affine(
            images, _matrix(strength, {(1, 2): MOVE * strength})
        )

    def _shear(self, images: Tensor, strength: Tensor, axis: int) -> Tensor:
        slope = SHEAR * strength
        entries = {(axis, 1 - axis): slope}
        if self.corner:
            height, width = images.shape[2:]
            slope = slope * ((width / height) if axis else (height / width))
            entries = {(axis, 1 - axis): slope, (axis, 2): slope}
        return self._affine(images, _matrix(strength, entries))

    def _affine(self, images: Tensor, matrix: Tensor) -> Tensor:
        grid = F.affine_grid(
            matrix, list(images.shape), align_corners=False
        )
        colour = len(self.fill) == images.shape[1]
        fill = self.fill if colour else (sum(self.fill) / len(self.fill),)
        outside = torch.tensor(fill, device=images.device).view(-1, 1, 1)
        moved = F.grid_sample(
            images - outside, grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )  # fmt: skip
        return moved + outside


def _operations(moves: Moves, equalize: Operation) -> tuple[Operation, ...]:
    """The 14 of RandAugment and TrivialAugment."""
    return (
        _identity,
        moves.shear_x,
        moves.shear_y,
        moves.translate_x,
        moves.translate_y,
        moves.rotate,
        _brightness,
        _colour,
        _contrast,
        _sharpness,
        _posterize,
        _solarize,
        _autocontrast,
        equalize,
    )


OPERATIONS = _operations(Moves((128.0,), corner=False), _equalize)
WIDE = _operations(Moves((0.0,), corner=True), _equalize_whole)
"""TrivialAugment's, as torchvision has them."""
_TIMM = Moves((124.0, 116.0, 104.0), corner=True)
INCREASING: tuple[Operation, ...] = (
    _autocontrast,
    _equalize_whole,
    _invert,
    _TIMM.rotate,
    _posterize_from_4,
    _solarize,
    _solarize_add,
    _colour,
    _contrast,
    _brightness,
    _sharpness,
    _TIMM.shear_x,
    _TIMM.shear_y,
    _TIMM.translate_x,
    _TIMM.translate_y,
)
"""timm's, which grow stronger with the magnitude."""
