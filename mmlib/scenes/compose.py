"""From a world to pictures of its surfaces: fragments laid over each other from far to near."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.atlas import Atlas
from mmlib.scenes.fragments import Fragments, fragments
from mmlib.scenes.geometry import View
from mmlib.scenes.ground import SURFACES, Sky, backdrop
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.world import World


@dataclass
class Picture:
    """One frame before light: per pixel the surface (11, H, W), the label, the depth (m) and the quad that is
    seen (the number of quads where none is: ground below the horizon, sky above)."""

    surfaces: torch.Tensor
    label: torch.Tensor
    depth: torch.Tensor
    owner: torch.Tensor


def draw(
    world: World,
    frames: list[tuple[int, View]],
    size: tuple[int, int],
    conditions: Conditions,
    sky: Sky,
    source: Atlas,
    looks: bool = True,
) -> list[Picture]:
    """Draw a world for some (time, view) pairs; nothing here depends on light. Without `looks`, surfaces are left
    out."""
    base = [backdrop(view, world.street, conditions, sky, source, size, looks) for _, view in frames]
    surfaces, label, depth = (torch.stack([b[k] for b in base]).flatten(1 if k else 2) for k in range(3))
    label, depth = label.view(-1), depth.view(-1)
    owner = torch.full_like(label, len(world.quads))
    pieces = fragments(world, frames, size, source)
    if pieces is not None:
        _claim(world, pieces, label, depth, owner)
        if looks:
            surfaces = _lay(world, pieces, surfaces, len(frames))
    n, (h, w) = len(frames), size
    shaped = surfaces.view(n, -1, h, w), label.view(n, h, w), depth.view(n, h, w), owner.view(n, h, w)
    return [Picture(*(t[k] for t in shaped)) for k in range(n)]


def _claim(world, pieces: Fragments, label, depth, owner) -> None:
    """Give each pixel to the nearest fragment that covers more than half of it (shadows own nothing)."""
    device = label.device
    solid = torch.tensor([q.solid for q in world.quads], device=device)
    classes = torch.tensor([q.label for q in world.quads], device=device)
    covers = torch.nonzero((pieces.texel[:, 3] > 0.5) & solid.index_select(0, pieces.quad))[:, 0]
    top = torch.full_like(label, -1).scatter_reduce_(0, pieces.pixel.index_select(0, covers), covers, "amax")
    seen = torch.nonzero(top >= 0)[:, 0]
    winner = top.index_select(0, seen)
    quad = pieces.quad.index_select(0, winner)
    owner.index_copy_(0, seen, quad)
    label.index_copy_(0, seen, classes.index_select(0, quad))
    depth.index_copy_(0, seen, pieces.depth.index_select(0, winner))


def _look(world, device) -> torch.Tensor:
    """Per quad: tint - 1 (3), tint2 - 1 (3), glow, hot / 100, sunlit; as (9, quads)."""
    table = [[*(v - 1 for v in q.tint), *(v - 1 for v in q.tint2), q.glow, q.hot / 100, q.sunlit] for q in world.quads]
    return torch.tensor(np.array(table, np.float32).T.copy(), device=device)


def _lay(world, pieces: Fragments, surfaces, frames: int) -> torch.Tensor:
    """Lay fragments over `surfaces` (frames, 11, H * W): what an opaque fragment hides is skipped, the rest is
    blended."""
    count = surfaces.shape[2] * frames
    alpha = pieces.texel[:, 3]
    full = torch.nonzero(alpha > 0.996)[:, 0]
    floor = torch.full((count,), -1, dtype=torch.int64, device=alpha.device)
    floor = floor.scatter_reduce_(0, pieces.pixel.index_select(0, full), full, "amax")
    place = torch.arange(alpha.numel(), device=alpha.device)
    soft = torch.nonzero((place > floor.index_select(0, pieces.pixel)) & (alpha > 0.004))[:, 0]
    floor = floor.index_select(0, torch.nonzero(floor >= 0)[:, 0])
    chosen = torch.cat([floor, soft])
    pixel = pieces.pixel.index_select(0, chosen)
    rows, clear = _dress(world, pieces.texel.index_select(0, chosen), pieces.quad.index_select(0, chosen))
    canvas = torch.zeros(count, len(SURFACES) + 1, device=surfaces.device)
    canvas[:, -1] = 1  # what is left of the ground and the sky
    # The opaque fragments are the bottom: nothing below them is left but what their last trace of clearness lets
    # through.
    rows[: floor.numel(), -1] = clear[: floor.numel(), 0]
    canvas.index_copy_(0, pixel[: floor.numel()], rows[: floor.numel()])
    for layer in _layers(pixel, floor.numel()):
        where = pixel.index_select(0, layer)
        below = canvas.index_select(0, where)
        canvas.index_copy_(0, where, torch.addcmul(rows.index_select(0, layer), below, clear.index_select(0, layer)))
    laid = canvas.t().contiguous().view(-1, frames, surfaces.shape[2]).transpose(0, 1)
    return surfaces.mul_(laid[:, -1:]).add_(laid[:, :-1])


def _layers(pixel: torch.Tensor, first: int) -> list[torch.Tensor]:
    """Split fragments `first` and later into layers, from far to near, of at most one fragment per pixel."""
    mine, order = torch.sort(pixel[first:], stable=True)
    if mine.numel() == 0:
        return []
    place = torch.arange(mine.numel(), device=mine.device)
    starts = torch.ones_like(mine, dtype=torch.bool)
    starts[1:] = mine[1:] != mine[:-1]
    rank = place - torch.cummax(torch.where(starts, place, 0), 0).values
    order += first
    return [order.index_select(0, torch.nonzero(rank == k)[:, 0]) for k in range(int(rank.max()) + 1)]


def _dress(world, texel, quad) -> tuple[torch.Tensor, torch.Tensor]:
    """Texels with their objects' own colours, lamps and heat: premultiplied surfaces and a zero (N, 12), and 1 - alpha
    (N, 1).

    Colours become linear light here (their squares: the pictures' gamma is 2), so that soft edges blend as light does.
    """
    look = _look(world, texel.device)
    t = texel.t().contiguous()
    alpha = t[3]
    inverse = 1 / alpha.clamp(min=1e-3)
    mine = look[6:].index_select(1, quad)
    colours = torch.cat([t[0:3], t[4:7]])
    tinted = torch.nonzero((t[10] + t[11]) > 0.004)[:, 0]
    if tinted.numel():
        whose, share = look[:6].index_select(1, quad.index_select(0, tinted)), t[10:12].index_select(1, tinted)
        share = share * inverse.index_select(0, tinted)
        dye = 1 + share[0] * whose[0:3] + share[1] * whose[3:6]
        colours.index_copy_(1, tinted, colours.index_select(1, tinted) * dye.repeat(2, 1))
    colours = colours * colours * inverse
    out = torch.empty(len(SURFACES) + 1, t.shape[1], device=t.device)
    out[0:3] = colours[0:3]
    out[3:6] = colours[3:6] * mine[0]
    out[6] = t[7]
    out[7] = t[7] * mine[1]
    out[8:10] = t[8:10]
    out[10] = alpha * mine[2]
    out[11] = 0
    return out.t().contiguous(), (1 - alpha)[:, None]


def bodies(world: World, owner: torch.Tensor) -> torch.Tensor:
    """The body number of each pixel's owner (0 for street, houses, plants and sky)."""
    numbers = torch.tensor([q.body for q in world.quads] + [0], device=owner.device)
    return numbers.index_select(0, owner.reshape(-1)).view(owner.shape)


def velocities(world: World, owner: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Per pixel: its object's velocity along X and along Z, metres per frame."""
    rows = [q.velocity for q in world.quads] + [(0.0, 0.0)]
    table = torch.tensor(rows, dtype=torch.float32, device=owner.device)
    at = owner.reshape(-1)
    return tuple(table[:, k].index_select(0, at).view(owner.shape) for k in (0, 1))
