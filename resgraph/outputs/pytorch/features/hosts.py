"""How others read a backbone → one class each, laid over a net that gives a tuple of maps; exported
source takes them along as they stand.

The protocols are those of timm 1.0 (`features_only=True`), segmentation_models_pytorch 0.6 (an
encoder) and torchvision 0.28 (a detector's backbone). What is laid over says `rows`, `channels`
and `strides`, one of each map, and `in_channels`."""

from __future__ import annotations

import torch
from torch import nn


class FeatureInfo:
    """What timm says of the maps of a backbone: for each its row, channels and reduction."""

    def __init__(
        self,
        rows: tuple[str, ...],
        channels: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> None:
        maps = zip(rows, channels, strides, strict=True)
        self.info: list[dict[str, object]] = [
            {
                "index": index,
                "module": row,
                "num_chs": width,
                "reduction": stride,
            }
            for index, (row, width, stride) in enumerate(maps)
        ]
        self.out_indices = tuple(range(len(self.info)))

    def get_dicts(
        self,
        keys: list[str] | None = None,
        idx: list[int] | int | None = None,
    ) -> object:
        """All facts of each map, of some, or of one."""
        if not isinstance(idx, int):
            chosen = self.out_indices if idx is None else idx
            return [self.get_dicts(keys, index) for index in chosen]
        facts = self.info[idx]
        return {
            key: facts[key] for key in facts if keys is None or key in keys
        }

    def get(self, key: str, idx: list[int] | int | None = None) -> object:
        """One fact of each map, of some, or of one."""
        if isinstance(idx, int):
            return self.info[idx][key]
        return [
            self.info[i][key]
            for i in (self.out_indices if idx is None else idx)
        ]

    def channels(self, idx: list[int] | int | None = None) -> object:
        return self.get("num_chs", idx)

    def reduction(self, idx: list[int] | int | None = None) -> object:
        return self.get("reduction", idx)

    def module_name(self, idx: list[int] | int | None = None) -> object:
        return self.get("module", idx)

    def __getitem__(self, index: int) -> dict[str, object]:
        return self.info[index]

    def __len__(self) -> int:
        return len(self.info)


class Features(nn.Module):
    """As timm's `features_only=True`: a list of maps, and `feature_info`."""

    rows: tuple[str, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    layers: dict[str, int]

    @property
    def feature_info(self) -> FeatureInfo:
        return FeatureInfo(self.rows, self.channels, self.strides)

    def group_matcher(self, coarse: bool = False) -> object:
        """What timm's optimizers ask for `layer_decay`: a weight's key → the depth of its block."""
        rows = list(
            dict.fromkeys(part.partition(".")[0] for part in self.layers)
        )
        if coarse:
            return lambda key: rows.index(key.partition(".")[0])
        deepest = sorted(self.layers, key=len, reverse=True)
        return lambda key: next(
            self.layers[part]
            for part in deepest
            if f"{key}.".startswith(f"{part}.")
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return list(super().forward(x))


class Backbone(nn.Module):
    """As a torchvision detector's backbone: a dict of maps, and their `out_channels`."""

    rows: tuple[str, ...]

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict(zip(self.rows, super().forward(x), strict=True))


class Encoder(nn.Module):
    """As an encoder of segmentation_models_pytorch: the image, and a map for each halving of it,
    empty where the net has none of that size."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    in_channels: int

    def __init__(
        self, depth: int = 5, output_stride: int = 32, **_: object
    ) -> None:
        super().__init__()
        if 2**depth not in self.strides:
            raise ValueError(
                f"no map of stride {2**depth}: there are {self.strides}"
            )
        if output_stride != 32:
            self.make_dilated(output_stride)
        self.depth = depth

    @property
    def out_channels(self) -> list[int]:
        widths = dict(zip(self.strides, self.channels, strict=True))
        halvings = range(1, self.depth + 1)
        return [
            self.in_channels,
            *(widths.get(2**halving, 0) for halving in halvings),
        ]

    @property
    def output_stride(self) -> int:
        return int(2**self.depth)

    def set_in_channels(
        self, in_channels: int, pretrained: bool = True
    ) -> None:
        if in_channels != self.in_channels:
            raise ValueError(
                f"the net reads {self.in_channels} channels: its spec says `input`"
            )

    def make_dilated(self, output_stride: int) -> None:
        raise ValueError(
            f"output_stride={output_stride}: the spec says strides and dilations"
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = dict(zip(self.strides, super().forward(x), strict=True))
        batch, _, height, width = x.shape
        found = [x]
        for stride in (2**halving for halving in range(1, self.depth + 1)):
            size = (-(-height // stride), -(-width // stride))
            found.append(
                maps[stride]
                if stride in maps
                else x.new_empty(batch, 0, *size)
            )
        return found
