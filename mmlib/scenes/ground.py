"""The ground plane and the empty sky: what every picture is before anything stands in it."""

from collections.abc import Sequence

import torch

from mmlib.scenes.atlas import Atlas
from mmlib.scenes.geometry import View
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.vocabulary import CLASS_ID
from mmlib.scenes.world import FAR, Street

SURFACES = (
    "red",
    "green",
    "blue",
    "glow_red",
    "glow_green",
    "glow_blue",
    "heat",
    "heat_degrees",
    "sun",
    "mirror",
    "sunlit",
)
"""What a pixel's visible surface is made of, before light: linear colours and glow, then heat; `heat_degrees` =
heat * temperature / 100."""

ASPHALT = (0.355, 0.36, 0.385)
PAVING = (0.66, 0.625, 0.60)
KERB = (0.74, 0.73, 0.71)
GRASS = (0.40, 0.53, 0.30)
LINE = (0.93, 0.92, 0.88)
Sky = tuple[Sequence[float], Sequence[float], Sequence[float], float]
"""Colour overhead, colour at the horizon, glow of the sun, and the tangent of the sun's azimuth."""

TILE = 6.4
"""Side of a ground texture, metres."""


def pixel_grid(size: tuple[int, int], device: torch.device | str) -> tuple[torch.Tensor, torch.Tensor]:
    """Row numbers (H, 1) and column numbers (1, W) as float32."""
    rows, columns = (torch.arange(n, dtype=torch.float32, device=device) for n in size)
    return rows[:, None], columns[None]


def colours(rgb: Sequence[float], device: torch.device | str) -> torch.Tensor:
    """A colour as (3, 1, 1)."""
    return torch.tensor(rgb, dtype=torch.float32, device=device)[:, None, None]


