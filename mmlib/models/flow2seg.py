"""Flow2Seg: when is motion worth anything?

Written by ``make export`` from the cells tagged ``export`` in nbs/06_flow2seg.ipynb; change them there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.backbones.mobilenet import MobileNetV2
from mmlib.layers import conv_norm_act
from mmlib.losses import cross_entropy

Stages = tuple[Tensor, Tensor, Tensor, Tensor]

# From the whole to the parts:
# - Flow2Seg: a PSPNet reads the picture, a FlowPath the motion, and Residual joins their class scores;
# - PSPNet: an encoder (MobileNetEncoder), a head (FineHead or CoarseHead, on pyramid pooling) and an auxiliary head;
# - FlowPath: an encoder of its own (ShallowEncoder) and a head.
# The notebook puts them together, because its variants swap the parts.


class MobileNetEncoder(nn.Module):
    """RGB (B, 3, H, W) in [0, 1] -> features of stages 2 to 5, at 1/4, 1/8, 1/16 and 1/16 of the size.

    backbone: a MobileNetV2 that ends at 1/16, such as imagenet_mobilenet(16, MIDDLE). Its stage 2 stays frozen.
    """

    channels = (24, 32, 64, 96)

    def __init__(self, backbone: MobileNetV2):
        super().__init__()
        self.register_buffer("mean", backbone.mean, persistent=False)
        self.register_buffer("std", backbone.std, persistent=False)
        self.stage2 = backbone.features[:4].requires_grad_(False)
        self.stage3 = backbone.features[4:7].requires_grad_(True)
        self.stage4 = backbone.features[7:11].requires_grad_(True)
        self.stage5 = backbone.features[11:14].requires_grad_(True)

    def train(self, mode: bool = True) -> "MobileNetEncoder":
        """The norms of the frozen stage keep ImageNet's statistics."""
        super().train(mode)
        self.stage2.eval()
        return self

    def forward(self, rgb: Tensor) -> Stages:
        """The features, from fine to coarse."""
        x = (rgb - self.mean) / self.std
        stage2 = self.stage2(x)  # (B, 24, H/4, W/4)
        stage3 = self.stage3(stage2)  # (B, 32, H/8, W/8)
        stage4 = self.stage4(stage3)  # (B, 64, H/16, W/16)
        stage5 = self.stage5(stage4)  # (B, 96, H/16, W/16)
        return stage2, stage3, stage4, stage5


def score_head(inputs: int, middle: int, classes: int) -> nn.Sequential:
    """Features (B, inputs, h, w) -> class scores (B, classes, h, w)."""
    return nn.Sequential(
        conv_norm_act(inputs, middle),
        nn.Dropout(0.1),
        nn.Conv2d(middle, classes, kernel_size=1),
    )


class CoarseHead(nn.Module):
    """A plain head: features of some stages -> class scores on the grid of the last one, (B, classes, h, w).

    context: what stands before it on the last stage, with its number of `channels`; PSPNet's is pyramid pooling.
    """

    def __init__(self, context: nn.Module, classes: int, middle: int = 512):
        super().__init__()
        self.context = context
        self.scores = score_head(context.channels, middle, classes)

    def forward(self, stages: tuple[Tensor, ...]) -> Tensor:
        """The scores of every class at every place."""
        return self.scores(self.context(stages[-1]))


