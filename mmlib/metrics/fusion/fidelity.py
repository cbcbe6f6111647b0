"""Visual information fidelity: how much of what an eye could read in a source is still readable in the fused image.

Two different metrics carry these letters. `vif` adds the pixel-domain VIF of Sheikh and Bovik for the two sources
(called VIFF in CDDFuse's code); `viff` is the fusion metric of Han et al., which chooses a source per pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .filters import gaussian, separable, strips
from .levels import combine, need_positive, need_size, need_weights, planes

SMALLEST = 41  # pixels a side needs to survive four scales of shrinking, filtered images
_OFFSET = 1e-7 * math.log(10)  # Han et al. add 1e-7 to logarithms of base 10, ours are natural
_FLAT = 1e-10  # variance below which a patch counts as constant


def vif(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    noise: float = 2.0,
    data_range: float = 255,
    constant: float = 1.0,
    reduce: str = "sum",
    colour: str = "luma",
) -> Tensor:
    """VIF in the pixel domain, VIF(A,F) + VIF(B,F). Higher is better; 1 for each source equal to F.

    (B,C,H,W) in [0, 1], sides at least 41 -> (B,). Four scales with Gaussian windows of 17, 9, 5, 3 pixels. noise:
    variance of the eye's noise, in squared grey levels of 0..data_range, so that data_range 1 gives other values, not
    the same ones scaled. constant: the value against a constant source, which holds no information (CDDFuse says 1,
    MATLAB's division nan). A constant fused image has 0. Differentiable. Source: Sheikh and Bovik 2006, eq. 7 to 10.
    """
    need_positive("vif", noise=noise, data_range=data_range)
    f, a, b = planes(fused, rgb, ir, colour=colour)
    need_size(f, SMALLEST, "vif")
    totals = [[0.0, 0.0], [0.0, 0.0]]
    for images, taps in _scales(f, a, b, data_range / 255):
        for sources in _channels(images, taps):
            for total, (gain, var, rest) in zip(totals, sources):
                total[0] = total[0] + _kept(gain, var, rest, noise).sum(dim=(-2, -1))
                total[1] = total[1] + _present(var, noise).sum(dim=(-2, -1))
    values = [torch.where(present > 0, kept / present, constant) for kept, present in totals]
    return combine(*values, reduce)


def viff(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    noise: float = 0.005 * 255**2,
    weights: tuple[float, ...] = (1.0, 0.0, 0.15, 1.0),
    colour: str = "luma",
) -> Tensor:
    """VIFF of Han et al.: at every pixel the source that was passed on with the smaller gain counts. Higher is better.

    (B,C,H,W) in [0, 1], sides at least 41 -> (B,). weights: of the four scales' ratios, divided by their sum. Where
    gains tie the infrared counts. A small offset above and below the line makes constant sources give 1. Source: Han
    et al. 2013.
    """
    need_positive("viff", noise=noise)
    need_weights("viff", weights, 4)
    f, a, b = planes(fused, rgb, ir, colour=colour)
    need_size(f, SMALLEST, "viff")
    value = 0.0
    for weight, (images, taps) in zip(weights, _scales(f, a, b, 1.0)):
        above, below = 0.0, 0.0
        for (gain_a, var_a, rest_a), (gain_b, var_b, rest_b) in _channels(images, taps):
            first = gain_a < gain_b
            kept = torch.where(first, _kept(gain_a, var_a, rest_a, noise), _kept(gain_b, var_b, rest_b, noise))
            present = torch.where(first, _present(var_a, noise), _present(var_b, noise))
            above = above + (kept + _OFFSET).sum(dim=(-2, -1))
            below = below + (present + _OFFSET).sum(dim=(-2, -1))
        value = value + weight / sum(weights) * above / below
    return value.mean(dim=1)


def _scales(f: Tensor, a: Tensor, b: Tensor, scale: float) -> Iterator[tuple[list[Tensor], list[float]]]:
    """The images at four scales, each with its Gaussian window."""
    images = [_without_constant(x) for x in (f, a, b)]
    if scale != 1:
        images = [x * scale for x in images]
    for size in (17, 9, 5, 3):
        taps = gaussian(size, size / 5)
        if size < 17:
            images = [separable(x, taps, step=2) for x in images]
        yield images, taps


def _channels(images: list[Tensor], taps: list[float]) -> Iterator[list[tuple[Tensor, Tensor, Tensor]]]:
    """For each strip and both sources: gain g, source variance, and variance of F that g does not explain."""
    for f, a, b in strips(images, len(taps)):
        mean_f = separable(f, taps)
        var_f = _variance(f, mean_f, taps)
        yield [_channel(f, x, mean_f, var_f, taps) for x in (a, b)]


def _channel(f: Tensor, a: Tensor, mean_f: Tensor, var_f: Tensor, taps: list[float]) -> tuple[Tensor, Tensor, Tensor]:
    """The model F = g A + noise in every window: no gain where either image is flat, or where it would be negative."""
    mean_a = separable(a, taps)
    var_a = _variance(a, mean_a, taps)
    cov = separable(f * a, taps).addcmul_(mean_f, mean_a, value=-1)
    gain = cov.clamp(min=0).div(var_a + _FLAT).masked_fill_((var_a == 0) | (var_f == 0), 0)
    return gain, var_a, (var_f - gain * cov).clamp_(min=_FLAT)


def _variance(x: Tensor, mean: Tensor, taps: list[float]) -> Tensor:
    var = separable(x * x, taps).addcmul_(mean, mean, value=-1)
    return var.masked_fill_(var.detach() < _FLAT, 0)


def _without_constant(image: Tensor) -> Tensor:
    """A constant plane becomes 0, so that its variance is exactly 0 and not the rounding error of E[x^2] - E[x]^2."""
    low, high = (image.detach().amin(dim=(-2, -1), keepdim=True), image.detach().amax(dim=(-2, -1), keepdim=True))
    constant = low == high
    return image - low * constant if bool(constant.any()) else image


def _kept(gain: Tensor, var: Tensor, rest: Tensor, noise: float) -> Tensor:
    return (gain * gain * var / (rest + noise)).log1p()


def _present(var: Tensor, noise: float) -> Tensor:
    return (var / noise).log1p()
