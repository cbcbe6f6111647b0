"""Flow2Seg: can motion say what things are?

Written by ``make export`` from the cells tagged ``export`` in nbs/06_flow2seg.ipynb; change them there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.backbones.pyramid import PyramidPooling
from mmlib.flow import estimate, pixel_grid, resize_flow
from mmlib.layers import Norm, conv_norm_act
from mmlib.losses import cross_entropy


def head(inputs: int, classes: int, middle: int, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Features (B, inputs, h, w) to scores (B, classes, h, w): a small head."""
    return nn.Sequential(conv_norm_act(inputs, middle, norm=norm), nn.Dropout(0.1), nn.Conv2d(middle, classes, 1))


def enlarge(scores: dict[str, Tensor], size: tuple[int, int]) -> dict[str, Tensor]:
    """Every map of scores (B, classes, h, w) at the size (H, W) of the picture."""
    return {name: F.interpolate(s, size, mode="bilinear") for name, s in scores.items()}


class PSPNet(nn.Module):
    """Pictures (B, 3, H, W) to logits "image" and "auxiliary", (B, classes, H, W).

    `backbone` gives features of its last two stages. Without `bins` it is a plain FCN.
    """

    reads = ("rgb",)

    def __init__(
        self,
        backbone: nn.Module,
        classes: int,
        middle: int = 512,
        side: int = 256,
        bins: tuple[int, ...] = (1, 2, 3, 6),
        norm: Norm = nn.BatchNorm2d,
    ):
        super().__init__()
        stage4, stage5 = backbone.channels
        self.backbone, self.pyramid = backbone, PyramidPooling(stage5, bins=bins, norm=norm)
        self.head = head(self.pyramid.channels, classes, middle, norm)
        self.auxiliary = head(stage4, classes, side, norm)

    def scores(self, rgb: Tensor) -> dict[str, Tensor]:
        """The scores on the coarse grid of the features."""
        stage4, stage5 = self.backbone(rgb)
        return {"image": self.head(self.pyramid(stage5)), "auxiliary": self.auxiliary(stage4)}

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        """The scores of every class at every pixel."""
        return enlarge(self.scores(rgb), rgb.shape[-2:])


def encode(flow: Tensor, scale: float = 20.0, limit: float = 10.0) -> Tensor:
    """Flow (B, 2, H, W) in pixels divided by `scale` pixels, cut off at +-`limit`."""
    return (flow / scale).clamp(-limit, limit)


class FCN(nn.Module):
    """Motion (B, 2, H, W) to logits "flow"; `context` as in mmlib.backbones.pyramid."""

    reads = ("motion",)

    def __init__(
        self,
        backbone: nn.Module,
        classes: int,
        middle: int = 128,
        context: nn.Module | None = None,
        norm: Norm = nn.BatchNorm2d,
    ):
        super().__init__()
        self.backbone, self.context = backbone, context or nn.Identity()
        channels = context.channels if context else backbone.channels[1]
        self.head = head(channels, classes, middle, norm)

    def scores(self, motion: Tensor) -> dict[str, Tensor]:
        """The scores on the coarse grid of the features."""
        return {"flow": self.head(self.context(self.backbone(motion)[1]))}

    def forward(self, motion: Tensor) -> dict[str, Tensor]:
        """The scores of every class at every pixel."""
        return enlarge(self.scores(motion), motion.shape[-2:])


