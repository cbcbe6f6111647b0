"""MFNet, a segmenter for RGB and infrared (Ha et al., IROS 2017): small, and at hand with its authors' weights.

Two encoders, one per image, meet at the bottom; on the way up each level is added to what both had found there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """3 x 3 convolution, batch norm, leaky ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=dilation, dilation=dilation)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """The same size."""
        return F.leaky_relu(self.bn(self.conv(x)), 0.2)


class MiniInception(nn.Module):
    """Three times a plain and a dilated convolution, half of the channels each: (B, C, H, W) -> (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        half = outputs // 2
        self.conv1_left = ConvNorm(inputs, half)
        self.conv1_right = ConvNorm(inputs, half, dilation=2)
        self.conv2_left = ConvNorm(outputs, half)
        self.conv2_right = ConvNorm(outputs, half, dilation=2)
        self.conv3_left = ConvNorm(outputs, half)
        self.conv3_right = ConvNorm(outputs, half, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        """The same size."""
        x = torch.cat([self.conv1_left(x), self.conv1_right(x)], dim=1)
        x = torch.cat([self.conv2_left(x), self.conv2_right(x)], dim=1)
        return torch.cat([self.conv3_left(x), self.conv3_right(x)], dim=1)


class MFNet(nn.Module):
    """rgb (B, 3, H, W) and ir (B, 1, H, W) in [0, 1], H and W divisible by 16 -> class scores (B, 9, H, W).

    Classes: MFNet's, `mmlib.data.msrs.CLASSES`. Module names are the authors', so their weights fit.
    """

    def __init__(self, classes: int = 9):
        super().__init__()
        self.conv1_rgb = ConvNorm(3, 16)
        self.conv2_1_rgb = ConvNorm(16, 48)
        self.conv2_2_rgb = ConvNorm(48, 48)
        self.conv3_1_rgb = ConvNorm(48, 48)
        self.conv3_2_rgb = ConvNorm(48, 48)
        self.conv4_rgb = MiniInception(48, 96)
        self.conv5_rgb = MiniInception(96, 96)
        self.conv1_inf = ConvNorm(1, 16)
        self.conv2_1_inf = ConvNorm(16, 16)
        self.conv2_2_inf = ConvNorm(16, 16)
        self.conv3_1_inf = ConvNorm(16, 16)
        self.conv3_2_inf = ConvNorm(16, 16)
        self.conv4_inf = MiniInception(16, 36)
        self.conv5_inf = MiniInception(36, 36)
        self.decode4 = ConvNorm(96 + 36, 64)
        self.decode3 = ConvNorm(64, 64)
        self.decode2 = ConvNorm(64, 32)
        self.decode1 = ConvNorm(32, classes)

    def forward(self, rgb: Tensor, ir: Tensor) -> Tensor:
        """The scores of every class at every pixel."""
        rgb1 = F.max_pool2d(self.conv1_rgb(rgb), 2)
        rgb2 = self.conv2_2_rgb(self.conv2_1_rgb(rgb1))  # (B, 48, H/2, W/2)
        rgb3 = self.conv3_2_rgb(self.conv3_1_rgb(F.max_pool2d(rgb2, 2)))  # (B, 48, H/4, W/4)
        rgb4 = self.conv4_rgb(F.max_pool2d(rgb3, 2))  # (B, 96, H/8, W/8)
        rgb5 = self.conv5_rgb(F.max_pool2d(rgb4, 2))  # (B, 96, H/16, W/16)
        ir1 = F.max_pool2d(self.conv1_inf(ir), 2)
        ir2 = self.conv2_2_inf(self.conv2_1_inf(ir1))  # (B, 16, H/2, W/2)
        ir3 = self.conv3_2_inf(self.conv3_1_inf(F.max_pool2d(ir2, 2)))  # (B, 16, H/4, W/4)
        ir4 = self.conv4_inf(F.max_pool2d(ir3, 2))  # (B, 36, H/8, W/8)
        ir5 = self.conv5_inf(F.max_pool2d(ir4, 2))  # (B, 36, H/16, W/16)
        x = F.interpolate(torch.cat([rgb5, ir5], dim=1), scale_factor=2)
        x = self.decode4(x + torch.cat([rgb4, ir4], dim=1))  # (B, 64, H/8, W/8)
        x = F.interpolate(x, scale_factor=2)
        x = self.decode3(x + torch.cat([rgb3, ir3], dim=1))  # (B, 64, H/4, W/4)
        x = F.interpolate(x, scale_factor=2)
        x = self.decode2(x + torch.cat([rgb2, ir2], dim=1))  # (B, 32, H/2, W/2)
        return self.decode1(F.interpolate(x, scale_factor=2))


def released_mfnet() -> MFNet:
    """MFNet with its authors' weights, in eval mode and frozen. DataMissing, with a command, where they are absent."""
    from mmlib.data.weights import weights

    net = MFNet()
    state = weights("mfnet")
    # The file was written before PyTorch counted batches; evaluation doesn't need the counts.
    counts = {name: value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")}
    net.load_state_dict(counts | state)
    return net.eval().requires_grad_(False)
