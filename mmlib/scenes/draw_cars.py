"""Cars: a side, a front and a rear for each model, cut from paper and folded when they are placed."""

from dataclasses import dataclass

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade

SCALE = 80  # texels per metre
BODY = paint((0.96, 0.96, 0.96), sun=0.75, mirror=0.07, heat=0.06, tint=1.0)
HOOD = paint((0.96, 0.96, 0.96), sun=0.75, mirror=0.06, heat=0.28, tint=1.0)
GLASS = paint("#2c3c4a", sun=0.4, mirror=0.10)
TYRE = paint("#222228", sun=0.8, heat=0.30)
RIM = paint("#b9c0c8", mirror=0.16, heat=0.3)
DARK = paint("#2a2c33", sun=0.7, heat=0.3)
LAMP = paint("#f7f4e6", glow=(1.0, 0.96, 0.84), mirror=0.15, heat=0.35)
TAIL = paint("#c3202a", glow=(0.95, 0.07, 0.05), mirror=0.15, heat=0.15)
AMBER = paint("#e59a2a")
EXHAUST = paint("#5c5c60", heat=1.0)


@dataclass(frozen=True)
class Model:
    """The proportions of one car model, in metres; `kind` shapes its roof line."""

    kind: str
    length: float
    width: float
    height: float
    waist: float  # height of the bonnet and of the lower edge of the windows
    back: float  # how far the rear window stands in from the rear end


def model(rng: np.random.Generator, family: str) -> Model:
    """A car model; wagons and vans of the test family have proportions that train never shows."""
    kinds = ("hatch", "sedan", "suv") if family == "train" else ("wagon", "van", "coupe")
    kind = kinds[rng.integers(3)]
    length, height, waist, back = {
        "hatch": (3.9, 1.48, 0.92, 0.18),
        "sedan": (4.5, 1.42, 0.90, 0.85),
        "suv": (4.4, 1.70, 1.05, 0.16),
        "wagon": (4.6, 1.47, 0.90, 0.12),
        "van": (4.5, 1.92, 1.05, 0.06),
        "coupe": (4.2, 1.32, 0.86, 0.95),
    }[kind]
    s = rng.uniform(0.95, 1.06)
    return Model(kind, length * s, rng.uniform(1.7, 1.85), height * s, waist * s, back)


def side(rng: np.random.Generator, m: Model) -> Canvas:
    """The side of a car that drives to the right."""
    c = Canvas(m.length, m.height + 0.1, SCALE)
    L, H, W = m.length, m.height, m.waist
    bonnet = {"van": 0.55, "suv": 1.05}.get(m.kind, 1.15)
    roof0, roof1 = m.back + 0.3, L - bonnet - 0.75
    ground = 0.24
    roof = [(m.back * 0.9, W - 0.02), (roof0, H - 0.03), (roof1, H), (L - bonnet, W)]
    nose = [(L - bonnet, W), (L - 0.14, W * 0.86), (L - 0.02, W * 0.6), (L - 0.04, ground + 0.06)]
    body = [(0.05, ground + 0.1), (0.0, W * 0.75), (0.05, W - 0.04), *nose]
    c.polygon(roof, BODY, radius=0.03, light=(0, 0.06))
    c.polygon(body, BODY, radius=0.03, light=(0, 0.14))
    c.polygon(
        [(L - bonnet, W), (L - 0.14, W * 0.86), (L - 0.08, W * 0.62), (L - bonnet, W * 0.62)], HOOD, light=(0, 0.06)
    )
    c.rect(0.1, ground, L - 0.1, ground + 0.13, DARK, radius=0.05)
    inset = [
        (m.back * 0.9 + 0.16, W + 0.02),
        (roof0 + 0.08, H - 0.1),
        (roof1 - 0.02, H - 0.09),
        (L - bonnet - 0.14, W + 0.02),
    ]
    c.polygon(inset, GLASS, radius=0.02, light=(0.05, 0.3))
    middle = (roof0 + roof1) / 2 + 0.1
    c.polygon([(middle - 0.05, W), (middle - 0.05, H - 0.05), (middle + 0.05, H - 0.05), (middle + 0.05, W)], BODY)
    for x in (middle, L - bonnet - 0.02):
        c.limb((x, ground + 0.15), (x, W - 0.01), 0.008, 0.008, shade(BODY, 0.62))
    c.limb((0.15, W * 0.72), (L - 0.3, W * 0.72), 0.01, 0.01, shade(BODY, 0.78))
    for x in (middle - 0.35, L - bonnet - 0.3):
        c.limb((x, W - 0.1), (x + 0.14, W - 0.1), 0.016, 0.016, shade(BODY, 0.55))
    c.rect(L - 0.3, W * 0.62, L - 0.04, W * 0.78, LAMP, radius=0.05)
    c.rect(0.0, W * 0.68, 0.22, W * 0.9, TAIL, radius=0.03)
    _wheels(c, (0.82, L - 0.82))
    return c