def mixer(classes: int, middle: int = 64, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Both paths' scores (B, 2 classes, h, w) to one map (B, classes, h, w)."""
    return nn.Sequential(
        conv_norm_act(2 * classes, middle, norm=norm),
        conv_norm_act(middle, middle, norm=norm),
        nn.Conv2d(middle, classes, 1),
    )


class Residual(nn.Module):
    """The image's scores plus a correction made of both; at first there is none."""

    def __init__(self, classes: int, middle: int = 64, norm: Norm = nn.BatchNorm2d):
        super().__init__()
        self.mix = mixer(classes, middle, norm)
        nn.init.zeros_(self.mix[-1].weight)
        nn.init.zeros_(self.mix[-1].bias)

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Scores (B, classes, h, w) and (B, classes, h, w) to scores."""
        return image + self.mix(torch.cat([image, flow], dim=1))


class Sum(nn.Module):
    """Both paths' scores, added."""

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Scores (B, classes, h, w) and (B, classes, h, w) to scores."""
        return image + flow


class Concatenation(nn.Module):
    """New scores from both paths' scores: the mixer without a way around it."""

    def __init__(self, classes: int, middle: int = 64, norm: Norm = nn.BatchNorm2d):
        super().__init__()
        self.mix = mixer(classes, middle, norm)

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Scores (B, classes, h, w) and (B, classes, h, w) to scores."""
        return self.mix(torch.cat([image, flow], dim=1))


class Flow2Seg(nn.Module):
    """Two paths and what joins their scores: logits "fused", and those of the paths."""

    reads = ("rgb", "motion")

    def __init__(self, image_path: nn.Module, flow_path: nn.Module, fusion: nn.Module):
        super().__init__()
        self.image_path, self.flow_path, self.fusion = image_path, flow_path, fusion

    def scores(self, rgb: Tensor, motion: Tensor) -> dict[str, Tensor]:
        """The scores on the coarse grid of the features, the final ones first."""
        image, flow = self.image_path.scores(rgb), self.flow_path.scores(motion)
        return {"fused": self.fusion(image["image"], flow["flow"]), **image, **flow}

    def forward(self, rgb: Tensor, motion: Tensor) -> dict[str, Tensor]:
        """The scores of every class at every pixel; `motion` is an encoded flow."""
        return enlarge(self.scores(rgb, motion), rgb.shape[-2:])


ALPHA, BETA = 0.5, 0.4
WEIGHTS = {"fused": 1.0, "image": 1.0, "flow": ALPHA, "auxiliary": BETA}


def losses(logits: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """The cross-entropy of all logits (B, classes, H, W) with labels (B, H, W)."""
    return {name: cross_entropy(one, labels) for name, one in logits.items()}


class FlowNetS(nn.Module):
    """Two frames (B, 3, H, W) to flow (B, 2, H, W) in pixels; H, W divisible by 8."""

    def __init__(self, width: int = 16):
        super().__init__()
        shapes = ((6, width, 7), (width, 2 * width, 5), (2 * width, 4 * width, 3))
        self.down = nn.ModuleList(nn.Conv2d(a, b, k, 2, k // 2) for a, b, k in shapes)
        self.deep = nn.Conv2d(4 * width, 4 * width, 3, padding=1)
        sizes = ((4 * width, 2 * width), (4 * width + 2, width), (2 * width + 2, width))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in sizes[:2])
        self.guess = nn.ModuleList(nn.Conv2d(a, 2, 3, padding=1) for a, _ in sizes)

    def pyramid(self, rgb: Tensor, rgb_next: Tensor) -> list[Tensor]:
        """Flow in pixels of the frames, at 1/8, 1/4 and 1/2 of their size."""
        kept, x = [], torch.cat([rgb, rgb_next], dim=1) - 0.5
        for look in self.down:
            x = F.leaky_relu(look(x), 0.1)
            kept.append(x)
        x, flows = F.leaky_relu(self.deep(x), 0.1), []
        for level, guess in enumerate(self.guess):
            flows.append(guess(x))
            if level < len(self.up):
                finer = F.interpolate(flows[-1], scale_factor=2.0, mode="bilinear")
                x = torch.cat([F.leaky_relu(self.up[level](x), 0.1), kept[-2 - level], finer], dim=1)
        return flows

    def forward(self, rgb: Tensor, rgb_next: Tensor) -> Tensor:
        """The finest flow, enlarged to the frames' size."""
        return F.interpolate(self.pyramid(rgb, rgb_next)[-1], rgb.shape[-2:], mode="bilinear")


def around(mask: Tensor, radius: int) -> Tensor:
    """Every pixel at most `radius` rows and columns away from a mask (B, H, W)."""
    return F.max_pool2d(mask[:, None].float(), 2 * radius + 1, 1, radius)[:, 0] > 0


def band(labels: Tensor, radius: int) -> Tensor:
    """Pixels with another class at most `radius` rows and columns away, (B, H, W)."""
    ids = labels[:, None].float()
    high, low = (F.max_pool2d(s * ids, 2 * radius + 1, 1, radius) * s for s in (1, -1))
    return (high != low)[:, 0]


def own_motion(flow: Tensor, depth: Tensor, still: Tensor) -> Tensor:
    """What of an exact flow (2, H, W) the camera's motion does not explain, in pixels.

    Fitted by least squares over the pixels `still` (H, W) to `depth` (1, H, W), metres.
    """
    grid = pixel_grid(*flow.shape[-2:], device=flow.device, dtype=torch.float64)[0] / flow.shape[-1]
    near = 1 / depth[0].double()
    left = []
    for motion, place in zip(flow.double(), grid):
        basis = torch.stack([torch.ones_like(near), near, place * near, near**2, place * near**2], dim=-1)
        fitted = torch.linalg.lstsq(basis[still][::8], motion[still][::8, None]).solution
        left.append(motion - (basis @ fitted)[..., 0])
    return torch.stack(left).to(flow.dtype)


def share_of_things(values: Tensor, instances: Tensor) -> Tensor:
    """The mean of `values` (H, W) over each thing, on all its pixels; 0 elsewhere."""
    count = torch.bincount(instances.flatten()).clamp(min=1)
    total = torch.bincount(instances.flatten(), values.flatten().double())
    return (total / count)[instances].where(instances > 0, 0.0)


class Kept(nn.Module):
    """Stands where a frozen backbone stood whose features of two stages are kept: (B, sum of channels, h, w)."""

    def __init__(self, channels: tuple[int, int]):
        super().__init__()
        self.channels = channels

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The two stages, in full precision."""
        return features.float().split(self.channels, dim=1)


@torch.no_grad()
def observe(backbone: nn.Module, rgb: Tensor, rgb_next: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
    """What both paths read of frames (B, 3, H, W): kept features "rgb", and "motion", the encoded flow of DIS.

    The backbone looks at size (h, w), divisible by 8. Its features are kept in half precision, at h/8 x w/8; the flow,
    measured on the frames as they come, at h/2 x w/2. As on MiniStreet, 20 pixels of a picture 2048 wide count 1.
    """
    features = backbone(F.interpolate(rgb, size, mode="bilinear", antialias=True))
    small = (size[0] // 2, size[1] // 2)
    flow = resize_flow(estimate(rgb, rgb_next, "dis"), small, mode="area")
    return {"rgb": torch.cat(features, dim=1).half(), "motion": encode(flow, 20 * small[1] / 2048)}


CAMVID_TWINS = {
    "road": "road",
    "sidewalk": "pavement",
    "building": "building",
    "fence": "fence",
    "sign": "sign",
    "vegetation": "tree",
    "sky": "sky",
    "person": "pedestrian",
    "rider": "bicyclist",
    "car": "car",
}
"""MiniStreet's name of a class and CamVid's. A rider includes the bicycle on both sides."""


def renamed(labels: Tensor, theirs: tuple[str, ...], ours: tuple[str, ...]) -> Tensor:
    """Labels in CamVid's ids as labels in MiniStreet's; 255 where a class has no twin."""
    table = torch.full((256,), 255)
    for here, there in CAMVID_TWINS.items():
        table[theirs.index(there)] = ours.index(here)
    return table[labels]
