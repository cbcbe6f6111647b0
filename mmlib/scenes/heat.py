"""Infrared light: what a thermal camera (8-14 um) sees of temperatures and emissivities."""

import torch

from mmlib.scenes.knobs import Conditions
from mmlib.scenes.world import FAR

BAND = (4.562, 6.218, 1.439)
"""Coefficients of the band radiance around 300 K (see `band_radiance`)."""


def band_radiance(celsius: torch.Tensor) -> torch.Tensor:
    """Radiance of a black body in 8-14 um, relative to that at 300 K.

    Planck's law integrated over the band, as a cubic: 1 + a q + b q^2 + c q^3 with q = (T - 300) / 300, T in kelvin and
    (a, b, c) = BAND, a least-squares fit within 0.3 % from -50 to 80 deg C (a test compares it with the integral).
    a = 4.56 says that near room temperature 1 % more kelvin is 4.6 % more light.
    """
    q = (celsius + 273.15 - 300.0) * (1 / 300.0)
    return 1 + q * (BAND[0] + q * (BAND[1] + q * BAND[2]))


def temperatures(surfaces: torch.Tensor, c: Conditions) -> torch.Tensor:
    """Temperature (deg C) of each surface (11, H, W) -> (H, W): air, plus the sun's warmth, pulled to the object's
    own heat."""
    heat, own, sun, sunlit = surfaces[6], surfaces[7], surfaces[8], surfaces[10]
    stored = 1.0 if c.time == "night" else 0.0  # stone gives back the day's warmth
    passive = c.air + sun * (stored + c.sun_heat * (0.25 + 0.75 * sunlit))
    return passive * (1 - heat) + own * 100


def radiance(surfaces: torch.Tensor, depth: torch.Tensor, c: Conditions) -> torch.Tensor:
    """Band radiance (H, W) that reaches the camera: emitted, plus the sky mirrored by shiny things, through fog."""
    mirror = surfaces[9]
    sky = band_radiance(torch.tensor(c.air - 45 * (1 - 0.75 * c.cloud)))
    out = band_radiance(temperatures(surfaces, c)) * (1 - mirror) + mirror * float(sky)
    if c.fog:
        # Fog droplets scatter 8-14 um less than visible light; a dense fog stops both.
        path = torch.clamp(depth, max=400.0)
        clear = torch.exp(-(0.035 * c.fog * c.fog) * path)
        clear = torch.where(depth >= 0.5 * FAR, torch.full_like(clear, float(1 - 0.6 * c.fog)), clear)
        out = out * clear + float(band_radiance(torch.tensor(c.air))) * (1 - clear)
    return out


def expose(radiance_map: torch.Tensor, c: Conditions) -> torch.Tensor:
    """Grey values in [0, 1]: the camera's window reaches from a cold wall to a warm face, for the air's temperature."""
    low = float(band_radiance(torch.tensor(c.air - 6.0)))
    high = float(band_radiance(torch.tensor(max(c.air + 15.0, 33.0))))
    return torch.clamp((radiance_map - low) * (1 / (high - low)), 0, 1)
