"""DeepLabV3+ (Chen et al., arXiv 1802.02611, fig. 2): context from an atrous pyramid, place from an early layer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.backbones.pyramid import ASPP
from mmlib.backbones.resnet import ResNet
from mmlib.layers import Norm, conv_norm_act


class DeepLabV3Plus(nn.Module):
    """(B, 3, H, W) in [0, 1] -> logits (B, classes, H, W); H and W at least 16.

    `width`: channels of the residual network's first stage, 64 in the paper, where the pyramid has 256 channels, the
    early layer 48, and the network is 101 layers deep with output stride 16. A batch norm needs two samples to train.
    """

    def __init__(
        self,
        classes: int = 11,
        depth: int = 101,
        width: int = 64,
        rates: tuple[int, ...] = (6, 12, 18),
        norm: Norm = nn.BatchNorm2d,
    ):
        super().__init__()
        widths = (width, 2 * width, 4 * width, 8 * width)
        self.backbone = ResNet(depth, widths=widths, output_stride=16, norm=norm)
        early, late, wide, narrow = self.backbone.channels[0] // 4, self.backbone.channels[1], 4 * width, 3 * width // 4
        self.pyramid = ASPP(late, wide, rates, norm=norm)
        self.narrow = conv_norm_act(early, narrow, 1, norm=norm)
        sharpen = conv_norm_act(wide + narrow, wide, norm=norm), conv_norm_act(wide, wide, norm=norm)
        self.head = nn.Sequential(*sharpen, nn.Conv2d(wide, classes, 1))

    def forward(self, image: Tensor) -> Tensor:
        """The scores of every class at every pixel."""
        net = self.backbone
        early = net.layer1(F.max_pool2d(F.relu(net.bn1(net.conv1(image))), 3, stride=2, padding=1))
        late = self.pyramid(net.layer4(net.layer3(net.layer2(early))))
        late = F.interpolate(late, early.shape[-2:], mode="bilinear")
        logits = self.head(torch.cat([late, self.narrow(early)], dim=1))
        return F.interpolate(logits, image.shape[-2:], mode="bilinear")
