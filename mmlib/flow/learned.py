"""FlowNetS as an estimator of flow between frames of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.flow import resize_flow
from mmlib.flow.flownet import FlowNetS


@torch.no_grad()
def estimate(net: FlowNetS, rgb: Tensor, rgb_next: Tensor) -> Tensor:
    """Flow (B, 2, H, W) in pixels from frames (B, 3, H, W) in [0, 1], which the network sees at half their size.

    There every motion is half as long. The deepest layer of the network sees 39 pixels of a frame, and a motion that
    leads out of them can't be found.
    """
    height, width = rgb.shape[-2:]
    size = (8 * round(height / 16), 8 * round(width / 16))  # the network halves its input three times
    small = F.interpolate(rgb, size, mode="area")
    small_next = F.interpolate(rgb_next, size, mode="area")
    return resize_flow(net(small, small_next), (height, width))
