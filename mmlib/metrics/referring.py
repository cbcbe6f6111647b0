"""Referring segmentation: one mask per expression, scored per expression.

All scores are shares in [0, 1]; papers print them times 100.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
Masks = Tensor | Sequence[Tensor]

THRESHOLDS_OF_MASKS = torch.arange(1, 10) / 10
"""Probabilities above which a pixel may enter a mask; one half is number HALF."""

HALF = 4


def overlaps(masks: Masks, predictions: Masks) -> tuple[Tensor, Tensor]:
    """Pixels in the intersection and in the union of each pair, two (N,) int64.

    masks, predictions: (N,H,W) bool, or sequences of N (H,W) when sizes differ. Score at the resolution of the
    original masks unless you say otherwise: shrinking masks moves every number here. ValueError for another number of
    axes: one mask (H,W) alone would pass for H masks of one row.
    """
    for name, given in (("masks", masks), ("predictions", predictions)):
        if isinstance(given, Tensor) and given.ndim != 3:
            raise ValueError(f"{name}: expected (N,H,W), got {tuple(given.shape)}; next: add an axis with {name}[None]")
    if len(masks) != len(predictions):
        raise ValueError(f"got {len(masks)} masks but {len(predictions)} predictions")
    counts = []
    for mask, prediction in zip(masks, predictions):
        if mask.dtype != torch.bool or prediction.dtype != torch.bool:
            raise TypeError(f"masks must be bool, got {mask.dtype} and {prediction.dtype}; threshold them first")
        if mask.shape != prediction.shape or mask.ndim != 2:
            raise ValueError(
                f"a mask is {tuple(mask.shape)} but its prediction {tuple(prediction.shape)}; expected two (H,W)"
            )
        counts.append(torch.stack([(mask & prediction).sum(), (mask | prediction).sum()]))
    both = torch.stack(counts) if counts else torch.zeros(0, 2, dtype=torch.long)
    return both[:, 0], both[:, 1]


def overall_iou(masks: Masks, predictions: Masks) -> float:
    """oIoU: all intersections over all unions. Large objects dominate. nan without any pixel."""
    intersection, union = overlaps(masks, predictions)
    return float(intersection.sum().double() / union.sum())


def mean_iou(masks: Masks, predictions: Masks, *, empty: str = "zero") -> float:
    """Mean of the pairs' IoUs: every expression counts the same. nan without pairs.

    empty: what a pair counts whose mask and prediction are both empty, "zero" (LAVT) or "one" (a right silence,
    gRefCOCO).
    """
    return float(_ious(masks, predictions, empty).mean())


def precision_at(
    masks: Masks, predictions: Masks, *, thresholds: Sequence[float] = THRESHOLDS, empty: str = "zero"
) -> dict[float, float]:
    """Pr@X: the share of pairs with IoU >= X, for each threshold X in [0, 1]. `empty` as in `mean_iou`.

    ValueError for a threshold outside, such as one in percent.
    """
    if wrong := [threshold for threshold in thresholds if not 0 <= threshold <= 1]:
        raise ValueError(f"thresholds: expected shares in [0, 1], got {wrong[0]}; next: 0.5 instead of 50")
    ious = _ious(masks, predictions, empty)
    return {threshold: float((ious >= threshold).double().mean()) for threshold in thresholds}


def _ious(masks: Masks, predictions: Masks, empty: str) -> Tensor:
    if empty not in ("zero", "one"):
        raise ValueError(f"empty must be 'zero' or 'one', got {empty!r}")
    intersection, union = overlaps(masks, predictions)
    return torch.where(union > 0, intersection.double() / union, float(empty == "one"))


def overlap_at(mask: Tensor, probability: Tensor) -> dict:
    """What is needed to score one answer at each of THRESHOLDS_OF_MASKS.

    mask: bool (H, W), what is meant.  probability: float (H, W).
    Returns both and either, pixels of intersection and union, (9,) float64; pixels, those that are meant; and empty,
    whether no probability is above one half.
    """
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be bool, got {mask.dtype}; threshold it first")
    if mask.shape != probability.shape:
        raise ValueError(f"a mask is {tuple(mask.shape)} but its probabilities {tuple(probability.shape)}")
    if not bool(((probability >= 0) & (probability <= 1)).all()):  # False for NaN too
        raise ValueError("expected probabilities in [0, 1], got others or NaN; next: take the sigmoid of logits")
    marked = probability > THRESHOLDS_OF_MASKS[:, None, None].to(probability.device)  # (9, H, W)
    both = (marked & mask).sum(dim=(1, 2)).double().cpu()
    either = (marked | mask).sum(dim=(1, 2)).double().cpu()
    return {"both": both, "either": either, "pixels": int(mask.sum()), "empty": not bool(marked[HALF].any())}


def summary(rows: Sequence[dict], threshold: int = HALF) -> dict | None:
    """The scores of many answers, shares in [0, 1]; None without any.

    rows: what `overlap_at` gives, with "right" (1 if the right one of several things stands out, None if there is no
    choice) and "phrase", whose `rivals` are those things.  threshold: number of a threshold of masks.

    Returns phrases, their number; oiou, miou, pr50 and pr70; empty, the share without a pixel above one half; and where
    there is a choice right, and luck, which is what pointing at random would give.
    """
    if not rows:
        return None
    both = torch.stack([row["both"][threshold] for row in rows])
    either = torch.stack([row["either"][threshold] for row in rows])
    each = both / either
    found = {"phrases": len(rows), "oiou": float(both.sum() / either.sum()), "miou": float(each.mean())}
    found["pr50"] = float((each >= 0.5).double().mean())
    found["pr70"] = float((each >= 0.7).double().mean())
    found["empty"] = sum(row["empty"] for row in rows) / len(rows)
    several = [row for row in rows if row["right"] is not None]
    if several:
        found["right"] = sum(row["right"] for row in several) / len(several)
        found["luck"] = sum(1 / len(row["phrase"].rivals) for row in several) / len(several)
    return found
