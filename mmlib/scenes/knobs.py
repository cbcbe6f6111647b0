"""Knobs: what a caller may fix about a scene, and the conditions that the seed draws for the rest."""

from dataclasses import dataclass, fields

import numpy as np

from mmlib.scenes.splits import draws

TIMES = ("day", "dusk", "night")
STYLES = ("source", "target")
_RANGES = {
    "fog": (0.0, 1.0),
    "glare": (0.0, 1.0),
    "misregistration": (0.0, 32.0),
    "noise": (0.0, 10.0),
    "crowding": (0.0, 1.0),
    "ambiguity": (0.0, 1.0),
    "speed": (0.0, 3.0),
    "camouflage": (0.0, 1.0),
}


@dataclass(frozen=True)
class Knobs:
    """What to fix about a scene; `None` leaves the choice to the seed.

    time: "day", "dusk" or "night".  fog: 0 (clear) to 1 (30 m of sight).  glare: 0 to 1, a low sun or full beams into
    the lens.  misregistration: shift of the infrared image against rgb, in pixels (0 to 32), in a direction drawn from
    the seed.  noise: factor on both sensors' noise and blur (0 to 10, 0 = a perfect sensor).  crowding: 0 (empty
    street) to 1 (rush hour).  ambiguity: probability (0 to 1) that an expression fits more than it means.  style:
    "source" or "target", two renderings of the same world for adaptation.  speed: factor on all motion (0 to 3).
    camouflage: 0 (none) to 1, how far persons, riders and cars fade, in rgb alone, into what is behind them, with
    their lamps and shadows; at 1 rgb is the empty street, and only infrared and motion show them. Labels, boxes,
    depth, flow and expressions stay those of the scene with 0.  Raises ValueError for a value out of range.
    """

    time: str | None = None
    fog: float | None = None
    glare: float | None = None
    misregistration: float | None = 0.0
    noise: float | None = 1.0
    crowding: float | None = None
    ambiguity: float | None = 0.0
    style: str | None = "source"
    speed: float | None = 1.0
    camouflage: float | None = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (("time", TIMES), ("style", STYLES)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(f"knob {name} must be one of {allowed} or None, got {value!r}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ValueError(f"knob {name} must be a number in [{low}, {high}] or None, got {value!r}")


@dataclass(frozen=True)
class Conditions:
    """Knobs with every choice made, and the weather that goes with them."""

    time: str
    fog: float
    glare: float
    misregistration: float
    noise: float
    crowding: float
    ambiguity: float
    style: str
    speed: float
    camouflage: float
    air: float  # air temperature, deg C
    sun_heat: float  # how much warmer a dark sunlit wall is than the air, K
    sun_side: int  # -1: the sun stands on the left, +1: on the right
    cloud: float  # 0 clear to 1 overcast


def resolve(seed: int, knobs: Knobs | None) -> Conditions:
    """The conditions of a scene: the knobs where they are set, draws of the seed elsewhere.

    Every draw is made whether or not it is used, so that fixing one knob changes nothing else.
    """
    knobs = Knobs() if knobs is None else knobs
    if not isinstance(knobs, Knobs):
        raise TypeError(f"knobs must be a Knobs, got {type(knobs).__name__}: Knobs(time='night')")
    rng = draws(seed, "light")
    drawn = {
        "time": str(rng.choice(TIMES, p=(0.45, 0.15, 0.40))),
        "fog": float(max(0.0, rng.uniform(-2.5, 0.7))),
        "glare": float(max(0.0, rng.uniform(-3.0, 0.9))),
        "misregistration": float(rng.uniform(0, 4)),
        "noise": float(rng.uniform(0.5, 1.5)),
        "crowding": float(rng.beta(2, 3)),
        "ambiguity": float(rng.uniform(0, 1)),
        "style": str(rng.choice(STYLES)),
        "speed": float(rng.uniform(0.5, 1.5)),
    }
    warmth, side, cloud = rng.uniform(0, 1), int(rng.integers(0, 2)) * 2 - 1, float(rng.uniform(0, 1))
    drawn["camouflage"] = float(rng.uniform(0, 1))  # the last draw: this knob came later and must move no other
    fixed = {f.name: getattr(knobs, f.name) for f in fields(knobs) if getattr(knobs, f.name) is not None}
    chosen = {**drawn, **fixed}
    return Conditions(**chosen, **_weather(chosen["time"], warmth, cloud), sun_side=side, cloud=cloud)


def _weather(time: str, warmth: float, cloud: float) -> dict[str, float]:
    """Air temperature (deg C) and the sun's heat (K) for a time of day and a season (`warmth` 0 to 1)."""
    air = {"day": 1 + 28 * warmth**1.7, "dusk": 1 + 23 * warmth**2, "night": 19 * warmth**1.6}[time]
    sun = {"day": 8.0, "dusk": 4.0, "night": 1.0}[time] * (1 - 0.7 * cloud)
    return {"air": float(air), "sun_heat": float(np.float64(sun))}
