"""Trees, hedges and bushes."""

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade, smooth_noise

SCALE = 40
LEAVES = {
    "train": ("#4f8a3f", "#3f7a47", "#6c9a3c", "#2f6a4a", "#86a244", "#c58a35"),
    "test": ("#578f5f", "#7c8f35", "#3a6f3a", "#b5652f"),
}
BARKS = ("#5d4636", "#6b5a4a", "#4a3c32", "#8a8478")


def leaf(rng: np.random.Generator, family: str) -> np.ndarray:
    """A foliage material: it drinks sunlight but cools itself, so it stays near the air's temperature."""
    choices = LEAVES[family]
    return paint(choices[rng.integers(len(choices))], sun=0.18, mirror=0.03, tint=0.0)


def _crown(c, rng, cx, cy, rx, ry, material, n):
    """A crown of overlapping clumps: dark ones first and low, light ones last and towards the sun."""
    for layer, (factor, spread) in enumerate(((0.62, 1.0), (0.82, 0.9), (1.0, 0.78), (1.22, 0.62))):
        for _ in range(n):
            a, q = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1)) * spread
            x, y = (
                cx + rx * q * np.cos(a) * 0.86 - 0.06 * layer * rx,
                cy + ry * q * np.sin(a) * 0.86 + 0.09 * layer * ry,
            )
            r = np.sqrt(rx * ry) * rng.uniform(0.15, 0.30)
            c.ellipse(
                x,
                y,
                r * rng.uniform(0.9, 1.3),
                r,
                shade(material, factor * rng.uniform(0.93, 1.07)),
                light=(-0.05, 0.1),
            )


def tree(rng: np.random.Generator, family: str) -> Canvas:
    """A street tree 5 to 8 m tall: round, tall or conical crown on a forked trunk."""
    kinds = ("round", "tall", "wide") if family == "train" else ("cone", "double")
    kind, height = kinds[rng.integers(len(kinds))], rng.uniform(5.2, 7.6)
    c = Canvas(6.0, 8.0, SCALE)
    bark, green = paint(BARKS[rng.integers(len(BARKS))], sun=0.5), leaf(rng, family)
    trunk, x = rng.uniform(0.10, 0.17), 3.0
    fork = height * 0.36
    c.limb((x, 0.0), (x + rng.uniform(-0.1, 0.1), fork), trunk, trunk * 0.8, bark, light=(0.15, 0))
    for s in (-1, 0, 1):
        c.limb((x, fork), (x + s * 0.9, height * 0.62), trunk * 0.7, trunk * 0.3, shade(bark, 0.85))
    if kind == "cone":
        for k in range(7):
            t = k / 7
            _crown(c, rng, x, height * (0.3 + 0.66 * t), 1.6 * (1.05 - t), 0.8, green, 11)
    elif kind == "double":
        _crown(c, rng, x - 0.9, height * 0.6, 1.4, 1.5, green, 14)
        _crown(c, rng, x + 0.7, height * 0.72, 1.7, 1.7, green, 16)
    else:
        rx, ry = {"round": (2.1, 2.1), "tall": (1.5, 2.6), "wide": (2.7, 1.7)}[kind]
        _crown(c, rng, x, height - ry, rx, ry, green, 22)
    c.grain(smooth_noise(rng, c.shape, 3), 0.10)
    return c


def hedge(rng: np.random.Generator, family: str) -> Canvas:
    """A clipped hedge, 4 m long and 1.3 m high."""
    c, green = Canvas(4.0, 1.4, SCALE), leaf(rng, family)
    c.rect(0, 0, 4, 1.22, shade(green, 0.72), radius=0.1, light=(0, 0.25))
    for factor, low in ((0.85, 0.1), (1.02, 0.45), (1.18, 0.85)):
        for _ in range(60):
            r = rng.uniform(0.05, 0.13)
            c.ellipse(
                rng.uniform(0, 4), rng.uniform(low, 1.24), r * 1.3, r, shade(green, factor * rng.uniform(0.92, 1.08))
            )
    c.grain(smooth_noise(rng, c.shape, 2), 0.12)
    return c


def bush(rng: np.random.Generator, family: str) -> Canvas:
    """A round bush about 1.2 m high, some in flower."""
    c, green = Canvas(1.8, 1.4, 60), leaf(rng, family)
    _crown(c, rng, 0.9, 0.55, 0.78, 0.6, green, 18)
    if rng.uniform() < 0.5:
        petal = paint(("#e8a0b8", "#f3e3a0", "#d8d0f0")[rng.integers(3)], sun=0.2)
        for _ in range(26):
            a, q = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
            c.ellipse(0.9 + 0.6 * q * np.cos(a), 0.6 + 0.45 * q * np.sin(a), 0.035, 0.03, petal)
    return c
