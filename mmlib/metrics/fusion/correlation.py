"""Pixel by pixel distances and correlations between the fused image and its sources. All differentiable."""

from __future__ import annotations

import torch
from torch import Tensor

from .filters import dot
from .levels import combine, planes

_FLAT = 1e-9  # grey levels of standard deviation below which an image counts as constant


def mse(
    fused: Tensor, rgb: Tensor, ir: Tensor, *, data_range: float = 255, reduce: str = "mean", colour: str = "luma"
) -> Tensor:
    """MSE, the mean squared difference to each source, averaged over the two. Lower is better.

    (B,C,H,W) in [0, 1] -> (B,). data_range: white as the formula sees it, 255 or 1 (Tang: values 65025 times smaller).
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    scale = (data_range / 255) ** 2
    return combine(_squared(f, a) * scale, _squared(f, b) * scale, reduce)


def rmse(fused: Tensor, rgb: Tensor, ir: Tensor, *, reduce: str = "mean", colour: str = "luma") -> Tensor:
    """VIFB's "RMSE": sqrt(sum of squares) / (H W), which is the real one divided by sqrt(H W). Lower is
    better.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    return combine(_frobenius(f, a), _frobenius(f, b), reduce)


def psnr(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    peak: float | str = 255.0,
    data_range: float = 255,
    error: str = "mse",
    average: str = "error",
    colour: str = "luma",
) -> Tensor:
    """PSNR in decibels, 10 log10(peak^2 / error). Higher is better.

    (B,C,H,W) in [0, 1] -> (B,).
    - peak: a number, or "fused", the largest level in the fused image (CDDFuse), or "source", the largest in each
      source.
    - data_range: white as the error sees it; Tang's evaluator takes peak 255 and data_range 1, which adds 48.13 dB.
    - error: "mse", or "frobenius", VIFB's sqrt(sum of squares) / (H W) in place of the mean square.
    - average: "error", the mean over the sources before the logarithm, or "decibel", the mean of two PSNRs.
    inf for F = A = B; nan for a black fused image with peak "fused" and F = A = B.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    if error not in ("mse", "frobenius"):
        raise ValueError(f"error must be 'mse' or 'frobenius', got {error!r}")
    if average not in ("error", "decibel"):
        raise ValueError(f"average must be 'error' or 'decibel', got {average!r}")
    scale = data_range / 255
    errors = [_squared(f, x) * scale**2 if error == "mse" else _frobenius(f, x) * scale for x in (a, b)]
    if average == "error":
        errors = [(errors[0] + errors[1]) / 2] * 2
    values = [10 * (_peak(peak, f, x) ** 2 / e).log10() for e, x in zip(errors, (a, b))]
    return combine(*values, "mean")


def cc(fused: Tensor, rgb: Tensor, ir: Tensor, *, reduce: str = "mean", colour: str = "luma") -> Tensor:
    """CC, Pearson's correlation of fused with each source, averaged. Higher is better. nan if an image is constant."""
    f, a, b = planes(fused, rgb, ir, colour=colour)
    return combine(pearson(f, a), pearson(f, b), reduce)


def scd(fused: Tensor, rgb: Tensor, ir: Tensor, *, reduce: str = "sum", colour: str = "luma") -> Tensor:
    """SCD, the sum of the correlations of differences, r(F - B, A) + r(F - A, B), signed, at most 2. Higher is better.

    What is left of F once one source is taken away should look like the other. nan where F - A, F - B or a source is
    constant, as for F = A. Source: Aslantas and Bendes 2015.
    """
    f, a, b = planes(fused, rgb, ir, colour=colour)
    f, a, b = (_centred(x) for x in (f, a, b))
    return combine(_correlation(f - b, a), _correlation(f - a, b), reduce)


def pearson(x: Tensor, y: Tensor) -> Tensor:
    """Correlation (B,K) of two (B,K,H,W) images over their pixels; nan if either is constant."""
    return _correlation(_centred(x), _centred(y))


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(dim=(-2, -1), keepdim=True)


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    """The same for images whose means are 0."""
    power_x, power_y = dot(x, x), dot(y, y)
    flat = torch.minimum(power_x, power_y) < _FLAT**2 * x[0, 0].numel()
    return (dot(x, y) / (power_x * power_y).sqrt()).masked_fill(flat, float("nan"))


def _squared(f: Tensor, x: Tensor) -> Tensor:
    return dot(f - x, f - x) / f[0, 0].numel()


def _frobenius(f: Tensor, x: Tensor) -> Tensor:
    return dot(f - x, f - x).sqrt() / f[0, 0].numel()


def _peak(peak: float | str, f: Tensor, source: Tensor) -> Tensor | float:
    if peak == "fused":
        return f.amax(dim=(-2, -1))
    if peak == "source":
        return source.amax(dim=(-2, -1))
    if isinstance(peak, str):
        raise ValueError(f"peak must be a number, 'fused' or 'source', got {peak!r}")
    return peak