def _wheels(c: Canvas, places):
    for x in places:
        c.ellipse(x, 0.33, 0.4, 0.39, paint("#17171b", heat=0.3))
        c.ellipse(x, 0.31, 0.31, 0.31, TYRE)
        c.ellipse(x, 0.31, 0.19, 0.19, RIM, light=(0.1, 0.15))
        for k in range(5):
            a = 2 * np.pi * k / 5 + 0.3
            c.limb((x, 0.31), (x + 0.15 * np.cos(a), 0.31 + 0.15 * np.sin(a)), 0.022, 0.03, shade(RIM, 0.5), alpha=0.8)
        c.ellipse(x, 0.31, 0.05, 0.05, shade(RIM, 0.9))


def end(rng: np.random.Generator, m: Model, which: str) -> Canvas:
    """The front or the rear of a car, whole; the cabin stands on the body."""
    c = Canvas(m.width + 0.3, m.height + 0.1, SCALE)
    x0, x1, H, W = 0.15, 0.15 + m.width, m.height, m.waist
    mid, ground = (x0 + x1) / 2, 0.26
    front = which == "front"
    for x in (x0 + 0.03, x1 - 0.25):
        c.rect(x, 0.0, x + 0.22, 0.5, TYRE, radius=0.04)
    taper = 0.05 if m.kind == "van" else 0.17
    c.polygon(
        [(x0 + 0.03, W - 0.05), (x0 + taper, H - 0.05), (x1 - taper, H - 0.05), (x1 - 0.03, W - 0.05)],
        BODY,
        radius=0.04,
    )
    glass = [(x0 + 0.14, W + 0.02), (x0 + taper + 0.07, H - 0.12), (x1 - taper - 0.07, H - 0.12), (x1 - 0.14, W + 0.02)]
    c.polygon(glass, GLASS, radius=0.02, light=(0.06, 0.35))
    if front:
        for x in (mid - 0.38, mid + 0.38):  # two seats behind the glass
            c.ellipse(x, W + 0.2, 0.12, 0.16, shade(GLASS, 0.7), only=True)
    c.rect(x0, ground, x1, W, HOOD if front else BODY, radius=0.13, light=(0, 0.16))
    c.rect(x0 + 0.02, ground, x1 - 0.02, ground + 0.2, DARK, radius=0.07)
    for x in (x0 - 0.1, x1 - 0.06):
        c.rect(x, W + 0.0, x + 0.16, W + 0.13, shade(BODY, 0.8), radius=0.04)
    plate = paint("#ece9dc" if front else "#e8d98a")
    if front:
        c.rect(mid - 0.42, W * 0.5, mid + 0.42, W * 0.68, paint("#26282e", heat=0.75), radius=0.05)
        for k in range(3):
            c.limb((mid - 0.36, W * (0.53 + 0.06 * k)), (mid + 0.36, W * (0.53 + 0.06 * k)), 0.008, 0.008, RIM)
        for s in (-1, 1):
            c.ellipse(mid + s * (m.width / 2 - 0.22), W * 0.66, 0.17, 0.1, LAMP)
            c.rect(
                mid + s * (m.width / 2 - 0.17) - 0.1,
                W * 0.4,
                mid + s * (m.width / 2 - 0.17) + 0.1,
                W * 0.46,
                AMBER,
                radius=0.02,
            )
        c.rect(mid - 0.24, ground + 0.06, mid + 0.24, ground + 0.17, plate, radius=0.01)
    else:
        for s in (-1, 1):
            centre = mid + s * (m.width / 2 - 0.16)
            c.rect(centre - 0.14, W * 0.62, centre + 0.14, W * 0.88, TAIL, radius=0.05)
            c.rect(centre - 0.1, W * 0.55, centre + 0.1, W * 0.61, AMBER, radius=0.02)
        c.limb((x0 + 0.3, W * 0.92), (x1 - 0.3, W * 0.92), 0.012, 0.012, shade(BODY, 0.6))
        c.rect(mid - 0.24, W * 0.6, mid + 0.24, W * 0.74, plate, radius=0.01)
        c.ellipse(mid - 0.45, ground + 0.02, 0.06, 0.05, EXHAUST)
    return c
