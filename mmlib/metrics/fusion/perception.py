"""Metrics built on the eye's contrast sensitivity: Chen and Varshney's Qcv, Chen and Blum's Qcb."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .filters import bordered, magnitude, same, sobel
from .levels import planes

_BLOCK = 16


def qcv(fused: Tensor, rgb: Tensor, ir: Tensor, *, stretch: bool = True, colour: str = "luma") -> Tensor:
    """Qcv: the visible part of F - A and F - B, each 16 x 16 block weighted by its source's edges. Lower is better.

    (B,C,H,W) in [0, 1] -> (B,). stretch: spread every image to 0..255 and round, first, as VIFB and Liu's toolbox do.
    Blocks at the right and lower end are filled up with zeros. 0 for F = A = B; nan when both sources are black or,
    with stretch, both constant. Source: Chen and Varshney 2007, alpha = 5, Mannos-Sakrison sensitivity.
    """
    levels = planes(fused, rgb, ir, colour=colour)
    f, a, b = (_stretch(x) for x in levels) if stretch else levels
    radius = _frequency(f, 1 / 8)
    eye = 2.6 * (0.0192 + 0.144 * radius) * torch.exp(-((0.144 * radius) ** 1.1))
    above, below = 0.0, 0.0
    for source in (a, b):
        weight = _blocks(magnitude(*sobel(bordered(source, "constant"))) ** 5)
        visible = _blocks(_filter(source - f, eye).square()) / _BLOCK**2
        above = above + (weight * visible).sum(dim=(-2, -1))
        below = below + weight.sum(dim=(-2, -1))
    return torch.where(below > 1e-9, above / below, float("nan")).mean(dim=1)


def qcb(fused: Tensor, rgb: Tensor, ir: Tensor, *, unit_first: bool = False, colour: str = "luma") -> Tensor:
    """Qcb: how well F keeps the local contrast that the eye sees in the sources. Higher is better.

    (B,C,H,W) in [0, 1] -> (B,). The source with more contrast counts more. Every image is spread to 0..255 and rounded
    first. unit_first: divide by 255 before spreading, as Liu's toolbox does with 8-bit files; some values then fall on
    the other side of a half (up to 1e-3). nan when an image is constant. Source: Chen and Blum 2009.
    """
    f, a, b = (_stretch(x / 255 if unit_first else x) for x in planes(fused, rgb, ir, colour=colour))
    radius = _frequency(f, 1 / 30)
    eye = torch.exp(-((radius / 15.387) ** 2)) - 0.7622 * torch.exp(-((radius / 1.3456) ** 2))
    cf, ca, cb = (_masked_contrast(_filter(x, eye)) for x in (f, a, b))
    share = ca.square() / (ca.square() + cb.square())
    kept = [torch.minimum(c, cf) / torch.maximum(c, cf) for c in (ca, cb)]
    return (share * kept[0] + (1 - share) * kept[1]).mean(dim=(-3, -2, -1))


def _stretch(levels: Tensor) -> Tensor:
    """Spread each plane to 0..255 and round halves up; a constant plane becomes 0."""
    low, high = levels.amin(dim=(-2, -1), keepdim=True), levels.amax(dim=(-2, -1), keepdim=True)
    width = torch.where(high > low, high - low, 1.0)
    return ((levels - low) / width * 255 + 0.5).floor()


def _frequency(image: Tensor, scale: float) -> Tensor:
    """Radius (H, W // 2 + 1) for `rfft2`: axes run over [-1, 1) times the side's length times `scale`."""
    height, width = image.shape[-2:]
    v = torch.fft.fftfreq(height, device=image.device, dtype=image.dtype) * 2 * height * scale
    u = torch.fft.rfftfreq(width, device=image.device, dtype=image.dtype) * 2 * width * scale
    return torch.hypot(v[:, None], u[None, :])


def _filter(image: Tensor, response: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(image) * response, s=image.shape[-2:])


def _blocks(image: Tensor) -> Tensor:
    """Sums over 16 x 16 blocks, the image filled up with zeros."""
    height, width = image.shape[-2:]
    padded = F.pad(image, (0, -width % _BLOCK, 0, -height % _BLOCK))
    return padded.unflatten(-1, (-1, _BLOCK)).sum(dim=-1).unflatten(-2, (-1, _BLOCK)).sum(dim=-2)


def _masked_contrast(image: Tensor) -> Tensor:
    """Ratio of a narrow to a wide Gaussian mean, minus 1, through the masking curve c^3 / (c^2 + 0.0001)."""
    narrow, wide = (same(image, _unscaled_gaussian(sigma)) for sigma in (2.0, 4.0))
    contrast = (narrow / wide - 1).abs()
    return contrast**3 / (contrast.square() + 1e-4)


def _unscaled_gaussian(sigma: float) -> list[float]:
    """31 samples with the density's own height: cutting the tails leaves a sum slightly below 1, as published."""
    return [math.exp(-(i**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma) for i in range(-15, 16)]