class NoContext(nn.Identity):
    """Stands where a pyramid stood, and adds nothing: with it, a network is a plain FCN."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels


class FineHead(nn.Module):
    """A head with shortcuts: stages 2 to 5 -> class scores on the grid of stage 2, (B, classes, H/4, W/4).

    context: as in CoarseHead, on stage 5.
    """

    def __init__(self, context: nn.Module, channels: tuple[int, int, int, int], classes: int, middle: int = 128):
        super().__init__()
        self.context = context
        self.reduce5 = conv_norm_act(context.channels, middle)
        # 48 channels, as in DeepLabv3+: few, so that the fine stages don't drown the coarse one.
        self.reduce3 = conv_norm_act(channels[1], 48, kernel=1)
        self.reduce2 = conv_norm_act(channels[0], 48, kernel=1)
        self.join3 = conv_norm_act(middle + 48, middle // 2)
        self.join2 = conv_norm_act(middle // 2 + 48, middle // 2)
        self.dropout = nn.Dropout(0.1)
        self.classify = nn.Conv2d(middle // 2, classes, kernel_size=1)

    def forward(self, stages: Stages) -> Tensor:
        """The scores of every class at every place."""
        stage2, stage3, _, stage5 = stages
        x = self.reduce5(self.context(stage5))  # (B, middle, H/16, W/16)
        x = F.interpolate(x, stage3.shape[-2:], mode="bilinear")
        x = self.join3(torch.cat([x, self.reduce3(stage3)], dim=1))  # (B, middle / 2, H/8, W/8)
        x = F.interpolate(x, stage2.shape[-2:], mode="bilinear")
        x = self.join2(torch.cat([x, self.reduce2(stage2)], dim=1))  # (B, middle / 2, H/4, W/4)
        return self.classify(self.dropout(x))


class PSPNet(nn.Module):
    """RGB (B, 3, H, W) -> class scores "image" and "auxiliary", (B, classes, h, w) each, on the grids of the heads."""

    def __init__(self, encoder: nn.Module, head: nn.Module, auxiliary: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.auxiliary = auxiliary

    def forward(self, rgb: Tensor, motion: Tensor | None = None) -> dict[str, Tensor]:
        """The scores. `motion` isn't looked at; it is there so that PSPNet can stand where Flow2Seg stands."""
        stages = self.encoder(rgb)
        return {"image": self.head(stages), "auxiliary": self.auxiliary(stages[2])}


