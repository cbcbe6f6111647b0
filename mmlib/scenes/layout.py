"""Building a street from a seed: what lines it, what stands on its sidewalks, what hangs in its sky."""

from dataclasses import dataclass

import numpy as np

from mmlib.scenes.atlas import Asset, Atlas
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.splits import draws, family_of
from mmlib.scenes.vocabulary import CLASS_ID
from mmlib.scenes.world import FAR, FRAME_TIME, Camera, Quad, Street, World

NEAR, END = 1.0, 84.0
"""Metres along the street between which things are built."""

EDGE = {"house": 0.62, "fence": 0.16, "wall": 0.11, "hedge": 0.11}
"""What lines the street, and how often."""

# Drawing order, from far to near: sky, vista, what lines the street (far ends first), what stands in it (far things
# first).
ORDER_SKY, ORDER_VISTA, ORDER_EDGE, ORDER_STREET = 2 * FAR, FAR, 5000.0, 2000.0


class Shelf:
    """The assets that one scene may use: those of its family."""

    def __init__(self, source: Atlas, family: str, rng: np.random.Generator):
        self.rng = rng
        self._kinds: dict[str, list[Asset]] = {}
        for name, asset in source.assets.items():
            kind, of, *_ = name.split("/")
            if of == family:
                self._kinds.setdefault(kind, []).append(asset)

    def pick(self, kind: str, view: str | None = None) -> Asset:
        """A random asset of a kind, seen from `view` where the kind has views."""
        choices = self._kinds[kind]
        if view is not None:
            choices = [a for a in choices if a.name.endswith("/" + view)]
        return choices[self.rng.integers(len(choices))]

    def named(self, kind: str, number: str, view: str) -> Asset:
        """One particular view of an asset."""
        return next(a for a in self._kinds[kind] if a.name.split("/")[2:] == [number, view])


@dataclass
class Site:
    """What every builder needs: the world so far, the draws, the assets, the weather."""

    world: World
    rng: np.random.Generator
    shelf: Shelf
    conditions: Conditions

    @property
    def homes(self) -> float:
        """How far the lights in the houses are on."""
        return {"day": 0.0, "dusk": 0.6, "night": 1.0}[self.conditions.time]

    def add(self, asset: Asset, label: str, x: float, z: float, width: float, height: float, **more: object) -> None:
        """Put a picture into the world (see Quad)."""
        self.world.quads.append(Quad(asset.index, CLASS_ID[label], x, z, width, height, **more))


def build(seed: int, conditions: Conditions, source: Atlas) -> World:
    """The world of a seed, without its actors (see `actors.populate`)."""
    rng = draws(seed, "layout")
    shelf = Shelf(source, family_of(seed), rng)
    street = _street(rng, shelf)
    site = Site(World(street, _camera(rng, street, conditions.speed)), rng, shelf, conditions)
    _sky(site)
    _vista(site)
    for side in (-1, 1):
        _edge(site, side)
        _kerbside(site, side)
    return site.world


def _street(rng, shelf) -> Street:
    road, walk = rng.uniform(3.3, 4.6), rng.uniform(2.2, 3.6)
    crossing = rng.uniform(7, 26) if rng.uniform() < 0.55 else None
    dash, lamps, gap, sun = rng.uniform(0, 6), rng.uniform(6, 14), rng.uniform(14, 20), rng.uniform(-2.0, road + 0.5)
    return Street(road, walk, dash, crossing, lamps, gap, shelf.pick("ground").index, sun)


def _camera(rng, street, k) -> Camera:
    """A camera in the right lane; `k` scales its motion."""
    speed = 0.0 if rng.uniform() < 0.2 else rng.uniform(1, 5.5)
    horizon, centre = rng.uniform(0.44, 0.53), 0.5 + rng.normal(0, 0.03)
    nod, turn = rng.normal(0, 0.0035) * k, rng.normal(0, 0.006) * k
    focal, height, x = rng.uniform(0.62, 0.76), rng.uniform(1.3, 1.6), street.road * rng.uniform(0.35, 0.55)
    return Camera(focal, height, x, (horizon, horizon + nod), (centre, centre + turn), speed * FRAME_TIME * k)


