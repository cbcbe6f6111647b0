"""Small things of the street and of the sky: signs, lamp posts, clouds, sun, moon, stars, shadows, ground textures."""

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade, smooth_noise

POLE = paint("#7d858d", sun=0.7, mirror=0.14)
WHITE = paint("#f4f2ec", sun=0.5, mirror=0.1)


def sign(rng: np.random.Generator, family: str) -> Canvas:
    """A traffic sign on its pole, 2.7 m high."""
    c = Canvas(1.0, 2.8, 100)
    c.limb((0.5, 0.0), (0.5, 2.5), 0.045, 0.045, POLE, light=(0.2, 0))
    red, blue, y = paint("#cf2e2e", mirror=0.1), paint("#2460b4", mirror=0.1), rng.uniform(2.2, 2.36)
    kinds = ("round", "warning", "blue", "no") if family == "train" else ("stop", "diamond", "square")
    kind = kinds[rng.integers(len(kinds))]
    if kind in ("round", "no"):
        c.ellipse(0.5, y, 0.36, 0.36, red)
        c.ellipse(0.5, y, 0.27, 0.27, WHITE if kind == "round" else red)
        if kind == "round":
            for x in (0.36, 0.53):
                c.rect(x, y - 0.12, x + 0.11, y + 0.12, paint("#26262a"), radius=0.04)
        else:
            c.rect(0.26, y - 0.055, 0.74, y + 0.055, WHITE)
    elif kind == "warning":
        c.polygon([(0.12, y - 0.26), (0.88, y - 0.26), (0.5, y + 0.38)], red, radius=0.04)
        c.polygon([(0.23, y - 0.19), (0.77, y - 0.19), (0.5, y + 0.25)], WHITE, radius=0.02)
        c.limb((0.5, y - 0.02), (0.5, y + 0.1), 0.03, 0.04, paint("#26262a"))
        c.ellipse(0.5, y - 0.12, 0.035, 0.035, paint("#26262a"))
    elif kind == "blue":
        c.ellipse(0.5, y, 0.36, 0.36, WHITE)
        c.ellipse(0.5, y, 0.33, 0.33, blue)
        c.limb((0.5, y - 0.18), (0.5, y + 0.12), 0.035, 0.035, WHITE)
        c.polygon([(0.36, y + 0.04), (0.64, y + 0.04), (0.5, y + 0.22)], WHITE)
    elif kind == "stop":
        a = (np.arange(8) + 0.5) * np.pi / 4
        c.polygon(np.stack([0.5 + 0.4 * np.cos(a), y + 0.4 * np.sin(a)], 1), WHITE)
        c.polygon(np.stack([0.5 + 0.36 * np.cos(a), y + 0.36 * np.sin(a)], 1), red)
        for k in range(4):
            c.rect(0.25 + 0.13 * k, y - 0.09, 0.25 + 0.13 * k + 0.09, y + 0.09, WHITE)
    elif kind == "diamond":
        c.polygon([(0.1, y), (0.5, y + 0.4), (0.9, y), (0.5, y - 0.4)], WHITE, radius=0.02)
        c.polygon([(0.2, y), (0.5, y + 0.3), (0.8, y), (0.5, y - 0.3)], paint("#eab82c"), radius=0.02)
    else:
        c.rect(0.14, y - 0.36, 0.86, y + 0.36, blue, radius=0.05)
        c.polygon([(0.24, y - 0.2), (0.76, y - 0.2), (0.5, y + 0.24)], WHITE)
    return c


def lamp(rng: np.random.Generator, family: str) -> Canvas:
    """A street lamp 5.4 m high whose arm reaches to the right, over the road."""
    c = Canvas(2.2, 5.6, 45)
    iron = paint("#3f4a4a" if family == "train" else "#54483c", sun=0.7, mirror=0.12)
    c.limb((0.3, 0), (0.3, 5.0), 0.09, 0.06, iron, light=(0.2, 0))
    c.rect(0.16, 0, 0.44, 0.5, iron, radius=0.05)
    c.limb((0.3, 4.95), (0.8, 5.3), 0.045, 0.04, iron)
    c.limb((0.8, 5.3), (1.6, 5.3), 0.04, 0.035, iron)
    c.polygon([(1.3, 5.28), (1.95, 5.28), (1.82, 5.42), (1.45, 5.42)], iron)
    c.ellipse(1.62, 5.24, 0.27, 0.09, paint("#fff4d2", glow=(1.0, 0.85, 0.55), heat=0.6))
    return c


