"""Who is in the street: pedestrians, riders and cars, where they are and how they move."""

from mmlib.scenes.atlas import Atlas
from mmlib.scenes.canvas import colour
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.layout import Shelf, _sun_at, shadow_under
from mmlib.scenes.splits import draws, family_of
from mmlib.scenes.vocabulary import CLASS_ID
from mmlib.scenes.world import FRAME_TIME, Body, Quad, World

COLOURS = {
    "red": "#cc3a36",
    "blue": "#3b6fc0",
    "green": "#3f9058",
    "yellow": "#e6bf3a",
    "white": "#efece4",
    "black": "#2b2c33",
    "orange": "#e58436",
    "purple": "#85569e",
    "grey": "#8f959c",
}
CLOTHES = tuple(COLOURS)
PAINTS = ("red", "blue", "green", "yellow", "white", "black", "grey")
TROUSERS = ("#37435c", "#2d2d33", "#6b5a48", "#8a8577", "#4d6a8a", "#b8a98a", "#5a3f52")


def populate(world: World, seed: int, conditions: Conditions, source: Atlas) -> None:
    """Add pedestrians, riders and cars to a world; `conditions.crowding` says how many."""
    rng = draws(seed, "actors")
    shelf = Shelf(source, family_of(seed), rng)
    crowd = conditions.crowding
    spots: list[tuple[float, float]] = []
    _traffic(world, rng, shelf, conditions, spots)
    for _ in range(int(rng.poisson(0.25 + 1.9 * crowd))):
        _rider(world, rng, shelf, conditions, spots)
    for _ in range(int(rng.poisson(0.8 + 8.5 * crowd))):
        _pedestrian(world, rng, shelf, conditions, spots)


def _free(spots, x, z, reach) -> bool:
    """Whether nobody stands within `reach` metres (Z counts half); takes the place if free."""
    if any(abs(x - a) < reach and abs(z - b) < 2 * reach for a, b in spots):
        return False
    spots.append((x, z))
    return True


def _number(world) -> int:
    return len(world.bodies) + 1


def _place(world, rng, shelf, conditions, asset, kind, x, z, view, going, speed, k, hot):
    """Put a walking or riding sprite on the ground with its shadow; `going` is the sign of its motion."""
    step = speed * FRAME_TIME * conditions.speed
    velocity = (going * step, 0.0) if view == "side" else (0.0, step if view == "back" else -step)
    name = CLOTHES[rng.integers(len(CLOTHES))]
    number = _number(world)
    w, h = asset.width * k, asset.height * k
    shadow_under(world, shelf, x, z, 0.75 if kind == "person" else 1.3, velocity)
    world.quads.append(Quad(asset.index, CLASS_ID[kind], x - w / 2, z, w, h, flip=view == "side" and going < 0, body=number,
                            velocity=velocity, tint=colour(COLOURS[name]), tint2=colour(TROUSERS[rng.integers(len(TROUSERS))]),
                            hot=hot, glow=0.0 if conditions.time == "day" else 1.0, sunlit=_sun_at(world.street, conditions, x),
                            order=2000 + z))  # fmt: skip
    world.bodies.append(Body(number, CLASS_ID[kind], name))


def _pedestrian(world, rng, shelf, conditions, spots):
    """A walker on a sidewalk, or crossing the road."""
    street = world.street
    crossing = rng.uniform() < 0.3
    z = 5.5 + 30 * rng.uniform() ** 1.4
    if crossing:
        x, view, going = rng.uniform(-street.road, street.road), "side", int(rng.integers(2)) * 2 - 1
        z = max(z, 8.0) if street.crossing is None else street.crossing + rng.uniform(0.4, 3.0)
    else:
        side = 1 if rng.uniform() < 0.6 else -1
        x, going = side * (street.road + rng.uniform(0.5, street.walk - 0.3)), 1
        view = ("front", "back", "side")[rng.choice(3, p=(0.4, 0.4, 0.2))]
    hot, speed, k = 33.0 + rng.normal(0, 0.7), rng.choice((0.0, 1.0)) * rng.uniform(0.8, 1.7), rng.uniform(0.93, 1.05)
    asset = shelf.pick("person", view)
    if _free(spots, x, z, 0.5):
        _place(world, rng, shelf, conditions, asset, "person", x, z, view, going, speed, k, hot)


