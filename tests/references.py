"""Other packages that tests hold ours against, or a skip where they are not installed."""

from __future__ import annotations

from typing import Any

import pytest
import torch


def torchvision() -> Any:
    """torchvision, also a copy without its compiled operators, which no test here needs."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in (
        "nms(Tensor a, Tensor b, float c) -> Tensor",
        "qnms(Tensor a) -> Tensor",
    ):
        try:
            library.define(name)
        except RuntimeError:  # the real ones are there
            break
    LIBRARIES.append(library)
    return pytest.importorskip("torchvision")


LIBRARIES: list[torch.library.Library] = []
"""What was defined is gone with its library."""
