"""Residual networks (He et al., arXiv 1512.03385) whose last stages dilate instead of shrinking.

Parameters are named as in torchvision, without the classifier, so that its weights can be loaded:

    ResNet(50).load_state_dict(weights, strict=False)
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.layers import Norm

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks in each stage; 10 is no published depth, only a toy."""

DEEP = 50  # from this depth on, blocks are bottlenecks


class Basic(nn.Module):
    """Two 3 x 3 convolutions and a way around them: (B, inputs, H, W) -> (B, planes, H / stride, W / stride)."""

    grows = 1

    def __init__(self, inputs: int, planes: int, stride: int, dilation: int, norm: Norm):
        super().__init__()
        self.conv1 = _conv(inputs, planes, 3, stride, dilation)
        self.bn1 = norm(planes)
        self.conv2 = _conv(planes, planes, 3, 1, dilation)
        self.bn2 = norm(planes)
        self.downsample = _shortcut(inputs, planes, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """What the block changes, added to what came in."""
        change = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(change + (self.downsample(x) if self.downsample else x))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 and a way around: (B, inputs, H, W) -> (B, 4 planes, H / stride, W / stride)."""

    grows = 4

    def __init__(self, inputs: int, planes: int, stride: int, dilation: int, norm: Norm):
        super().__init__()
        self.conv1 = _conv(inputs, planes, 1)
        self.bn1 = norm(planes)
        self.conv2 = _conv(planes, planes, 3, stride, dilation)
        self.bn2 = norm(planes)
        self.conv3 = _conv(planes, 4 * planes, 1)
        self.bn3 = norm(4 * planes)
        self.downsample = _shortcut(inputs, 4 * planes, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """What the block changes, added to what came in."""
        change = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(change)) + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    """(B, channels, H, W) -> features of stages 4 and 5 (conv4_x and conv5_x), both of 1/`output_stride` of the size.

    `widths` are the channels of the four stages (a quarter of their results in bottlenecks). `output_stride` 32 is the
    paper's network, whose stage 4 has twice as many rows as its stage 5; with 16, 8 or 4 the last one, two or three
    stages keep the size and spread their kernels instead, which leaves every weight its meaning (arXiv 1511.07122).
    `channels`: those of the result. ValueError for an unknown depth or output stride.
    """

    def __init__(
        self,
        depth: int = 18,
        channels: int = 3,
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),
        output_stride: int = 8,
        norm: Norm = nn.BatchNorm2d,
    ):
        super().__init__()
        if depth not in BLOCKS or output_stride not in (4, 8, 16, 32):
            raise ValueError(
                f"expected a depth of {', '.join(map(str, BLOCKS))} and an output stride of 4, 8, 16 or 32; "
                f"got {depth} and {output_stride}"
            )
        block = Bottleneck if depth >= DEEP else Basic
        self.conv1 = _conv(channels, widths[0], 7, 2)
        self.bn1 = norm(widths[0])
        inputs, stride, dilation = widths[0], 4, 1
        for stage, (count, planes) in enumerate(zip(BLOCKS[depth], widths), 1):
            shrinks = stage > 1 and stride < output_stride
            before, dilation = dilation, dilation * (2 if stage > 1 and not shrinks else 1)
            stride *= 2 if shrinks else 1
            # The first block of a stage still spreads its kernels like the stage before.
            first = block(inputs, planes, 2 if shrinks else 1, before, norm)
            inputs = planes * block.grows
            others = (block(inputs, planes, 1, dilation, norm) for _ in range(count - 1))
            setattr(self, f"layer{stage}", nn.Sequential(first, *others))
        self.channels = (widths[2] * block.grows, inputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features of the last two stages, (B, self.channels[i], h, w)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        stage4 = self.layer3(self.layer2(self.layer1(x)))
        return stage4, self.layer4(stage4)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    room = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=room, dilation=dilation, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int, norm: Norm) -> nn.Sequential | None:
    """The way around a block that changes the shape; None where the input itself will do."""
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(_conv(inputs, outputs, 1, stride), norm(outputs))
