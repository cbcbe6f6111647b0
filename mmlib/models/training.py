"""Training: does infrared help at night?

Written by ``make export`` from the cells tagged ``export`` in nbs/05_training.ipynb; change them there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.layers import Norm, conv_norm_act


def double_conv(inputs: int, outputs: int, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Two convolutions with norm and ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    return nn.Sequential(
        conv_norm_act(inputs, outputs, norm=norm),
        conv_norm_act(outputs, outputs, norm=norm),
    )


class UNet(nn.Module):
    """One picture for each sense, {name: (B, C, H, W)} -> class scores (B, classes, H, W); H and W divisible by 8.

    senses: channels of each sense, such as {"rgb": 3, "ir": 1}.
    """

    def __init__(self, senses: dict[str, int], classes: int = 11, width: int = 64, norm: Norm = nn.BatchNorm2d):
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(2)
        # A convolution over stacked pictures is the sum of one convolution for each. Written like this, we can watch
        # how much each sense contributes.
        self.stems = nn.ModuleDict()
        for name, channels in senses.items():
            self.stems[name] = nn.Conv2d(4 * channels, width, kernel_size=3, padding=1, bias=False)
        self.norm = norm(width)
        self.encoder1 = conv_norm_act(width, width, norm=norm)
        self.encoder2 = double_conv(width, 2 * width, norm)
        self.encoder3 = double_conv(2 * width, 4 * width, norm)
        self.decoder2 = double_conv(4 * width + 2 * width, 2 * width, norm)
        self.decoder1 = double_conv(2 * width + width, width, norm)
        self.head = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, pictures: dict[str, Tensor]) -> Tensor:
        """The score of every class at every pixel."""
        stem = sum(conv(self.unshuffle(pictures[name])) for name, conv in self.stems.items())
        x1 = self.encoder1(F.relu(self.norm(stem)))  # (B, width, H/2, W/2)
        x2 = self.encoder2(F.max_pool2d(x1, 2))  # (B, 2 width, H/4, W/4)
        x3 = self.encoder3(F.max_pool2d(x2, 2))  # (B, 4 width, H/8, W/8)
        up2 = F.interpolate(x3, scale_factor=2.0, mode="bilinear")
        y2 = self.decoder2(torch.cat([up2, x2], dim=1))  # (B, 2 width, H/4, W/4)
        up1 = F.interpolate(y2, scale_factor=2.0, mode="bilinear")
        y1 = self.decoder1(torch.cat([up1, x1], dim=1))  # (B, width, H/2, W/2)
        return F.interpolate(self.head(y1), scale_factor=2.0, mode="bilinear")
