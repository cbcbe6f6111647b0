"""DenseFuse (Li and Wu, TIP 2019), with addition as its rule: an autoencoder whose features are averaged."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RENAMED = {
    "DB1.denseblock.": "dense.",
    "dense_conv.": "",
    "conv2d.": "",
}
"""Parts of the released names -> ours."""


class DenseFuse(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W), which may leave [0, 1].

    The network was trained on values from 0 to 255 and is used on them. From 2x2 pixels on.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = conv3x3(1, 16)
        self.dense = nn.ModuleList([conv3x3(16, 16), conv3x3(32, 16), conv3x3(48, 16)])
        self.conv2 = conv3x3(64, 64)
        self.conv3 = conv3x3(64, 32)
        self.conv4 = conv3x3(32, 16)
        self.conv5 = conv3x3(16, 1)

    def encode(self, image: Tensor) -> Tensor:
        """The features of one source: (B, 1, H, W) in 0..255 -> (B, 64, H, W)."""
        x = F.relu(self.conv1(image))
        for conv in self.dense:
            x = torch.cat([x, F.relu(conv(x))], dim=1)
        return x

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """One encoder for both sources, the mean of their features, one decoder."""
        x = (self.encode(255 * vis) + self.encode(255 * ir)) / 2
        x = F.relu(self.conv2(x))
        x = F.relu(self.conv3(x))
        x = F.relu(self.conv4(x))
        x = F.relu(self.conv5(x))
        return x / 255


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that mirrors the image at its borders."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, padding_mode="reflect")
