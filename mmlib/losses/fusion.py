"""What a fused image is punished for: differences from a target in grey, in edges, and in structure."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.losses import in_float32


@in_float32
def edges(image: Tensor) -> Tensor:
    """Sobel edge strength |gx| + |gy| of (B, 1, H, W) -> the same size; the border is continued, so it adds no edge.

    The kernels sum to 4 in each direction: a step from 0 to 1 has strength 4.
    """
    x = F.pad(image, (1, 1, 1, 1), mode="replicate")
    down = x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]
    across = x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]
    gx, gy = down[..., 2:] - down[..., :-2], across[..., 2:, :] - across[..., :-2, :]
    return gx.abs() + gy.abs()


@in_float32
def edge_loss(fused: Tensor, target: Tensor) -> Tensor:
    """Mean |edges(fused) - edges(target)| of (B, 1, H, W) twice: a scalar, 0 or more."""
    return (edges(fused) - edges(target)).abs().mean()


def window(size: int = 11, sigma: float = 1.5) -> list[float]:
    """The weights of a Gaussian of `size` pixels, summing to 1."""
    x = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-(x**2) / (2 * sigma**2))
    return (weights / weights.sum()).tolist()


@in_float32
def ssim(fused: Tensor, target: Tensor, *, size: int = 11, sigma: float = 1.5) -> Tensor:
    """Structural similarity of each image with its target: (B, C, H, W) twice, in [0, 1] -> (B,), at most 1.

    Gaussian window of 11 pixels with sigma 1.5, C1 = 0.01^2, C2 = 0.03^2, and zeros around the image, as in the codes
    that SegMiF and TSJNet released; `mmlib.metrics.fusion.ssim` has the other conventions. Differentiable.
    """
    taps = torch.tensor(window(size, sigma), dtype=fused.dtype, device=fused.device)
    channels = fused.shape[1]
    maps = torch.cat([fused, target, fused * fused, target * target, fused * target], dim=1)
    kernel = taps.expand(5 * channels, 1, 1, size)
    maps = F.conv2d(maps, kernel, padding=(0, size // 2), groups=5 * channels)
    maps = F.conv2d(maps, kernel.transpose(2, 3), padding=(size // 2, 0), groups=5 * channels)
    f, t, ff, tt, ft = maps.split(channels, dim=1)
    c1, c2 = 0.01**2, 0.03**2
    alike = (2 * f * t + c1) * (2 * (ft - f * t) + c2)
    return (alike / ((f * f + t * t + c1) * (ff - f * f + tt - t * t + c2))).mean(dim=(1, 2, 3))


@in_float32
def first_round(fused: Tensor, target: Tensor) -> dict[str, Tensor]:
    """SegMiF's fusion loss in round 1, as its terms: |u - T| and |edges(u) - edges(T)|, both means over pixels."""
    return {"grey": F.l1_loss(fused, target), "edges": edge_loss(fused, target)}


@in_float32
def later_rounds(fused: Tensor, target: Tensor) -> dict[str, Tensor]:
    """SegMiF's fusion loss from round 2 on, as its terms: the mean squared error and 1.1 (1 - SSIM)."""
    return {"square": F.mse_loss(fused, target), "structure": 1.1 * (1 - ssim(fused, target).mean())}
