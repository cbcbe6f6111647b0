"""Fusion without learning: four rules that make one grey image of two, (luma, ir) -> fused, each (B, 1, H, W).

They are what a learned fusion must beat; the third, by saliency, is also the target that SegMiF's fusion learns from.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

GREYS = 256


def average(luma: Tensor, ir: Tensor) -> Tensor:
    """Half of each: (B, 1, H, W) twice, in [0, 1] -> the same. ValueError if the shapes differ."""
    _check(luma, ir)
    return (luma + ir) / 2


def maximum(luma: Tensor, ir: Tensor) -> Tensor:
    """The brighter of the two at every pixel: (B, 1, H, W) twice, in [0, 1] -> the same."""
    _check(luma, ir)
    return torch.maximum(luma, ir)


def saliency(image: Tensor) -> Tensor:
    """How far each pixel's grey lies from all the others: (B, 1, H, W) in [0, 1] -> (B, 1, H, W), from 0 to 1.

    V(p) = sum over greys j of hist(j) |I(p) - j|, with 256 greys, then stretched so that the image's least is 0 and
    its greatest 1 (the visual saliency map of Zhai and Shah, 2006). A constant image has saliency 0 everywhere.
    """
    grey = (image.detach().clamp(0, 1) * (GREYS - 1)).round().long().flatten(1)
    hist = torch.zeros(len(grey), GREYS, device=image.device).scatter_add_(1, grey, torch.ones_like(grey).float())
    levels = torch.arange(GREYS, device=image.device, dtype=torch.float32)
    distance = (levels[:, None] - levels).abs()
    raw = (hist @ distance / grey.shape[1]).gather(1, grey)
    low, high = raw.amin(1, keepdim=True), raw.amax(1, keepdim=True)
    return ((raw - low) / (high - low).clamp(min=torch.finfo(raw.dtype).tiny)).view(image.shape)


def saliency_weight(luma: Tensor, ir: Tensor) -> Tensor:
    """The infrared's share at every pixel, W = 0.5 + (V_ir - V_vis) / 2: (B, 1, H, W) twice -> the same, in [0, 1]."""
    _check(luma, ir)
    return 0.5 + (saliency(ir) - saliency(luma)) / 2


def by_saliency(luma: Tensor, ir: Tensor) -> Tensor:
    """W ir + (1 - W) luma with `saliency_weight` W: our reading of the image that SegMiF's release calls Mask2."""
    weight = saliency_weight(luma, ir)
    return weight * ir + (1 - weight) * luma


def laplacian_pyramid(luma: Tensor, ir: Tensor, levels: int = 4) -> Tensor:
    """The stronger detail at every scale, the average of what is left: (B, 1, H, W) twice -> the same, cut to [0, 1].

    Each level's detail is what a halved and enlarged copy loses (Burt and Adelson, 1983; with bilinear sampling).
    """
    _check(luma, ir)
    details = []
    for _ in range(levels):
        if min(luma.shape[-2:]) < 4:
            break
        coarse = [F.avg_pool2d(image, 2, ceil_mode=True, count_include_pad=False) for image in (luma, ir)]
        fine = [image - _enlarged(small, image) for image, small in zip((luma, ir), coarse)]
        details.append(torch.where(fine[1].abs() > fine[0].abs(), fine[1], fine[0]))
        luma, ir = coarse
    fused = (luma + ir) / 2
    for detail in reversed(details):
        fused = _enlarged(fused, detail) + detail
    return fused.clamp(0, 1)


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _check(luma: Tensor, ir: Tensor) -> None:
    if luma.shape != ir.shape or luma.ndim != 4 or luma.shape[1] != 1:
        raise ValueError(
            f"expected two grey images (B, 1, H, W) of one size, got {tuple(luma.shape)} and {tuple(ir.shape)}; "
            "next: mmlib.images.luma turns colour into grey"
        )
