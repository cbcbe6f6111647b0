"""A fused grey image gets the visible image's colours back, as most fusion methods do it."""

import torch
from torch import Tensor

from mmlib.images import rgb_to_ycbcr, ycbcr_to_rgb


def add_chroma(fused: Tensor, rgb: Tensor) -> Tensor:
    """Fused luma (B, 1, H, W) with the colours, Cb and Cr, of rgb (B, 3, H, W): -> (B, 3, H, W), not cut to [0, 1]."""
    chroma = rgb_to_ycbcr(rgb)[:, 1:]  # (B, 2, H, W)
    return ycbcr_to_rgb(torch.cat([fused, chroma], dim=1))
