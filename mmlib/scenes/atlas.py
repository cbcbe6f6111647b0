"""The atlas: every asset drawn once per process, with its half-size copies, in one table of texels that any device
can read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from mmlib.scenes import draw_buildings, draw_cars, draw_people, draw_plants, draw_street, draw_walls
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
class Tiles:
    """One ground texture with its half-size copies: `texels` (T, 3), where each copy starts, and how wide it is."""

    texels: torch.Tensor
    starts: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Atlas:
    """All assets. `table` (T, 12) float32 holds their texels; `layout` = (start, rows, columns), each (assets,
    LEVELS), says where each copy begins and how large it is; `tiles` are the ground textures.
    """

    assets: dict[str, Asset]
    table: torch.Tensor
    layout: tuple[np.ndarray, np.ndarray, np.ndarray]
    tiles: dict[int, Tiles]


COUNTS = {  # kind: (function, number of assets for train, for test, views)
    "person": (draw_people.person, 8, 4, ("side", "front", "back")),
    "rider": (draw_people.rider, 4, 2, ("side", "front", "back")),
    "tree": (draw_plants.tree, 8, 4, ()),
    "hedge": (draw_plants.hedge, 3, 2, ()),
    "bush": (draw_plants.bush, 4, 2, ()),
    "facade": (draw_buildings.facade, 18, 8, ()),
    "wall": (draw_walls.wall, 3, 2, ()),
    "fence": (draw_walls.fence, 4, 2, ()),
    "gable": (draw_buildings.gable_end, 3, 2, ()),
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


def _tiles(copies: list[np.ndarray]) -> Tiles:
    """The first three channels of a square picture and its copies, end to end."""
    counts = [c.shape[0] * c.shape[1] for c in copies]
    texels = np.concatenate([c[..., :3].reshape(-1, 3) for c in copies])
    starts = tuple(int(sum(counts[:k])) for k in range(len(counts)))
    return Tiles(torch.from_numpy(texels), starts, tuple(c.shape[1] for c in copies))


@lru_cache(maxsize=1)
def _atlas() -> Atlas:
    """Draw everything (about two seconds, once per process)."""
    drawn, layout, total = [], [], 0
    for name, canvas in _pictures():
        drawn.append((name, canvas.width, canvas.height, np.round(np.clip(canvas.texels, 0, 1) * 255).astype(np.uint8)))
        sizes = [canvas.shape]
        for _ in range(LEVELS - 1):
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        counts = np.array([r * c for r, c in sizes])
        layout.append([total + np.cumsum(counts) - counts, [r for r, _ in sizes], [c for _, c in sizes]])
        total += int(counts.sum())
    table, assets, tiles = np.empty((total, len(CHANNELS)), np.float32), {}, {}
    for index, (name, width, height, texels) in enumerate(drawn):
        copies = _copies(texels * np.float32(1 / 255))
        for start, copy in zip(layout[index][0], copies):
            table[start : start + copy.shape[0] * copy.shape[1]] = copy.reshape(-1, len(CHANNELS))
        assets[name] = Asset(name, width, height, texels.shape[:2], index)
        if name.startswith("ground/"):
            tiles[index] = _tiles(copies)
    tables = np.array(layout, np.int64).transpose(1, 0, 2)
    return Atlas(assets, torch.from_numpy(table), tuple(tables), tiles)


@lru_cache(maxsize=4)
def atlas(device: str = "cpu") -> Atlas:
    """The atlas on a device; drawn on the CPU, so that every device reads the same texels."""
    base = _atlas()
    if device == "cpu":
        return base
    tiles = {k: replace(t, texels=t.texels.to(device)) for k, t in base.tiles.items()}
    return Atlas(base.assets, base.table.to(device), base.layout, tiles)
