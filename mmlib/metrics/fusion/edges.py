"""Metrics of edges: how much of the sources' edge strength and direction arrives (Qabf), how much edge was made up
(Nabf).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .filters import bordered, magnitude, sobel, strips
from .levels import need_size, planes


def qabf(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    ties: str = "strength",
    angle: str = "line",
    data_range: float = 255,
    colour: str = "luma",
) -> Tensor:
    """Qabf, edge preservation weighted by the sources' edge strength. Higher is better; 0.9753 at F = A = B, not 1.

    (B,C,H,W) in [0, 1] -> (B,). Sobel with zeros outside the image.
    - ties: where a source and F have edges of equal strength, the published codes take the strength itself for the
      ratio min/max ("strength"); "one" is what the formula means. Strengths of 1 and more saturate, so this raises the
      value.
    - angle: "line", atan(sy/sx) with pi/2 at sx = 0, or "vector", atan2(sy, sx). Differences are not wrapped around.
    - data_range: white as the formula sees it; matters for ties only.
    nan when both sources are black. Differentiable away from ties. Source: Xydeas and Petrovic 2000.
    """
    if ties not in ("strength", "one"):
        raise ValueError(f"ties must be 'strength' or 'one', got {ties!r}")
    images = [bordered(x, "constant") for x in planes(fused, rgb, ir, colour=colour)]
    above, below = 0.0, 0.0
    for strip in strips(images, 3):
        f, *sources = (_edges(x if data_range == 255 else x * (data_range / 255), angle) for x in strip)
        for source in sources:
            above = above + (_preserved(source, f, ties) * source[0]).sum(dim=(-2, -1))
            below = below + source[0].sum(dim=(-2, -1))
    return torch.where(below > 1e-9, above / below, float("nan")).mean(dim=1)


def nabf(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    threshold: float = 2.0,
    floor: float = 0.001,
    colour: str = "luma",
) -> Tensor:
    """Nabf, the share of edge information in F that stands in neither source (artefacts, noise). Lower is better.

    (B,C,H,W) in [0, 1], at least 2 x 2 -> (B,). Sobel / 8, mirrored border. threshold: grey levels of strength below
    which a source's edge has weight `floor` instead of strength^1.5. A constant fused image has 0. Source: Shreyamsha
    Kumar 2013.
    """
    images = planes(fused, rgb, ir, colour=colour)
    need_size(images[0], 2, "nabf")
    above, below = 0.0, 0.0
    for strip in strips((bordered(x, "reflect") for x in images), 3):
        share, weight = _invented(*(_eighth_edges(x) for x in strip), threshold, floor)
        above, below = above + share, below + weight
    return (above / below).mean(dim=1)


def _invented(
    fused: tuple[Tensor, Tensor],
    rgb: tuple[Tensor, Tensor],
    ir: tuple[Tensor, Tensor],
    threshold: float,
    floor: float,
) -> tuple[Tensor, Tensor]:
    """Weight of F's edges that are stronger than both sources' and not kept from them; weight of all edges."""
    gf, df = fused
    stronger = (gf > rgb[0]) & (gf > ir[0])
    above, below = 0.0, 0.0
    for strength, direction in (rgb, ir):
        weight = torch.where(strength >= threshold, strength * strength.sqrt(), floor)
        ratio = torch.minimum(strength, gf) / torch.maximum(strength, gf)
        turn = ((direction - df).abs() - math.pi / 2).abs() * (2 / math.pi)
        kept = _preservation(ratio, turn, (0.9999, 19, 0.5), (0.9995, 22, 0.5)).sqrt()
        above = above + (stronger * (1 - kept) * weight).sum(dim=(-2, -1))
        below = below + weight.sum(dim=(-2, -1))
    return above, below


def _edges(image: Tensor, angle: str) -> tuple[Tensor, Tensor]:
    """Strength and direction of the Sobel gradient."""
    x, y = sobel(image)
    if angle == "vector":
        return magnitude(x, y), torch.atan2(y, x)
    if angle != "line":
        raise ValueError(f"angle must be 'line' or 'vector', got {angle!r}")
    return magnitude(x, y), _line(x, y)


def _eighth_edges(image: Tensor) -> tuple[Tensor, Tensor]:
    """The same for Sobel / 8, with the directions measured from the other axis, and 0 where the image is flat."""
    horizontal, vertical = (side / 8 for side in sobel(image))
    flat = (horizontal == 0) & (vertical == 0)
    return magnitude(horizontal, vertical), _line(vertical, horizontal).masked_fill(flat, 0.0)


def _line(x: Tensor, y: Tensor) -> Tensor:
    """atan(y / x), pi/2 where x = 0; a zero divisor is replaced first so that the gradient stays finite."""
    upright = x == 0
    return (y / x.masked_fill(upright, 1.0)).atan().masked_fill(upright, math.pi / 2)


def _preserved(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor], ties: str) -> Tensor:
    (ga, da), (gf, df) = source, fused
    ratio = torch.minimum(ga, gf) / torch.maximum(ga, gf)
    if ties == "strength":
        ratio = torch.where(ga == gf, gf, ratio)
    turn = (da - df).abs().mul_(-2 / math.pi).add_(1)
    return _preservation(ratio, turn, (0.9994, 15, 0.5), (0.9879, 22, 0.8))


def _preservation(ratio: Tensor, turn: Tensor, strength: tuple[float, ...], direction: tuple[float, ...]) -> Tensor:
    """Product of two logistic curves, each (top, slope, middle)."""
    (top_s, slope_s, middle_s), (top_d, slope_d, middle_d) = strength, direction
    below = ((middle_s - ratio).mul_(slope_s).exp() + 1) * ((middle_d - turn).mul_(slope_d).exp() + 1)
    return top_s * top_d / below
