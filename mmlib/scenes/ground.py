"""The ground plane and the empty sky: what every picture is before anything stands in it."""

import torch

from mmlib.scenes.atlas import Atlas, sample
from mmlib.scenes.geometry import View
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
"""What a pixel's visible surface is made of, per pixel and before light; `heat_degrees` = heat * temperature / 100."""

ASPHALT = (0.355, 0.36, 0.385)
PAVING = (0.66, 0.625, 0.60)
KERB = (0.74, 0.73, 0.71)
GRASS = (0.40, 0.53, 0.30)
LINE = (0.93, 0.92, 0.88)


def ground(view: View, street: Street, sun_side: int, source: Atlas, rows: torch.Tensor, columns: torch.Tensor):
    """Colour, label and distance of the ground for image rows (h, 1) below the horizon and columns (1, w).

    Returns (albedo (h, w, 3), sunlit (h, w), label (h, w) int64, depth (h, 1)). Lines are drawn with edges as soft
    as a pixel is wide there, so that they neither alias nor crawl.
    """
    depth = view.f * view.height / (rows - view.cy)
    x = view.x + (columns - view.cx) * depth / view.f
    z = depth + view.z
    wide, deep = depth / view.f, depth * depth / (view.f * view.height)
    grain, slab, patch = _texture(source, street.texture, x, z, wide, deep)
    out = x.abs() - street.road
    road = _mix(ASPHALT, 1 + 0.30 * (grain - 0.5) + 0.22 * (patch - 0.5))
    road = _over(road, LINE, 0.86 * _lines(street, x, z, wide, deep))
    walk = _mix(PAVING, 1 + 0.16 * (slab - 0.5))
    joints = torch.maximum(_grid(x, 0.4, 0.02, wide), _grid(z, 0.4, 0.02, deep))
    walk = walk * (1 - 0.22 * joints * torch.clamp(1.4 - 3 * deep, 0, 1))[..., None]
    walk = _over(walk, KERB, _band(out - 0.10, 0.11, wide))
    albedo = torch.lerp(road, walk, _step(out, wide)[..., None])
    albedo = albedo * (1 - 0.35 * _band(out + 0.07, 0.06, wide))[..., None]
    lawn = _step(out - street.walk - 0.1, wide)
    albedo = _over(albedo, GRASS, lawn)
    label = torch.where(out > 0, CLASS_ID["sidewalk"], CLASS_ID["road"])
    label = torch.where(out > street.walk, CLASS_ID["vegetation"], label)
    sunlit = 1 - 0.9 * _step(x * sun_side - street.sun_edge, wide + 0.25)
    return albedo, sunlit, label, depth


def _texture(source, asset, x, z, wide, deep):
    """The tiled ground texture at world places (h, w): asphalt grain, paving slabs, patches, each around 0.5."""
    side = 6.4
    s, t = x / side, (z / side).expand_as(x)
    texels = (deep * wide).sqrt() * 40
    level = sum((texels > 1.4 * 2.0**k).long() for k in range(5)).expand_as(x)
    index = torch.full((x.numel(),), asset, dtype=torch.int64, device=x.device)
    out = sample(source, index, s.reshape(-1), t.reshape(-1), level.reshape(-1), wrap=True)
    return out[:, :3].view(*x.shape, 3).unbind(-1)


def _lines(street: Street, x, z, wide, deep):
    """Where there is white paint: a dashed middle line, edge lines, a zebra crossing."""
    phase = torch.remainder(z + street.dash, 6.0)
    dash = _band(phase - 1.6, 1.5, deep)
    paint = _band(x, 0.07, wide) * dash
    paint = torch.maximum(paint, _band(x.abs() - street.road + 0.32, 0.05, wide))
    if street.crossing is not None:
        inside = _band(z - street.crossing - 1.6, 1.6, deep)
        bars = _band(torch.remainder(x + 0.25, 1.0) - 0.5, 0.25, wide) * _step(street.road - 0.25 - x.abs(), wide)
        keep = _band(z - street.crossing - 1.6, 2.6, deep)
        paint = torch.maximum(paint * (1 - keep), inside * bars)
    return paint


def _step(distance, width):
    """0 below zero, 1 above, a ramp as wide as a pixel in between."""
    return torch.clamp(0.5 + distance / width, 0, 1)


def _band(distance, half, width):
    """1 within `half` of zero, with edges a pixel wide; thin lines fade instead of breaking up."""
    return torch.clamp(0.5 + (half - distance.abs()) / width, 0, 1) * torch.clamp(2 * half / width, 0, 1)


def _grid(value, pitch, half, width):
    """Lines every `pitch`."""
    return _band(torch.remainder(value, pitch) - pitch / 2, half, width)


def _mix(colour, gain):
    return torch.tensor(colour, device=gain.device) * gain[..., None]


def _over(below, colour, cover):
    return below + (torch.tensor(colour, device=below.device) - below) * cover[..., None]


def backdrop(view: View, street: Street, conditions, sky, source: Atlas, size: tuple[int, int]):
    """The picture without objects: surfaces (H, W, 11), label (H, W), depth (H, W), all of it ground or sky.

    `sky` = (top colour, horizon colour, glow of the sun (colour), its azimuth); colours are what the camera would see.
    """
    h, w = size
    device = source.table.device
    rows = torch.arange(h, dtype=torch.float32, device=device)[:, None]
    columns = torch.arange(w, dtype=torch.float32, device=device)[None]
    first = min(h, max(0, int(view.cy) + 1))
    surfaces = torch.zeros(h, w, len(SURFACES), device=device)
    label = torch.full((h, w), CLASS_ID["sky"], dtype=torch.int64, device=device)
    depth = torch.full((h, w), FAR, device=device)
    _paint_sky(surfaces[:first], view, conditions, sky, rows[:first], columns)
    if first < h:
        albedo, sunlit, below, far = ground(view, street, conditions.sun_side, source, rows[first:], columns)
        surfaces[first:, :, 0:3] = albedo
        surfaces[first:, :, 8] = 0.85
        surfaces[first:, :, 9] = 0.04
        surfaces[first:, :, 10] = sunlit
        label[first:] = below
        depth[first:] = far
    return surfaces, label, depth


def _paint_sky(surfaces, view, conditions, sky, rows, columns):
    """A gradient from the horizon up, brighter towards the sun; the sky is a lamp, and a cold one."""
    top, horizon, halo, azimuth = sky
    up = torch.clamp((view.cy - rows) / view.f, 0, 1)
    blend = torch.sqrt(torch.clamp(up * 1.7, 0, 1))[..., None]
    make = lambda c: torch.tensor(c, device=rows.device)  # noqa: E731
    base = make(horizon) + (make(top) - make(horizon)) * blend
    away = (columns - view.cx) / view.f - azimuth
    near = 1 / (1 + 7 * (away * away + up * up))
    surfaces[..., 3:6] = base + make(halo) * (near * near)[..., None]
    # The clear sky is 20 to 60 K colder than the air, most of all overhead; clouds hide that.
    cold = (18 + 45 * torch.clamp(up * 1.6, 0, 1)) * (1 - 0.75 * conditions.cloud)
    surfaces[..., 6] = 1.0
    surfaces[..., 7] = (conditions.air - cold) / 100
