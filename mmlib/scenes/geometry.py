"""The pinhole camera: from quads to the pixels they cover, and from pixels at t to pixels at t+1."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.atlas import LEVELS, Atlas
from mmlib.scenes.world import FAR, Quad, World

CLOSEST = 0.5
"""Things nearer than this (m) are cut off."""


@dataclass(frozen=True)
class View:
    """A camera in pixels, at one of the two times: x_pixel = cx + f X / Z, y_pixel = cy + f (height - Y) / Z."""

    f: float
    cx: float
    cy: float
    x: float
    height: float
    z: float  # how far the camera has come since t


def views(world: World, size: tuple[int, int]) -> tuple[View, View]:
    """The cameras at t and at t+1 for images of `size` (H, W); pixel centres are whole numbers."""
    h, w = size
    c = world.camera
    return tuple(
        View(c.focal * w, c.centre[k] * w - 0.5, c.horizon[k] * h - 0.5, c.x, c.height, k * c.advance) for k in (0, 1)
    )


def placed(quad: Quad, view: View, time: int) -> tuple[float, float]:
    """X and distance Z of a quad at a time (0 = t, 1 = t+1), seen from the camera; sky things never come closer."""
    travel = 0.0 if quad.z >= FAR else view.z
    return quad.x + time * quad.velocity[0], quad.z + time * quad.velocity[1] - travel


def footprint(quad: Quad, view: View, time: int, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The pixel box (x0, y0, x1, y1; ends excluded) around a quad, or None where it is out of sight."""
    x, z = placed(quad, view, time)
    far = z + quad.width if quad.lateral else z
    if far <= CLOSEST or (z <= CLOSEST and not quad.lateral):
        return None
    near = max(z, CLOSEST)
    xs = (x, x) if quad.lateral else (x, x + quad.width)
    corners = [(xs[0], near), (xs[1], far)] if quad.lateral else [(xs[0], z), (xs[1], z)]
    us = [view.cx + view.f * (cx - view.x) / cz for cx, cz in corners]
    vs = [view.cy + view.f * (view.height - y) / cz for y in (quad.y, quad.y + quad.height) for cz in (near, far)]
    x0, x1 = max(0, int(np.floor(min(us)))), min(size[1], int(np.ceil(max(us))) + 1)
    y0, y1 = max(0, int(np.floor(min(vs)))), min(size[0], int(np.ceil(max(vs))) + 1)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def coefficients(quad: Quad, view: View, time: int, asset_shape: tuple[int, int]) -> list[float]:
    """Eleven numbers that turn a pixel into a place on the quad (see `locate`)."""
    x, z = placed(quad, view, time)
    if quad.lateral:
        slope, offset, scale = 1.0, -view.cx, (x - view.x) * view.f
        sx, sz, s0 = 0.0, 1 / quad.width, -z / quad.width
    else:
        slope, offset, scale = 0.0, 1.0, z
        sx, sz, s0 = 1 / quad.width, 0.0, (view.x - x) / quad.width
    if quad.flip:
        sx, sz, s0 = -sx, -sz, 1 - s0
    top = (quad.y + quad.height - view.height) / quad.height
    rows, columns = asset_shape
    return [slope, offset, scale, sx, sz, s0, top, 1 / quad.height, view.cx, view.cy, 1 / view.f, rows / quad.height / view.f,
            columns / quad.width / view.f]  # fmt: skip


@dataclass
class Fragments:
    """Every pixel of every quad: where it is, which quad it belongs to, and which texel it shows."""

    pixel: torch.Tensor  # (N,) index into the flat images (image, row, column)
    quad: torch.Tensor  # (N,) row of the quad table
    depth: torch.Tensor  # (N,) m
    asset: torch.Tensor
    s: torch.Tensor
    t: torch.Tensor
    level: torch.Tensor
    inside: torch.Tensor  # (N,) bool


def spread(boxes: torch.Tensor, image: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, ...]:
    """List the pixels of boxes (M, 4) in images (M,): (row of the box, flat pixel, x, y), each (N,)."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    count = width * height
    owner = torch.repeat_interleave(count)
    local = torch.arange(owner.numel(), device=boxes.device) - (count.cumsum(0) - count)[owner]
    w = width[owner]
    dy = torch.div(local, w, rounding_mode="floor")
    x, y = boxes[:, 0][owner] + local - dy * w, boxes[:, 1][owner] + dy
    return owner, (image[owner] * size[0] + y) * size[1] + x, x, y


def locate(coef: torch.Tensor, asset: torch.Tensor, owner: torch.Tensor, pixel, x, y) -> Fragments:
    """Where each pixel lies on its quad: s and t across the picture, depth, and the copy whose texels match pixels."""
    slope, offset, scale, sx, sz, s0, top, per_height, cx, cy, per_f, texel_t, texel_s = coef[owner].unbind(1)
    x, y = x.to(coef.dtype), y.to(coef.dtype)
    below = slope * x + offset
    depth = scale / torch.where(below == 0, torch.full_like(below, 1e-6), below)
    across = (x - cx) * depth * per_f
    s = sx * across + sz * depth + s0
    t = top + (y - cy) * depth * per_f * per_height
    inside = (s >= -0.02) & (s <= 1.02) & (t >= -0.02) & (t <= 1.02) & (depth > CLOSEST)
    # Texels per pixel, down and across; a picture seen edge-on is squeezed across, so the two are averaged (in logarithms).
    down = texel_t * depth
    squeezed = torch.where(slope != 0, texel_s * depth * depth / (scale * per_f).abs().clamp(min=1e-6), texel_s * depth)
    ratio = down * squeezed
    level = sum((ratio > 2.0 * 4.0**k).long() for k in range(LEVELS - 1))
    return Fragments(pixel, owner, depth, asset[owner], s, t, level, inside)


def motion(depth, x, y, velocity, view: View, next_view: View, travel) -> torch.Tensor:
    """Exact flow (2, ...) of static or rigidly moving points from t to t+1.

    A pixel (x, y) of depth Z shows the point X = (x - cx) Z / f, which moves by velocity = (vX, vZ) (m) while the camera
    advances by `travel`; its next pixel is cx' + f X' / Z'. Everything broadcasts.
    """
    z1 = depth + velocity[1] - travel
    k = depth / z1
    x1 = next_view.cx + (x - view.cx) * k + view.f * velocity[0] / z1
    y1 = next_view.cy + (y - view.cy) * k
    return torch.stack([x1 - x, y1 - y])


__all__ = [
    "Atlas",
    "CLOSEST",
    "Fragments",
    "View",
    "coefficients",
    "footprint",
    "locate",
    "motion",
    "placed",
    "spread",
    "views",
]