def _rider(world, rng, shelf, conditions, spots):
    """A cyclist along the kerb, or crossing."""
    street = world.street
    side = 1 if rng.uniform() < 0.6 else -1
    x, z = side * (street.road - rng.uniform(0.5, 1.2)), rng.uniform(7.5, 28)
    view, going = ("back" if side > 0 else "front"), 1
    if rng.uniform() < 0.45:
        view, going, x = "side", int(rng.integers(2)) * 2 - 1, rng.uniform(-street.road, street.road)
    hot, speed = 33.5 + rng.normal(0, 0.7), rng.uniform(2.5, 5.5)
    asset = shelf.pick("rider", view)
    if _free(spots, x, z, 1.0):
        _place(world, rng, shelf, conditions, asset, "rider", x, z, view, going, speed, rng.uniform(0.95, 1.03), hot)


def _traffic(world, rng, shelf, conditions, spots):
    """Cars ahead in our lane, oncoming, crossing, and parked along both kerbs."""
    street, crowd = world.street, conditions.crowding
    lane = street.road * 0.5
    z = rng.uniform(9, 22)
    while z < 46 and rng.uniform() < 0.25 + 0.5 * crowd:
        _car(world, rng, shelf, conditions, spots, lane + rng.normal(0, 0.15), z, "rear", rng.uniform(1, 11), True)
        z += rng.uniform(9, 16)
    z = rng.uniform(8, 24)
    while z < 50 and rng.uniform() < 0.3 + 0.5 * crowd:
        _car(world, rng, shelf, conditions, spots, -lane + rng.normal(0, 0.15), z, "front", rng.uniform(2, 11), True)
        z += rng.uniform(8, 18)
    for side, view in ((1, "rear"), (-1, "front")):
        z = rng.uniform(7, 20)
        while z < 44 and street.road > 3.6:
            if rng.uniform() < 0.15 + 0.45 * crowd:
                _car(
                    world,
                    rng,
                    shelf,
                    conditions,
                    spots,
                    side * (street.road - 0.75),
                    z,
                    view,
                    0.0,
                    bool(rng.uniform() < 0.25),
                )
            z += rng.uniform(5.6, 9)
    if rng.uniform() < 0.18:
        _car(
            world,
            rng,
            shelf,
            conditions,
            spots,
            rng.uniform(-6, 6),
            rng.uniform(14, 30),
            "side",
            rng.uniform(2, 7),
            True,
        )


def _car(world, rng, shelf, conditions, spots, x, z, view, speed, warm):
    """One car: a side that runs along the street and the end that faces us, or only a side if it crosses."""
    number, name = shelf.pick("car", "side").name.split("/")[2], PAINTS[rng.integers(len(PAINTS))]
    going, hot = int(rng.integers(2)) * 2 - 1, conditions.air + (rng.uniform(22, 45) if warm else rng.uniform(0, 3))
    if not _free(spots, x, z, 1.9):
        return
    side, end = shelf.named("car", number, "side"), shelf.named("car", number, "rear" if view != "front" else "front")
    step = speed * FRAME_TIME * conditions.speed
    velocity = {"rear": (0.0, step), "front": (0.0, -step), "side": (going * step, 0.0)}[view]
    lit = float(conditions.time != "day" and (speed > 0 or warm))
    body = _number(world)
    common = dict(label=CLASS_ID["car"], body=body, velocity=velocity, tint=colour(COLOURS[name]), hot=hot, glow=lit,
                  sunlit=_sun_at(world.street, conditions, x))  # fmt: skip
    add = world.quads.append
    if view == "side":
        shadow_under(world, shelf, x, z, 3.6, velocity)
        add(
            Quad(
                side.index,
                x=x - side.width / 2,
                z=z,
                width=side.width,
                height=side.height,
                flip=going < 0,
                order=2000 + z,
                **common,
            )
        )
    else:
        w = end.width - 0.3
        shadow_under(world, shelf, x, z + 0.3, w * 1.15, velocity)
        toward = x - w / 2 if x > world.camera.x else x + w / 2  # the flank that we can see
        add(Quad(side.index, x=toward, z=z, width=side.width, height=side.height, lateral=True, flip=view == "front",
                 order=2000 + z - 0.01, **common))  # fmt: skip
        add(
            Quad(
                end.index, x=x - end.width / 2, z=z, width=end.width, height=end.height, order=2000 + z - 0.02, **common
            )
        )
    world.bodies.append(Body(body, CLASS_ID["car"], name))
