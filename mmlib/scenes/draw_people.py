"""Pedestrians and riders: drawn once each as materials; their clothes take colours when they are placed."""

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade

SCALE = 110  # texels per metre
SKINS = ("#f1c9a5", "#e0ac84", "#c68a5e", "#9a643c", "#6e4529")
HAIRS = ("#2b211c", "#4a3324", "#7a5230", "#c59a55", "#8a8580", "#1d1b22", "#96482a")
TOP = paint((0.93, 0.93, 0.93), heat=0.42, sun=0.5, tint=1.0)
BOTTOM = paint((0.9, 0.9, 0.9), heat=0.38, sun=0.5, tint2=1.0)
SHOE = paint("#2d2a32", heat=0.15)
TYRE = paint("#24242a", sun=0.9, heat=0.05)
METAL = paint("#8f98a3", mirror=0.4)


def skin(rng: np.random.Generator) -> np.ndarray:
    """A skin tone; skin is the warmest thing a pedestrian shows."""
    return paint(SKINS[rng.integers(len(SKINS))], heat=0.88, sun=0.3, mirror=0.02)


def _head(c, rng, x, y, facing, tone, hat):
    """Head of radius 0.12 m at (x, y): facing -1/+1 is a profile, 0 the back, 2 the front."""
    hair = paint(HAIRS[rng.integers(len(HAIRS))], heat=0.5)
    long = rng.uniform() < 0.4
    c.limb((x, y - 0.18), (x, y - 0.08), 0.05, 0.05, shade(tone, 0.86))
    if long:
        back = 0.0 if facing in (0, 2) else -0.05 * facing
        c.rect(x - 0.12 + back, y - 0.24, x + 0.12 + back, y + 0.05, shade(hair, 0.9), radius=0.09)
    c.ellipse(x, y, 0.102, 0.128, tone, light=(0.06, 0.04))
    if facing == 0:
        c.ellipse(x, y - 0.01, 0.114, 0.152, hair, light=(0.08, 0.1))
    elif facing == 2:
        fringe = [(x + 0.1, y + 0.01), (x + 0.05, y + 0.06), (x - 0.04, y + 0.065)]
        c.polygon([(x - 0.1, y + 0.01), (x - 0.09, y + 0.1), (x + 0.09, y + 0.1), *fringe], hair, radius=0.02)
        for side in (-1, 1):
            c.ellipse(x + 0.04 * side, y - 0.005, 0.012, 0.014, paint("#2a2024", heat=0.85))
        c.limb((x - 0.025, y - 0.066), (x + 0.025, y - 0.066), 0.008, 0.008, paint("#a5524a", heat=0.88))
    else:
        c.polygon([(x - 0.11 * facing, y - 0.05), (x - 0.1 * facing, y + 0.09), (x + 0.07 * facing, y + 0.1),
                   (x + 0.03 * facing, y + 0.04), (x - 0.03 * facing, y - 0.02)], hair, radius=0.02)  # fmt: skip
        c.ellipse(x + 0.105 * facing, y - 0.015, 0.022, 0.02, tone)
        c.ellipse(x + 0.06 * facing, y + 0.01, 0.011, 0.014, paint("#2a2024", heat=0.85))
    if hat:
        felt = paint(HAIRS[rng.integers(len(HAIRS))], heat=0.25)
        c.polygon(
            [(x - 0.11, y + 0.06), (x - 0.09, y + 0.16), (x + 0.09, y + 0.16), (x + 0.11, y + 0.06)], felt, radius=0.02
        )
        brim = 0.0 if facing in (0, 2) else 0.08 * facing
        c.limb(
            (x - 0.12 + min(brim, 0), y + 0.06), (x + 0.12 + max(brim, 0), y + 0.06), 0.018, 0.018, shade(felt, 0.75)
        )


