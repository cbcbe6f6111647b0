"""What a detector is punished for: not knowing what is where, and boxes that miss."""

import torch
from torch import Tensor

from mmlib.detect.targets import assign


def detection_loss(
    output: tuple[Tensor, Tensor], boxes: list[Tensor], labels: list[Tensor]
) -> dict[str, Tensor]:  # fmt: skip
    """The two terms of a batch, as scalars: "class", focal (arXiv 1708.02002, eq. 5), and "box", 1 - generalised IoU.

    output: of `mmlib.detect.net.Detector`. boxes: for each picture (N, 4) xyxy in pixels. labels: for each (N,) int64,
    0 ... classes - 1. Both terms are sums over cells, divided by the number of cells that answer for a box.
    """
    from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

    logits, found = output
    truth, wanted, mine = zip(*(_answers(b, c, logits) for b, c in zip(boxes, labels, strict=True)))
    mine = torch.stack(mine)
    count = mine.sum().clamp(min=1)
    focal = sigmoid_focal_loss(logits.float(), torch.stack(truth), alpha=0.25, gamma=2, reduction="sum")
    pairs = found.float().permute(0, 2, 3, 1)[mine], torch.cat(wanted)
    return {"class": focal / count, "box": generalized_box_iou_loss(*pairs, reduction="sum") / count}


def _answers(boxes: Tensor, labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For one picture: the class of every cell one-hot (classes, h, w), the boxes (M, 4) of cells that have one, and
    which these are (h, w)."""
    classes, height, width = logits.shape[1:]
    index = assign(boxes, height, width)
    mine = index >= 0
    truth = torch.zeros(classes, height, width, device=logits.device)
    row, column = mine.nonzero(as_tuple=True)
    truth[labels[index[mine]], row, column] = 1
    return truth, boxes[index[mine]].float(), mine