def _sky(site: Site) -> None:
    """Clouds and sun by day, moon and stars by night; all infinitely far away."""
    rng, conditions, shelf = site.rng, site.conditions, site.shelf
    clear = conditions.air - 40 * (1 - 0.75 * conditions.cloud)

    def hang(asset, azimuth, elevation, size, tint, glow, hot):
        """`size` across, its lower edge at `elevation`; directions are tangents of angles."""
        place = {"x": (azimuth - size / 2) * FAR, "z": FAR, "y": elevation * FAR}
        extent = {"width": size * FAR, "height": size * FAR * asset.height / asset.width}
        light = {"tint": tint, "glow": glow, "hot": hot, "sunlit": 0.8}
        site.add(asset, "sky", order=ORDER_SKY - len(site.world.quads), **place, **extent, **light)

    stars, disc = shelf.pick("stars"), shelf.pick("disc")
    azimuth, elevation = rng.uniform(0.1, 0.45) * conditions.sun_side, rng.uniform(0.16, 0.5)
    if conditions.time == "night":
        hang(stars, 0.0, 0.02, 2.2, (1, 1, 1), 0.7, clear)
        hang(disc, azimuth, elevation, 0.09, (0.93, 0.93, 0.86), 0.8, clear)
    elif conditions.time == "day":
        hang(disc, azimuth, 0.75 * elevation, 0.10, (1.0, 0.97, 0.85), 1.0, clear)
    else:
        hang(disc, azimuth, 0.12 * elevation, 0.10, (1.0, 0.62, 0.30), 1.0, clear)
    tint = {"day": (1.0, 1.0, 1.0), "dusk": (1.0, 0.74, 0.68), "night": (0.8, 0.85, 1.0)}[conditions.time]
    for _ in range(round(1 + 7 * conditions.cloud)):
        place = rng.uniform(-0.9, 0.8), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.6)
        hang(shelf.pick("cloud"), *place, tint, 0.0, conditions.air - 14)


def _vista(site: Site) -> None:
    """What closes the street: a skyline and trees."""
    rng, asset = site.rng, site.shelf.pick("skyline")
    for x in (-62.0, -2.0):
        more = {"y": -0.5, "hot": 18.0, "glow": site.homes, "sunlit": 0.5, "order": ORDER_VISTA - 1}
        site.add(asset, "building", x + rng.uniform(-4, 4), END + 30, 62.0, rng.uniform(12, 20), **more)
    for x in np.arange(-22, 22, 4.5):
        if rng.uniform() < 0.75:
            flip, order = bool(rng.integers(2)), ORDER_VISTA - 2 - x * 0.001
            place = x + rng.uniform(-2, 2), END + 8
            site.add(site.shelf.pick("tree"), "vegetation", *place, 8.5, 9.5, flip=flip, sunlit=0.6, order=order)


def _edge(site: Site, side: int) -> None:
    """Houses, walls, fences and hedges along one side, from near to far."""
    rng = site.rng
    z, roof = NEAR - 6 * rng.uniform(), 0.0  # `roof`: how high the neighbour before reaches
    while z < END:
        kind = list(EDGE)[rng.choice(4, p=list(EDGE.values()))]
        if kind == "house":
            length, roof = _house(site, side, z, roof)
        else:
            length, roof = _garden(site, side, z, kind), 2.0
        z += length


def _side_light(site: Site, side: int) -> float:
    """Sun on the fronts of a side: those opposite the sun are lit."""
    return 1.0 if side != site.conditions.sun_side else 0.08


def _house(site: Site, side: int, z: float, neighbour: float) -> tuple[float, float]:
    """A facade, and the blank end of the house where it overtops its neighbour; returns its length and its eaves."""
    rng, plane = site.rng, side * site.world.street.facade
    asset, k = site.shelf.pick("facade"), rng.uniform(0.92, 1.08)
    tall, order = asset.height * k, ORDER_EDGE + z
    inside = {"hot": 20.0, "glow": site.homes * rng.uniform(0.75, 1.0)}
    top, base = tall - 2.2 * k, max(0.0, neighbour - 0.5)
    if top > base:
        end = site.shelf.pick("gable")
        tone = tuple(rng.uniform(0.62, 0.92) * np.array((1.0, rng.uniform(0.86, 0.97), rng.uniform(0.72, 0.92))))
        x = plane if side > 0 else plane - end.width
        more = {
            "y": base,
            "crop": (top - base) / max(top, end.height),
            "tint": tone,
            "sunlit": 0.3,
            "order": order + 0.5,
        }
        site.add(end, "building", x, z + 0.02, end.width, top - base, **more, **inside)
    more = {"lateral": True, "flip": side > 0, "sunlit": _side_light(site, side), "order": order}
    more["blind"] = tall - 3.0 * k
    site.add(asset, "building", plane, z, asset.width * k, tall, **more, **inside)
    return asset.width * k, tall - 2.9 * k