def person(rng: np.random.Generator, view: str, family: str) -> Canvas:
    """A pedestrian 1.5 to 1.9 m tall, feet on the lower edge. `view`: "side" (walks right), "front" or "back"."""
    c = Canvas(1.3, 2.05, SCALE)
    tall, tone = rng.uniform(0.86, 1.06), skin(rng)
    coat, skirt = rng.uniform() < (0.3 if family == "train" else 0.6), rng.uniform() < 0.3
    hat, bag = rng.uniform() < (0.12 if family == "train" else 0.4), rng.uniform() < 0.35
    hip, shoulder, head = 0.88 * tall, 1.40 * tall, 1.40 * tall + 0.23
    if view == "side":
        _walk_side(c, rng, hip, shoulder, head, tone, coat, skirt, hat, bag)
    else:
        _walk_depth(c, rng, view, hip, shoulder, head, tone, coat, skirt, hat, bag)
    return c


def _leg(c, hip, knee, foot, toe, bare, tone, dark):
    """A leg in trousers, or bare under a skirt, and its shoe."""
    cloth = shade(tone if bare else BOTTOM, dark)
    c.limb(hip, knee, 0.088, 0.066, cloth)
    c.limb(knee, foot, 0.066, 0.045, cloth)
    sole = max(foot[1] - 0.05, 0.0)
    c.limb((foot[0], sole + 0.045), (foot[0] + toe, sole + 0.035), 0.045, 0.035, shade(SHOE, dark))


def _arm(c, shoulder, elbow, hand, tone, dark):
    """A sleeved arm and its hand."""
    c.limb(shoulder, elbow, 0.062, 0.05, shade(TOP, dark))
    c.limb(elbow, hand, 0.05, 0.04, shade(TOP, dark))
    c.ellipse(hand[0], hand[1] - 0.02, 0.04, 0.05, tone)


def _walk_side(c, rng, hip, shoulder, head, tone, coat, skirt, hat, bag):
    """A walker in profile, one foot forward."""
    x, step, swing = 0.65, rng.uniform(0.14, 0.34), rng.uniform(0.12, 0.3)
    _arm(c, (x - 0.01, shoulder - 0.06), (x + swing * 0.7, shoulder - 0.32), (x + swing * 1.4, hip + 0.03), tone, 0.72)
    _leg(c, (x, hip), (x - 0.02, hip * 0.54), (x - step, 0.08), 0.11, skirt, tone, 0.74)
    if bag:
        pack = paint("#55606e", heat=0.08)
        c.rect(x - 0.3, shoulder - 0.46, x - 0.08, shoulder - 0.02, pack, radius=0.07, light=(0, 0.2))
    _leg(c, (x, hip), (x + step * 0.62, hip * 0.53), (x + step, 0.06), 0.13, skirt, tone, 0.95)
    low = hip - (0.3 if coat else 0.02)
    if skirt:
        flare = [(x - 0.13, hip + 0.1), (x + 0.13, hip + 0.1), (x + 0.21, hip - 0.36), (x - 0.2, hip - 0.36)]
        c.polygon(flare, BOTTOM, radius=0.02, light=(0.1, 0.1))
    body = [(x - 0.1, shoulder), (x + 0.09, shoulder), (x + 0.14, shoulder - 0.25), (x + 0.13, low), (x - 0.13, low)]
    c.polygon(body, TOP, radius=0.045, light=(0.12, 0.08))
    _head(c, rng, x + 0.03, head, 1, tone, hat)
    _arm(c, (x - 0.01, shoulder - 0.06), (x - swing * 0.8, shoulder - 0.32), (x - swing * 1.0, hip + 0.0), tone, 0.86)


