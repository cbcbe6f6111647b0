"""Who is in the street: pedestrians, riders and cars, where they are and how they move."""

from dataclasses import dataclass, field

from mmlib.scenes.atlas import Asset, Atlas
from mmlib.scenes.canvas import colour
from mmlib.scenes.knobs import Conditions
from mmlib.scenes.layout import ORDER_STREET, Shelf, Site, shadow_under, sun_at
from mmlib.scenes.splits import draws, family_of
from mmlib.scenes.vocabulary import CLASS_ID
from mmlib.scenes.world import FRAME_TIME, Body, Quad, World

COLOURS = {
    "red": "#cc3a36",
    "blue": "#2f5fb0",
    "green": "#3f9058",
    "yellow": "#e6bf3a",
    "white": "#f4f2ec",
    "black": "#1d1e24",
    "orange": "#e58436",
    "purple": "#85569e",
    "grey": "#8f959c",
}
CLOTHES = {
    "black": 0.26,
    "blue": 0.14,
    "red": 0.13,
    "grey": 0.11,
    "green": 0.10,
    "purple": 0.08,
    "orange": 0.06,
    "yellow": 0.06,
    "white": 0.06,
}
PAINTS = {"white": 0.35, "black": 0.27, "red": 0.12, "blue": 0.11, "grey": 0.04, "green": 0.06, "yellow": 0.05}
TROUSERS = ("#2a3247", "#232328", "#4a3f36", "#5f6270", "#33465e", "#8a7d68", "#3f2f3d")


@dataclass
class Stage(Site):
    """A site, and the places on it that are taken."""

    spots: list[tuple[float, float]] = field(default_factory=list)

    def free(self, x: float, z: float, reach: float) -> bool:
        """Whether nobody stands within `reach` metres (twice that along the street); takes the place if so."""
        if any(abs(x - a) < reach and abs(z - b) < 2 * reach for a, b in self.spots):
            return False
        self.spots.append((x, z))
        return True

    def pick(self, shares: dict[str, float]) -> str:
        """A key of `shares`, as often as its share says."""
        return list(shares)[self.rng.choice(len(shares), p=list(shares.values()))]

    def step(self, view: str, going: int, speed: float) -> tuple[float, float]:
        """Metres per frame along X and Z of something seen from `view` at `speed` m/s."""
        metres = speed * FRAME_TIME * self.conditions.speed
        return {"side": (going * metres, 0.0), "front": (0.0, -metres)}.get(view, (0.0, metres))


def populate(world: World, seed: int, conditions: Conditions, source: Atlas) -> None:
    """Add pedestrians, riders and cars to a world; `conditions.crowding` says how many."""
    rng = draws(seed, "actors")
    stage = Stage(world, rng, Shelf(source, family_of(seed), rng), conditions)
    crowd = conditions.crowding
    if crowd == 0:
        return
    _traffic(stage, crowd)
    for _ in range(int(rng.poisson(4.2 * crowd))):
        _rider(stage)
    for _ in range(int(rng.poisson(0.3 + 11.5 * crowd))):
        _pedestrian(stage)


def _enter(
    stage: Stage, asset: Asset, kind: str, x: float, z: float, view: str, going: int, speed: float, scale: float
):
    """Put a walking or riding figure on the ground, with its shadow, clothes and warmth."""
    world, conditions = stage.world, stage.conditions
    velocity, name = stage.step(view, going, speed), stage.pick(CLOTHES)
    trousers, warmth = TROUSERS[stage.rng.integers(len(TROUSERS))], 33.0 + stage.rng.normal(0, 0.8)
    number = len(world.bodies) + 1
    width = asset.width * scale
    shadow_under(world, stage.shelf, x, z, 0.75 if kind == "person" else 1.3, velocity)
    figure = Quad(asset.index, CLASS_ID[kind], x - width / 2, z, width, asset.height * scale)
    figure.flip, figure.body, figure.velocity, figure.order = (
        view == "side" and going < 0,
        number,
        velocity,
        ORDER_STREET + z,
    )
    figure.tint, figure.tint2, figure.hot = colour(COLOURS[name]), colour(trousers), warmth
    figure.glow, figure.sunlit = float(conditions.time != "day"), sun_at(world.street, conditions, x)
    world.quads.append(figure)
    world.bodies.append(Body(number, CLASS_ID[kind], name))


