"""Which cell answers for which box: those near its middle, and of several boxes the smallest."""

import torch
from torch import Tensor

from mmlib.detect.net import STRIDE, centres

REACH = 1.5
"""How many cells from a box's middle its cells may lie, in either direction (FCOS's centre sampling)."""


def assign(boxes: Tensor, height: int, width: int) -> Tensor:
    """The box that each cell of a grid (height, width) answers for: its index in `boxes` (N, 4), or -1 for none.

    A cell answers for a box if its centre lies in the box and at most `REACH` cells from the box's middle, or if it
    contains that middle, so that no box is without a cell. Where boxes compete the smallest gets the cell, because the
    larger one has others. Boxes are xyxy in pixels with their middle in the picture. Result: (height, width) int64.
    """
    if not len(boxes):
        return torch.full((height, width), -1, device=boxes.device)
    x, y = centres(height, width, boxes.device)
    x0, y0, x1, y1 = boxes[:, :, None, None].unbind(dim=1)
    off = torch.maximum((x - (x0 + x1) / 2).abs(), (y - (y0 + y1) / 2).abs()) / STRIDE
    inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    mine = (inside & (off <= REACH)) | (off <= 0.5)
    area = torch.where(mine, (x1 - x0) * (y1 - y0), torch.inf)
    smallest, index = area.min(dim=0)
    return torch.where(smallest.isfinite(), index, -1)
