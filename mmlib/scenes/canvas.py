"""A small vector canvas: shapes given by signed distance, painted with materials instead of colours."""

from collections.abc import Sequence

import numpy as np

Colour = str | tuple[float, float, float] | np.ndarray
"""A colour: "#rrggbb", or three numbers in [0, 1]."""

Point = tuple[float, float]

CHANNELS = (
    "red",
    "green",
    "blue",
    "alpha",
    "glow_red",
    "glow_green",
    "glow_blue",
    "heat",
    "sun",
    "mirror",
    "tint",
    "tint2",
)
"""What a texel holds, premultiplied by alpha. `heat` pulls its temperature to its object's own, `sun` is how much
of the sun's warmth it takes, `mirror` is 1 - emissivity in 8-14 um, `tint`/`tint2` say where the object's own
colours go."""


def paint(
    rgb: Colour,
    glow: Colour = (0, 0, 0),
    heat: float = 0.0,
    sun: float = 0.6,
    mirror: float = 0.05,
    tint: float = 0.0,
    tint2: float = 0.0,
) -> np.ndarray:
    """A material as a (12,) vector in the order of CHANNELS; `rgb` as "#rrggbb" or three numbers in [0, 1]."""
    return np.array([*colour(rgb), 1.0, *colour(glow), heat, sun, mirror, tint, tint2], dtype=np.float32)


