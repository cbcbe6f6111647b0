"""Building a street from a seed: what lines it, what stands on its sidewalks, what hangs in its sky."""

import numpy as np

from mmlib.scenes.atlas import Asset, Atlas
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.splits import draws, family_of
from mmlib.scenes.vocabulary import CLASS_ID
from mmlib.scenes.world import FAR, FRAME_TIME, Camera, Quad, Street, World

NEAR, END = 1.0, 84.0
"""Metres along the street between which things are built."""


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


def build(seed: int, conditions: Conditions, source: Atlas) -> World:
    """The world of a seed, without its actors (see `actors.populate`)."""
    rng = draws(seed, "layout")
    shelf = Shelf(source, family_of(seed), rng)
    street = _street(rng, shelf, conditions)
    camera = _camera(rng, street, conditions)
    world = World(street, camera)
    _sky(world, rng, shelf, conditions)
    _vista(world, rng, shelf, conditions)
    for side in (-1, 1):
        _edge(world, rng, shelf, conditions, side)
        _kerbside(world, rng, shelf, conditions, side)
    return world


def _street(rng, shelf, conditions) -> Street:
    road, walk = rng.uniform(3.3, 4.6), rng.uniform(2.2, 3.6)
    crossing = rng.uniform(7, 26) if rng.uniform() < 0.55 else None
    return Street(road, walk, rng.uniform(0, 6), crossing, rng.uniform(6, 14), rng.uniform(14, 20), shelf.pick("ground").index,
                  rng.uniform(-2.0, road + 0.5))  # fmt: skip


def _camera(rng, street, conditions) -> Camera:
    speed = 0.0 if rng.uniform() < 0.2 else rng.uniform(1, 5.5)
    horizon, centre = rng.uniform(0.44, 0.53), 0.5 + rng.normal(0, 0.03)
    nod, turn = rng.normal(0, 0.0035), rng.normal(0, 0.006)
    k = conditions.speed
    return Camera(rng.uniform(0.62, 0.76), rng.uniform(1.3, 1.6), street.road * rng.uniform(0.35, 0.55),
                  (horizon, horizon + nod * k), (centre, centre + turn * k), speed * FRAME_TIME * k)  # fmt: skip


def _sky(world, rng, shelf, conditions):
    """Clouds and sun by day, moon and stars by night; all infinitely far away."""
    label = CLASS_ID["sky"]
    light = {"day": (1.0, 1.0, 1.0), "dusk": (1.0, 0.74, 0.68), "night": (0.8, 0.85, 1.0)}[conditions.time]
    cold = conditions.air - 40 * (1 - 0.75 * conditions.cloud)

    def hang(asset, azimuth, elevation, size, tint, glow=0.0, hot=cold):
        unit = FAR * size / asset.width
        world.quads.append(Quad(asset.index, label, (azimuth - size / 2) * FAR, FAR, asset.width * unit, asset.height * unit,
                                y=elevation * FAR, tint=tint, glow=glow, hot=hot, sunlit=0.8, order=2 * FAR - len(world.quads)))  # fmt: skip

    stars, disc = shelf.pick("stars"), shelf.pick("disc")
    place = rng.uniform(0.1, 0.45) * conditions.sun_side, rng.uniform(0.16, 0.5)
    if conditions.time == "night":
        hang(stars, 0.0, 0.02, 2.2, (1, 1, 1), 0.8)
        hang(disc, *place, 0.09, (0.93, 0.93, 0.86), 0.9)
    else:
        low = 0.75 if conditions.time == "day" else 0.12
        warm = (1.0, 0.97, 0.85) if conditions.time == "day" else (1.0, 0.62, 0.30)
        hang(disc, place[0], place[1] * low, 0.10, warm, 1.0)
    for _ in range(round(1 + 7 * conditions.cloud)):
        hang(
            shelf.pick("cloud"),
            rng.uniform(-0.9, 0.8),
            rng.uniform(0.05, 0.6),
            rng.uniform(0.2, 0.6),
            light,
            hot=conditions.air - 14,
        )


def _vista(world, rng, shelf, conditions):
    """What closes the street: a skyline and trees."""
    asset = shelf.pick("skyline")
    for x in (-62.0, -2.0):
        world.quads.append(Quad(asset.index, CLASS_ID["building"], x + rng.uniform(-4, 4), END + 30, 62.0, rng.uniform(12, 20),
                                hot=18.0, glow=_homes(conditions), sunlit=0.5, order=FAR - 1, y=-0.5))  # fmt: skip
    for x in np.arange(-22, 22, 4.5):
        if rng.uniform() < 0.75:
            tree = shelf.pick("tree")
            world.quads.append(Quad(tree.index, CLASS_ID["vegetation"], x + rng.uniform(-2, 2), END + 8, 8.5, 9.5,
                                    flip=bool(rng.integers(2)), sunlit=0.6, order=FAR - 2 - x * 0.001))  # fmt: skip


def _homes(conditions) -> float:
    """How far the lights in the houses are on."""
    return {"day": 0.0, "dusk": 0.6, "night": 1.0}[conditions.time]


def _edge(world, rng, shelf, conditions, side):
    """Houses, walls, fences and hedges along one side, from near to far."""
    z, plane, last = NEAR - 6 * rng.uniform(), side * world.street.facade, 0.0
    sunlit = 1.0 if side != conditions.sun_side else 0.08
    while z < END:
        kind = ("house", "wall", "fence", "hedge")[rng.choice(4, p=(0.62, 0.11, 0.16, 0.11))]
        if kind == "house":
            length, last = _house(world, rng, shelf, conditions, side, plane, z, last, sunlit)
        else:
            length, last = _garden(world, rng, shelf, side, plane, z, kind, sunlit), 2.0
        z += length