def _garden(site: Site, side: int, z: float, kind: str) -> float:
    """A wall, fence or hedge with trees behind it; returns its length."""
    rng, shelf, plane = site.rng, site.shelf, side * site.world.street.facade
    asset, parts, k = shelf.pick(kind), int(rng.integers(2, 4)), rng.uniform(0.9, 1.15)
    length, order = asset.width * parts, ORDER_EDGE + z
    light = {"sunlit": _side_light(site, side)}
    for at in np.arange(z + length - 1.5, z, -4.4):
        x, w, flip = plane + side * rng.uniform(1.6, 4.0), rng.uniform(5.5, 8.0), bool(rng.integers(2))
        more = {"flip": flip, "order": order + length - 0.5 + 0.001 * at, **light}
        site.add(shelf.pick("tree"), "vegetation", x - w / 2, at, w, w * rng.uniform(1.1, 1.4), **more)
    hedge = shelf.pick("hedge")
    for i in range(parts):
        at = z + i * asset.width
        if kind == "fence":  # what one sees through it
            more = {"lateral": True, "order": order + length - 0.6, **light}
            site.add(hedge, "vegetation", plane + side * 1.2, at, asset.width, 1.65, **more)
        more = {"lateral": True, "flip": side > 0, "order": order + i * asset.width, **light}
        label = "vegetation" if kind == "hedge" else kind
        more["blind"] = 1.9 * k if kind == "wall" else 0.0
        site.add(asset, label, plane, at, asset.width, asset.height * k, **more)
    return length


def _kerbside(site: Site, side: int) -> None:
    """Lamps, trees, bushes and signs between the road and the houses."""
    rng, shelf, street = site.rng, site.shelf, site.world.street
    first = street.lamps + (0.0 if side > 0 else street.lamp_gap)
    lamp, lit = shelf.pick("lamp"), float(site.conditions.time != "day")
    for z in np.arange(first, 60, street.lamp_gap * 2):
        _stand(site, lamp, "sign", side * (street.road + 0.35), z, 1.0, side > 0, anchor=0.3 / 2.2, glow=lit, hot=25.0)
    for z in np.arange(rng.uniform(8, 16), 70, rng.uniform(7, 15)):
        if rng.uniform() < 0.62:
            kind = "bush" if rng.uniform() < 0.25 else "tree"
            x, k = side * (street.road + rng.uniform(0.7, 1.1)), rng.uniform(0.7, 1.0)
            _stand(site, shelf.pick(kind), "vegetation", x, z, k, bool(rng.integers(2)))
    for z in np.arange(rng.uniform(5, 18), 60, rng.uniform(8, 18)):
        x, k = side * (street.road + rng.uniform(0.3, 0.6)), rng.uniform(0.95, 1.1)
        _stand(site, shelf.pick("sign"), "sign", x, z, k, False)


def _stand(site: Site, asset: Asset, label: str, x: float, z: float, k: float, flip: bool, anchor: float = 0.5, **more):
    """Stand a picture on the ground at (x, z), `k` times its size; its foot is at `anchor` of its width."""
    width, foot = asset.width * k, 1 - anchor if flip else anchor
    more |= {"flip": flip, "sunlit": sun_at(site.world.street, site.conditions, x), "order": ORDER_STREET + z}
    site.add(asset, label, x - foot * width, float(z), width, asset.height * k, **more)
    shadow_under(site.world, site.shelf, x, float(z), 1.6 if label == "vegetation" else 0.9)


def shadow_under(
    world: World, shelf: Shelf, x: float, z: float, width: float, velocity: tuple[float, float] = (0.0, 0.0)
) -> None:
    """A soft contact shadow on the ground at (x, z), `width` metres wide.

    The spot lies flat; seen from the camera it is as tall as the ground between its near and its far edge.
    """
    height, depth = world.camera.height, 0.28 * width
    low, high = height * (1 - z / (z - depth)), height * (1 - z / (z + depth))
    spot = Quad(shelf.pick("shadow").index, CLASS_ID["road"], x - 0.7 * width, z, 1.4 * width, high - low, y=low)
    spot.solid, spot.velocity, spot.order = False, velocity, ORDER_STREET + z + 0.01
    world.quads.append(spot)


def sun_at(street: Street, conditions: Conditions, x: float) -> float:
    """Whether a thing at X stands in the sun (1) or in the houses' shade (0.1)."""
    return 1.0 if x * conditions.sun_side < street.sun_edge else 0.1
