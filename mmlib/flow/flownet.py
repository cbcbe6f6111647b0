"""FlowNetS, small: a network that learns to estimate flow from exact flow (Dosovitskiy et al., ICCV 2015)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FlowNetS(nn.Module):
    """Two frames (B, 3, H, W) in [0, 1] -> flow (B, 2, H, W) in pixels; H and W divisible by 8."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.down1 = nn.Conv2d(6, width, kernel_size=7, stride=2, padding=3)
        self.down2 = nn.Conv2d(width, 2 * width, kernel_size=5, stride=2, padding=2)
        self.down3 = nn.Conv2d(2 * width, 4 * width, kernel_size=3, stride=2, padding=1)
        self.deep = nn.Conv2d(4 * width, 4 * width, kernel_size=3, padding=1)
        self.flow3 = nn.Conv2d(4 * width, 2, kernel_size=3, padding=1)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=4, stride=2, padding=1)
        self.flow2 = nn.Conv2d(4 * width + 2, 2, kernel_size=3, padding=1)
        self.up1 = nn.ConvTranspose2d(4 * width + 2, width, kernel_size=4, stride=2, padding=1)
        self.flow1 = nn.Conv2d(2 * width + 2, 2, kernel_size=3, padding=1)

    def guesses(self, rgb: Tensor, rgb_next: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Flow in pixels of the frames, at 1/8, 1/4 and 1/2 of their size."""
        x = torch.cat([rgb, rgb_next], dim=1) - 0.5
        x1 = F.leaky_relu(self.down1(x), 0.1)  # (B, width, H/2, W/2)
        x2 = F.leaky_relu(self.down2(x1), 0.1)  # (B, 2 width, H/4, W/4)
        x3 = F.leaky_relu(self.down3(x2), 0.1)  # (B, 4 width, H/8, W/8)
        x3 = F.leaky_relu(self.deep(x3), 0.1)
        flow3 = self.flow3(x3)
        up2 = F.leaky_relu(self.up2(x3), 0.1)
        finer3 = F.interpolate(flow3, scale_factor=2.0, mode="bilinear")
        y2 = torch.cat([up2, x2, finer3], dim=1)  # (B, 4 width + 2, H/4, W/4)
        flow2 = self.flow2(y2)
        up1 = F.leaky_relu(self.up1(y2), 0.1)
        finer2 = F.interpolate(flow2, scale_factor=2.0, mode="bilinear")
        y1 = torch.cat([up1, x1, finer2], dim=1)  # (B, 2 width + 2, H/2, W/2)
        flow1 = self.flow1(y1)
        return flow3, flow2, flow1

    def forward(self, rgb: Tensor, rgb_next: Tensor) -> Tensor:
        """The finest guess, at the size of the frames."""
        finest = self.guesses(rgb, rgb_next)[2]
        return F.interpolate(finest, rgb.shape[-2:], mode="bilinear")
