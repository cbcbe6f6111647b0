"""Sensors: blur, noise, misregistration and eight bits."""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

_LENGTH = 1 << 20


@lru_cache(maxsize=2)
def _noise_table(device: str) -> torch.Tensor:
    """A million draws of unit Gaussian noise; a frame reads a stretch of it from a place of its own."""
    draws = np.random.Generator(np.random.Philox(np.random.SeedSequence(20_240))).standard_normal(
        _LENGTH, dtype=np.float32
    )
    return torch.from_numpy(draws).to(device)


def noise(count: int, place: int, device: str) -> torch.Tensor:
    """`count` values of unit Gaussian noise, starting at `place` of the table (which repeats)."""
    table = _noise_table(device)
    place %= _LENGTH
    repeats = -(-(place + count) // _LENGTH)
    return table[place : place + count] if repeats == 1 else table.repeat(repeats)[place : place + count]


def blur(image: torch.Tensor, amount: float) -> torch.Tensor:
    """A 3 x 3 binomial blur of (C, H, W), mixed in by `amount` (0 to 1)."""
    if amount <= 0:
        return image
    a = 0.25 * min(amount, 1.0)
    padded = F.pad(image[None], (1, 1, 1, 1), mode="replicate")[0]
    rows = a * (padded[:, :-2] + padded[:, 2:]) + (1 - 2 * a) * padded[:, 1:-1]
    return a * (rows[..., :-2] + rows[..., 2:]) + (1 - 2 * a) * rows[..., 1:-1]


def read_out(image: torch.Tensor, sigma: float, place: int) -> torch.Tensor:
    """Add noise of standard deviation `sigma` (shot noise grows with brightness) and round to eight bits; (C, H, W)."""
    if sigma > 0:
        grain = noise(image.numel(), place, str(image.device)).view(image.shape)
        image = image + grain * (sigma * (0.6 + 0.8 * torch.sqrt(image)))
    return torch.round(torch.clamp(image, 0, 1) * 255) * (1 / 255)


def shift(image: torch.Tensor, dx: float, dy: float) -> torch.Tensor:
    """Move the content of (C, H, W) by (dx, dy) pixels, edges repeated; bilinear."""
    if dx == 0 and dy == 0:
        return image
    h, w = image.shape[-2:]
    rows, columns = (torch.arange(n, dtype=torch.float32, device=image.device) - d for n, d in ((h, dy), (w, dx)))

    def taps(at, n):
        low = torch.floor(at)
        return low.long().clamp(0, n - 1), (low.long() + 1).clamp(0, n - 1), at - low

    y0, y1, fy = taps(rows, h)
    x0, x1, fx = taps(columns, w)
    across = image[:, :, x0] * (1 - fx) + image[:, :, x1] * fx
    return across[:, y0] * (1 - fy)[:, None] + across[:, y1] * fy[:, None]
