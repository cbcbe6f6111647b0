"""FMI, the feature mutual information: what windows of F's features tell about the same windows of the sources'."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .levels import need_size, planes

_STRIP = 48  # windows hold a table of 81 x 9 numbers, so strips are thin


@torch.no_grad()
def fmi(
    fused: Tensor, rgb: Tensor, ir: Tensor, *, feature: str = "gradient", size: int = 3, colour: str = "luma"
) -> Tensor:
    """FMI: in every window the mutual information of F's and a source's features, as a share of their entropies.

    (B,C,H,W) in [0, 1], sides at least `size` + 2 -> (B,), the mean over windows and sources, at most 1. Higher is
    better; windows that are equal have 1.
    - feature: "pixel", the grey levels, or "gradient", their central differences' magnitude.
    - The features of a window, less their smallest and divided by their sum, are taken as a distribution over its
      places, column by column. Two of them get the joint distribution that lies between independence and the closest
      tie (Frechet's bound) at the share that their correlation asks for.
    A constant window is a uniform distribution. It has no gradient. Source: Haghighat, Aghagolzadeh and Seyedarabi
    2011; Haghighat and Razian 2014 for the windows. Written from the papers' description; no value of the released
    program was at hand, so do not put this beside printed ones.
    """
    if feature not in ("pixel", "gradient"):
        raise ValueError(f"feature must be 'pixel' or 'gradient', got {feature!r}")
    images = planes(fused, rgb, ir, colour=colour)
    need_size(images[0], size + 2, "fmi")
    if feature == "gradient":
        images = [_gradient(image) for image in images]
    total = 0.0
    height, width = (side - size + 1 for side in images[0].shape[-2:])
    for top in range(0, height, _STRIP):
        rows = slice(top, min(top + _STRIP, height) + size - 1)
        f, a, b = (_windows(image[..., rows, :], size) for image in images)
        total = total + (_agreement(a, f) + _agreement(b, f)).sum(dim=-1) / 2
    return (total / (height * width)).mean(dim=1)


def fmi_pixel(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 3, colour: str = "luma") -> Tensor:
    """`fmi` of grey levels, FMI_pixel. Higher is better."""
    return fmi(fused, rgb, ir, feature="pixel", size=size, colour=colour)


def fmi_gradient(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 3, colour: str = "luma") -> Tensor:
    """`fmi` of gradients, FMI_gradient. Higher is better."""
    return fmi(fused, rgb, ir, feature="gradient", size=size, colour=colour)


def _gradient(image: Tensor) -> Tensor:
    across, down = torch.gradient(image, dim=(-1, -2))
    return torch.hypot(across, down)


def _windows(image: Tensor, size: int) -> Tensor:
    """Every window of (B,K,H,W) as one row, column by column: (B,K,N,size^2)."""
    found = image.unfold(-2, size, 1).unfold(-2, size, 1)  # (B,K,H',W',size,size)
    return found.transpose(-2, -1).flatten(-2).flatten(2, 3)


def _agreement(a: Tensor, f: Tensor) -> Tensor:
    """2 I(A,F) / (H(A) + H(F)) of windows (B,K,N,L) -> (B,K,N)."""
    p, q = _distribution(a), _distribution(f)
    cdf_p, cdf_q = p.cumsum(dim=-1), q.cumsum(dim=-1)
    apart = cdf_p[..., :, None] * cdf_q[..., None, :]  # joint cumulative, (B,K,N,L,L)
    highest = torch.minimum(cdf_p[..., :, None], cdf_q[..., None, :])
    lowest = (cdf_p[..., :, None] + cdf_q[..., None, :] - 1).clamp(min=0)
    correlation = _correlation(p, q)
    bound = torch.where((correlation >= 0)[..., None, None], highest, lowest)
    spread = _deviation(p) * _deviation(q)
    largest = (bound - apart).sum(dim=(-2, -1)) / spread.clamp(min=1e-300)  # Hoeffding: the bound's correlation
    share = torch.where(largest.abs() > 1e-12, correlation / largest, 0.0).clamp(0, 1)
    joint = apart + share[..., None, None] * (bound - apart)
    masses = F.pad(joint, (1, 0, 1, 0)).diff(dim=-1).diff(dim=-2).clamp(min=0)
    entropies = _entropy(p) + _entropy(q)
    shared = entropies - _entropy(masses.flatten(-2))
    value = torch.where(entropies > 1e-12, 2 * shared / entropies.clamp(min=1e-300), 0.0)
    return torch.where((a == f).all(dim=-1), 1.0, value)


def _distribution(windows: Tensor) -> Tensor:
    above = windows - windows.amin(dim=-1, keepdim=True)
    total = above.sum(dim=-1, keepdim=True)
    return torch.where(total > 1e-9, above / total.clamp(min=1e-300), 1 / windows.shape[-1])


def _correlation(p: Tensor, q: Tensor) -> Tensor:
    """Pearson's correlation of the masses; 0 where one of them is uniform."""
    x, y = p - p.mean(dim=-1, keepdim=True), q - q.mean(dim=-1, keepdim=True)
    power = (x.square().sum(dim=-1) * y.square().sum(dim=-1)).sqrt()
    return torch.where(power > 1e-15, (x * y).sum(dim=-1) / power.clamp(min=1e-300), 0.0)


def _deviation(p: Tensor) -> Tensor:
    """The standard deviation of the place, 1 to L, under these masses."""
    places = torch.arange(1, p.shape[-1] + 1, device=p.device, dtype=p.dtype)
    mean = (p * places).sum(dim=-1)
    return ((p * places.square()).sum(dim=-1) - mean.square()).clamp(min=0).sqrt()


def _entropy(masses: Tensor) -> Tensor:
    return torch.special.entr(masses).sum(dim=-1)
