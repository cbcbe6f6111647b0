"""A ResNet as an encoder for pictures: colours normalised as ImageNet's were, and the features of four stages."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.backbones.mobilenet import MEAN, STD
from mmlib.backbones.resnet import ResNet


class ResNetEncoder(nn.Module):
    """RGB (B, 3, H, W) in [0, 1] -> features of stages 2 to 5, at 1/4, 1/8, 1/8 and 1/8 of the size.

    backbone: with an output stride of 8.  channels: those of the four stages.
    """

    def __init__(self, backbone: ResNet):
        super().__init__()
        stage4, stage5 = backbone.channels
        self.channels = (stage5 // 8, stage5 // 4, stage4, stage5)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)
        self.backbone = backbone

    def load_imagenet(self, weights: dict[str, Tensor]) -> None:
        """Take torchvision's weights, without their classifier. RuntimeError if a key is missing or left over."""
        kept = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
        self.backbone.load_state_dict(kept)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The features, from fine to coarse."""
        net = self.backbone
        x = (rgb - self.mean) / self.std
        x = F.relu(net.bn1(net.conv1(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        stage2 = net.layer1(x)
        stage3 = net.layer2(stage2)
        stage4 = net.layer3(stage3)
        stage5 = net.layer4(stage4)
        return stage2, stage3, stage4, stage5
