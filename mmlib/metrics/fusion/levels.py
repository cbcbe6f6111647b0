"""From images in [0, 1] to the grey levels 0..255 that every fusion metric was written for.

The published evaluators read 8-bit files, so their formulas live on the integers 0..255. Our images are floats in [0,
1]. `planes` converts, and removes float noise: an image whose every value is a grey level k/255 up to rounding becomes
exactly that integer image (histograms, ties between equal edges and thresholds depend on it), while any other image,
such as a network's output, keeps its values and its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmlib.images import check_image, luma, luma8

COLOURS = ("luma", "channels", "side_by_side")
_NOISE = 1e-4  # grey levels; float32 rounding of k/255 stays below 5e-5


@dataclass(frozen=True)
class Planes:
    """Grey levels that are already checked and converted: `evaluate` makes them once for all metrics."""

    values: Tensor


def planes(
    *images: Tensor | Planes, colour: str = "luma", quantise: bool = False, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, ...]:
    """Grey levels 0..255 of `(fused, rgb, ir)`, or of `fused` alone.

    images: (B,1,H,W) or (B,3,H,W), float in [0, 1], equal B, H, W. Returns one (B,K,H,W) tensor per image in `dtype`
    (float32 on devices without float64), where K is
    - "luma": 1. Colour is reduced to BT.601 luma, rounded to a grey level when the image is 8-bit. Used by most papers.
    - "channels": the channels of `fused`, each compared with its own channel of the sources (a grey source is compared
      with all of them); the metric is then averaged over channels. Used by VIFB.
    - "side_by_side": 1, the channels of an image laid next to each other, so that H x 3W pixels are measured as one
      picture. This is what VIFB's spatial frequency does to a colour image.

    quantise: round to grey levels whatever the image holds; the result has no gradient.

    Raises TypeError for integer images, ValueError for NaN, values outside [0, 1], wrong shapes or unequal sizes.
    """
    if colour not in COLOURS:
        raise ValueError(f"colour must be one of {', '.join(COLOURS)}, got {colour!r}")
    if isinstance(images[0], Planes):
        return tuple(image.values for image in images)
    _check(images)
    levels = [_levels(image, quantise, dtype) for image in images]
    if colour == "luma" or levels[0].shape[1] == 1:
        return tuple(_grey(level) for level in levels)
    levels = [level.expand_as(levels[0]) for level in levels]
    if colour == "side_by_side":
        return tuple(torch.cat(level.split(1, dim=1), dim=3) for level in levels)
    return tuple(levels)


def combine(first: Tensor, second: Tensor, reduce: str) -> Tensor:
    """Join the values against the two sources, each (B,K), into (B,).

    Averages over planes, then takes the "sum" or "mean" over the sources; "none" keeps the sources apart, (B,2).
    """
    pair = torch.stack([first.mean(dim=1), second.mean(dim=1)], dim=1)
    if reduce == "none":
        return pair
    if reduce not in ("sum", "mean"):
        raise ValueError(f"reduce must be 'sum', 'mean' or 'none', got {reduce!r}")
    return pair.sum(dim=1) if reduce == "sum" else pair.mean(dim=1)


class TooSmall(ValueError):
    """An image is smaller than what a metric looks at."""


def need_positive(metric: str, **numbers: float) -> None:
    """Raise ValueError for a parameter that is not a finite number above 0, naming it."""
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{metric}: expected {name} as a finite number above 0, got {value}")


def need_base(metric: str, base: float) -> None:
    """Raise ValueError for what is no base of a logarithm here: a finite number above 1, such as 2 or e."""
    if not (math.isfinite(base) and base > 1):
        raise ValueError(f"{metric}: expected as base of the logarithm a finite number above 1, got {base}")


def need_weights(metric: str, weights: Sequence[float], most: int) -> None:
    """Raise ValueError unless there are 1 to `most` weights, finite, none below 0, and not all 0."""
    right = 1 <= len(weights) <= most and all(math.isfinite(w) and w >= 0 for w in weights) and sum(weights) > 0
    if not right:
        raise ValueError(f"{metric}: expected 1 to {most} weights of at least 0, not all 0, got {tuple(weights)}")


def need_size(image: Tensor, smallest: int, metric: str) -> None:
    """Raise TooSmall when a side of `image` is shorter than `smallest` pixels."""
    height, width = image.shape[-2:]
    if min(height, width) < smallest:
        raise TooSmall(f"{metric} needs images of at least {smallest} x {smallest} pixels, got {height} x {width}")


def _check(images: tuple[Tensor, ...]) -> None:
    for name, image in zip(("fused", "rgb", "ir"), images):
        check_image(image, name=name)
        if image.ndim != 4:
            raise ValueError(f"{name}: expected (B,C,H,W), got {tuple(image.shape)}; add a batch axis with image[None]")
        if (image.shape[0], *image.shape[2:]) != (images[0].shape[0], *images[0].shape[2:]):
            raise ValueError(
                f"{name} is {tuple(image.shape)} but fused is {tuple(images[0].shape)}: the images must show the same "
                "pixels; crop or resize them to one size first"
            )


def _levels(image: Tensor, quantise: bool, dtype: torch.dtype) -> Tensor:
    levels = image.to(torch.float32 if image.device.type == "mps" else dtype) * 255
    if quantise:
        return levels.detach().round_()
    noise = (levels - levels.round()).detach()
    return levels - noise * (noise.abs().amax(dim=(1, 2, 3), keepdim=True) < _NOISE)


def _grey(levels: Tensor) -> Tensor:
    if levels.shape[1] == 1:
        return levels
    grey = luma(levels)
    whole = levels.detach().round()
    eight_bit = (levels.detach() == whole).all(dim=-1, keepdim=True).all(dim=-2, keepdim=True).all(dim=1, keepdim=True)
    rounded = luma8(whole.clamp(0, 255).to(torch.uint8)).to(grey.dtype)
    return grey - (grey.detach() - rounded) * eight_bit
