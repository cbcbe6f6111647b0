"""Fusion metrics against their definitions written out in NumPy, windows in 2-D, on sizes no published image has."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d

from mmlib.metrics import fusion

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def images(height: int, width: int, dark: bool = False) -> list[np.ndarray]:
    """A fused and two source images of whole grey levels, smooth with grain."""
    rng = np.random.default_rng(height * width)
    top = 40 if dark else 256
    rough = [rng.integers(0, top, (height + 4, width + 4)).astype(float) for _ in range(3)]
    return [convolve2d(image, np.ones((5, 5)) / 25, "valid").round() for image in rough]


def grid(size: int, scale: float) -> np.ndarray:
    """MATLAB's freqspace times size times scale: [-1, 1) for even sizes, symmetric for odd ones."""
    return (np.arange(size) - size // 2) * 2 * scale


def in_frequency(image: np.ndarray, scale: float, response) -> np.ndarray:
    u, v = np.meshgrid(grid(image.shape[1], scale), grid(image.shape[0], scale))
    centred = np.fft.fftshift(np.fft.fft2(image)) * response(np.hypot(u, v))
    return np.fft.ifft2(np.fft.ifftshift(centred)).real


def stretched(image: np.ndarray) -> np.ndarray:
    return np.floor((image - image.min()) / (image.max() - image.min()) * 255 + 0.5)


def blocks(image: np.ndarray, value) -> np.ndarray:
    height, width = image.shape
    image = np.pad(image, ((0, -height % 16), (0, -width % 16)))
    corners = [(i, j) for i in range(0, image.shape[0], 16) for j in range(0, image.shape[1], 16)]
    return np.array([value(image[i : i + 16, j : j + 16]) for i, j in corners])


def qcv(f: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    f, a, b = stretched(f), stretched(a), stretched(b)
    above = below = 0.0
    for source in (a, b):
        strength = np.hypot(correlate2d(source, SOBEL, "same"), correlate2d(source, SOBEL.T, "same"))
        weight = blocks(strength, lambda block: (block**5).sum())
        seen = in_frequency(source - f, 1 / 8, lambda r: 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1)))
        above, below = above + (weight * blocks(seen, lambda block: (block**2).mean())).sum(), below + weight.sum()
    return above / below


def qcb(f: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    r = np.arange(-15, 16)

    def contrast(image: np.ndarray) -> np.ndarray:
        image = in_frequency(
            stretched(image), 1 / 30, lambda r: np.exp(-((r / 15.387) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
        )
        narrow, wide = (
            correlate2d(image, np.exp(-(r[:, None] ** 2 + r**2) / (2 * s * s)) / (2 * np.pi * s * s), "same")
            for s in (2, 4)
        )
        c = abs(narrow / wide - 1)
        return c**3 / (c**2 + 1e-4)

    cf, ca, cb = contrast(f), contrast(a), contrast(b)
    kept_a, kept_b = (np.minimum(c, cf) / np.maximum(c, cf) for c in (ca, cb))
    return float(((ca**2 * kept_a + cb**2 * kept_b) / (ca**2 + cb**2)).mean())


def nabf(f: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padded = np.pad(image, 1, mode="reflect")
        gv, gh = (correlate2d(padded, kernel / 8, "valid") for kernel in (SOBEL, SOBEL.T))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.hypot(gv, gh), np.where((gv == 0) & (gh == 0), 0, np.arctan(gv / gh))

    (gf, af), sources = edges(f), [edges(a), edges(b)]
    more = np.all([gf > g for g, _ in sources], axis=0)
    above = below = 0.0
    for g, angle in sources:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where((g == 0) | (gf == 0), 0, np.minimum(g, gf) / np.maximum(g, gf))
        turn = abs(abs(angle - af) - np.pi / 2) * 2 / np.pi
        kept = np.sqrt(0.9999 / (1 + np.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + np.exp(-22 * (turn - 0.5))))
        weight = np.where(g >= 2, g**1.5, 0.001)
        above, below = above + (more * (1 - kept) * weight).sum(), below + weight.sum()
    return above / below


@pytest.mark.parametrize("dark", [False, True], ids=["bright", "dark"])
@pytest.mark.parametrize("size", [(96, 128), (97, 128), (96, 131), (97, 131), (64, 33)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("direct", [qcv, qcb, nabf])
def test_metric_follows_its_definition(direct, size: tuple[int, int], dark: bool) -> None:
    arrays = images(*size, dark)
    tensors = [torch.from_numpy(image / 255).float()[None, None] for image in arrays]
    assert float(fusion.METRICS[direct.__name__](*tensors)) == pytest.approx(direct(*arrays), rel=1e-10)
