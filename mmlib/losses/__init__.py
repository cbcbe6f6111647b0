"""Losses that several chapters share. All of them compute in float32, whatever autocast the network runs under."""

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def in_float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss whose floating point tensors are float32 (or float64, if given so) and that no autocast touches.

    bfloat16 has 8 bits of precision. Differences of nearly equal numbers, such as the variances in SSIM, vanish in it.
    """

    @functools.wraps(loss)
    def wrapped(*given, **options):
        given = [_at_least_float32(x) for x in given]
        options = {name: _at_least_float32(x) for name, x in options.items()}
        tensors = [x for x in (*given, *options.values()) if isinstance(x, Tensor)]
        device = tensors[0].device.type if tensors else "cpu"
        with torch.autocast(device, enabled=False):
            return loss(*given, **options)

    return wrapped


def _at_least_float32(x: object) -> object:
    return x.float() if isinstance(x, Tensor) and x.dtype in (torch.bfloat16, torch.float16) else x


@in_float32
def cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of class scores (B, C, H, W) with labels (B, H, W) int64, 255 = ignore: a scalar.

    Where no pixel is labelled it is 0, with a gradient of 0, and not NaN. `weight` (C,): weights of the classes.
    """
    total = F.cross_entropy(logits, labels, weight=weight, ignore_index=255, reduction="sum")
    counted = labels != 255
    if weight is None:
        return total / counted.sum().clamp(min=1)
    return total / weight[labels[counted]].sum().clamp(min=1e-12)
