"""A small detector without anchors: every cell of a coarse grid says what it sees, and which box is around it.

A cell is 4 x 4 pixels. The backbone looks down to 1/16 of the size for context and comes back up to 1/4 for place, as
in feature pyramids (arXiv 1612.03144); the head is that of the one-stage detectors without anchors (FCOS, arXiv
1904.01355; the box as centre and logarithm of its sides, as in YOLOX, arXiv 2107.08430), on a single level.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4
"""Pixels from one cell to the next."""

USUAL = 16.0
"""Sides of the box, in pixels, that an untrained detector says everywhere."""

RARE = 0.01
"""How sure an untrained detector is of every class: things are rare, so it starts near the truth."""


class Pyramid(nn.Module):
    """(B, channels, H, W) in [0, 1] -> features (B, 2 width, H/4, W/4); H and W are divisible by 16.

    `width` channels at half the size, doubled on the way down up to four times. Each picture is brought to mean 0 and
    deviation 1 first. Norms are group norms, so that a picture's result does not depend on its company, in training or
    frozen.
    """

    def __init__(self, channels: int = 3, width: int = 16):
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), _layer(4 * channels, width))
        self.down = nn.ModuleList(nn.Sequential(_layer(a, b), _layer(b, b)) for a, b in zip(widths, widths[1:]))
        self.side = nn.ModuleList(nn.Conv2d(b, 2 * width, 1) for b in widths[1:])

    def forward(self, image: Tensor) -> Tensor:
        """What is seen at 1/16, 1/8 and 1/4 of the size, added up. ValueError if the size is not divisible by 16."""
        if image.shape[-2] % 16 or image.shape[-1] % 16:
            raise ValueError(f"expected sides divisible by 16, got {tuple(image.shape[-2:])}; next: mmlib.data.pad")
        spread, mean = torch.std_mean(image, dim=(1, 2, 3), keepdim=True)
        features, kept = self.stem((image - mean) / (spread + 0.05)), []
        for stage, side in zip(self.down, self.side):
            features = stage(F.max_pool2d(features, 2))
            kept.append(side(features))
        seen = kept.pop()
        while kept:
            seen = F.interpolate(seen, scale_factor=2.0) + kept.pop()
        return seen


class Head(nn.Module):
    """Features (B, channels, h, w) -> logits (B, classes, h, w) and boxes (B, 4, h, w), xyxy in pixels.

    The features come from a picture of 4 h x 4 w pixels.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.look = nn.Sequential(_layer(channels, channels), _layer(channels, channels))
        self.what, self.where = nn.Conv2d(channels, classes, 1), nn.Conv2d(channels, 4, 1)
        nn.init.constant_(self.what.bias, -math.log(1 / RARE - 1))
        for parameter in (self.what.weight, self.where.weight, self.where.bias):
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What every cell sees, and where."""
        seen = self.look(features)
        return self.what(seen), boxes_of(self.where(seen))


class Detector(nn.Sequential):
    """(B, channels, H, W) in [0, 1] -> logits (B, classes, H/4, W/4) and boxes (B, 4, H/4, W/4), xyxy in pixels."""

    def __init__(self, channels: int = 3, classes: int = 3, width: int = 16):
        super().__init__(Pyramid(channels, width), Head(2 * width, classes))


def centres(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """The middle of every cell of a grid, (2, height, width): x, then y, in pixels."""
    y, x = (STRIDE * (torch.arange(n, device=device) + 0.5) for n in (height, width))
    return torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])


def boxes_of(raw: Tensor) -> Tensor:
    """What the head says, (B, 4, h, w), as boxes xyxy in pixels of the same shape.

    raw: how far the box's centre lies from the cell's, in cells, and the logarithm of its sides in units of `USUAL`.
    """
    middle = centres(*raw.shape[-2:], device=raw.device) + STRIDE * raw[:, :2]
    half = USUAL / 2 * raw[:, 2:].clamp(max=5).exp()  # 5: no box is larger than 2000 pixels, and exp stays finite
    return torch.cat([middle - half, middle + half], dim=1)


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    """Convolution, group norm, ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(math.gcd(8, outputs), outputs), nn.ReLU())
