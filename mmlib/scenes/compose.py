"""From a world to pictures of its surfaces: all quads' pixels at once, then laid over each other from far to near."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.atlas import Atlas, sample
from mmlib.scenes.geometry import Fragments, View, coefficients, footprint, locate, placed, spread
from mmlib.scenes.ground import SURFACES, backdrop
from mmlib.scenes.world import FAR, World

GROUND = -1
"""Owner of pixels that no quad covers: ground below the horizon, sky above."""


@dataclass
class Picture:
    """One frame before light: per pixel the surface (H, W, 11), the label, the depth (m) and the quad that is seen."""

    surfaces: torch.Tensor
    label: torch.Tensor
    depth: torch.Tensor
    owner: torch.Tensor


def draw(
    world: World, frames: list[tuple[int, View]], size: tuple[int, int], conditions, sky, source: Atlas
) -> list[Picture]:
    """Draw the surfaces of a world for some (time, view) pairs; nothing here depends on light."""
    device = source.table.device
    base = [backdrop(view, world.street, conditions, sky, source, size) for _, view in frames]
    surfaces, label, depth = (torch.stack([b[k] for b in base]) for k in range(3))
    surfaces, label, depth = surfaces.view(-1, len(SURFACES)), label.view(-1), depth.view(-1)
    owner = torch.full_like(label, GROUND)
    quads = sorted(range(len(world.quads)), key=lambda k: -world.quads[k].order)
    rows = _visible(world, quads, frames, size, source)
    if rows:
        pieces, ends = _fragments(world, rows, size, source, device)
        _lay(world, rows, pieces, ends, source, surfaces, label, depth, owner)
    n, (h, w) = len(frames), size
    shaped = surfaces.view(n, h, w, -1), label.view(n, h, w), depth.view(n, h, w), owner.view(n, h, w)
    return [Picture(*(t[k] for t in shaped)) for k in range(n)]


def _visible(world, quads, frames, size, source):
    """(quad, frame, box, coefficients) of everything in sight, from far to near; a quad's frames stay together."""
    shapes = {a.index: a.shape for a in source.assets.values()}
    rows = []
    for q in quads:
        for image, (time, view) in enumerate(frames):
            box = footprint(world.quads[q], view, time, size)
            if box is not None:
                rows.append((q, image, box, coefficients(world.quads[q], view, time, shapes[world.quads[q].asset])))
    return rows


def _fragments(world, rows, size, source, device) -> tuple[Fragments, list[int]]:
    """All pixels of all boxes, and where each row's pixels end in the list."""
    boxes = torch.tensor([r[2] for r in rows], device=device)
    image = torch.tensor([r[1] for r in rows], device=device)
    coef = torch.tensor(np.array([r[3] for r in rows], np.float32), device=device)
    asset = torch.tensor([world.quads[r[0]].asset for r in rows], device=device)
    pieces = locate(coef, asset, *spread(boxes, image, size))
    counts = [(r[2][2] - r[2][0]) * (r[2][3] - r[2][1]) for r in rows]
    return pieces, np.cumsum(counts).tolist()


def _look(world, rows, device) -> torch.Tensor:
    """Per row: tint - 1 (3), tint2 - 1 (3), glow, hot / 100, sunlit."""
    table = []
    for q, *_ in rows:
        quad = world.quads[q]
        table.append(
            [*(v - 1 for v in quad.tint), *(v - 1 for v in quad.tint2), quad.glow, quad.hot / 100, quad.sunlit]
        )
    return torch.tensor(np.array(table, np.float32), device=device)


def _lay(world, rows, pieces: Fragments, ends, source, surfaces, label, depth, owner):
    """Sample every pixel's texel, give it its object's colours and heat, and lay rows over the picture one by one."""
    device = surfaces.device
    texel = sample(source, pieces.asset, pieces.s, pieces.t, pieces.level)
    look = _look(world, rows, device)[pieces.quad]
    alpha = texel[:, 3:4] * pieces.inside[:, None]
    cover = torch.clamp(texel[:, 3:4], min=1e-4)
    dye = 1 + (texel[:, 10:11] / cover) * look[:, 0:3] + (texel[:, 11:12] / cover) * look[:, 3:6]
    heat = texel[:, 7:8]
    source_rows = torch.cat([texel[:, 0:3] * dye, texel[:, 4:7] * look[:, 6:7], heat, heat * look[:, 7:8], texel[:, 8:10],
                             texel[:, 3:4] * look[:, 8:9]], 1) * pieces.inside[:, None]  # fmt: skip
    solid = alpha[:, 0] > 0.5
    keep = 1 - alpha
    start = 0
    for k, end in enumerate(ends):
        if k + 1 < len(ends) and rows[k + 1][0] == rows[k][0]:
            continue  # the same quad in the next frame: both are laid at once
        piece = slice(start, end)
        pixel = pieces.pixel[piece]
        surfaces.index_copy_(0, pixel, surfaces.index_select(0, pixel) * keep[piece] + source_rows[piece])
        quad = world.quads[rows[k][0]]
        if quad.solid:
            mine = pixel[solid[piece]]
            label[mine] = quad.label
            owner[mine] = rows[k][0]
            depth[mine] = pieces.depth[piece][solid[piece]]
        start = end


def bodies(world: World, owner: torch.Tensor) -> torch.Tensor:
    """The body number of each pixel's owner (0 for street, houses, plants and sky)."""
    numbers = torch.tensor([q.body for q in world.quads] + [0], device=owner.device)
    return numbers[owner]


def velocities(world: World, owner: torch.Tensor, view: View) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Per pixel: velocity along X, along Z, and how far the camera comes closer (0 for the sky)."""
    table = [[*q.velocity, 0.0 if q.z >= FAR else 1.0] for q in world.quads] + [[0.0, 0.0, 1.0]]
    rows = torch.tensor(np.array(table, np.float32), device=owner.device)[owner]
    return rows[..., 0], rows[..., 1], rows[..., 2]


__all__ = ["GROUND", "Picture", "bodies", "draw", "placed", "velocities"]
