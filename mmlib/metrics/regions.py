"""Which pixels a part of a test asks about: boundaries, small things, things that move by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.flow import pixel_grid


def band(labels: Tensor, radius: int) -> Tensor:
    """Pixels with another class at most `radius` rows and columns away: labels (B, H, W) -> bool (B, H, W)."""
    ids = labels[:, None].float()
    high = F.max_pool2d(ids, 2 * radius + 1, stride=1, padding=radius)
    low = -F.max_pool2d(-ids, 2 * radius + 1, stride=1, padding=radius)
    return (high != low)[:, 0]


def around(mask: Tensor, radius: int) -> Tensor:
    """Every pixel at most `radius` rows and columns away from a mask: bool (B, H, W) -> bool (B, H, W)."""
    grown = F.max_pool2d(mask[:, None].float(), 2 * radius + 1, stride=1, padding=radius)
    return grown[:, 0] > 0


def own_motion(flow: Tensor, depth: Tensor, still: Tensor) -> Tensor:
    """What of an exact flow (2, H, W) the motion of the camera doesn't explain, in pixels, (2, H, W).

    Fitted by least squares over the pixels `still`, bool (H, W), to `depth` (1, H, W) in metres, for a camera that
    drives straight ahead.
    """
    grid = pixel_grid(*flow.shape[-2:], device=flow.device, dtype=torch.float64)[0]  # (2, H, W)
    grid = grid / flow.shape[-1]
    near = 1 / depth[0].double()
    left = []
    for motion, place in zip(flow.double(), grid):  # u along x, v along y
        basis = torch.stack([torch.ones_like(near), near, place * near, near**2, place * near**2], dim=-1)
        known = basis[still][::8]
        fitted = torch.linalg.lstsq(known, motion[still][::8, None]).solution  # (5, 1)
        left.append(motion - (basis @ fitted)[..., 0])
    return torch.stack(left).to(flow.dtype)


def mean_over_things(values: Tensor, instances: Tensor) -> Tensor:
    """The mean of `values` (H, W) over each thing, at all of its pixels; 0 where `instances` (H, W) is 0."""
    pixels = torch.bincount(instances.flatten()).clamp(min=1)
    total = torch.bincount(instances.flatten(), values.flatten().double())
    return (total / pixels)[instances].where(instances > 0, 0.0)


def regions(
    streets: Mapping[str, Tensor], things: Sequence[int], *, small: int = 480, moves: float = 1.0, edge: int = 4
) -> dict[str, Tensor]:
    """Masks of the parts of a test, bool (N, H, W): boundary, interior, and small, large, moving, still things.

    A region of things takes in what is at most twice `edge` pixels around them, and leaves out all other things.

    Args:
        streets: labels and instances (N, H, W), exact flow (N, 2, H, W) in pixels and depth (N, 1, H, W) in metres.
        things: ids of the classes of things, whose motion isn't only the camera's.
        small: pixels below which a thing is small.  moves: pixels from frame to frame above which it moves.
        edge: pixels from another class at which a boundary ends.
    """
    labels, instances = streets["labels"], streets["instances"]
    is_thing = torch.isin(labels, torch.tensor(things))
    areas, speeds = [], []
    for flow, depth, still, ids in zip(streets["flow"], streets["depth"], ~is_thing, instances):
        speed = own_motion(flow, depth, still).norm(dim=0)
        areas.append(ids.flatten().bincount()[ids])
        speeds.append(mean_over_things(speed, ids))
    is_small = torch.stack(areas) < small
    is_moving = torch.stack(speeds) > moves
    boundary = band(labels, edge)
    found = {"boundary": boundary, "interior": ~boundary}
    for name, kind in {"small": is_small, "large": ~is_small, "moving": is_moving, "still": ~is_moving}.items():
        asked = kind & (instances > 0)
        found[name] = around(asked, 2 * edge) & ~(is_thing & ~asked)
    return found