def _walk_depth(c, rng, view, hip, shoulder, head, tone, coat, skirt, hat, bag):
    """A walker seen from the front or the back."""
    x, lift, sway = 0.65, rng.uniform(0.03, 0.14), rng.uniform(-0.02, 0.05)
    side = 1 if rng.uniform() < 0.5 else -1
    _leg(
        c,
        (x - 0.09 * side, hip),
        (x - 0.1 * side, hip * 0.55),
        (x - 0.1 * side, 0.06 + lift),
        -0.02 * side,
        skirt,
        tone,
        0.76,
    )
    _leg(
        c, (x + 0.09 * side, hip), (x + 0.11 * side, hip * 0.52), (x + 0.1 * side, 0.06), 0.02 * side, skirt, tone, 0.95
    )
    for s in (-1, 1):
        reach = 0.09 + sway * s
        _arm(c, (x + 0.2 * s, shoulder - 0.07), (x + (0.25 + reach * 0.3) * s, shoulder - 0.34),
             (x + (0.22 + reach * 0.5) * s, hip + 0.02 + 0.05 * s * side), tone, 0.82)  # fmt: skip
    low = hip - (0.3 if coat else 0.02)
    if skirt:
        flare = [(x - 0.16, hip + 0.1), (x + 0.16, hip + 0.1), (x + 0.25, hip - 0.36), (x - 0.25, hip - 0.36)]
        c.polygon(flare, BOTTOM, radius=0.02, light=(0.1, 0.1))
    hem = [(x + 0.18, low), (x - 0.18, low)]
    body = [
        (x - 0.19, shoulder - 0.02),
        (x + 0.19, shoulder - 0.02),
        (x + 0.16, hip + 0.12),
        *hem,
        (x - 0.16, hip + 0.12),
    ]
    c.polygon(body, TOP, radius=0.045, light=(0.1, 0.08))
    if view == "front":
        c.polygon([(x - 0.06, shoulder + 0.03), (x + 0.06, shoulder + 0.03), (x, shoulder - 0.1)], shade(tone, 0.9))
        if coat:
            c.limb((x, shoulder - 0.1), (x, low), 0.008, 0.008, shade(TOP, 0.65))
    if bag and view == "back":
        pack = paint("#4d5a78" if rng.uniform() < 0.5 else "#8a4b3c", heat=0.08)
        c.rect(x - 0.16, shoulder - 0.5, x + 0.16, shoulder - 0.02, pack, radius=0.07, light=(0.1, 0.15))
    _head(c, rng, x, head, 2 if view == "front" else 0, tone, hat)


def rider(rng: np.random.Generator, view: str, family: str) -> Canvas:
    """A cyclist on a bicycle, wheels on the lower edge. `view`: "side" (rides right), "front" or "back"."""
    c = Canvas(2.0, 1.95, SCALE)
    tone, helmet = skin(rng), rng.uniform() < (0.4 if family == "train" else 0.9)
    if view == "side":
        _ride_side(c, rng, tone, helmet)
    else:
        _ride_depth(c, rng, view, tone, helmet)
    return c


def _helmet(c, x, y, facing):
    c.ellipse(x - 0.01 * facing, y + 0.06, 0.135, 0.085, paint("#d8dde3", heat=0.1, mirror=0.1), light=(0.1, 0.2))
    c.limb((x - 0.1, y + 0.04), (x + 0.12, y + 0.04), 0.012, 0.012, paint("#4a5058"))


