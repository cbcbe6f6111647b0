"""Detection: COCO's mean average precision through torchmetrics, and average precision by hand with each interpolation.

Predictions and targets are lists with one dict per image: boxes (N,4) xyxy in pixels, labels (N,) int64, and for
predictions scores (N,).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Boxes = Sequence[dict[str, Tensor]]
INTERPOLATIONS = ("all_point", "11_point", "101_point", "trapezoid")


def mean_ap(predictions: Boxes, targets: Boxes, *, thresholds: str = "coco") -> dict[str, float | list[float]]:
    """COCO's average precision with pycocotools behind torchmetrics.

    Returns map (IoU 0.50 to 0.95), map_50, map_75, map_small, map_medium, map_large, mar_1, mar_10, mar_100, and per
    class: classes (ids), map_per_class. Values are shares in [0, 1]; -1 marks what has no true box, as COCO does. 101
    recall points, at most 100 boxes an image. thresholds: "coco" takes IoU and recall steps in float64, which gives
    pycocotools' own values; "torchmetrics" takes torchmetrics' float32 steps, where a recall may fall on the other
    side of one (0.001 on a small test set). ValueError for boxes and scores that are not finite (COCO's code would
    count a box of NaN as right), boxes that end before they begin, lengths that differ, and no image at all.
    """
    if thresholds not in ("coco", "torchmetrics"):
        raise ValueError(f"thresholds must be 'coco' or 'torchmetrics', got {thresholds!r}")
    _check(predictions, targets)
    try:
        from torchmetrics.detection import MeanAveragePrecision
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("mean_ap needs torchmetrics and pycocotools: make setup") from error
    metric = MeanAveragePrecision(
        box_format="xyxy",
        iou_type="bbox",
        iou_thresholds=[0.5 + 0.05 * step for step in range(10)] if thresholds == "coco" else None,
        rec_thresholds=_points(101) if thresholds == "coco" else None,
        class_metrics=True,
        backend="pycocotools",
    )
    metric.update([_cpu(image) for image in predictions], [_cpu(image) for image in targets])
    values = {name: value.tolist() for name, value in metric.compute().items()}
    for name in ("classes", "map_per_class"):
        values[name] = values[name] if isinstance(values[name], list) else [values[name]]
    return values


def precision_recall(predictions: Boxes, targets: Boxes, label: int, *, iou: float = 0.5) -> tuple[Tensor, Tensor]:
    """Precision and recall of one class after each detection, best score first: two (M,) float64.

    VOC's rule: a detection is right if the true box it overlaps most reaches `iou` and is not taken yet; a second one
    on the same box is wrong. Recall is nan throughout if the class has no true box, and if nobody detected it either, a
    single nan stands for the curve.
    """
    _check(predictions, targets)
    scores, right, total = [], [], 0
    for found, truth in zip(predictions, targets):
        mine, real = found["labels"] == label, truth["boxes"][truth["labels"] == label]
        order = found["scores"][mine].argsort(descending=True, stable=True)
        scores.append(found["scores"][mine][order])
        right.append(_matches(found["boxes"][mine][order], real, iou))
        total += len(real)
    order = torch.cat(scores).argsort(descending=True, stable=True)
    hits = torch.cat(right)[order].double().cumsum(dim=0)
    if total == 0 and len(hits) == 0:
        return hits.new_full((1,), torch.nan), hits.new_full((1,), torch.nan)
    return hits / torch.arange(1, len(hits) + 1), hits / total if total else torch.full_like(hits, torch.nan)


def average_precision(precision: Tensor, recall: Tensor, *, interpolation: str = "all_point") -> float:
    """Area under the precision-recall curve, after making precision the best at this or any higher recall.

    interpolation: "all_point", the exact area (VOC 2010); "11_point", the mean at recall 0, 0.1 .. 1 (VOC 2007);
    "101_point", at 0, 0.01 .. 1 (COCO); "trapezoid", YOLOv5's 101 points joined by lines, which also draws one from
    the last recall reached down to precision 0 at recall 1, and so gives more. nan for a class without true boxes, 0
    without detections.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    if bool(recall.isnan().any()):
        return float("nan")
    if len(recall) == 0:
        return 0.0
    best = precision.flip(0).cummax(dim=0).values.flip(0)
    if interpolation == "all_point":
        return float((best * recall.diff(prepend=recall.new_zeros(1))).sum())
    points = torch.tensor(_points(11 if interpolation == "11_point" else 101), dtype=torch.float64)
    if interpolation == "trapezoid":
        return _trapezoid(best, recall, points)
    place = torch.searchsorted(recall.contiguous(), points)
    return float(torch.cat([best, best.new_zeros(1)])[place].mean())


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (N,M) of boxes (N,4) and (M,4), xyxy, without COCO's or VOC's extra pixel.

    0 between two boxes without area.
    """
    corner = torch.maximum(a[:, None, :2], b[None, :, :2])
    sides = (torch.minimum(a[:, None, 2:], b[None, :, 2:]) - corner).clamp(min=0)
    shared = sides.prod(dim=-1)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=-1) for x in (a, b))
    union = area_a[:, None] + area_b[None, :] - shared
    return torch.where(union > 0, shared / union, 0.0)


def _matches(found: Tensor, real: Tensor, iou: float) -> Tensor:
    """Which of one image's detections, best first, are right."""
    right = torch.zeros(len(found), dtype=torch.bool)
    if len(real) == 0:
        return right
    overlap, nearest = box_iou(found.double(), real.double()).max(dim=1)
    taken = set()
    for index, (share, box) in enumerate(zip(overlap.tolist(), nearest.tolist())):
        if share >= iou and box not in taken:
            right[index] = True
            taken.add(box)
    return right


