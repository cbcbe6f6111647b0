"""Garden walls and fences."""

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade, smooth_noise


def wall(rng: np.random.Generator, family: str) -> Canvas:
    """A free-standing garden wall, 6 m of brick or rough stone with a coping, 2.1 m high."""
    c = Canvas(6.0, 2.3, 40)
    bricks = ("#a3543f", "#8c4a3a", "#b06a4c") if family == "train" else ("#8d8a84", "#7d7468")
    base = paint(bricks[rng.integers(len(bricks))], sun=0.95, mirror=0.06)
    mortar = shade(base, 1.35)
    c.rect(0, 0, 6, 2.05, mortar)
    high, long = (0.2, 0.5) if family == "train" else (0.34, 0.75)
    for i, y in enumerate(np.arange(0, 2.0, high)):
        for x in np.arange(-long / 2 * (i % 2), 6, long):
            c.rect(
                x + 0.02,
                y + 0.02,
                x + long - 0.02,
                min(y + high, 2.05) - 0.015,
                shade(base, rng.uniform(0.82, 1.15)),
                radius=0.015,
            )
    c.rect(0, 2.0, 6, 2.18, paint("#cfc6b8", sun=0.7), light=(0, 0.1))
    c.rect(0, 1.93, 6, 2.0, paint("#000000"), alpha=0.25)
    c.grain(smooth_noise(rng, c.shape, 20), 0.08)
    return c


def fence(rng: np.random.Generator, family: str) -> Canvas:
    """A fence 4 m long: pickets, iron bars or (test only) boards; one looks between its parts."""
    c = Canvas(4.0, 1.6, 50)
    kind = ("picket", "iron")[rng.integers(2)] if family == "train" else "board"
    if kind == "iron":
        iron = paint("#33363c", sun=0.9, mirror=0.15)
        for y in (0.2, 1.22):
            c.rect(0, y, 4, y + 0.07, iron)
        for x in np.arange(0.08, 4, 0.16):
            c.rect(x - 0.028, 0.05, x + 0.028, 1.38, iron)
            c.ellipse(x, 1.42, 0.035, 0.06, iron)
        for x in (0.0, 2.0, 4.0):
            c.rect(x - 0.08, 0, x + 0.08, 1.5, iron)
    else:
        wood = paint(("#efe8d8", "#b98d5e", "#8a6a4a")[rng.integers(3)], sun=0.75)
        for y in (0.35, 1.0):
            c.rect(0, y, 4, y + 0.12, shade(wood, 0.75))
        step, w = (0.26, 0.17) if kind == "picket" else (0.4, 0.36)
        for x in np.arange(0.13, 4, step):
            tone = shade(wood, rng.uniform(0.92, 1.05))
            tip = 1.38 if kind == "picket" else 1.3
            c.polygon(
                [(x - w / 2, 0.05), (x - w / 2, tip - 0.12), (x, tip), (x + w / 2, tip - 0.12), (x + w / 2, 0.05)], tone
            )
        for x in (0.0, 2.0, 4.0):
            c.rect(x - 0.07, 0, x + 0.07, 1.42, shade(wood, 0.85))
    return c