def _pedestrian(stage: Stage) -> None:
    """A walker on a sidewalk, or crossing the road."""
    street, rng = stage.world.street, stage.rng
    crossing = rng.uniform() < 0.3
    z = 5.5 + 30 * rng.uniform() ** 1.4
    if crossing:
        x, view, going = rng.uniform(-street.road, street.road), "side", int(rng.integers(2)) * 2 - 1
        z = max(z, 8.0) if street.crossing is None else street.crossing + rng.uniform(0.4, 3.0)
    else:
        side = 1 if rng.uniform() < 0.6 else -1
        x, going = side * (street.road + rng.uniform(0.5, street.walk - 0.3)), 1
        view = ("front", "back", "side")[rng.choice(3, p=(0.4, 0.4, 0.2))]
    speed, scale = rng.choice((0.0, 1.0, 1.0)) * rng.uniform(0.8, 1.7), rng.uniform(0.93, 1.05)
    asset = stage.shelf.pick("person", view)
    if stage.free(x, z, 0.5):
        _enter(stage, asset, "person", x, z, view, going, speed, scale)


def _rider(stage: Stage) -> None:
    """A cyclist along the kerb, or crossing."""
    street, rng = stage.world.street, stage.rng
    side = 1 if rng.uniform() < 0.6 else -1
    x, z = side * (street.road - rng.uniform(0.5, 1.2)), rng.uniform(7.0, 26)
    view, going = ("back" if side > 0 else "front"), 1
    if rng.uniform() < 0.45:
        view, going, x = "side", int(rng.integers(2)) * 2 - 1, rng.uniform(-street.road, street.road)
    speed, scale = rng.uniform(2.5, 5.5), rng.uniform(0.95, 1.03)
    asset = stage.shelf.pick("rider", view)
    if stage.free(x, z, 1.0):
        _enter(stage, asset, "rider", x, z, view, going, speed, scale)


def _traffic(stage: Stage, crowd: float) -> None:
    """Cars ahead in our lane, oncoming, parked along both kerbs, and crossing."""
    road, rng = stage.world.street.road, stage.rng
    for x, view, first, slowest in ((0.5 * road, "rear", 6.0, 1.0), (-0.5 * road, "front", 5.5, 2.0)):
        z = rng.uniform(first, first + 8)
        while z < 48 and rng.uniform() < 0.3 + 0.65 * crowd:
            _car(stage, x + rng.normal(0, 0.15), z, view, rng.uniform(slowest, 11), True)
            z += rng.uniform(9, 17)
    for side, view in ((1, "rear"), (-1, "front")):
        z = rng.uniform(5.5, 12)
        while z < 44 and road > 3.5:
            taken, warm = rng.uniform() < 0.12 + 0.85 * crowd, bool(rng.uniform() < 0.25)
            if taken:
                _car(stage, side * (road - 0.75), z, view, 0.0, warm)
            z += rng.uniform(5.6, 9)
    if rng.uniform() < 0.18:
        _car(stage, rng.uniform(-6, 6), rng.uniform(14, 30), "side", rng.uniform(2, 7), True)


def _car(stage: Stage, x: float, z: float, view: str, speed: float, warm: bool) -> None:
    """One car: a flank that runs along the street and the end that faces us, or only a flank if it crosses."""
    world, shelf, conditions, rng = stage.world, stage.shelf, stage.conditions, stage.rng
    number, name = shelf.pick("car", "side").name.split("/")[2], stage.pick(PAINTS)
    going, engine = int(rng.integers(2)) * 2 - 1, rng.uniform(14, 34) if warm else rng.uniform(0, 3)
    if not stage.free(x, z, 1.9):
        return
    flank, end = shelf.named("car", number, "side"), shelf.named("car", number, "front" if view == "front" else "rear")
    common = {
        "label": CLASS_ID["car"],
        "body": len(world.bodies) + 1,
        "velocity": stage.step(view, going, speed),
        "tint": colour(COLOURS[name]),
        "hot": conditions.air + engine,
        "glow": float(conditions.time != "day" and (speed > 0 or warm)),
        "sunlit": sun_at(world.street, conditions, x),
    }
    size = {"width": flank.width, "height": flank.height}
    if view == "side":
        shadow_under(world, shelf, x, z, 3.6, common["velocity"])
        world.quads.append(
            Quad(flank.index, x=x - flank.width / 2, z=z, flip=going < 0, order=ORDER_STREET + z, **size, **common)
        )
    else:
        wide = end.width - 0.3  # without the mirrors
        shadow_under(world, shelf, x, z + 0.3, wide * 1.15, common["velocity"])
        seen = x - wide / 2 if x > world.camera.x else x + wide / 2  # the flank on our side
        flip = view == "front"
        world.quads.append(
            Quad(flank.index, x=seen, z=z, lateral=True, flip=flip, order=ORDER_STREET + z - 0.01, **size, **common)
        )
        size = {"width": end.width, "height": end.height}
        world.quads.append(Quad(end.index, x=x - end.width / 2, z=z, order=ORDER_STREET + z - 0.02, **size, **common))
    world.bodies.append(Body(common["body"], CLASS_ID["car"], name))
