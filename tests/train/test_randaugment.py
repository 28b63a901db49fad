"""RandAugment as timm does it, operation by operation against timm's on Pillow images, and how often
each is drawn."""

from __future__ import annotations

import pytest
import references
import torch
from torch import Tensor

from resgraph.language.recipe.augment import RandAugment
from resgraph.train.augment import randaugment
from resgraph.train.augment.randaugment import (
    INCREASING,
    WIDE,
    rand_augment,
)

SIDES = 40, 56
NAMES = (
    *(
        "AutoContrast",
        "Equalize",
        "Invert",
        "Rotate",
        "PosterizeIncreasing",
    ),
    *(
        "SolarizeIncreasing",
        "SolarizeAdd",
        "ColorIncreasing",
        "ContrastIncreasing",
    ),
    *("BrightnessIncreasing", "SharpnessIncreasing", "ShearX", "ShearY"),
    *("TranslateXRel", "TranslateYRel"),
)
"""timm's of `inc1`, in the order of its list."""
MOVES = ("Rotate", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel")


def picture() -> Tensor:
    """(3, height, width), smooth, so that two ways of bilinear sampling agree."""
    height, width = SIDES
    y = torch.linspace(0, 3, height)[:, None]
    x = torch.linspace(0, 4, width)[None]
    waves = [
        torch.sin(x + y),
        torch.cos(x - y),
        torch.sin(2 * x) * torch.cos(y),
    ]
    return (120 + 90 * torch.stack(waves)).round()


@pytest.mark.parametrize("level", [0.0, 3.0, 7.0, 9.9])
@pytest.mark.parametrize("name", NAMES)
def test_each_operation_is_timms(
    name: str, level: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    references.torchvision()
    pytest.importorskip("timm")
    import numpy
    from PIL import Image
    from timm.data import auto_augment

    assert tuple(auto_augment._RAND_INCREASING_TRANSFORMS) == NAMES
    # no sign
    monkeypatch.setattr(auto_augment.random, "random", lambda: 0.1)
    image = picture()
    theirs = auto_augment.AugmentOp(
        name,
        prob=1.0,
        magnitude=level,
        hparams={"img_mean": (124, 116, 104), "interpolation": Image.Resampling.BILINEAR},
    )(Image.fromarray(image.byte().permute(1, 2, 0).numpy()))  # fmt: skip
    wanted = torch.from_numpy(numpy.array(theirs)).permute(2, 0, 1).float()
    strength = torch.full((1,), level / 10)
    ours = INCREASING[NAMES.index(name)](image[None], strength)[0]
    off = (ours - wanted).abs()
    # at the edge of what comes in Pillow takes the fill alone
    least = (
        0.9
        if name in MOVES
        else 0.99
        if name == "SharpnessIncreasing"
        else 1.0
    )
    assert (off <= 2).float().mean() >= least, off.max()


def test_timms_policy_draws_as_timm_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """15 operations, each half of the times, of a strength of 7 give or take 0.5."""
    seen: dict[int, list[float]] = {number: [] for number in range(15)}

    def spy(number: int) -> randaugment.Operation:
        def note(images: Tensor, strength: Tensor) -> Tensor:
            seen[number] += strength.tolist()
            return images

        return note

    monkeypatch.setattr(
        randaugment, "INCREASING", [spy(n) for n in range(15)]
    )
    recipe = RandAugment(magnitude=7, deviation=0.5, policy="timm")
    rand_augment(torch.zeros(6000, 1, 1, 1), recipe, 3, torch.arange(6000))
    counts = torch.tensor([len(each) for each in seen.values()]).float()
    assert counts.sum() / 12000 == pytest.approx(0.5, abs=0.02)
    assert (counts / counts.sum() - 1 / 15).abs().max() < 0.012
    levels = torch.tensor(
        [level for each in seen.values() for level in each]
    )
    assert levels.abs().mean() * 10 == pytest.approx(7, abs=0.03)
    assert levels.abs().std() * 10 == pytest.approx(0.5, abs=0.03)
    assert (levels > 0).float().mean() == pytest.approx(0.5, abs=0.03)


def test_what_comes_in_is_each_sources_own() -> None:
    """The mean of ImageNet with timm, black with torchvision; and a shear keeps the corner."""
    white = torch.full((1, 3, 8, 8), 255.0)
    corner = picture()[None, :, :24, :24]
    for moves, fill in (
        (INCREASING[13], (124, 116, 104)),
        (WIDE[3], (0, 0, 0)),
    ):
        right = moves(white, torch.ones(1))[0, :, 4, -1]
        assert right.tolist() == pytest.approx(fill)
    for shear in (INCREASING[11], WIDE[1]):
        moved = shear(corner, torch.ones(1))
        torch.testing.assert_close(
            moved[0, :, 0, :20], corner[0, :, 0, :20], atol=6, rtol=0
        )
