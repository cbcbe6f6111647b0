"""Quality by windows, Piella's Q, Qw and Qe, and Yang's Q_Y: where a source has more contrast it counts more."""

from __future__ import annotations

import torch
from torch import Tensor

from .filters import bordered, magnitude, separable, sobel
from .levels import need_size, planes


def q0(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 8, colour: str = "luma") -> Tensor:
    """Piella's Q: Wang and Bovik's index with each source, weighted by the sources' variances. Higher is better.

    (B,C,H,W) in [0, 1], sides at least `size`, that of the uniform window -> (B,), from -1 to 1. 1 at F = A = B. Two
    constant windows are compared by their means, and sources without variance count half each. Source: Piella and
    Heijmans 2003, eq. 3.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    return _local(f, a, b, size, "q0")[0].mean(dim=(-3, -2, -1))


def qw(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 8, colour: str = "luma") -> Tensor:
    """Piella's Qw: Q with every window weighted by the larger of the sources' variances there. Higher is better.

    As `q0`; nan when both sources are constant everywhere. Source: Piella and Heijmans 2003, eq. 5.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    return _weighted(f, a, b, size, "qw").mean(dim=1)


def qe(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 8, alpha: float = 1.0, colour: str = "luma") -> Tensor:
    """Piella's Qe: Qw of the images times (Qw of their Sobel edges)^alpha. Higher is better.

    As `qw`; an edge quality below 0 counts as 0. Source: Piella and Heijmans 2003, eq. 6, with their alpha of 1.
    """
    levels = planes(fused, rgb, ir, colour=colour)
    edges = [magnitude(*sobel(bordered(x, "replicate"))) for x in levels]
    of_edges = _weighted(*edges, size, "qe").clamp(min=0)
    return (_weighted(*levels, size, "qe") * of_edges**alpha).mean(dim=1)


def qy(
    fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 7, data_range: float = 255, colour: str = "luma"
) -> Tensor:
    """Yang's Q_Y: where the sources are alike the weighted mean of both SSIMs with F, elsewhere the larger one.

    (B,C,H,W) in [0, 1], sides at least `size`, that of the uniform window -> (B,). Higher is better; 1 at F = A = B.
    Alike means that the sources' SSIM is 0.75 or more. Source: Yang, Zhang, Wang and Liu 2008, eq. 8.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    need_size(f, size, "qy")
    stabilisers = ((0.01 * data_range) ** 2, (0.03 * data_range) ** 2)
    with_a, with_b, alike = (_ssim_map(x, y, size, *stabilisers) for x, y in ((a, f), (b, f), (a, b)))
    share = _share(_variance(a, size), _variance(b, size))
    mean = share * with_a + (1 - share) * with_b
    return torch.where(alike >= 0.75, mean, torch.maximum(with_a, with_b)).mean(dim=(-3, -2, -1))


def _local(f: Tensor, a: Tensor, b: Tensor, size: int, metric: str) -> tuple[Tensor, Tensor]:
    """Maps (B,K,H',W') of the weighted quality and of the larger variance."""
    need_size(f, size, metric)
    var_a, var_b = _variance(a, size), _variance(b, size)
    share = _share(var_a, var_b)
    quality = share * _ssim_map(a, f, size, 0.0, 0.0) + (1 - share) * _ssim_map(b, f, size, 0.0, 0.0)
    return quality, torch.maximum(var_a, var_b)


def _weighted(f: Tensor, a: Tensor, b: Tensor, size: int, metric: str) -> Tensor:
    quality, weight = _local(f, a, b, size, metric)
    total = weight.sum(dim=(-2, -1))
    return torch.where(total > 0, (quality * weight).sum(dim=(-2, -1)) / total, float("nan"))


def _ssim_map(x: Tensor, y: Tensor, size: int, c1: float, c2: float) -> Tensor:
    """SSIM in uniform windows; with stabilisers of 0 Wang and Bovik's index, whose empty factors are 1."""
    taps = [1 / size] * size
    mean_x, mean_y = separable(x, taps), separable(y, taps)
    cov = separable(x * y, taps) - mean_x * mean_y
    powers = mean_x.square() + mean_y.square() + c1
    variances = _variance(x, size) + _variance(y, size) + c2
    luminance = torch.where(powers > 0, (2 * mean_x * mean_y + c1) / powers.clamp(min=1e-300), 1.0)
    structure = torch.where(variances > 0, (2 * cov + c2) / variances.clamp(min=1e-300), 1.0)
    return luminance * structure


def _variance(x: Tensor, size: int) -> Tensor:
    """Population variance in uniform windows; below a billionth of a squared grey level it counts as 0."""
    taps = [1 / size] * size
    variance = separable(x * x, taps) - separable(x, taps).square()
    return variance.where(variance > 1e-9, 0.0)


def _share(first: Tensor, second: Tensor) -> Tensor:
    total = first + second
    return torch.where(total > 0, first / total.clamp(min=1e-300), 0.5)
