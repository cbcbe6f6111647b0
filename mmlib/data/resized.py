"""A real set at one size, and how common each class is at each place of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.loading import load

DOMAINS = {
    ("camvid", "source", "train"): ("camvid", "source_day_train"),
    ("camvid", "source", "test"): ("camvid", "source_day_test"),
    ("camvid", "target", "train"): ("camvid", "target_dusk_unlabelled"),
    ("camvid", "target", "test"): ("camvid", "target_dusk_test"),
    ("gta5_cityscapes", "source", "train"): ("gta5", "train"),
    ("gta5_cityscapes", "source", "test"): ("gta5", "val"),
    ("gta5_cityscapes", "target", "train"): ("cityscapes", "train"),
    ("gta5_cityscapes", "target", "test"): ("cityscapes", "val"),
}
"""Real sets for domain adaptation: (track, domain, part) -> name and split, as `Resized` takes them."""


class Resized:
    """At most `count` samples of a real set, spread over all of it: rgb (3, H, W), and labels (H, W) if it has any.

    name, split: as in `mmlib.data.load`.  size: (H, W). Labels are copied from the nearest pixel, never averaged.
    """

    def __init__(self, name: str, split: str, size: tuple[int, int], count: int):
        found = load(name, split)
        rows = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
        self.size = size
        self.source = found.subset([found.names[row] for row in rows])

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected a number below {len(self)}, got {index}")  # so that iteration ends
        sample = self.source[index]
        rgb = F.interpolate(sample["rgb"][None], self.size, mode="bilinear", antialias=True)
        made = {"rgb": rgb[0].clamp(0, 1)}
        if "labels" in sample:
            nearest = F.interpolate(sample["labels"][None, None].float(), self.size, mode="nearest-exact")
            made["labels"] = nearest[0, 0].long()
        return made


def class_counts(samples: Sequence[dict], classes: int, most: int = 200) -> Tensor:
    """How often each class was seen at each place of the first `most` samples: (classes, H, W) int64."""
    counts = torch.zeros(())
    ids = torch.arange(classes).view(-1, 1, 1)
    for number in range(min(most, len(samples))):
        counts = counts + (samples[number]["labels"] == ids)
    return counts.long()
