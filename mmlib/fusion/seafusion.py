"""SeAFusion (Tang et al., Information Fusion 2022): two branches of dense blocks with the gradient as a shortcut."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RENAMED = {
    ".conv.": ".",
    "vis_": "vis.",
    "inf_": "ir.",
    "rgbd": "block",
    "dense.": "",
    "sobelconv.conv": "sobel_",
    "convdown": "project",
    "convup": "project_gradient",
}
"""Parts of the released names -> ours, one after the other."""


class SeAFusion(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W) in [0, 1]; any size.

    The released file also holds batch norms, which the released code never applies; they are left out here.
    """

    def __init__(self):
        super().__init__()
        self.vis = Branch()
        self.ir = Branch()
        self.decode4 = nn.Conv2d(96, 64, kernel_size=3, padding=1)
        self.decode3 = nn.Conv2d(64, 32, kernel_size=3, padding=1)
        self.decode2 = nn.Conv2d(32, 16, kernel_size=3, padding=1)
        self.decode1 = nn.Conv2d(16, 1, kernel_size=3, padding=1)

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """The features of both branches, side by side, are narrowed to one image."""
        x = torch.cat([self.vis(vis), self.ir(ir)], dim=1)  # (B, 96, H, W)
        x = F.leaky_relu(self.decode4(x), 0.2)
        x = F.leaky_relu(self.decode3(x), 0.2)
        x = F.leaky_relu(self.decode2(x), 0.2)
        return torch.tanh(self.decode1(x)) / 2 + 0.5


class Branch(nn.Module):
    """The features of one source: (B, 1, H, W) -> (B, 48, H, W)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.block1 = GradientResidualDenseBlock(16, 32)
        self.block2 = GradientResidualDenseBlock(32, 48)

    def forward(self, image: Tensor) -> Tensor:
        """One convolution and two blocks."""
        x = F.leaky_relu(self.conv(image), 0.2)
        x = self.block1(x)
        return self.block2(x)


class GradientResidualDenseBlock(nn.Module):
    """Two dense layers, and beside them the strength of the features' edges: (B, inputs, H, W) -> (B, outputs, H, W).

    The Sobel kernels are weights of the file, so that training could have changed them.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(2 * inputs, inputs, kernel_size=3, padding=1)
        self.project = nn.Conv2d(3 * inputs, outputs, kernel_size=1)
        self.sobel_x = nn.Conv2d(inputs, inputs, kernel_size=3, padding=1, groups=inputs, bias=False)
        self.sobel_y = nn.Conv2d(inputs, inputs, kernel_size=3, padding=1, groups=inputs, bias=False)
        self.project_gradient = nn.Conv2d(inputs, outputs, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """The dense layers' projection plus the gradient's."""
        dense = torch.cat([x, F.leaky_relu(self.conv1(x), 0.2)], dim=1)
        dense = torch.cat([dense, F.leaky_relu(self.conv2(dense), 0.2)], dim=1)
        gradient = self.sobel_x(x).abs() + self.sobel_y(x).abs()
        return F.leaky_relu(self.project(dense) + self.project_gradient(gradient), 0.1)
