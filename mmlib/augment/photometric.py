"""Changing what the cameras read: light on the colour image, gain on the infrared one, noise on both."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmlib.augment.draws import as_generator, uniform


@dataclass(frozen=True)
class Photometric:
    """Brightness, contrast, saturation, gamma, blur and noise; one draw for rgb and another for the infrared.

    Args:
        brightness, contrast, saturation, gamma: largest relative change of the colour image: 0.2 draws a factor from
            [0.8, 1.2]. Contrast turns about the mean of the sample.
        noise: largest standard deviation of Gaussian noise, in units of the full range.
        blur: largest standard deviation of a Gaussian blur, in pixels.
        ir_brightness, ir_contrast, ir_gamma, ir_noise, ir_blur: the same for the infrared image, which has no colour.

    Calling it, `photometric(batch, generator)`, returns a new batch in which only rgb, rgb_next, ir and ir_next
    changed, still in [0, 1]. The two frames of a camera share every draw but the noise: to an optical flow, a light
    that changes between frames looks like motion.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    gamma: float = 0.2
    noise: float = 0.02
    blur: float = 0.0
    ir_brightness: float = 0.1
    ir_contrast: float = 0.2
    ir_gamma: float = 0.1
    ir_noise: float = 0.02
    ir_blur: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            limit = float("inf") if "blur" in name else 1
            if not 0 <= value < limit:
                raise ValueError(f"{name} must lie in [0, {limit}); got {value}")

    def __call__(self, batch: dict, generator: torch.Generator | int) -> dict:
        """A new batch, read by other cameras. The same generator state or seed gives the same result."""
        generator, out = as_generator(generator), dict(batch)
        for camera, prefix, colour in (("rgb", "", self.saturation), ("ir", "ir_", 0.0)):
            names = [n for n in (camera, f"{camera}_next") if n in batch]
            if names:
                of = {k: getattr(self, prefix + k) for k in ("brightness", "contrast", "gamma", "noise", "blur")}
                frames = _read([batch[n] for n in names], {**of, "saturation": colour}, generator)
                out.update(zip(names, frames))
        return out


def _read(frames: list[Tensor], strength: dict[str, float], generator: torch.Generator) -> list[Tensor]:
    """The frames (B, C, H, W) of one camera after one draw per sample."""
    if any(f.ndim != 4 for f in frames):
        raise ValueError(f"images must have shape (B, C, H, W); got {tuple(frames[0].shape)}: add the axis with [None]")
    shape = (len(frames[0]), 1, 1, 1)
    first = frames[0]
    drawn = {k: _factor(shape, v, generator).to(first) for k, v in strength.items() if k not in ("noise", "blur")}
    sigma = {k: uniform(shape, 0, strength[k], generator).to(first) for k in ("noise", "blur")}
    pivot = first.mean(dim=(1, 2, 3), keepdim=True) * drawn["brightness"]
    frames = [_toned(f, drawn, pivot) for f in frames]
    if strength["blur"]:
        frames = [_blurred(f, sigma["blur"], strength["blur"]) for f in frames]
    if strength["noise"]:
        frames = [f + sigma["noise"] * _normal(f, generator) for f in frames]
    return [f.clamp(0, 1) for f in frames]


def _factor(shape: tuple[int, ...], strength: float, generator: torch.Generator) -> Tensor:
    return uniform(shape, 1 - strength, 1 + strength, generator)


def _toned(image: Tensor, factor: dict[str, Tensor], pivot: Tensor) -> Tensor:
    """Brightness, contrast about the pivot, saturation about the luma, gamma: all of them point by point."""
    from mmlib.images import luma

    image = (image * factor["brightness"] - pivot) * factor["contrast"] + pivot
    grey = luma(image)
    return (grey + (image - grey) * factor["saturation"]).clamp(0, 1) ** factor["gamma"]


def _blurred(image: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """A Gaussian blur with one standard deviation per sample."""
    from kornia.filters import gaussian_blur2d

    width = 2 * max(1, round(3 * largest)) + 1
    return gaussian_blur2d(image, (width, width), sigma.view(-1, 1).expand(-1, 2).clamp(min=1e-3))


def _normal(image: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian numbers of the image's shape, drawn where the generator lives: the same wherever the image is."""
    return torch.randn(image.shape, generator=generator, device=generator.device).to(image)
