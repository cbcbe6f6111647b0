"""Real pairs as training data of one size: random windows of each, or all of them whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mmlib.data.batches import collate, crop, resize
from mmlib.data.dataset import Dataset


class Crops(Sequence):
    """Random windows of the samples of a set whose sizes differ, for `mmlib.train.Batches`: len(pairs) * per_pair.

    Window k is cut from sample k % len(pairs), at a place that (seed, k) decides, so that a resumed run sees the same.
    A sample that is smaller than `size` (H, W) is enlarged first. All fields move along, see `mmlib.data.crop`.
    """

    collate = staticmethod(collate)

    def __init__(self, pairs: Dataset, size: tuple[int, int], per_pair: int = 1, seed: int = 0):
        self.pairs = pairs
        self.size = size
        self.per_pair = per_pair
        self.seed = seed

    def __len__(self) -> int:
        return len(self.pairs) * self.per_pair

    def __getitem__(self, index: int) -> dict:
        if not 0 <= index < len(self):
            raise IndexError(f"expected a number below {len(self)}, got {index}")  # so that iteration ends
        sample = self.pairs[index % len(self.pairs)]
        height, width = sample["rgb"].shape[-2:]
        larger = max(self.size[0] / height, self.size[1] / width)
        if larger > 1:
            height, width = math.ceil(larger * height), math.ceil(larger * width)
            sample = resize(sample, (height, width))
        dice = torch.Generator().manual_seed(1_000_003 * self.seed + index)
        top = int(torch.randint(height - self.size[0] + 1, (), generator=dice))
        left = int(torch.randint(width - self.size[1] + 1, (), generator=dice))
        return crop(sample, self.size, (top, left))


def windows(pairs: Dataset, size: tuple[int, int], seed: int, per_pair: int = 1) -> dict[str, Tensor]:
    """`Crops`, stacked: rgb (N, 3, H, W), ir (N, 1, H, W) in [0, 1], labels (N, H, W), 255 = ignore where there are
    none.
    """
    fields = [field for field in ("rgb", "ir", "labels") if field in pairs.fields]
    samples = list(Crops(pairs.select(*fields), size, per_pair, seed))
    stacked = {field: torch.stack([sample[field] for sample in samples]) for field in fields}
    return {"labels": torch.full((len(samples), *size), 255)} | stacked


def whole(pairs: Dataset) -> dict[str, Tensor]:
    """All pairs of a labelled set of one size, stacked: rgb, ir and labels."""
    samples = list(pairs.select("rgb", "ir", "labels"))
    return {name: torch.stack([sample[name] for sample in samples]) for name in ("rgb", "ir", "labels")}
