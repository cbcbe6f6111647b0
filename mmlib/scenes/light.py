"""Visible light: sky, sun, street lamps, headlights, fog and glare turn surfaces into an rgb picture."""

from dataclasses import dataclass

import torch

from mmlib.scenes.geometry import View
from mmlib.scenes.ground import colours
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.world import FAR, Street


@dataclass(frozen=True)
class Light:
    """Colours of light (linear) and of air (as seen) at a time of day."""

    ambient: tuple[float, float, float]
    sun: tuple[float, float, float]
    top: tuple[float, float, float]
    horizon: tuple[float, float, float]
    halo: tuple[float, float, float]
    fog: tuple[float, float, float]
    lamps: float
    beams: float


def light(c: Conditions) -> Light:
    """The light of a scene, from the time of day and the clouds."""
    grey = c.cloud
    if c.time == "day":
        top, horizon = (
            _mix((0.30, 0.55, 0.86), (0.62, 0.68, 0.75), grey),
            _mix((0.77, 0.88, 0.96), (0.82, 0.85, 0.88), grey),
        )
        sun = tuple(v * (1 - 0.75 * grey) for v in (0.95, 0.84, 0.64))
        return Light(
            (0.46 + 0.22 * grey, 0.51 + 0.20 * grey, 0.59 + 0.14 * grey),
            sun,
            top,
            horizon,
            (0.2, 0.17, 0.1),
            horizon,
            0,
            0,
        )
    if c.time == "dusk":
        top, horizon = (
            _mix((0.29, 0.36, 0.62), (0.38, 0.40, 0.52), grey),
            _mix((1.0, 0.68, 0.44), (0.74, 0.58, 0.54), grey),
        )
        sun = tuple(v * (1 - 0.6 * grey) for v in (0.52, 0.24, 0.09))
        return Light(
            (0.23, 0.215, 0.30),
            sun,
            top,
            horizon,
            (0.30, 0.16, 0.02),
            _mix(horizon, (0.55, 0.50, 0.58), 0.6),
            0.45,
            0.25,
        )
    return Light(
        (0.010, 0.013, 0.027),
        (0, 0, 0),
        (0.035, 0.045, 0.105),
        (0.12, 0.125, 0.19),
        (0, 0, 0),
        (0.10, 0.105, 0.14),
        1.0,
        1.0,
    )


def _mix(a, b, t):
    return tuple(x + (y - x) * t for x, y in zip(a, b))


LAMP = (1.0, 0.74, 0.40)
BEAM = (0.95, 0.97, 1.0)


def illuminate(
    surfaces: torch.Tensor,
    depth: torch.Tensor,
    view: View,
    street: Street,
    c: Conditions,
    rows: torch.Tensor,
    columns: torch.Tensor,
) -> torch.Tensor:
    """Linear light (3, H, W) that leaves each surface towards the camera, from surfaces (11, H, W) and depth (H, W)."""
    day = light(c)
    device = depth.device
    albedo, glow = surfaces[0:3], surfaces[3:6]
    incoming = colours(day.sun, device) * surfaces[10] + colours(day.ambient, device)
    if day.lamps:
        near = torch.clamp(depth, max=300.0)
        scale = near / view.f
        x = (columns - view.cx) * scale
        up = view.height - (rows - view.cy) * scale
        incoming += _lamps(street, x + view.x, near + view.z) * colours([day.lamps * v for v in LAMP], device)
        incoming += _beams(x, up, near) * colours([day.beams * v for v in BEAM], device)
    return incoming.mul_(albedo).add_(glow)


def _lamps(street: Street, x, z):
    """Light of the street lamps at X, Z: two rows, facing each other by turns."""
    total = 0.0
    for side in (-1, 1):
        first = street.lamps + (0.0 if side > 0 else street.lamp_gap)
        pitch = 2 * street.lamp_gap
        along = torch.remainder(z - first + pitch / 2, pitch) - pitch / 2
        across = x - side * (street.road - 0.9)
        near = 1 / (1 + (along * along + across * across) * (1 / 7.0))
        total = total + near * near
    return 0.42 * total


def _beams(x, up, z):
    """Light of our own headlights at X, height and distance: a flat fan that reaches about 30 m."""
    spread = x / (1.0 + 0.17 * z)
    fan = 1 / (1 + spread * spread)
    reach = 1 / (1 + z * z * (1 / 170.0))
    cut = torch.clamp(1.25 - up * 0.62, 0.06, 1)
    return 1.15 * fan * fan * reach * cut


def air(linear: torch.Tensor, depth: torch.Tensor, view: View, c: Conditions, rows: torch.Tensor) -> torch.Tensor:
    """Fog and haze between the surface and the camera; `linear` (3, H, W), changed in place."""
    density = 0.0028 + 0.085 * c.fog * c.fog + 0.012 * c.fog
    # A line of sight into the sky leaves the haze the sooner the steeper it is.
    through = 26.0 / (torch.clamp((view.cy - rows) / view.f, min=0.0) + 0.02)
    path = torch.where(depth >= 0.5 * FAR, through, depth)
    clear = torch.exp(-density * path)
    fog = colours([v * v for v in light(c).fog], depth.device)
    return linear.mul_(clear).add_(fog * (1 - clear))


def bloom(linear: torch.Tensor, glow: torch.Tensor, strength: float) -> torch.Tensor:
    """Light that spills around bright lamps: the glow (3, H, W), blurred at a fraction of the size, added to
    `linear`."""
    h, w = linear.shape[1:]
    pool, step = torch.nn.functional.avg_pool2d, max(1, h // 64)
    small = pool(glow[None], 2 * step, ceil_mode=True, count_include_pad=False)
    wide = pool(pool(small, 5, 1, 2), 5, 1, 2)
    halo = pool(small, 3, 1, 1) + 2 * wide
    halo = torch.nn.functional.interpolate(halo, size=(h, w), mode="bilinear", align_corners=False)[0]
    return linear.add_(strength * halo)


def glare(
    linear: torch.Tensor,
    view: View,
    place: tuple[float, float],
    strength: float,
    colour: tuple[float, float, float],
    rows: torch.Tensor,
    columns: torch.Tensor,
) -> torch.Tensor:
    """A veil of scattered light around (azimuth, elevation) of a lamp that shines into the lens; adds to (3, H, W)."""
    x, y = (columns - view.cx) / view.f - place[0], (view.cy - rows) / view.f - place[1]
    r2 = x * x + y * y
    core = 2.2 / ((1 + 900 * r2) * (1 + 300 * r2))
    rays = 0.35 / ((1 + 6000 * y * y) * (1 + 9 * x * x)) + 0.2 / ((1 + 6000 * x * x) * (1 + 30 * y * y))
    veil = core + rays + 0.30 / (1 + 9 * r2)
    return linear.add_(veil * colours([strength * v for v in colour], linear.device))


def develop(linear: torch.Tensor, style: str) -> torch.Tensor:
    """From linear light (3, H, W) to what the camera stores, in [0, 1]: a shoulder for highlights, gamma 2, the
    style's grading."""
    seen = torch.sqrt_((linear * 1.16 / (1 + 0.16 * linear)).clamp_(0, 1))
    if style == "target":  # a cheaper, colder camera: less colour, lifted blacks, less contrast
        seen = (0.35 * seen + 0.65 * seen.mean(0)) * colours((0.77, 0.80, 0.84), seen.device) + 0.09
        seen.clamp_(0, 1)
    return seen