def ground(
    view: View, street: Street, source: Atlas, rows: torch.Tensor, columns: torch.Tensor, looks: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Distance (h, 1), X (h, w), labels (h, w) and colours (3, h, w) of the ground, for rows (h, 1) below the horizon.

    Lines are drawn with edges as soft as a pixel is wide there, so that they neither alias nor crawl. Without
    `looks` the colours are None.
    """
    depth = view.f * view.height / (rows - view.cy)
    x = view.x + (columns - view.cx) * (depth / view.f)
    out = x.abs() - street.road
    label = CLASS_ID["road"] + (CLASS_ID["sidewalk"] - CLASS_ID["road"]) * (out > 0).long()
    label += (CLASS_ID["vegetation"] - CLASS_ID["sidewalk"]) * (out > street.walk).long()
    if not looks:
        return depth, x, label, None
    z = depth + view.z
    wide, deep = depth / view.f, depth * depth / (view.f * view.height)
    grain, slab, patch = _texture(source, street.texture, x, z, wide, deep)
    device = x.device
    road = colours(ASPHALT, device) * (0.74 + 0.30 * grain + 0.22 * patch)
    _over(road, LINE, 0.86 * _lines(street, x, z, wide, deep))
    road *= 1 - 0.35 * _band(out + 0.07, 0.06, wide)
    joints = torch.maximum(_grid(x, 0.4, 0.02, wide), _grid(z, 0.4, 0.02, deep))
    walk = colours(PAVING, device) * ((0.92 + 0.16 * slab) * (1 - 0.22 * joints * torch.clamp(1.4 - 3 * deep, 0, 1)))
    _over(walk, KERB, _band(out - 0.10, 0.11, wide))
    road += (walk - road) * _step(out, wide)
    _over(road, GRASS, _step(out - street.walk - 0.1, wide))
    return depth, x, label, road


def _texture(source: Atlas, asset: int, x, z, wide, deep):
    """The tiled ground texture at world places (h, w): asphalt grain, paving slabs, patches, each around 0.5 (3, h, w).

    Tiles are square, a power of two texels wide, and repeat every TILE metres; row by row one half-size copy is
    read, so that texels are about as large as pixels.
    """
    tiles = source.tiles[asset]
    texels = ((deep * wide).sqrt() * (tiles.sizes[0] / TILE)).squeeze(1)
    level = sum((texels > 1.4 * 2.0**k).long() for k in range(len(tiles.sizes) - 1))
    n, start = (torch.tensor(v, device=x.device)[level][:, None] for v in (tiles.sizes, tiles.starts))
    scale = n / TILE
    u, v = x * scale - 0.5, z * scale - 0.5
    u0, v0 = torch.floor(u), torch.floor(v)
    fu, fv = u - u0, (v - v0).expand_as(u)
    u0, v0, last = u0.long(), v0.long(), n - 1
    left, right = u0 & last, (u0 + 1) & last
    upper, lower = (v0 & last) * n + start, ((v0 + 1) & last) * n + start
    index = torch.stack([upper + left, upper + right, lower + left, lower + right], -1).view(-1, 4)
    gu, gv = 1 - fu, 1 - fv
    weight = torch.stack([gu * gv, fu * gv, gu * fv, fu * fv], -1).view(-1, 4)
    out = torch.nn.functional.embedding_bag(index, tiles.texels, per_sample_weights=weight, mode="sum")
    return out.t().contiguous().view(3, *x.shape)


def _lines(street: Street, x, z, wide, deep):
    """Where there is white paint: a dashed middle line, edge lines, a zebra crossing."""
    dash = _band(torch.remainder(z + street.dash, 6.0) - 1.6, 1.5, deep)
    paint = torch.maximum(_band(x, 0.07, wide) * dash, _band(x.abs() - (street.road - 0.32), 0.05, wide))
    if street.crossing is not None:
        middle = z - (street.crossing + 1.6)
        bars = _band(torch.remainder(x + 0.25, 1.0) - 0.5, 0.25, wide) * _step(street.road - 0.25 - x.abs(), wide)
        paint = torch.maximum(paint * (1 - _band(middle, 2.6, deep)), _band(middle, 1.6, deep) * bars)
    return paint


def _step(distance, width):
    """0 below zero, 1 above, a ramp as wide as a pixel in between."""
    return (distance * (1 / width) + 0.5).clamp_(0, 1)


def _band(distance, half, width):
    """1 within `half` of zero, with edges a pixel wide; thin lines fade instead of breaking up."""
    per = 1 / width
    return ((half - distance.abs()) * per + 0.5).clamp_(0, 1) * (2 * half * per).clamp(max=1)


def _grid(value, pitch, half, width):
    """Lines every `pitch`."""
    return _band(torch.remainder(value, pitch) - pitch / 2, half, width)


def _over(below, colour, cover) -> None:
    """Paint `colour` over (3, h, w) in place, as much as `cover` (h, w) says."""
    below += (colours(colour, below.device) - below) * cover


def backdrop(
    view: View,
    street: Street,
    conditions: Conditions,
    sky: Sky,
    source: Atlas,
    size: tuple[int, int],
    looks: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The picture without objects: surfaces (11, H, W), label (H, W), depth (H, W), all of it ground or sky.

    `sky` = (top colour, horizon colour, glow of the sun (colour), its azimuth); colours are what the camera would see.
    """
    device = source.table.device
    rows, columns = pixel_grid(size, device)
    # A row on the horizon itself is sky: in float32 its distance would be infinite.
    first = min(size[0], max(0, int(view.cy + size[0] * 2.0**-22) + 1))
    surfaces = torch.zeros(len(SURFACES) if looks else 1, *size, device=device)
    label = torch.full(size, CLASS_ID["sky"], dtype=torch.int64, device=device)
    depth = torch.full(size, FAR, device=device)
    if looks:
        _paint_sky(surfaces[:, :first], view, conditions, sky, rows[:first], columns)
    if first < size[0]:
        far, x, below, albedo = ground(view, street, source, rows[first:], columns, looks)
        label[first:] = below
        depth[first:] = far
        if looks:
            surfaces[0:3, first:] = albedo * albedo
            surfaces[8, first:] = 0.85
            surfaces[9, first:] = 0.04
            surfaces[10, first:] = 1 - 0.9 * _step(x * conditions.sun_side - street.sun_edge, far / view.f + 0.25)
    return surfaces, label, depth


def _paint_sky(surfaces, view, conditions, sky, rows, columns) -> None:
    """A gradient from the horizon up, brighter towards the sun; the sky is a lamp, and a cold one."""
    top, horizon, halo, azimuth = sky
    up = torch.clamp((view.cy - rows) / view.f, 0, 1)
    blend = torch.sqrt(torch.clamp(up * 1.7, 0, 1))
    low, high, sun = (colours(c, rows.device) for c in (horizon, top, halo))
    away = (columns - view.cx) / view.f - azimuth
    near = 1 / (1 + 7 * (away * away + up * up))
    seen = low + (high - low) * blend + sun * (near * near)
    surfaces[3:6] = seen * seen
    # The clear sky is 20 to 60 K colder than the air, most of all overhead; clouds hide that.
    cold = (18 + 45 * torch.clamp(up * 1.6, 0, 1)) * (1 - 0.75 * conditions.cloud)
    surfaces[6] = 1.0
    surfaces[7] = (conditions.air - cold) / 100
