"""Fused images of many pairs, measured beside simple rules; and how far a segmenter agrees with masks nobody drew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmlib.metrics.fusion import evaluate
from mmlib.metrics.segmentation import confusion, iou

Sample = tuple[str, Mapping[str, Tensor], Tensor, Tensor]
"""A pair's name, its fused images by kind, and its two sources, visible and infrared."""


def measure_fused(samples: Iterable[Sample], convention: str, metrics: Sequence[str] | None = None) -> dict[str, Any]:
    """Fusion metrics of several kinds of fused images over many pairs.

    Args:
        samples: one at a time, each image (1, 1 or 3, H, W) in [0, 1]; the kinds are those of the first sample.
        convention: a name in `mmlib.metrics.fusion.CONVENTIONS`.  metrics: some of its metrics; None: all.

    Returns:
        names: of the pairs.  mean: {kind: {metric: mean, or None where it isn't defined}}.
        pictures: the same with a list of values, one per pair.
    """
    names: list[str] = []
    pictures: dict[str, dict[str, list[float | None]]] = {}
    for name, images, vis, ir in samples:
        names.append(name)
        for kind, image in images.items():
            found = evaluate(image, vis, ir, convention=convention, **({"metrics": metrics} if metrics else {}))
            row = pictures.setdefault(kind, {})
            for metric, value in found.items():
                number = float(value)
                row.setdefault(metric, []).append(number if math.isfinite(number) else None)
    mean = {kind: {metric: _mean(values) for metric, values in row.items()} for kind, row in pictures.items()}
    return {"convention": convention, "names": names, "mean": mean, "pictures": pictures}


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if a value is missing."""
    return None if None in values else math.fsum(values) / len(values)


def agreement(
    samples: Iterable[tuple[str, Tensor, Tensor]], classes: Sequence[str], twins: Mapping[str, int], count: int
) -> dict[str, dict[str, float | None]]:
    """IoU of predictions with derived masks, by the group of a sample: agreement with pseudo-labels, never accuracy.

    Args:
        samples: (group such as "night", prediction (H, W) among `classes`, mask (H, W), 255 = ignore).
        classes: of the predictions.
        twins: which id of the masks a class of ours has; all others are 0.
        count: ids of the masks that are compared, 0 to count - 1; pixels with a higher id don't count.

    Returns:
        {group: {id as text: IoU, or None where it occurs in neither}}, without id 0.
    """
    theirs = torch.tensor([twins.get(name, 0) for name in classes])
    matrices: dict[str, Tensor] = {}
    for group, prediction, mask in samples:
        known = mask.where(mask < count, 255)
        matrix = confusion(known[None], theirs[prediction][None], count)
        matrices[group] = matrices[group] + matrix if group in matrices else matrix
    made = {}
    for group, matrix in matrices.items():
        each = iou(matrix).tolist()
        made[group] = {str(k): None if math.isnan(each[k]) else each[k] for k in range(1, count)}
    return made


def covered(prediction: Tensor, boxes: Tensor, box_labels: Tensor, twins: Sequence[int], share: float = 0.25) -> Tensor:
    """For each box (N, 4), xyxy in pixels, whether its class covers at least `share` of it: (N,) bool.

    prediction: (H, W) ids.  box_labels: (N,).  twins: the id in `prediction` for each label of the boxes.
    """
    found = []
    for (x0, y0, x1, y1), label in zip(boxes.round().long().tolist(), box_labels.tolist()):
        inside = prediction[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        found.append(bool((inside == twins[label]).float().mean() >= share) if inside.numel() else False)
    return torch.tensor(found, dtype=torch.bool)


def rank(values: Mapping[str, float], higher_is_better: bool) -> dict[str, int]:
    """The place of each name by its value, 1 for the best; equal values share the better place."""
    sign = -1 if higher_is_better else 1
    return {name: 1 + sum(sign * other < sign * value for other in values.values()) for name, value in values.items()}


def mean_rank(
    rows: Mapping[str, Mapping[str, float]], metrics: Sequence[str], better: Callable[[str], bool]
) -> dict[str, float]:
    """The mean of each method's ranks over some metrics; rows: {method: {metric: value}}."""
    places = [rank({name: row[metric] for name, row in rows.items()}, better(metric)) for metric in metrics]
    return {name: sum(place[name] for place in places) / len(places) for name in rows}