def _house(world, rng, shelf, conditions, side, plane, z, last, sunlit):
    """A facade, and the blank end of the house where it overtops what stands before it."""
    asset = shelf.pick("facade")
    k = rng.uniform(0.92, 1.08)
    tall = asset.height * k
    hot, glow = 20.0, _homes(conditions) * rng.uniform(0.75, 1.0)
    order = 5000 + z
    common = dict(label=CLASS_ID["building"], hot=hot, glow=glow, sunlit=sunlit, body=0)
    eaves, base = tall - 2.2 * k, max(0.0, last - 0.5)
    if eaves > base:  # only what overtops the neighbour can be seen
        end = shelf.pick("gable")
        tone = tuple(rng.uniform(0.62, 0.92) * np.array((1.0, rng.uniform(0.86, 0.97), rng.uniform(0.72, 0.92))))
        x = plane if side > 0 else plane - end.width
        shown = (eaves - base) / max(eaves, end.height)
        world.quads.append(Quad(end.index, x=x, z=z + 0.02, y=base, width=end.width, height=eaves - base, crop=shown,
                                tint=tone, order=order + 0.5, **{**common, "sunlit": 0.3}))  # fmt: skip
    world.quads.append(Quad(asset.index, x=plane, z=z, width=asset.width * k, height=tall, lateral=True, flip=side > 0,
                            order=order, **common))  # fmt: skip
    return asset.width * k, tall - 2.9 * k


def _garden(world, rng, shelf, side, plane, z, kind, sunlit) -> float:
    """A wall, fence or hedge with trees behind it; returns its length."""
    parts = int(rng.integers(2, 4))
    asset = shelf.pick(kind)
    length = asset.width * parts
    k = rng.uniform(0.9, 1.15)
    for zz in np.arange(z + length - 1.5, z, -4.4):
        tree = shelf.pick("tree")
        x = plane + side * rng.uniform(1.6, 4.0)
        w = rng.uniform(5.5, 8.0)
        world.quads.append(Quad(tree.index, CLASS_ID["vegetation"], x - w / 2, zz, w, w * rng.uniform(1.1, 1.4), sunlit=sunlit,
                                flip=bool(rng.integers(2)), order=5000 + z + length - 0.5 + 0.001 * zz))  # fmt: skip
    if kind == "fence":
        back = shelf.pick("hedge")
        for i in range(parts):
            world.quads.append(Quad(back.index, CLASS_ID["vegetation"], plane + side * 1.2, z + i * asset.width, asset.width, 1.1,
                                    lateral=True, sunlit=sunlit, order=5000 + z + length - 0.6))  # fmt: skip
    label = CLASS_ID["vegetation" if kind == "hedge" else kind]
    for i in range(parts):
        world.quads.append(Quad(asset.index, label, plane, z + i * asset.width, asset.width, asset.height * k, lateral=True,
                                flip=side > 0, sunlit=sunlit, order=5000 + z + i * asset.width))  # fmt: skip
    return length


def _kerbside(world, rng, shelf, conditions, side):
    """Lamps, trees, bushes and signs between the road and the houses."""
    street, night = world.street, conditions.time != "day"

    def stand(asset, label, x, z, k=1.0, **more):
        more = {"sunlit": sun_at(street, conditions, x), "flip": bool(rng.integers(2)), **more}
        w = asset.width * k
        anchor = more.pop("anchor", 0.5)
        anchor = 1 - anchor if more["flip"] else anchor
        world.quads.append(
            Quad(asset.index, CLASS_ID[label], x - anchor * w, z, w, asset.height * k, order=2000 + z, **more)
        )
        shadow_under(world, shelf, x, z, 0.9 if label != "vegetation" else 1.6)

    lamp = shelf.pick("lamp")
    for z in np.arange(street.lamps, 60, street.lamp_gap * 2) + (0 if side > 0 else street.lamp_gap):
        stand(
            lamp,
            "sign",
            side * (street.road + 0.35),
            float(z),
            flip=side > 0,
            anchor=0.3 / 2.2,
            glow=float(night),
            hot=25.0,
        )
    for z in np.arange(rng.uniform(8, 16), 70, rng.uniform(7, 15)):
        if rng.uniform() < 0.62:
            kind = ("tree", "bush")[int(rng.uniform() < 0.25)]
            stand(
                shelf.pick(kind),
                "vegetation",
                side * (street.road + rng.uniform(0.7, 1.1)),
                float(z),
                rng.uniform(0.7, 1.0),
            )
    for z in np.arange(rng.uniform(5, 18), 60, rng.uniform(8, 18)):
        stand(
            shelf.pick("sign"),
            "sign",
            side * (street.road + rng.uniform(0.3, 0.6)),
            float(z),
            rng.uniform(0.95, 1.1),
            flip=False,
        )


def shadow_under(world, shelf, x, z, width, velocity=(0.0, 0.0), order=None):
    """A soft contact shadow on the ground at (x, z), `width` metres wide."""
    asset, camera = shelf.pick("shadow"), world.camera
    near, far = z - 0.28 * width, z + 0.28 * width
    # The spot lies flat; seen from the camera it is as tall as the ground between its near and its far edge.
    low, high = camera.height * (1 - z / near), camera.height * (1 - z / far)
    world.quads.append(Quad(asset.index, CLASS_ID["road"], x - width * 0.7, z, 1.4 * width, high - low, y=low, solid=False,
                            velocity=velocity, order=2000 + z + 0.01 if order is None else order))  # fmt: skip


def sun_at(street: Street, conditions: Conditions, x: float) -> float:
    """Whether a thing at X stands in the sun (1) or in the houses' shade (0.1)."""
    return 1.0 if x * conditions.sun_side < street.sun_edge else 0.1
