"""Metrics of the fused image alone: how much it varies. They reward noise as well as detail."""

from __future__ import annotations

from torch import Tensor

from .filters import bordered, dot, magnitude, sobel
from .levels import need_size, planes


def sd(
    fused: Tensor, rgb: Tensor | None = None, ir: Tensor | None = None, *, sample: bool = False, colour: str = "luma"
) -> Tensor:
    """SD, the standard deviation of the grey levels 0..255. Higher is better.

    fused (B,C,H,W) in [0, 1] -> (B,). sample: divide by N - 1 instead of N. A constant image has 0. Differentiable.
    """
    (f,) = planes(fused, colour=colour)
    return f.std(dim=(-2, -1), correction=int(sample)).mean(dim=1)


def sf(
    fused: Tensor,
    rgb: Tensor | None = None,
    ir: Tensor | None = None,
    *,
    divide_by: str = "differences",
    colour: str = "luma",
) -> Tensor:
    """SF, spatial frequency: the root of the mean squared differences along rows plus along columns. Higher is better.

    fused (B,C,H,W) in [0, 1] -> (B,), in grey levels 0..255. divide_by: "differences", H(W-1) and (H-1)W of them, or
    "pixels", HW for both, as VIFB does (about 0.1 % less). A constant image has 0. Source: Eskicioglu and Fisher 1995.
    """
    (f,) = planes(fused, colour=colour)
    need_size(f, 2, "sf")
    if divide_by not in ("differences", "pixels"):
        raise ValueError(f"divide_by must be 'differences' or 'pixels', got {divide_by!r}")
    energy = 0.0
    for dim in (-2, -1):
        differences = f.diff(dim=dim)
        count = f[0, 0].numel() if divide_by == "pixels" else differences[0, 0].numel()
        energy = energy + dot(differences, differences) / count
    return energy.sqrt().mean(dim=1)


def ag(
    fused: Tensor,
    rgb: Tensor | None = None,
    ir: Tensor | None = None,
    *,
    divide_by: str = "pixels",
    colour: str = "luma",
) -> Tensor:
    """AG, the average gradient: mean of sqrt((gx^2 + gy^2) / 2). Higher is better.

    fused (B,C,H,W) in [0, 1] -> (B,), in grey levels 0..255. divide_by: "pixels", HW (CDDFuse), or "inner",
    (H-1)(W-1), as the MATLAB evaluators do. Central differences, one-sided at the border. A constant image has 0.
    Differentiable. Source: Cui et al. 2015.
    """
    (f,) = planes(fused, colour=colour)
    need_size(f, 2, "ag")
    height, width = f.shape[-2:]
    counts = {"pixels": height * width, "inner": (height - 1) * (width - 1)}
    if divide_by not in counts:
        raise ValueError(f"divide_by must be 'pixels' or 'inner', got {divide_by!r}")
    total = magnitude(_slope(f), _slope(f.mT).mT).sum(dim=(-2, -1))
    return (total / 2**0.5 / counts[divide_by]).mean(dim=1)


def ei(fused: Tensor, rgb: Tensor | None = None, ir: Tensor | None = None, *, colour: str = "luma") -> Tensor:
    """EI, VIFB's edge intensity: the mean Sobel magnitude, border replicated. Higher is better.

    fused (B,C,H,W) in [0, 1] -> (B,), in grey levels 0..255. A constant image has 0. Source: Rajalingam and Priya 2018.
    """
    (f,) = planes(fused, colour=colour)
    return magnitude(*sobel(bordered(f, "replicate"))).mean(dim=(-3, -2, -1))


def _slope(f: Tensor) -> Tensor:
    """Central differences along the last axis, one-sided at its ends."""
    slope = f.new_empty(f.shape)
    slope[..., 1:-1] = (f[..., 2:] - f[..., :-2]) / 2
    slope[..., 0] = f[..., 1] - f[..., 0]
    slope[..., -1] = f[..., -1] - f[..., -2]
    return slope
