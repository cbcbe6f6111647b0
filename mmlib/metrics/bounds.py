"""Segmentation scores of a test, with its floor and its ceiling: what a blind guess and what perfection would reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.metrics.segmentation import confusion, iou, miou


def scores(labels: Tensor, prediction: Tensor, classes: Sequence[str], things: Sequence[str] = ()) -> dict[str, Any]:
    """Mean IoU over all classes, over the classes in `things` ("movers"), and each class's own, from 0 to 1.

    labels, prediction: (N, H, W) int64; labels 255 = ignore. A class that occurs in neither is None and counts nowhere.
    """
    matrix = confusion(labels, prediction, len(classes))
    found = dict(zip(classes, iou(matrix).tolist()))
    each = {name: None if math.isnan(value) else value for name, value in found.items()}
    movers = [each[name] for name in things if each.get(name) is not None]
    return {"miou": miou(matrix), "movers": sum(movers) / max(1, len(movers)), "iou": each}


def bounds(
    labels: Tensor, learned_from: Tensor, classes: Sequence[str], things: Sequence[str] = (), grid: int = 4
) -> dict[str, float]:
    """Floor and ceiling of a test, as mean IoU over all classes and over `things`.

    The floor is the commonest class at each pixel of `learned_from` (M, H, W), without a look at any picture. The
    ceiling is always right, but scores only every `grid`-th pixel. labels: (N, H, W) int64, without 255.
    """
    counts = torch.stack([(learned_from == k).sum(dim=0) for k in range(len(classes))])
    guess = counts.argmax(dim=0).expand_as(labels)
    coarse = []
    for some in labels.split(16):
        exact = F.one_hot(some, len(classes)).permute(0, 3, 1, 2).float()
        blurred = F.interpolate(F.avg_pool2d(exact, grid), labels.shape[-2:], mode="bilinear")
        coarse.append(blurred.argmax(dim=1))
    floor = scores(labels, guess, classes, things)
    ceiling = scores(labels, torch.cat(coarse), classes, things)
    return {
        "floor": floor["miou"],
        "floor_movers": floor["movers"],
        "ceiling": ceiling["miou"],
        "ceiling_movers": ceiling["movers"],
    }
