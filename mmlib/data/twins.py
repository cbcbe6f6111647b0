"""CamVid's clip as MiniStreet's networks know streets: their size, their classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.camvid import CLASSES as CAMVID
from mmlib.data.loading import load
from mmlib.scenes import CLASSES

CAMVID_TWINS = {
    "road": "road",
    "sidewalk": "pavement",
    "building": "building",
    "fence": "fence",
    "sign": "sign",
    "vegetation": "tree",
    "sky": "sky",
    "person": "pedestrian",
    "rider": "bicyclist",
    "car": "car",
}
"""MiniStreet's name of a class and CamVid's. A rider includes the bicycle on both sides. Our wall has no twin,
and their pole has none, because a sign of ours includes its pole."""


def renamed(labels: Tensor) -> Tensor:
    """Labels in CamVid's ids as labels in MiniStreet's, of any shape; 255 where a class has no twin."""
    table = torch.full((256,), 255)
    for ours, theirs in CAMVID_TWINS.items():
        table[CAMVID.index(theirs)] = CLASSES.index(ours)
    return table[labels]


def drive(size: tuple[int, int]) -> dict[str, Tensor]:
    """The clip's 100 frames at `size` = (H, W): rgb and rgb_next (N, 3, H, W), labels (N, H, W) in MiniStreet's ids.

    DataMissing, with the command that obtains it, where CamVid is absent.
    """
    made = {"rgb": [], "rgb_next": [], "labels": []}
    for frame in load("camvid_video"):
        for name in ("rgb", "rgb_next"):
            shrunk = F.interpolate(frame[name][None], size, mode="bilinear", antialias=True)
            made[name].append(shrunk[0].clamp(0, 1))
        nearest = F.interpolate(frame["labels"][None, None].float(), size, mode="nearest")
        made["labels"].append(renamed(nearest[0, 0].long()))
    return {name: torch.stack(frames) for name, frames in made.items()}