def colour(value: Colour) -> tuple[float, float, float]:
    """Three numbers in [0, 1] from "#rrggbb" or from three numbers."""
    if isinstance(value, str):
        return tuple(int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(float(v) for v in value)


def shade(material: np.ndarray, factor: float) -> np.ndarray:
    """The same material, lighter (factor > 1) or darker."""
    out = material.copy()
    out[:3] = np.clip(out[:3] * factor, 0, 1)
    return out


class Canvas:
    """A picture `width` x `height` metres at `scale` pixels per metre; y is up, (0, 0) is the lower left corner."""

    def __init__(self, width: float, height: float, scale: float):
        self.width, self.height, self.scale = width, height, scale
        self.shape = (max(2, round(height * scale)), max(2, round(width * scale)))
        self.texels = np.zeros((*self.shape, len(CHANNELS)), np.float32)
        self.x = (np.arange(self.shape[1], dtype=np.float32) + 0.5) * (width / self.shape[1])
        self.y = height - (np.arange(self.shape[0], dtype=np.float32) + 0.5) * (height / self.shape[0])

    def _fill(self, box, distance, material, alpha=1.0, light=(0.0, 0.0), soft=0.0, only=None):
        """Paint where `distance(x, y)` (metres) is negative; `light` = relative change of brightness across the box."""
        x0, y0, x1, y1 = box
        pad = 1.5 / self.scale + soft
        columns = slice(*np.searchsorted(self.x, (x0 - pad, x1 + pad)))
        rows = slice(*(len(self.y) - np.searchsorted(self.y[::-1], (y1 + pad, y0 - pad))))
        x, y = self.x[None, columns], self.y[rows, None]
        if x.size == 0 or y.size == 0:
            return
        edge = max(soft, 0.5 / self.scale)
        cover = np.clip(0.5 - distance(x, y) / (2 * edge), 0, 1) * alpha
        region = self.texels[rows, columns]
        cover = cover * np.ones(region.shape[:2], np.float32)
        if only is not None:
            cover = cover * region[..., 3]
        source = np.broadcast_to(material, region.shape).copy()
        if any(light):
            gain = (
                1
                + light[0] * (2 * (x - x0) / max(x1 - x0, 1e-6) - 1)
                + light[1] * (2 * (y - y0) / max(y1 - y0, 1e-6) - 1)
            )
            source[..., :3] *= gain[..., None]
            np.clip(source[..., :3], 0, 1, out=source[..., :3])
        self.texels[rows, columns] = region * (1 - cover[..., None]) + source * cover[..., None]

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, material: np.ndarray, radius: float = 0.0, **how: object
    ) -> None:
        """An axis-parallel rectangle with rounded corners."""
        cx, cy, hx, hy = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2 - radius, (y1 - y0) / 2 - radius

        def distance(x, y):
            dx, dy = np.abs(x - cx) - hx, np.abs(y - cy) - hy
            outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
            return outside + np.minimum(np.maximum(dx, dy), 0) - radius

        self._fill((x0, y0, x1, y1), distance, material, **how)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, material: np.ndarray, **how: object) -> None:
        """An ellipse (distance to first order)."""

        def distance(x, y):
            nx, ny = (x - cx) / rx, (y - cy) / ry
            q = np.sqrt(nx**2 + ny**2)
            slope = np.sqrt((nx / rx) ** 2 + (ny / ry) ** 2)
            return np.where(q > 1e-6, q * (q - 1) / np.maximum(slope, 1e-6), -min(rx, ry))

        self._fill((cx - rx, cy - ry, cx + rx, cy + ry), distance, material, **how)

    def ring(self, cx: float, cy: float, r: float, width: float, material: np.ndarray, **how: object) -> None:
        """A circle drawn with a pen `width` metres wide."""
        box = (cx - r - width, cy - r - width, cx + r + width, cy + r + width)
        self._fill(box, lambda x, y: np.abs(np.sqrt((x - cx) ** 2 + (y - cy) ** 2) - r) - width / 2, material, **how)

    def limb(self, p: Point, q: Point, r0: float, r1: float, material: np.ndarray, **how: object) -> None:
        """A stroke from `p` to `q` whose radius goes from `r0` to `r1`: arms, legs, trunks, poles."""
        (px, py), (qx, qy) = p, q
        length2 = max((qx - px) ** 2 + (qy - py) ** 2, 1e-9)

        def distance(x, y):
            t = np.clip(((x - px) * (qx - px) + (y - py) * (qy - py)) / length2, 0, 1)
            return np.sqrt((x - px - t * (qx - px)) ** 2 + (y - py - t * (qy - py)) ** 2) - (r0 + (r1 - r0) * t)

        r = max(r0, r1)
        self._fill((min(px, qx) - r, min(py, qy) - r, max(px, qx) + r, max(py, qy) + r), distance, material, **how)

    def polygon(self, points: Sequence[Point], material: np.ndarray, radius: float = 0.0, **how: object) -> None:
        """A simple polygon, its corners rounded outwards by `radius`."""
        points = np.asarray(points, np.float32)

        def distance(x, y):
            inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
            best = np.full(inside.shape, np.inf, np.float32)
            for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, 0)):
                ex, ey = bx - ax, by - ay
                t = np.clip(((x - ax) * ex + (y - ay) * ey) / max(ex * ex + ey * ey, 1e-9), 0, 1)
                best = np.minimum(best, (x - ax - t * ex) ** 2 + (y - ay - t * ey) ** 2)
                if ay != by:
                    inside ^= ((y < ay) != (y < by)) & (x < ax + (y - ay) * ex / ey)
            return np.where(inside, -1, 1) * np.sqrt(best) - radius

        low, high = points.min(0) - radius, points.max(0) + radius
        self._fill((low[0], low[1], high[0], high[1]), distance, material, **how)

    def grain(self, noise: np.ndarray, strength: float) -> None:
        """Multiply the colours by 1 + strength * noise (noise of the canvas's shape, about -1 to 1)."""
        self.texels[..., :3] = np.clip(
            self.texels[..., :3] * (1 + strength * noise[..., None]), 0, self.texels[..., 3:4]
        )


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell: int) -> np.ndarray:
    """Value noise in [-1, 1] that tiles: random values every `cell` texels, blended in between."""
    rows, columns = -(-shape[0] // cell), -(-shape[1] // cell)
    values = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    y, x = (np.arange(shape[0], dtype=np.float32) / cell)[:, None], (np.arange(shape[1], dtype=np.float32) / cell)[None]
    y0, x0 = y.astype(int), x.astype(int)
    fy, fx = (y - y0) ** 2 * (3 - 2 * (y - y0)), (x - x0) ** 2 * (3 - 2 * (x - x0))
    at = lambda r, c: values[r % rows, c % columns]  # noqa: E731
    top = at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx
    return top * (1 - fy) + (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy
