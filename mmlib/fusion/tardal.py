"""TarDAL (Liu et al., CVPR 2022): the generator of an adversarial pair, three releases of one network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class TarDAL(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W) in [-1, 1]; any size.

    norm: what makes a norm for a number of channels: nn.BatchNorm2d, with stored statistics, or `picture_norm`. By the
    release's own commands its later weights ("+" and "++") run with the former, the first ones with the latter.
    """

    def __init__(self, norm: Callable[[int], nn.Module] = nn.BatchNorm2d, channels: int = 32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(2, channels, kernel_size=3, padding=1),
            norm(channels),
            nn.ReLU(),
        )
        self.dense = nn.ModuleList([
            dense_layer(1 * channels, channels, norm),
            dense_layer(2 * channels, channels, norm),
            dense_layer(3 * channels, channels, norm),
        ])  # fmt: skip
        self.fuse = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(4 * channels, 4 * channels, kernel_size=3, padding=1),
                nn.ReLU(),
            ),
            nn.Sequential(
                nn.Conv2d(4 * channels, 2 * channels, kernel_size=3, padding=1),
                norm(2 * channels),
                nn.ReLU(),
            ),
            nn.Sequential(
                nn.Conv2d(2 * channels, channels, kernel_size=3, padding=1),
                norm(channels),
                nn.ReLU(),
            ),
            nn.Sequential(
                nn.Conv2d(channels, 1, kernel_size=3, padding=1),
                nn.Tanh(),
            ),
        )

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """Each dense layer sees all maps before it; the last convolutions see the 128 of them."""
        x = self.encoder(torch.cat([ir, vis], dim=1))
        for layer in self.dense:
            x = torch.cat([x, layer(x)], dim=1)
        return self.fuse(x)


def dense_layer(inputs: int, outputs: int, norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """(B, inputs, H, W) -> (B, outputs, H, W): convolution, norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        norm(outputs),
        nn.ReLU(),
    )


def picture_norm(channels: int) -> nn.Module:
    """A batch norm in training mode, for batches of one: it uses the mean and variance of the picture at hand."""
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=False)
