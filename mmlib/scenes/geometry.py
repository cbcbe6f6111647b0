"""The pinhole camera: from quads to the pixels they cover, and from pixels at t to pixels at t+1."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.atlas import LEVELS
from mmlib.scenes.world import FAR, World

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


class Shapes:
    """The quads of a world in drawing order (far to near), as numpy columns: what the camera needs to know of them."""

    def __init__(self, world: World):
        order = sorted(range(len(world.quads)), key=lambda k: -world.quads[k].order)
        quads = [world.quads[k] for k in order]
        self.number = np.array(order, np.int64)
        self.asset = np.array([q.asset for q in quads], np.int64)
        self.lateral, self.flip = (np.array([getattr(q, k) for q in quads], bool) for k in ("lateral", "flip"))
        rows = [(q.x, q.z, q.y, q.width, q.height, q.crop, q.blind, *q.velocity) for q in quads]
        columns = np.array(rows, np.float64).T
        self.x, self.z, self.y, self.width, self.height, self.crop, self.blind, self.vx, self.vz = columns

    def placed(self, view: View, time: int) -> tuple[np.ndarray, np.ndarray]:
        """X and distance Z of each quad at a time (0 = t, 1 = t+1), seen from the camera; the sky never comes
        closer."""
        travel = np.where(self.z >= FAR, 0.0, view.z)
        return self.x + time * self.vx, self.z + time * self.vz - travel


def footprints(shapes: Shapes, view: View, time: int, size: tuple[int, int]) -> np.ndarray:
    """The pixel box (x0, y0, x1, y1; ends excluded) around each quad, (M, 4) int64; empty where it is out of sight."""
    x, z = shapes.placed(view, time)
    near = np.where(shapes.lateral, np.maximum(z, CLOSEST), z)
    far = np.where(shapes.lateral, z + shapes.width, z)
    seen = (far > CLOSEST) & (near >= CLOSEST)
    near, far = np.where(seen, near, 1.0), np.where(seen, far, 1.0)
    right = np.where(shapes.lateral, x, x + shapes.width)
    us = np.stack([view.cx + view.f * (x - view.x) / near, view.cx + view.f * (right - view.x) / far])
    down = [view.f * (view.height - y) for y in (shapes.y, shapes.y + shapes.height)]
    vs = view.cy + np.stack([d / depth for d in down for depth in (near, far)])
    low = np.floor(np.stack([us.min(0), vs.min(0)], 1)).clip(0, 1e6)
    high = (np.ceil(np.stack([us.max(0), vs.max(0)], 1)) + 1).clip(0, (size[1], size[0]))
    high = np.where(seen[:, None], np.maximum(high, low), low)
    return np.concatenate([low, high], 1).astype(np.int64)


def columns_of(shapes: Shapes, row: np.ndarray, pixel: np.ndarray, view: View, time: int) -> tuple[np.ndarray, ...]:
    """What pixel column `pixel` of quad `row` shows (both (K,)): distance, place across the picture, and the way
    down it.

    Every quad is upright, so along one pixel column the distance is constant and the picture runs down evenly: s
    and the distance depend on x only, and t = top + per_row * y. Returns float64 arrays (depth, s, top, per_row),
    each (K,).
    """
    x, z = (v[row] for v in shapes.placed(view, time))
    width, height, crop, lateral = (v[row] for v in (shapes.width, shapes.height, shapes.crop, shapes.lateral))
    across = pixel - view.cx
    across = np.where(lateral & (np.abs(across) < 1e-3), 1e-3, across)
    depth = np.where(lateral, (x - view.x) * view.f / np.where(lateral, across, 1.0), z)
    s = np.where(lateral, (depth - z) / width, (view.x + across * (z / view.f) - x) / width)
    s = np.where(shapes.flip[row], 1 - s, s)
    per_row = crop * depth / (view.f * height)
    top = crop * (shapes.y[row] + height - view.height) / height - view.cy * per_row
    return depth, s, top, per_row


def levels(
    shapes: Shapes, row: np.ndarray, depth: np.ndarray, texels: tuple[np.ndarray, np.ndarray], view: View, time: int
) -> np.ndarray:
    """Which half-size copy to read in each column (K,), so that texels are about as large as pixels.

    `texels` = (rows, columns) of the full pictures. A picture along the street is squeezed across; the copy is chosen
    for the mean (of logarithms) of down and across.
    """
    ratio = texels[0] * shapes.crop[row] / shapes.height[row] * texels[1] / shapes.width[row] * (depth / view.f) ** 2
    beside = np.maximum(np.abs(shapes.placed(view, time)[0][row] - view.x), 1e-3)
    ratio = np.where(shapes.lateral[row], ratio * np.abs(depth) / beside, ratio)
    return np.clip(np.floor(0.5 * np.log2(np.maximum(ratio, 1e-9)) + 0.5), 0, LEVELS - 1).astype(np.int64)


def motion(
    depth: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    vx: torch.Tensor,
    vz: torch.Tensor,
    view: View,
    next_view: View,
) -> torch.Tensor:
    """Exact flow (2, H, W) from t to t+1 of rigidly moving points, in pixels.

    A pixel (x, y) of distance Z shows the point X = (x - cx) Z / f. Seen from the camera it moves by (vx, vz)
    metres, so its next pixel is x' = cx' + f (X + vx) / (Z + vz), and y' = cy' + (y - cy) Z / (Z + vz). Everything
    broadcasts.
    """
    later = depth + vz
    k = depth / later
    across = next_view.cx + (x - view.cx) * k + view.f * vx / later - x
    return torch.stack([across, next_view.cy + (y - view.cy) * k - y])
