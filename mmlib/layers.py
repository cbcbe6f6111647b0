"""Layers that the networks of two or more chapters share."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

Norm = Callable[[int], nn.Module]
"""What makes a norm for a number of channels, such as nn.BatchNorm2d."""


def conv_norm_act(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    norm: Norm = nn.BatchNorm2d,
    act: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Convolution without bias, norm, activation: (B, inputs, H, W) -> (B, outputs, H / stride, W / stride).

    `kernel` is odd; `dilation` is the distance between its taps. The bias is left to the norm, which would remove it.
    ValueError for an even kernel, which cannot keep the size.
    """
    if kernel % 2 == 0:
        raise ValueError(f"expected an odd kernel, so that the size can be kept; got {kernel}")
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, norm(outputs), act())
