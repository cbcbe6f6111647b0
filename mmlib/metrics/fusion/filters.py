"""Separable filters in float64, and the strips they work in.

A 2-D Gaussian is the product of two 1-D ones, so a 17 x 17 window costs 34 multiplications a pixel instead of 289.
On a CPU, OpenCV filters an image that needs no gradient. Where a gradient is wanted, and on a GPU, shifted copies of
the image are added. The two differ by rounding alone. A strip of rows at a time stays in cache, where a whole image
with its intermediate results would not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_CACHED = 2**16  # pixels of a strip: half a megabyte in float64


def gaussian(size: int, sigma: float) -> list[float]:
    """`size` samples of a Gaussian, centred, summing to 1; sigma in pixels."""
    middle = (size - 1) / 2
    values = [math.exp(-((i - middle) ** 2) / (2 * sigma**2)) for i in range(size)]
    return [value / sum(values) for value in values]


def separable(image: Tensor, window: list[float], step: int = 1) -> Tensor:
    """Correlate (...,H,W) with `window` along both axes where it fits entirely, keeping every `step`-th result."""
    if _needs_no_gradient(image):
        return _opencv(image, window, window)[..., ::step, ::step]
    return _along(_along(image, window, -2, step), window, -1, step)


def same(image: Tensor, window: list[float]) -> Tensor:
    """Like `separable`, but zeros surround the image and the result has its size."""
    edge = len(window) // 2
    return separable(F.pad(image, (edge, edge, edge, edge)), window)


def bordered(image: Tensor, border: str) -> Tensor:
    """`image` with one more pixel on every side, for `sobel`.

    border: "constant" (zeros), "reflect" (mirrored without repeating the edge) or "replicate".
    """
    return F.pad(image, (1, 1, 1, 1), mode=border)


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel differences (left minus right, below minus above) of (B,K,H,W) where the 3 x 3 window fits."""
    if _needs_no_gradient(image):
        return _opencv(image, [1, 0, -1], [1, 2, 1]), _opencv(image, [1, 2, 1], [-1, 0, 1])
    down, across = _along(image, [1, 2, 1], -2), _along(image, [1, 2, 1], -1)
    return down[..., :-2] - down[..., 2:], across[..., 2:, :] - across[..., :-2, :]


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Sum of products over the pixels of (B,K,H,W), as a matrix product that needs no image of products."""
    return (x.flatten(-2).unsqueeze(-2) @ y.flatten(-2).unsqueeze(-1)).squeeze(-1).squeeze(-1)


def magnitude(x: Tensor, y: Tensor) -> Tensor:
    """sqrt(x^2 + y^2), with gradient 0 instead of NaN where both vanish."""
    return torch.addcmul(x * x, y, y).add_(torch.finfo(x.dtype).tiny).sqrt()


def strips(images: Iterable[Tensor], window: int) -> Iterator[list[Tensor]]:
    """Cut images of equal size into strips of rows, overlapping so that a window of that many rows fits every place.

    Sums over the strips' results equal sums over the whole image's. A GPU gets one strip.
    """
    images = list(images)
    count = images[0].shape[-2] - window + 1
    rows = count if images[0].is_cuda else max(1, _CACHED // images[0][..., 0, :].numel())
    for top in range(0, count, rows):
        yield [image[..., top : min(top + rows, count) + window - 1, :] for image in images]


def _needs_no_gradient(image: Tensor) -> bool:
    return image.device.type == "cpu" and not image.requires_grad


def _opencv(image: Tensor, across: list[float], down: list[float]) -> Tensor:
    """Correlate (...,H,W) with one window along rows and one along columns, where both fit; windows of one size."""
    import cv2

    planes = image.contiguous().flatten(0, -3).numpy()  # (N, H, W), shares the tensor's memory
    filtered = np.empty_like(planes)
    for plane, result in zip(planes, filtered):
        cv2.sepFilter2D(plane, -1, np.array(across, float), np.array(down, float), dst=result)
    before = len(across) // 2  # of the pixel that OpenCV calls a window's middle
    after = len(across) - 1 - before
    height, width = image.shape[-2:]
    inside = filtered[:, before : height - after, before : width - after]
    return torch.from_numpy(inside).unflatten(0, image.shape[:-2])


def _along(image: Tensor, window: list[float], dim: int, step: int = 1) -> Tensor:
    count = image.shape[dim] - len(window) + 1
    total = _shifted(image, 0, count, dim, step) * window[0]
    for offset, weight in enumerate(window[1:], start=1):
        total = total.add_(_shifted(image, offset, count, dim, step), alpha=weight)
    return total


def _shifted(image: Tensor, offset: int, count: int, dim: int, step: int) -> Tensor:
    part = slice(offset, offset + count, step)
    return image[..., part] if dim == -1 else image[..., part, :]