def enlarge(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Class scores (B, classes, h, w) at the size of the picture, (B, classes, H, W)."""
    return F.interpolate(scores, size, mode="bilinear")


def encode(flow: Tensor, scale: float = 20.0, limit: float = 10.0) -> Tensor:
    """Flow (B, 2, H, W) in pixels -> motion: the flow divided by `scale` pixels and cut off at +-`limit`."""
    return (flow / scale).clamp(-limit, limit)


class ShallowEncoder(nn.Module):
    """Motion (B, 2, H, W) -> features of stages 2 to 5, at 1/4, 1/8, 1/16 and 1/16 of the size, by eight convolutions.

    width: channels at half the size.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        self.channels = (2 * width, 3 * width, 4 * width, 4 * width)
        self.stage1 = nn.Sequential(conv_norm_act(2, width, stride=2), conv_norm_act(width, width))
        self.stage2 = nn.Sequential(conv_norm_act(width, 2 * width, stride=2), conv_norm_act(2 * width, 2 * width))
        self.stage3 = nn.Sequential(conv_norm_act(2 * width, 3 * width, stride=2), conv_norm_act(3 * width, 3 * width))
        self.stage4 = conv_norm_act(3 * width, 4 * width, stride=2)
        self.stage5 = conv_norm_act(4 * width, 4 * width)

    def forward(self, motion: Tensor) -> Stages:
        """The features, from fine to coarse."""
        stage2 = self.stage2(self.stage1(motion))  # (B, 2 width, H/4, W/4)
        stage3 = self.stage3(stage2)  # (B, 3 width, H/8, W/8)
        stage4 = self.stage4(stage3)  # (B, 4 width, H/16, W/16)
        stage5 = self.stage5(stage4)  # (B, 4 width, H/16, W/16)
        return stage2, stage3, stage4, stage5


class FlowPath(nn.Module):
    """Motion (B, 2, H, W) -> class scores (B, classes, h, w); it never sees the picture.

    encoder: from motion to the features of some stages.  head: from these to scores.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, motion: Tensor) -> Tensor:
        """The scores of every class at every place."""
        stages = self.encoder(motion)
        return self.head(stages)


def mixer(classes: int, mixed: int = 64) -> nn.Sequential:
    """The scores of both paths (B, 2 classes, h, w) -> one map of scores (B, classes, h, w)."""
    return nn.Sequential(
        conv_norm_act(2 * classes, mixed),
        conv_norm_act(mixed, mixed),
        nn.Conv2d(mixed, classes, kernel_size=1),
    )


class Residual(nn.Module):
    """The scores of the picture path plus a correction made of both; at first the correction is 0."""

    def __init__(self, classes: int, mixed: int = 64):
        super().__init__()
        self.mix = mixer(classes, mixed)
        nn.init.zeros_(self.mix[2].weight)
        nn.init.zeros_(self.mix[2].bias)

    def forward(self, image_scores: Tensor, flow_scores: Tensor) -> Tensor:
        """Scores (B, classes, h, w) of both paths -> scores (B, classes, h, w)."""
        both = torch.cat([image_scores, flow_scores], dim=1)
        correction = self.mix(both)
        return image_scores + correction


class Sum(nn.Module):
    """Rival: the scores of both paths, added."""

    def forward(self, image_scores: Tensor, flow_scores: Tensor) -> Tensor:
        """Scores (B, classes, h, w) of both paths -> scores (B, classes, h, w)."""
        return image_scores + flow_scores


class Concatenation(nn.Module):
    """Rival: new scores from the scores of both paths, without a way around the mixer."""

    def __init__(self, classes: int, mixed: int = 64):
        super().__init__()
        self.mix = mixer(classes, mixed)

    def forward(self, image_scores: Tensor, flow_scores: Tensor) -> Tensor:
        """Scores (B, classes, h, w) of both paths -> scores (B, classes, h, w)."""
        both = torch.cat([image_scores, flow_scores], dim=1)
        return self.mix(both)


class Flow2Seg(nn.Module):
    """RGB (B, 3, H, W) and motion (B, 2, H, W) -> class scores "fused" first, and those of the paths."""

    def __init__(self, picture: nn.Module, flow_path: nn.Module, fusion: nn.Module):
        super().__init__()
        self.picture = picture
        self.flow_path = flow_path
        self.fusion = fusion

    def forward(self, rgb: Tensor, motion: Tensor) -> dict[str, Tensor]:
        """The scores, (B, classes, h, w) each; `motion` is an encoded flow."""
        image = self.picture(rgb)
        flow_scores = self.flow_path(motion)
        fused = self.fusion(image["image"], flow_scores)
        return {"fused": fused, "image": image["image"], "auxiliary": image["auxiliary"], "flow": flow_scores}


def losses(scores: dict[str, Tensor], labels: Tensor, alpha: float = 0.5, beta: float = 0.4) -> dict[str, Tensor]:
    """The weighted cross-entropy of each map of scores with labels (B, H, W), 255 = ignore: one scalar for each.

    scores: by name, (B, classes, h, w) on any grid. "flow" weighs `alpha` and "auxiliary" `beta`, and both are compared
    on their own grid, at a fraction of the cost; the others weigh 1, at full size.
    """
    weights = {"flow": alpha, "auxiliary": beta}
    terms = {}
    for name, one in scores.items():
        if name in weights:
            nearest = F.interpolate(labels[:, None].float(), one.shape[-2:], mode="nearest-exact")
            terms[name] = weights[name] * cross_entropy(one, nearest[:, 0].long())
        else:
            full = enlarge(one, labels.shape[-2:])
            terms[name] = cross_entropy(full, labels)
    return terms


def flow_error(shape: torch.Size, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A smooth random field to add to a flow of `shape` (B, 2, H, W): one vector for every 16 x 16 pixels, blended.

    pixels: (B,), the standard deviation of u and v at the middle of a block.
    """
    coarse = torch.randn(shape[0], 2, shape[2] // 16, shape[3] // 16, generator=generator)
    coarse = coarse.to(pixels.device) * pixels.view(-1, 1, 1, 1)
    return F.interpolate(coarse, shape[-2:], mode="bilinear")
