"""Drawing random affine maps: flip, scale, rotate, crop."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mmlib.augment.draws import as_generator, uniform
from mmlib.augment.moving import frame_of, transform


@dataclass(frozen=True)
class Geometric:
    """Flip, scale, rotate and crop every field of a batch alike.

    Args:
        size: (height, width) of the result; None keeps the input's.
        flip: the chance of a left-right flip, in [0, 1].
        scale: the range of the magnification; drawn evenly in its logarithm.
        rotate: the largest angle, in degrees, to either side.
        crop: "random" puts the window anywhere, "centre" in the middle. Where the scaled picture is smaller than the
            window, it is placed in the window the same way.
        visible: a thing keeps its box if at least this share of it stays in the frame.

    Calling it, `geometric(batch, generator)`, draws one map per sample and applies it (see `transform` for what happens
    to each field). To replay or share a draw, call `draw` once and `transform` as often as needed.
    """

    size: tuple[int, int] | None = None
    flip: float = 0.5
    scale: tuple[float, float] = (1.0, 1.0)
    rotate: float = 0.0
    crop: str = "random"
    visible: float = 0.25

    def __post_init__(self) -> None:
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f"size must be (height, width), both at least 1; got {self.size}")
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip is a chance in [0, 1]; got {self.flip}")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be (smallest, largest), both positive; got {self.scale}")
        if self.rotate < 0:
            raise ValueError(f"rotate is the largest angle in degrees, not negative; got {self.rotate}")
        if self.crop not in ("random", "centre"):
            raise ValueError(f"crop must be 'random' or 'centre'; got {self.crop!r}")

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator | int) -> Tensor:
        """One map for each of `count` samples of `size` = (height, width): matrices (count, 3, 3), see `affine`."""
        generator = as_generator(generator)
        flip = uniform((count,), 0, 1, generator) < self.flip
        scale = uniform((count,), *map(math.log, self.scale), generator).exp()
        degrees = uniform((count,), -self.rotate, self.rotate, generator)
        place = uniform((count, 2), -1, 1, generator) * (self.crop == "random")
        return affine(size, self.size or size, flip=flip, scale=scale, degrees=degrees, place=place)

    def __call__(self, batch: dict, generator: torch.Generator | int) -> dict:
        """A new batch, moved. The input is left as it is; the same generator state or seed gives the same result."""
        count, *size = frame_of(batch)
        matrix = self.draw(count, tuple(size), generator)
        return transform(batch, matrix, self.size or tuple(size), visible=self.visible)


def affine(
    size: tuple[int, int], new_size: tuple[int, int], *, flip: Tensor, scale: Tensor, degrees: Tensor, place: Tensor
) -> Tensor:
    """The matrices that flip, then scale, then rotate about the centre, then place the result in the new frame.

    Args:
        size, new_size: (height, width) of the old and the new frame.
        flip: (B,) bool, left-right. scale: (B,), above 1 magnifies. degrees: (B,), positive turns clockwise on screen.
        place: (B, 2) in [-1, 1], x then y: -1 shows the left or top end of the scaled picture, 0 its middle, 1 the
            right or bottom end.

    Returns:
        (B, 3, 3) float64. They take pixel centres (x, y, 1) of the old frame to the new one; the first pixel's centre
        is (0, 0). A map that neither scales nor rotates moves by whole pixels, so that it copies pixels unchanged.
    """
    flip, scale, degrees, place = (torch.as_tensor(t, dtype=torch.float64) for t in (flip, scale, degrees, place))
    old, new = (torch.tensor([s[1], s[0]], dtype=torch.float64) for s in (size, new_size))
    cos, sin, side = scale * torch.cos(degrees.deg2rad()), scale * torch.sin(degrees.deg2rad()), 1 - 2 * flip
    linear = torch.stack([torch.stack([side * cos, -sin], -1), torch.stack([side * sin, cos], -1)], -2)
    slack = (scale[:, None] * old - new) / 2
    shift = (new - 1) / 2 - linear @ ((old - 1) / 2) - place * slack
    copies = ((scale == 1) & (degrees == 0))[:, None]
    matrix = torch.eye(3, dtype=torch.float64).repeat(len(scale), 1, 1)
    matrix[:, :2, :2], matrix[:, :2, 2] = linear, torch.where(copies, shift.round(), shift)
    return matrix
