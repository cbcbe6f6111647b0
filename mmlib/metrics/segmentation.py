"""Semantic segmentation: everything follows from one confusion matrix, summed over the whole test set.

    matrix = sum(confusion(labels, prediction, 11) for labels, prediction in pairs)
    miou(matrix, absent="skip")

Never average IoUs of single images: a class that is small in one image would weigh as much as a full street elsewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORE = 255


def confusion(labels: Tensor, prediction: Tensor, num_classes: int, *, ignore: int | None = IGNORE) -> Tensor:
    """Counts (C,C) of pixels: rows are the true class, columns the predicted one.

    labels, prediction: integers of equal shape, in [0, num_classes). Pixels with labels == ignore are left out,
    whatever was predicted there. Add the matrices of all images before taking any score. Raises TypeError for floats,
    ValueError for unequal shapes or ids out of range.
    """
    _check_ids(labels, prediction)
    kept = torch.ones_like(labels, dtype=torch.bool) if ignore is None else labels != ignore
    truth, guess = labels[kept].long(), prediction[kept].long()
    _check_range("labels", truth, num_classes)
    _check_range("prediction", guess, num_classes)
    return torch.bincount(truth * num_classes + guess, minlength=num_classes**2).view(num_classes, num_classes)


def iou(confusion: Tensor) -> Tensor:
    """Intersection over union of each class, (C,) float64; nan for a class neither labelled nor predicted."""
    hits, truth, guess = _marginals(confusion)
    return hits / (truth + guess - hits)


def miou(confusion: Tensor, *, absent: str = "skip", background: bool = True) -> float:
    """Mean IoU over classes.

    absent: what a class counts that has no labelled pixel,
    - "skip": classes with an empty union are left out, so a class absent from the labels counts 0 once it is predicted
      (torchmetrics' macro mean);
    - "gt_only": only classes with labelled pixels are averaged (SegMiF's training-time score);
    - "zero": an empty union counts 0 and every class is averaged (SegMiF's and MFNet's test scripts).
    background: False leaves class 0 out of the mean, though its pixels still count as errors of the others. MFNet's
    first code left it out of the unions too: miou(confusion[1:, 1:]). nan when there is nothing to average ("zero"
    gives 0).
    """
    if absent not in ("skip", "zero", "gt_only"):
        raise ValueError(f"absent must be 'skip', 'zero' or 'gt_only', got {absent!r}")
    values = iou(confusion)
    if absent == "gt_only":
        values = values.masked_fill(confusion.sum(dim=1) == 0, float("nan"))
    if absent == "zero":
        values = values.nan_to_num(0.0)
    return float(values[0 if background else 1 :].nanmean())


def micro_iou(confusion: Tensor) -> float:
    """Intersection over union of all classes pooled: every pixel counts the same; nan without any pixel."""
    hits, truth, guess = _marginals(confusion)
    return float(hits.sum() / (truth + guess - hits).sum())


def accuracy(confusion: Tensor) -> float:
    """Share of labelled pixels predicted right; nan without any."""
    hits, truth, _ = _marginals(confusion)
    return float(hits.sum() / truth.sum())


def class_accuracy(confusion: Tensor) -> Tensor:
    """Recall of each class, (C,): the share of its pixels found; nan for a class without labelled pixels."""
    hits, truth, _ = _marginals(confusion)
    return hits / truth


def mean_accuracy(confusion: Tensor) -> float:
    """Mean of `class_accuracy` over the classes that are labelled."""
    return float(class_accuracy(confusion).nanmean())


def precision(confusion: Tensor) -> Tensor:
    """Share of each class's predictions that are right, (C,); nan for a class that is never predicted."""
    hits, _, guess = _marginals(confusion)
    return hits / guess


def dice(confusion: Tensor) -> Tensor:
    """Dice or F1 score of each class, (C,): 2 hits / (labelled + predicted); nan where both are empty."""
    hits, truth, guess = _marginals(confusion)
    return 2 * hits / (truth + guess)


def frequency_weighted_iou(confusion: Tensor) -> float:
    """IoUs weighted by the classes' shares of the labelled pixels; nan without any."""
    _, truth, _ = _marginals(confusion)
    return float((iou(confusion).nan_to_num(0.0) * truth).sum() / truth.sum())


def boundary_f(
    labels: Tensor, prediction: Tensor, num_classes: int, *, tolerance: float = 2.0, ignore: int | None = IGNORE
) -> Tensor:
    """F score of each class's outline, (C,) float64; nan for a class without outline in labels and prediction.

    labels, prediction: (B,H,W) integers. An outline is the pixels of a class that touch another one (8 neighbours; the
    image's edge is no outline). A predicted outline pixel is right when a true one lies within `tolerance` pixels, and
    the other way round for recall; counts are pooled over the batch. Pixels to ignore, and their neighbours, carry no
    outline. Published scores use 0.75 % (Csurka et al. 2013) or 0.8 % (DAVIS) of the diagonal as tolerance, averaged
    per image.
    """
    _check_ids(labels, prediction)
    if labels.ndim != 3:
        raise ValueError(f"labels must be (B,H,W), got {tuple(labels.shape)}")
    usable = torch.ones_like(labels, dtype=torch.bool) if ignore is None else labels != ignore
    _check_range("labels", labels[usable], num_classes)
    _check_range("prediction", prediction[usable], num_classes)
    usable = ~_grown(~usable, 1.5)
    scores = []
    for index in range(num_classes):
        truth, guess = (_outline(ids == index) & usable for ids in (labels, prediction))
        hits_guess = (guess & _grown(truth, tolerance)).sum()
        hits_truth = (truth & _grown(guess, tolerance)).sum()
        right, found = hits_guess / guess.sum().double(), hits_truth / truth.sum().double()
        right, found = (x.nan_to_num(0.0) if truth.any() or guess.any() else x for x in (right, found))
        scores.append(torch.where(right + found == 0, 0.0, 2 * right * found / (right + found)))
    return torch.stack(scores)


def _outline(mask: Tensor) -> Tensor:
    return mask & _grown(~mask, 1.5)


def _grown(mask: Tensor, radius: float) -> Tensor:
    """Every pixel within `radius` of the mask."""
    reach = int(radius)
    offsets = torch.arange(-reach, reach + 1, device=mask.device)
    disk = (offsets[:, None] ** 2 + offsets**2 <= radius**2).float()
    return F.conv2d(mask[:, None].float(), disk[None, None], padding=reach)[:, 0] > 0.5


def _marginals(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hits, labelled and predicted pixels of each class."""
    counts = confusion.double()
    return counts.diagonal(), counts.sum(dim=1), counts.sum(dim=0)


def _check_ids(labels: Tensor, prediction: Tensor) -> None:
    for name, ids in (("labels", labels), ("prediction", prediction)):
        if ids.is_floating_point() or ids.is_complex():
            raise TypeError(f"{name} must be integer class ids, got {ids.dtype}; take argmax of logits first")
    if labels.shape != prediction.shape:
        raise ValueError(f"labels are {tuple(labels.shape)} but prediction is {tuple(prediction.shape)}")


def _check_range(name: str, ids: Tensor, num_classes: int) -> None:
    if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < num_classes):
        wrong = ids[(ids < 0) | (ids >= num_classes)].unique().tolist()[:10]
        raise ValueError(f"{name} must be in 0..{num_classes - 1} or ignored, got {wrong}; check the class mapping")
