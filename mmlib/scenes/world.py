"""What a scene is before it is drawn: a street, a camera, and flat quads that stand in it."""

from dataclasses import dataclass, field

FAR = 1.0e6
"""Distance (m) of things in the sky; their depth is reported as infinite."""

FRAME_TIME = 1 / 15
"""Seconds between t and t+1, as between CamVid's video pairs."""


@dataclass(frozen=True)
class Street:
    """A straight street along Z. Metres; X is to the right, Y up, the road's middle line is X = 0."""

    road: float  # half width of the road
    walk: float  # width of each sidewalk
    dash: float  # phase of the centre line
    crossing: float | None  # Z at which a zebra crossing begins
    lamps: float  # Z of the first street lamp
    lamp_gap: float  # distance between lamps
    texture: int  # asset index of the ground texture
    sun_edge: float  # beyond this |X| towards the sun, the ground lies in the houses' shadow

    @property
    def facade(self) -> float:
        """|X| of the planes in which facades and fences stand."""
        return self.road + self.walk


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along Z and nods a little: `horizon` and `centre` move between frames."""

    focal: float  # in image widths
    height: float  # m above the road
    x: float  # m
    horizon: tuple[float, float]  # in image heights, at t and t+1
    centre: tuple[float, float]  # in image widths, at t and t+1
    advance: float  # m from t to t+1


@dataclass
class Quad:
    """A flat picture in the world: fronto-parallel (`lateral` False, spans X) or along the street (True, spans Z)."""

    asset: int
    label: int
    x: float  # left edge, or the plane's X if lateral
    z: float  # distance of the plane, or of its near edge if lateral
    width: float
    height: float
    y: float = 0.0  # lower edge
    lateral: bool = False
    flip: bool = False
    solid: bool = True  # False: drawn over what is there, owns no pixel (shadows)
    body: int = 0  # 1, 2, ... for the parts of one person, rider or car; 0 for everything else
    velocity: tuple[float, float] = (0.0, 0.0)  # m per frame along X and Z
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tint2: tuple[float, float, float] = (1.0, 1.0, 1.0)
    hot: float = 0.0  # deg C towards which `heat` pulls
    glow: float = 0.0  # how far its lamps are on
    sunlit: float = 0.0  # share of direct sun
    order: float = 0.0  # drawn from large to small
    crop: float = 1.0  # share of the picture that is shown, from its top
    blind: float = 0.0  # up to this height (m) nobody sees through it: what is behind need not be drawn


@dataclass
class Body:
    """A person, rider or car: what language may say about it."""

    number: int
    label: int
    colour: str


@dataclass
class World:
    """Everything about one scene except its size in pixels."""

    street: Street
    camera: Camera
    quads: list[Quad] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
