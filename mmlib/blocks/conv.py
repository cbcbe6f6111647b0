"""The brick that most networks are laid with: convolution, norm, ReLU."""

from collections.abc import Callable

from torch import nn

Norm = Callable[[int], nn.Module]
"""What makes a norm for a number of channels, such as nn.BatchNorm2d."""


def conv_norm_relu(
    inputs: int, outputs: int, kernel: int = 3, *, dilation: int = 1, norm: Norm = nn.BatchNorm2d
) -> nn.Sequential:
    """Convolution without bias, norm, ReLU: (B, inputs, H, W) -> (B, outputs, H, W), the size kept.

    `kernel` is odd; `dilation` is the distance between its taps. The bias is left to the norm, which would remove it.
    """
    if kernel % 2 == 0:
        raise ValueError(f"expected an odd kernel, so that the size can be kept; got {kernel}")
    room = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=room, dilation=dilation, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))
