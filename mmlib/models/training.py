"""Training: when does a number mean something?

Written by ``make export`` from the cells tagged ``export`` in nbs/05_training.ipynb; change them there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Twice convolution, norm, ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    layers = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=False))
        layers += [nn.GroupNorm(8, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """(B, channels, H, W) -> logits (B, classes, H, W); H and W divisible by 8."""

    def __init__(self, channels: int, classes: int = 11):
        super().__init__()
        self.fold = nn.PixelUnshuffle(2)  # 2 x 2 pixels become channels
        widths = ((4 * channels, 16), (16, 32), (32, 64))
        self.down = nn.ModuleList(two_convolutions(a, b) for a, b in widths)
        self.up = nn.ModuleList(two_convolutions(a + b, a) for a, b in widths[1:])
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of every class at every pixel."""
        kept, features = [], self.fold(image)
        for level, look in enumerate(self.down):
            features = look(F.max_pool2d(features, 2) if level else features)
            kept.append(features)
        for look, fine in zip(reversed(self.up), reversed(kept[:-1])):
            coarse = F.interpolate(features, scale_factor=2.0, mode="bilinear")
            features = look(torch.cat([coarse, fine], dim=1))
        return F.interpolate(self.head(features), scale_factor=2.0, mode="bilinear")
