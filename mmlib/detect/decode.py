"""From what every cell says to a short list of boxes, and what that list is worth."""

import math

import torch
from torch import Tensor

from mmlib.detect.net import STRIDE
from mmlib.metrics.detection import Boxes, average_precision, precision_recall


@torch.no_grad()
def decode(
    output: tuple[Tensor, Tensor], *, least: float = 0.05, overlap: float = 0.5, limit: int = 100
) -> list[dict[str, Tensor]]:
    """The detections of each picture: dicts of boxes (N, 4) xyxy in pixels, scores (N,) and labels (N,), best first.

    output: of `mmlib.detect.net.Detector`, for pictures of STRIDE times its size. Of a class' boxes that overlap by
    an IoU above `overlap` only the best stays (non-maximum suppression, from torchvision). At most `limit` a picture,
    with scores of `least` or more; boxes are cut to the picture.
    """
    from torchvision.ops import batched_nms, clip_boxes_to_image

    logits, places = output
    size = (STRIDE * logits.shape[2], STRIDE * logits.shape[3])
    found = []
    for scores, boxes in zip(logits.float().sigmoid(), places.float()):
        label, row, column = (scores >= least).nonzero(as_tuple=True)
        score, box = scores[label, row, column], clip_boxes_to_image(boxes[:, row, column].T, size)
        keep = batched_nms(box, score, label, overlap)[:limit]
        found.append({"boxes": box[keep], "scores": score[keep], "labels": label[keep]})
    return found


def map50(predictions: Boxes, targets: Boxes, classes: tuple[str, ...]) -> dict[str, float | dict[str, float | None]]:
    """Mean average precision at an IoU of 0.5: {"map50": share in [0, 1], "ap50": {class: share, or None}}.

    101 recall points, as COCO; VOC's rule for what is right (`mmlib.metrics.detection`). A class without a true box is
    left out of the mean; without any box at all there is nothing to measure: ValueError.
    """
    ap50: dict[str, float | None] = {}
    for label, name in enumerate(classes):
        known = any(bool((truth["labels"] == label).any()) for truth in targets)
        curve = precision_recall(predictions, targets, label) if known else ()
        ap50[name] = average_precision(*curve, interpolation="101_point") if known else None
    found = [value for value in ap50.values() if value is not None]
    if not found:
        raise ValueError("expected at least one true box, got none; next: more pictures")
    return {"map50": math.fsum(found) / len(found), "ap50": ap50}