def _points(count: int) -> list[float]:
    """Recall levels from 0 to 1 in the floating-point steps of COCO and VOC.

    They matter: 3 * 0.1 is a little more than 0.3, so that a recall of exactly 3/10 misses VOC's fourth point.
    """
    return [step * (1 / (count - 1)) for step in range(count - 1)] + [1.0]


def _trapezoid(best: Tensor, recall: Tensor, points: Tensor) -> float:
    """Linear interpolation of the curve from (0, 1) over its points to (1, 0), integrated over `points`."""
    x = torch.cat([recall.new_zeros(1), recall, recall.new_ones(1)])
    y = torch.cat([recall.new_ones(1), best, recall.new_zeros(1)])
    after = torch.searchsorted(x, points, right=True).clamp(1, len(x) - 1)
    width = x[after] - x[after - 1]
    share = torch.where(width > 0, (points - x[after - 1]) / width, 1.0)
    return float(torch.trapezoid(y[after - 1] + share * (y[after] - y[after - 1]), points))


def _check(predictions: Boxes, targets: Boxes) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"got predictions for {len(predictions)} images but targets for {len(targets)}")
    if len(targets) == 0:
        raise ValueError("expected at least one image, got none; next: look why the list is empty")
    for kind, images, keys in (
        ("predictions", predictions, ("boxes", "scores", "labels")),
        ("targets", targets, ("boxes", "labels")),
    ):
        for number, image in enumerate(images):
            if missing := [key for key in keys if key not in image]:
                raise ValueError(f"{kind}[{number}] has no {', '.join(missing)}; it needs {', '.join(keys)}")
            if image["boxes"].shape != (len(image["labels"]), 4):
                raise ValueError(f"{kind}[{number}]: boxes must be (N,4) xyxy, got {tuple(image['boxes'].shape)}")
            if "scores" in keys and image["scores"].shape != image["labels"].shape:
                raise ValueError(f"{kind}[{number}]: expected a score per box, got {tuple(image['scores'].shape)}")
            for key in ("boxes", "scores"):
                if key in keys and not bool(image[key].isfinite().all()):
                    raise ValueError(f"{kind}[{number}]: {key} hold NaN or infinity; next: look for the step before")
            if image["labels"].is_floating_point():
                raise TypeError(f"{kind}[{number}]: labels must be integers, got {image['labels'].dtype}")
            if bool((image["boxes"][:, 2:] < image["boxes"][:, :2]).any()):
                raise ValueError(f"{kind}[{number}]: a box ends before it begins; boxes are xyxy, not xywh")


def _cpu(image: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: image[name].detach().cpu() for name in ("boxes", "scores", "labels") if name in image}
