"""IFCNN-MAX (Zhang et al., Information Fusion 2020): ImageNet's first layer, one more, and the stronger feature."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's statistics of red, green and blue."""


class IFCNN(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> three fused channels (B, 3, H, W); any size.

    Each source is repeated to three channels, because the first layer is one for colour. What comes out may leave
    [0, 1], and its channels differ a little: the method writes them as blue, green and red.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, padding=3, padding_mode="replicate", bias=False)
        self.conv2 = ConvNorm(64)
        self.conv3 = ConvNorm(64)
        self.conv4 = nn.Conv2d(64, 3, kernel_size=1)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def encode(self, image: Tensor) -> Tensor:
        """The features of one source: (B, 1, H, W) -> (B, 64, H, W)."""
        x = (image - self.mean) / self.deviation  # (B, 3, H, W)
        return self.conv2(self.conv1(x))

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """The larger of the two sources' features at every place, and back to an image."""
        x = torch.maximum(self.encode(vis), self.encode(ir))
        x = self.conv4(self.conv3(x))
        return x * self.deviation + self.mean


class ConvNorm(nn.Module):
    """Convolution that repeats the border, batch norm, ReLU: (B, channels, H, W) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1, padding_mode="replicate", bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The three steps."""
        return F.relu(self.bn(self.conv(x)))