def _ride_side(c, rng, tone, helmet):
    """Bicycle and rider in profile."""
    rear, front, r = (0.48, 0.35), (1.52, 0.35), 0.33
    frame = paint(("#b33a3a", "#2f6f9f", "#3d7d4f", "#2f3138", "#d0a030")[rng.integers(5)], mirror=0.25)
    crank, seat, bar = (0.93, 0.32), (0.82, 0.98), (1.36, 1.06)
    lean = rng.uniform(0.0, 0.14)
    shoulder, turn = (1.08 + lean, 1.5 - lean * 0.6), rng.uniform(0, 2 * np.pi)
    pedals = [(crank[0] + 0.17 * s * np.cos(turn), crank[1] + 0.17 * s * np.sin(turn)) for s in (1, -1)]
    hip = (seat[0] + 0.02, seat[1] + 0.08)

    def leg(pedal, dark):
        mid = ((hip[0] + pedal[0]) / 2 + 0.2, (hip[1] + pedal[1]) / 2 + 0.1)
        c.limb(hip, mid, 0.095, 0.07, shade(BOTTOM, dark))
        c.limb(mid, (pedal[0] - 0.02, pedal[1] + 0.05), 0.07, 0.045, shade(BOTTOM, dark))
        c.limb((pedal[0] - 0.06, pedal[1] + 0.03), (pedal[0] + 0.12, pedal[1] + 0.02), 0.04, 0.035, SHOE)

    leg(pedals[1], 0.72)
    for wheel in (rear, front):
        for k in range(8):
            a = np.pi * k / 8 + turn
            d = (r * np.cos(a), r * np.sin(a))
            c.limb(
                (wheel[0] - d[0], wheel[1] - d[1]), (wheel[0] + d[0], wheel[1] + d[1]), 0.004, 0.004, METAL, alpha=0.6
            )
        c.ring(*wheel, r, 0.045, TYRE)
        c.ring(*wheel, r - 0.035, 0.015, METAL)
        c.ellipse(*wheel, 0.04, 0.04, METAL)
    fork = (bar[0] + 0.02, bar[1] - 0.3)
    for p, q in ((rear, crank), (rear, (seat[0] + 0.02, 0.8)), (crank, (seat[0] - 0.02, seat[1])), (crank, fork),
                 ((seat[0] + 0.02, 0.8), (fork[0], fork[1] + 0.1)), (fork, front), (fork, bar)):  # fmt: skip
        c.limb(p, q, 0.022, 0.022, frame)
    c.ellipse(*crank, 0.09, 0.09, METAL)
    c.limb((seat[0] - 0.12, seat[1] + 0.01), (seat[0] + 0.12, seat[1]), 0.04, 0.025, TYRE)
    c.limb((bar[0] - 0.06, bar[1] + 0.02), (bar[0] + 0.06, bar[1] + 0.02), 0.02, 0.02, TYRE)
    leg(pedals[0], 0.95)
    c.limb((hip[0], hip[1] + 0.02), (shoulder[0] - 0.02, shoulder[1] - 0.08), 0.15, 0.155, TOP, light=(0.1, 0.1))
    _head(c, rng, shoulder[0] + 0.08, shoulder[1] + 0.24, 1, tone, False)
    if helmet:
        _helmet(c, shoulder[0] + 0.08, shoulder[1] + 0.24, 1)
    elbow = ((shoulder[0] + bar[0]) / 2 - 0.02, (shoulder[1] + bar[1]) / 2 - 0.09)
    _arm(c, (shoulder[0] - 0.02, shoulder[1] - 0.06), elbow, (bar[0], bar[1] + 0.05), tone, 0.86)


def _ride_depth(c, rng, view, tone, helmet):
    """Bicycle and rider from the front or the back."""
    x = 1.0
    c.limb((x, 0.05), (x, 0.62), 0.035, 0.035, TYRE)
    c.limb((x - 0.08, 0.62), (x + 0.08, 0.62), 0.02, 0.02, METAL)
    for s, up in ((-1, 0.0), (1, 0.22)):
        knee = (x + 0.17 * s, 0.72 + up * 0.6)
        c.limb((x + 0.1 * s, 1.02), knee, 0.095, 0.075, shade(BOTTOM, 0.9))
        c.limb(knee, (x + 0.13 * s, 0.26 + up), 0.072, 0.05, shade(BOTTOM, 0.8))
        c.rect(x + 0.13 * s - 0.05, 0.16 + up, x + 0.13 * s + 0.05, 0.25 + up, SHOE, radius=0.03)
    if view == "back":
        c.rect(x - 0.12, 0.92, x + 0.12, 1.0, TYRE, radius=0.03)
        c.ellipse(x, 0.78, 0.035, 0.035, paint("#c0282a", glow=(0.9, 0.08, 0.05)))
    body = [(x - 0.2, 1.47), (x + 0.2, 1.47), (x + 0.17, 0.98), (x - 0.17, 0.98)]
    c.polygon(body, TOP, radius=0.05, light=(0.1, 0.1))
    for s in (-1, 1):
        _arm(c, (x + 0.21 * s, 1.42), (x + 0.34 * s, 1.2), (x + 0.27 * s, 1.05), tone, 0.84)
    c.limb((x - 0.32, 1.04), (x + 0.32, 1.04), 0.02, 0.02, METAL if view == "front" else TYRE)
    if view == "front":
        c.ellipse(x, 0.92, 0.05, 0.05, paint("#f5f0dc", glow=(1, 0.95, 0.8)))
    _head(c, rng, x, 1.72, 2 if view == "front" else 0, tone, False)
    if helmet:
        _helmet(c, x, 1.72, 0)
