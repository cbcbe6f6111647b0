"""The atlas: every asset drawn once per process, with its half-size copies, in one table of texels that any device can read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from mmlib.scenes import draw_buildings, draw_cars, draw_people, draw_plants, draw_street
from mmlib.scenes.canvas import CHANNELS, Canvas
from mmlib.scenes.splits import draws

LEVELS = 6
"""How many half-size copies an asset has, the full one included."""


@dataclass(frozen=True)
class Asset:
    """One drawn picture: its size in metres, its texels per metre, and where its copies lie in the table."""

    name: str  # kind/family/number[/view]
    width: float
    height: float
    shape: tuple[int, int]  # texels (rows, columns) of the full copy
    index: int


@dataclass(frozen=True)
class Atlas:
    """All assets. `table` (T, 12) float32; `start`, `rows`, `columns` (assets, LEVELS) int64 say where each copy lies."""

    assets: dict[str, Asset]
    table: torch.Tensor
    start: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor


COUNTS = {  # kind: (function, number of assets for train, for test, views)
    "person": (draw_people.person, 8, 4, ("side", "front", "back")),
    "rider": (draw_people.rider, 4, 2, ("side", "front", "back")),
    "tree": (draw_plants.tree, 8, 4, ()),
    "hedge": (draw_plants.hedge, 3, 2, ()),
    "bush": (draw_plants.bush, 4, 2, ()),
    "facade": (draw_buildings.facade, 18, 8, ()),
    "wall": (draw_buildings.wall, 3, 2, ()),
    "fence": (draw_buildings.fence, 4, 2, ()),
    "gable": (draw_buildings.gable_end, 1, 1, ()),
    "skyline": (draw_buildings.skyline, 2, 1, ()),
    "sign": (draw_street.sign, 6, 4, ()),
    "lamp": (draw_street.lamp, 1, 1, ()),
    "cloud": (draw_street.cloud, 4, 2, ()),
    "disc": (draw_street.disc, 1, 1, ()),
    "stars": (draw_street.stars, 1, 1, ()),
    "shadow": (draw_street.shadow, 1, 1, ()),
    "ground": (draw_street.ground, 2, 1, ()),
}
CARS = (6, 4)
"""Number of car models for train and for test; each has a side, a front and a rear."""


def _pictures():
    """Yield (name, canvas) of every asset, in a fixed order; each family's assets come from their own draws."""
    for family, which in (("train", 0), ("test", 1)):
        for kind, (draw, n_train, n_test, views) in COUNTS.items():
            for number in range((n_train, n_test)[which]):
                for view in views or ("",):
                    yield (
                        f"{kind}/{family}/{number}" + (f"/{view}" if view else ""),
                        _draw(draw, kind, family, number, view),
                    )
        for number in range(CARS[which]):
            rng = _asset_draws("car", family, number)
            model = draw_cars.model(rng, family)
            yield f"car/{family}/{number}/side", draw_cars.side(rng, model)
            for view in ("front", "rear"):
                yield f"car/{family}/{number}/{view}", draw_cars.end(rng, model, view)


def _draw(draw: Callable, kind: str, family: str, number: int, view: str) -> Canvas:
    rng = _asset_draws(kind, family, number)
    return draw(rng, view, family) if view else draw(rng, family)


def _asset_draws(kind: str, family: str, number: int) -> np.random.Generator:
    """The draws of one asset: the same for all its views, so that a person keeps their hair."""
    return draws(sum(ord(letter) << (3 * i) for i, letter in enumerate(f"{kind}/{family}")) * 100 + number, "asset")


def _copies(texels: np.ndarray) -> list[np.ndarray]:
    """The picture and its half-size copies (mean of 2 x 2 texels, odd edges repeated)."""
    out = [texels]
    for _ in range(LEVELS - 1):
        t = out[-1]
        t = np.pad(t, ((0, t.shape[0] % 2), (0, t.shape[1] % 2), (0, 0)), mode="edge")
        out.append((t[0::2, 0::2] + t[1::2, 0::2] + t[0::2, 1::2] + t[1::2, 1::2]) * np.float32(0.25))
    return out


@lru_cache(maxsize=1)
def _atlas() -> Atlas:
    """Draw everything (a second or two, once per process)."""
    assets, blocks, start, rows, columns, total = {}, [], [], [], [], 0
    for index, (name, canvas) in enumerate(_pictures()):
        # A clear border of one texel keeps a neighbour's colour from leaking in at the edges.
        texels = np.round(np.clip(canvas.texels, 0, 1) * 255) * np.float32(1 / 255)
        assets[name] = Asset(name, canvas.width, canvas.height, canvas.shape, index)
        levels = _copies(texels)
        start.append([]), rows.append([]), columns.append([])
        for level in levels:
            start[-1].append(total), rows[-1].append(level.shape[0]), columns[-1].append(level.shape[1])
            blocks.append(level.reshape(-1, len(CHANNELS)))
            total += blocks[-1].shape[0]
    table = torch.from_numpy(np.concatenate(blocks))
    return Atlas(assets, table, torch.tensor(start), torch.tensor(rows), torch.tensor(columns))


@lru_cache(maxsize=4)
def atlas(device: str = "cpu") -> Atlas:
    """The atlas on a device; drawn on the CPU, so that every device reads the same texels."""
    base = _atlas()
    if device == "cpu":
        return base
    return Atlas(base.assets, *(t.to(device) for t in (base.table, base.start, base.rows, base.columns)))


def sample(
    source: Atlas, asset: torch.Tensor, s: torch.Tensor, t: torch.Tensor, level: torch.Tensor, wrap=False
) -> torch.Tensor:
    """Read texels between texels (bilinear) at s (right) and t (down), each in [0, 1] across the asset.

    asset, level: (N,) int64; s, t: (N,). Returns (N, 12), premultiplied. Outside [0, 1] the edge repeats, or with
    `wrap` the picture does. One fused gather-and-sum (`embedding_bag`) does the work.
    """
    flat = asset * LEVELS + level
    base, rows, columns = (x.view(-1)[flat] for x in (source.start, source.rows, source.columns))
    x, y = s * columns - 0.5, t * rows - 0.5
    x0, y0 = torch.floor(x), torch.floor(y)
    fx, fy = x - x0, y - y0
    x0, y0 = x0.long(), y0.long()
    if wrap:
        xa, xb, ya, yb = x0 % columns, (x0 + 1) % columns, y0 % rows, (y0 + 1) % rows
    else:
        last_x, last_y = columns - 1, rows - 1
        xa, xb = (torch.minimum((x0 + k).clamp_(min=0), last_x) for k in (0, 1))
        ya, yb = (torch.minimum((y0 + k).clamp_(min=0), last_y) for k in (0, 1))
    top, low = base + ya * columns, base + yb * columns
    index = torch.stack([top + xa, top + xb, low + xa, low + xb], 1)
    gx, gy = 1 - fx, 1 - fy
    weight = torch.stack([gx * gy, fx * gy, gx * fy, fx * fy], 1)
    return F.embedding_bag(index, source.table, per_sample_weights=weight, mode="sum")
