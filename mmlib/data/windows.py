"""Real pairs as training data of one size: a random window of each, or all of them whole."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.dataset import Dataset


def windows(pairs: Dataset, size: tuple[int, int], seed: int) -> dict[str, Tensor]:
    """One random window of each pair: rgb (N, 3, H, W), ir (N, 1, H, W) in [0, 1], labels (N, H, W), all 255 = ignore.

    size: (H, W) of the windows; a pair that is smaller is enlarged first.  seed: of the places.
    """
    dice = torch.Generator().manual_seed(seed)
    found = []
    for pair in pairs.select("rgb", "ir"):
        both = torch.cat([pair["rgb"], pair["ir"]])
        larger = max(size[0] / both.shape[1], size[1] / both.shape[2])
        if larger > 1:
            enlarged = [math.ceil(larger * both.shape[1]), math.ceil(larger * both.shape[2])]
            both = F.interpolate(both[None], enlarged, mode="bilinear")[0]
        top = int(torch.randint(both.shape[1] - size[0] + 1, (), generator=dice))
        left = int(torch.randint(both.shape[2] - size[1] + 1, (), generator=dice))
        found.append(both[:, top : top + size[0], left : left + size[1]])
    both = torch.stack(found)
    labels = torch.full((len(both), *size), 255)
    return {"rgb": both[:, :3], "ir": both[:, 3:], "labels": labels}


def whole(pairs: Dataset) -> dict[str, Tensor]:
    """All pairs of a labelled set of one size, stacked: rgb, ir and labels."""
    samples = list(pairs.select("rgb", "ir", "labels"))
    return {name: torch.stack([sample[name] for sample in samples]) for name in ("rgb", "ir", "labels")}