def cloud(rng: np.random.Generator, family: str) -> Canvas:
    """A flat-bottomed heap of cloud, in units of its own (8 x 3)."""
    c = Canvas(8.0, 3.0, 28)
    white = paint((0.97, 0.97, 0.97), heat=1.0, sun=0.0, mirror=0.0, tint=1.0)
    for tone, lift in ((0.86, 0.0), (0.94, 0.15), (1.02, 0.3)):
        for _ in range(9):
            x = rng.normal(4.0, 1.35)
            r = max(0.25, 0.95 - 0.22 * abs(x - 4.0)) * rng.uniform(0.6, 1.0)
            c.ellipse(
                np.clip(x, 1, 7), 0.75 + r * 0.6 + lift, r * 1.25, r * 0.8, shade(white, tone), alpha=0.75, soft=0.22
            )
    c.texels[c.y < 0.7] = 0
    return c


def disc(rng: np.random.Generator, family: str) -> Canvas:
    """The sun or the moon: a glowing disc with a soft edge."""
    c = Canvas(2.0, 2.0, 48)
    c.ellipse(1, 1, 0.5, 0.5, paint((1, 1, 1), glow=(1, 1, 1), heat=1.0, tint=1.0), soft=0.05)
    for x, y, r in ((0.85, 1.1, 0.12), (1.15, 0.9, 0.08), (1.05, 1.2, 0.07)):
        c.ellipse(x, y, r, r, paint((0.8, 0.8, 0.82), glow=(0.8, 0.8, 0.82), heat=1.0, tint=1.0), alpha=0.5)
    return c


def stars(rng: np.random.Generator, family: str) -> Canvas:
    """A patch of night sky."""
    c = Canvas(40.0, 16.0, 16)
    for _ in range(130):
        b = rng.uniform(0.35, 1.0)
        r = 0.05 * rng.uniform(0.6, 1.4)
        c.ellipse(rng.uniform(0, 40), rng.uniform(0, 16), r, r, paint((b, b, b), glow=(b, b, b), heat=1.0))
    return c


def shadow(rng: np.random.Generator, family: str) -> Canvas:
    """A soft dark spot that lies on the ground under whatever stands there."""
    c = Canvas(2.0, 1.0, 40)
    c.ellipse(1.0, 0.5, 0.72, 0.34, paint((0.05, 0.05, 0.08), sun=0.5), alpha=0.62, soft=0.24)
    return c


def ground(rng: np.random.Generator, family: str) -> Canvas:
    """A tile of ground texture, 6.4 x 6.4 m: red = asphalt grain, green = paving tone, blue = patches; 0.5 is
    neutral."""
    c = Canvas(6.4, 6.4, 40)
    shape = c.shape
    c.texels[..., 3] = 1
    asphalt = 0.5 * smooth_noise(rng, shape, 2) + 0.5 * smooth_noise(rng, shape, 8)
    patch = np.clip(2.5 * smooth_noise(rng, shape, 64) - 0.6, -1, 1) * 0.6 + 0.4 * smooth_noise(rng, shape, 32)
    tile = 16 if family == "train" else 32  # 0.4 m slabs, or 0.8 m ones
    slabs = rng.uniform(-1, 1, (shape[0] // tile, shape[1] // tile)).repeat(tile, 0).repeat(tile, 1)
    paving = slabs * 0.75 + 0.35 * smooth_noise(rng, shape, 3)
    for channel, values in enumerate((asphalt, paving, patch)):
        c.texels[..., channel] = np.clip(0.5 + 0.5 * values, 0, 1)
    return c
