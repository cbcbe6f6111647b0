"""Context at several scales: pyramid pooling, atrous pyramids, dense atrous pyramids.

Each takes features (B, inputs, H, W) and returns (B, self.channels, H, W), so that one stands where another stood.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.layers import Norm, conv_norm_act


class PyramidPooling(nn.Module):
    """The means over 1, 4, 9 and 36 regions of the picture, beside the features (PSPNet, arXiv 1612.01105, fig. 3).

    Each grid of means is narrowed to `branch` channels (default: inputs / number of grids) and enlarged again.
    channels = inputs + branch * number of grids.
    """

    def __init__(
        self, inputs: int, branch: int | None = None, bins: Sequence[int] = (1, 2, 3, 6), norm: Norm = nn.BatchNorm2d
    ):
        super().__init__()
        branch = branch or inputs // max(1, len(bins))
        self.bins, self.channels = tuple(bins), inputs + branch * len(bins)
        self.branches = nn.ModuleList(conv_norm_act(inputs, branch, 1, norm=norm) for _ in bins)

    def forward(self, features: Tensor) -> Tensor:
        """Features and context, (B, channels, H, W). A batch norm needs at least 2 samples to train the 1 x 1 grid."""
        size = features.shape[-2:]
        grids = [narrow(F.adaptive_avg_pool2d(features, n)) for n, narrow in zip(self.bins, self.branches)]
        return torch.cat([features, *(F.interpolate(g, size, mode="bilinear") for g in grids)], dim=1)


class ASPP(nn.Module):
    """Convolutions with several dilations side by side, a 1 x 1 and the mean of the picture (arXiv 1706.05587, fig. 5).

    channels = outputs.
    """

    def __init__(
        self, inputs: int, outputs: int = 256, rates: Sequence[int] = (6, 12, 18), norm: Norm = nn.BatchNorm2d
    ):
        super().__init__()
        wide = (conv_norm_act(inputs, outputs, dilation=rate, norm=norm) for rate in rates)
        self.views = nn.ModuleList([conv_norm_act(inputs, outputs, 1, norm=norm), *wide])
        self.whole = conv_norm_act(inputs, outputs, 1, norm=norm)
        self.join = conv_norm_act(outputs * (len(rates) + 2), outputs, 1, norm=norm)
        self.channels = outputs

    def forward(self, features: Tensor) -> Tensor:
        """Context, (B, channels, H, W). A batch norm needs at least 2 samples to train the branch of the mean."""
        mean = self.whole(features.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *features.shape[-2:])
        return self.join(torch.cat([*(view(features) for view in self.views), mean], dim=1))


class DenseASPP(nn.Module):
    """Dilated convolutions in a row, each of which sees the features and all before it (DenseASPP, CVPR 2018, fig. 4).

    Each is narrowed to `middle` channels first and adds `growth`. channels = inputs + growth * number of rates.
    """

    def __init__(
        self,
        inputs: int,
        growth: int = 64,
        middle: int = 256,
        rates: Sequence[int] = (3, 6, 12, 18, 24),
        norm: Norm = nn.BatchNorm2d,
    ):
        super().__init__()
        starts = [inputs + growth * i for i in range(len(rates))]
        self.views = nn.ModuleList(
            nn.Sequential(
                conv_norm_act(start, middle, 1, norm=norm), conv_norm_act(middle, growth, dilation=rate, norm=norm)
            )
            for start, rate in zip(starts, rates)
        )
        self.channels = inputs + growth * len(rates)

    def forward(self, features: Tensor) -> Tensor:
        """Features and context, (B, channels, H, W)."""
        for view in self.views:
            features = torch.cat([features, view(features)], dim=1)
        return features
