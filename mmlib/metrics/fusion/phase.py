"""Q_P: how well the corners and edges that phase congruency finds in the sources are kept in F."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .filters import separable
from .levels import need_size, planes

_SCALES, _ORIENTATIONS = 4, 6
_SHORTEST, _FACTOR = 3.0, 2.1  # wavelength of the finest filter in pixels, and of each next one
_WIDTH = 0.55  # of a log-Gabor filter, relative to its frequency
_NOISE = 2.0  # standard deviations of noise that count as none
_TINY = 1e-4


@torch.no_grad()
def qp(fused: Tensor, rgb: Tensor, ir: Tensor, *, size: int = 11, floor: float = 1e-3, colour: str = "luma") -> Tensor:
    """Q_P: local correlations of phase congruency and its largest and smallest moment, multiplied. Higher is better.

    (B,C,H,W) in [0, 1], sides at least `size`, that of the uniform window -> (B,). At every place and for each of the
    three maps counts the best of F's correlations with A's map, with B's, and with the larger of both; the means over
    places are multiplied. floor: added to covariance and deviations, so that two flat windows agree. 1 at F = A = B.
    It has no gradient.
    Source: Zhao, Laganiere and Liu 2007; phase congruency after Kovesi 1999, 4 scales and 6 orientations.
    Written from the papers; no value of a released program was at hand, so do not put this beside printed
    ones.
    """
    images = planes(fused, rgb, ir, colour=colour)
    need_size(images[0], size, "qp")
    f, a, b = (phase_congruency(image) for image in images)  # three maps each
    value = 1.0
    for map_f, map_a, map_b in zip(f, a, b):
        references = (map_a, map_b, torch.maximum(map_a, map_b))
        best = torch.stack([_local_correlation(map_f, one, size, floor) for one in references]).amax(dim=0)
        value = value * best.mean(dim=(-2, -1))
    return value.mean(dim=1)


def phase_congruency(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Phase congruency of (B,K,H,W) and its largest and smallest moment, the same shape, from 0 on.

    Where the waves of all scales meet in one phase there is a feature, however faint. The largest moment over
    orientations is high at edges and corners, the smallest at corners alone. Source: Kovesi 1999 and 2003.
    """
    height, width = image.shape[-2:]
    spectrum = torch.fft.fft2(image)
    v = torch.fft.fftfreq(height, device=image.device, dtype=image.dtype)[:, None]
    u = torch.fft.fftfreq(width, device=image.device, dtype=image.dtype)[None, :]
    radius = torch.hypot(u, v)
    radius[0, 0] = 1.0
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    waves = [_log_gabor(radius, _SHORTEST * _FACTOR**scale) * low_pass for scale in range(_SCALES)]
    angle = torch.atan2(-v, u)
    energies, amplitudes = [], 0.0
    xx, yy, xy = 0.0, 0.0, 0.0
    for orientation in range(_ORIENTATIONS):
        theta = orientation * math.pi / _ORIENTATIONS
        apart = torch.atan2((angle - theta).sin(), (angle - theta).cos()).abs()
        spread = torch.exp(-(apart**2) / (2 * (math.pi / _ORIENTATIONS / 1.2) ** 2))
        responses = [torch.fft.ifft2(spectrum * wave * spread) for wave in waves]
        sizes = [response.abs() for response in responses]
        energy = _energy(responses, sizes)
        amplitude = sum(sizes)
        congruent = energy / (amplitude + _TINY)
        xx = xx + (congruent * math.cos(theta)) ** 2
        yy = yy + (congruent * math.sin(theta)) ** 2
        xy = xy + congruent**2 * (math.cos(theta) * math.sin(theta))
        energies.append(energy)
        amplitudes = amplitudes + amplitude
    xx, yy, xy = 2 * xx / _ORIENTATIONS, 2 * yy / _ORIENTATIONS, 4 * xy / _ORIENTATIONS
    difference = torch.hypot(xy, xx - yy)
    congruency = sum(energies) / (amplitudes + _TINY)
    return congruency, (yy + xx + difference) / 2, (yy + xx - difference) / 2


def _log_gabor(radius: Tensor, wavelength: float) -> Tensor:
    wave = torch.exp(-((radius * wavelength).log() ** 2) / (2 * math.log(_WIDTH) ** 2))
    wave[0, 0] = 0.0
    return wave


def _energy(responses: list[Tensor], sizes: list[Tensor]) -> Tensor:
    """What the scales' responses (B,K,H,W), complex, share in phase, above noise and weighted by how many respond."""
    total = sum(responses)
    direction = total / (total.abs() + _TINY)
    energy = 0.0
    for response in responses:
        along = response.real * direction.real + response.imag * direction.imag
        across = response.real * direction.imag - response.imag * direction.real
        energy = energy + along - across.abs()
    # Noise: the finest scale's median, a Rayleigh distribution's, and what all scales together add to it.
    finest = sizes[0].flatten(-2).median(dim=-1).values[..., None, None] / math.sqrt(math.log(4))
    together = (1 - (1 / _FACTOR) ** _SCALES) / (1 - 1 / _FACTOR)
    mean = finest * together * math.sqrt(math.pi / 2)
    deviation = finest * together * math.sqrt((4 - math.pi) / 2)
    energy = (energy - (mean + _NOISE * deviation)).clamp(min=0)
    largest = torch.stack(sizes).amax(dim=0)
    responding = (sum(sizes) / (largest + _TINY) - 1) / (_SCALES - 1)
    return energy / (1 + torch.exp(10 * (0.5 - responding)))


def _local_correlation(x: Tensor, y: Tensor, size: int, floor: float) -> Tensor:
    taps = [1 / size] * size
    mean_x, mean_y = separable(x, taps), separable(y, taps)
    cov = separable(x * y, taps) - mean_x * mean_y
    var_x = (separable(x * x, taps) - mean_x.square()).clamp(min=0)
    var_y = (separable(y * y, taps) - mean_y.square()).clamp(min=0)
    return (cov + floor) / ((var_x * var_y).sqrt() + floor)
