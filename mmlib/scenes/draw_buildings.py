"""House fronts, their blind sides, and the skyline."""

import numpy as np

from mmlib.scenes.canvas import Canvas, paint, shade, smooth_noise

SCALE = 30
WALLS = {
    "train": (
        "#d9b48f",
        "#c98f6b",
        "#e3d3b4",
        "#b7c0c2",
        "#a9604d",
        "#d7c2c0",
        "#8f9aa8",
        "#cfae6a",
        "#b5835f",
        "#e8dccb",
    ),
    "test": ("#c7d0b8", "#9c7f8f", "#e0b7a0", "#7f8f96", "#d8c9a0", "#b06a5a"),
}
FRAMES = ("#f2eee4", "#e6e0d2", "#4a4440", "#5c6b62")
DOORS = ("#6b3f2e", "#2f5a4a", "#34506e", "#7a2f34", "#3a3a40")
AWNINGS = ("#c0473f", "#2f7f6f", "#e0a23c", "#3d5f94", "#8a4f7d")
GLASS = "#5b7484"
WARM = ((1.0, 0.78, 0.42), (1.0, 0.86, 0.58), (0.95, 0.70, 0.38), (0.75, 0.88, 1.0))


def pane(rng: np.random.Generator, lit: float) -> np.ndarray:
    """A window pane: by day it mirrors the cold sky in the infrared; with probability `lit` somebody is at home."""
    glow = WARM[rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))] if rng.uniform() < lit else (0, 0, 0)
    strength = rng.uniform(0.45, 1.0)
    tone = rng.uniform(0.8, 1.2)
    colour = tuple(min(1.0, v * tone) for v in (0.33, 0.43, 0.50))
    return paint(colour, glow=tuple(strength * g for g in glow), heat=0.30, sun=0.35, mirror=0.17)


def _window(c, rng, x, y, w, h, frame, style, lit):
    """One window with frame, sill and its style's extras; (x, y) is its lower left corner."""
    c.rect(x - 0.07, y - 0.07, x + w + 0.07, y + h + 0.07, frame)
    glass = pane(rng, lit)
    c.rect(x, y, x + w, y + h, glass, light=(0.05, 0.22))
    if rng.uniform() < 0.5:  # a curtain
        cloth = shade(glass, 1.0)
        cloth[:3] = (0.86, 0.82, 0.76)
        cloth[4:7] *= 0.55
        side = rng.uniform() < 0.5
        c.rect(x if side else x + w * 0.62, y, x + w * 0.38 if side else x + w, y + h, cloth, alpha=0.8)
    if "cross" in style:
        c.rect(x + w / 2 - 0.03, y, x + w / 2 + 0.03, y + h, frame)
        c.rect(x, y + h * 0.62 - 0.03, x + w, y + h * 0.62 + 0.03, frame)
    if "arch" in style:
        c.ellipse(x + w / 2, y + h, w / 2 + 0.07, 0.22, frame)
        c.ellipse(x + w / 2, y + h, w / 2, 0.16, glass)
    if "shutter" in style:
        wood = paint(style.split("|")[1], sun=0.6)
        for x0 in (x - 0.07 - w * 0.42, x + w + 0.07):
            c.rect(x0, y - 0.03, x0 + w * 0.42, y + h + 0.03, wood, light=(0.1, 0))
            for k in range(5):
                c.rect(
                    x0 + 0.05,
                    y + h * (0.1 + 0.17 * k),
                    x0 + w * 0.42 - 0.05,
                    y + h * (0.1 + 0.17 * k) + 0.03,
                    shade(wood, 0.75),
                )
    c.rect(x - 0.13, y - 0.16, x + w + 0.13, y - 0.05, shade(frame, 0.92))
    c.rect(x - 0.1, y - 0.24, x + w + 0.1, y - 0.16, paint("#000000"), alpha=0.16)


def _balcony(c, x, y, w, iron):
    """A railing in front of a window."""
    c.rect(x - 0.3, y - 0.32, x + w + 0.3, y - 0.18, shade(iron, 1.6))
    for k in np.arange(x - 0.28, x + w + 0.29, 0.16):
        c.rect(k - 0.02, y - 0.2, k + 0.02, y + 0.62, iron)
    c.rect(x - 0.3, y + 0.58, x + w + 0.3, y + 0.66, iron)


def _shop(c, rng, width, height, lit):
    """A shop front: glazing, door, name board and striped awning."""
    dark = paint("#38342f", sun=0.6)
    c.rect(0.3, 0, width - 0.3, height - 0.35, dark)
    strength = rng.uniform(0.6, 0.85)
    glow = tuple(v * strength for v in WARM[rng.integers(4)]) if rng.uniform() < lit else (0, 0, 0)
    glass = paint("#6f8791", glow=glow, heat=0.35, sun=0.3, mirror=0.16)
    door = rng.uniform(0.45, 0.6) * width
    c.rect(0.55, 0.55, door - 0.7, height - 0.95, glass, light=(0.06, 0.2))
    c.rect(door + 0.7, 0.55, width - 0.55, height - 0.95, glass, light=(0.06, 0.2))
    for _ in range(5):  # goods in the window
        x, h = rng.uniform(0.8, width - 1.2), rng.uniform(0.25, 0.8)
        goods = paint(rng.uniform(0.3, 0.95, 3), glow=tuple(0.35 * g for g in glow), heat=0.3)
        if not door - 0.9 < x < door + 0.9:
            c.rect(x, 0.55, x + 0.3, 0.55 + h, goods, radius=0.08, alpha=0.8)
    c.rect(door - 0.5, 0.05, door + 0.5, height - 0.95, paint(DOORS[rng.integers(5)]))
    c.rect(door - 0.36, 0.6, door + 0.36, height - 1.1, glass)
    board = paint(AWNINGS[rng.integers(5)], glow=tuple(0.25 * g for g in glow))
    c.rect(0.3, height - 0.6, width - 0.3, height, shade(board, 0.8))
    for k in np.arange(0.9, width - 1.4, 0.34):  # letters without an alphabet
        if rng.uniform() < 0.8:
            c.rect(
                k,
                height - 0.42,
                k + rng.uniform(0.12, 0.24),
                height - 0.2,
                paint("#f6efdc", glow=tuple(0.6 * g for g in glow)),
            )
    if rng.uniform() < 0.6:
        for i, k in enumerate(np.arange(0.3, width - 0.3, 0.42)):
            stripe = board if i % 2 else paint("#f3ece0")
            right = min(k + 0.42, width - 0.3)
            scallop = [(right, height - 1.12), (k + 0.2, height - 1.2), (k, height - 1.12)]
            c.polygon([(k, height - 0.6), (right, height - 0.6), *scallop], stripe, light=(0, 0.1))


def _roof(c, rng, kind, width, top, wall):
    """What the building ends with: cornice, gable, mansard or parapet. Returns nothing; draws above `top`."""
    tile = paint(("#8a4b3c", "#5a5560", "#6e4a3a", "#4f5a66")[rng.integers(4)], sun=0.9)
    trim = shade(wall, 1.16)
    if kind == "gable":
        c.polygon([(0.0, top), (width / 2, top + 2.6), (width, top)], wall)
        c.limb((-0.1, top - 0.05), (width / 2, top + 2.65), 0.14, 0.14, tile)
        c.limb((width + 0.1, top - 0.05), (width / 2, top + 2.65), 0.14, 0.14, tile)
        _window(c, rng, width / 2 - 0.45, top + 0.6, 0.9, 0.9, paint("#f2eee4"), "cross", 0.3)
    elif kind == "mansard":
        c.polygon([(0.0, top), (0.35, top + 2.0), (width - 0.35, top + 2.0), (width, top)], tile, light=(0, 0.1))
        for x in np.arange(1.2, width - 1.6, 2.4):
            c.rect(x - 0.15, top + 0.2, x + 1.15, top + 1.65, shade(wall, 1.1))
            c.rect(x, top + 0.3, x + 1.0, top + 1.4, pane(rng, 0.4))
        c.rect(0, top - 0.1, width, top + 0.12, trim)
    elif kind == "step":
        for k in range(4):
            c.rect(width * 0.125 * k, top, width * (1 - 0.125 * k), top + 0.6 * (k + 1), wall)
            c.rect(width * 0.125 * k, top + 0.6 * (k + 1) - 0.12, width * (1 - 0.125 * k), top + 0.6 * (k + 1), trim)
        c.rect(width / 2 - 0.4, top + 0.5, width / 2 + 0.4, top + 1.5, pane(rng, 0.3))
    else:
        c.rect(0, top - 0.12, width, top + 0.5, trim, light=(0, 0.08))
        c.rect(0, top - 0.22, width, top - 0.12, paint("#000000"), alpha=0.2)
        if kind == "flat":
            for x in (width * 0.2, width * 0.7):
                c.rect(x, top + 0.5, x + 0.9, top + 1.3, shade(wall, 0.75), light=(0.1, 0))


def facade(rng: np.random.Generator, family: str) -> Canvas:
    """A house front 7 to 12 m wide with two to five floors, doors or a shop, windows of one style, and a roof line."""
    width, floors = rng.uniform(7, 12), int(rng.integers(1, 4 if family == "train" else 5))
    ground, floor = rng.uniform(3.4, 3.9), rng.uniform(2.8, 3.2)
    top = ground + floors * floor
    c = Canvas(width, top + 2.9, SCALE)
    palette = WALLS[family]
    wall = paint(palette[rng.integers(len(palette))], sun=rng.uniform(0.55, 1.0), mirror=0.06, heat=0.06)
    c.rect(0, 0, width, top, wall, light=(0, 0.05))
    texture = rng.choice(("plaster", "brick", "panel") if family == "train" else ("plaster", "bands"))
    _wall_texture(c, texture, width, top, wall)
    frame = paint(FRAMES[rng.integers(len(FRAMES))], sun=0.5)
    style = ("plain", "cross", "arch cross", f"cross shutter|{DOORS[rng.integers(5)]}")[rng.integers(4)]
    columns = max(2, int(width // rng.uniform(2.2, 3.2)))
    pitch, w, h = width / columns, rng.uniform(0.85, 1.25), rng.uniform(1.3, 1.75)
    lit, iron = rng.uniform(0.2, 0.6), paint("#2e2c30", sun=0.8)
    balconies = rng.uniform() < 0.35
    for row in range(floors):
        y = ground + row * floor + 0.75
        c.rect(0, ground + row * floor - 0.06, width, ground + row * floor + 0.08, shade(wall, 1.12))
        for k in range(columns):
            x = pitch * (k + 0.5) - w / 2
            _window(c, rng, x, y, w, h, frame, style, lit)
            if balconies and (k + row) % 2 == 0:
                _balcony(c, x, y, w, iron)
    if rng.uniform() < 0.5:
        _shop(c, rng, width, ground, 0.75)
    else:
        _ground_floor(c, rng, width, ground, pitch, columns, w, frame, wall, lit)
    roofs = ("gable", "mansard", "cornice") if family == "train" else ("step", "flat")
    _roof(c, rng, roofs[rng.integers(len(roofs))], width, top, wall)
    c.rect(0, 0, 0.12, top, paint("#000000"), alpha=0.22)  # the joint to the neighbour
    c.grain(smooth_noise(rng, c.shape, 40) + 0.5 * smooth_noise(rng, c.shape, 3), 0.035)
    return c


def _ground_floor(c, rng, width, ground, pitch, columns, w, frame, wall, lit):
    """A plinth, a house door with steps and fanlight, windows beside it."""
    c.rect(0, 0, width, 0.7, shade(wall, 0.72))
    door = int(rng.integers(columns))
    for k in range(columns):
        x = pitch * (k + 0.5)
        if k == door:
            c.rect(x - 0.75, 0, x + 0.75, 2.75, shade(frame, 0.95))
            c.rect(x - 0.58, 0.12, x + 0.58, 2.2, paint(DOORS[rng.integers(5)], heat=0.12), light=(0.05, 0.1))
            c.rect(x - 0.58, 2.25, x + 0.58, 2.6, paint("#8fa3a8", glow=(0.9, 0.72, 0.4), heat=0.3))
            c.rect(x - 0.8, 0, x + 0.8, 0.12, shade(wall, 1.1))
            c.ellipse(x + 0.42, 1.1, 0.05, 0.05, paint("#d8b860"))
        else:
            _window(c, rng, x - w / 2, 1.15, w, 1.45, frame, "cross", lit)


def _wall_texture(c, texture, width, top, wall):
    """Bricks, panels or bands, drawn as thin lines."""
    line = shade(wall, 0.86)
    if texture == "brick":
        for i, y in enumerate(np.arange(0, top, 0.3)):
            c.rect(0, y, width, y + 0.035, line, alpha=0.8)
            for x in np.arange(0.3 * (i % 2), width, 0.6):
                c.rect(x, y, x + 0.035, y + 0.3, line, alpha=0.8)
    elif texture == "panel":
        for y in np.arange(0, top, 1.5):
            c.rect(0, y, width, y + 0.05, line)
        for x in np.arange(0, width, 1.5):
            c.rect(x, 0, x + 0.05, top, line)
    elif texture == "bands":
        for y in np.arange(0, top, 0.9):
            c.rect(0, y, width, y + 0.45, shade(wall, 1.1))


def gable_end(rng: np.random.Generator, family: str) -> Canvas:
    """The blind side of a house, seen where it overtops its neighbour: plaster, a brick strip, small windows, a
    chimney."""
    c = Canvas(9.0, 16.0, 22)
    plaster = paint((0.92, 0.92, 0.92), sun=0.6, tint=1.0)
    top = 14.6
    c.rect(0, 0, 9, top, plaster, light=(0.05, 0.06))
    brick = paint("#9a6250", sun=0.8)
    edge = rng.uniform(1.5, 3.0)
    for i, y in enumerate(np.arange(0, top, 0.34)):
        for x in np.arange(-0.35 * (i % 2), edge, 0.7):
            tone = shade(brick, rng.uniform(0.85, 1.15))
            c.rect(max(x, 0) + 0.02, y + 0.02, min(x + 0.68, edge), y + 0.32, tone, alpha=0.55)
    for x in (4.0, 6.6):
        for y in np.arange(1.5, top - 2, 3.0):
            if rng.uniform() < 0.45:
                c.rect(x - 0.08, y - 0.08, x + 0.88, y + 1.18, shade(plaster, 0.8))
                c.rect(x, y, x + 0.8, y + 1.1, pane(rng, 0.4), light=(0.05, 0.2))
    c.rect(0, top - 0.25, 9, top + 0.1, paint("#6e4a44", sun=0.9))
    for x in (1.8, 5.2):
        c.rect(x, top, x + 0.8, top + 1.1, brick, light=(0.1, 0))
        c.rect(x - 0.08, top + 0.95, x + 0.88, top + 1.15, shade(brick, 0.7))
    c.grain(smooth_noise(rng, c.shape, 60) + 0.6 * smooth_noise(rng, c.shape, 8), 0.06)
    return c


def skyline(rng: np.random.Generator, family: str) -> Canvas:
    """The far end of the street: roofs and towers, 60 m wide."""
    c = Canvas(60.0, 18.0, 14)
    palette = WALLS[family]
    for x in np.arange(-2, 60, 5.5):
        w, h = rng.uniform(5, 8), rng.uniform(6, 14)
        block = shade(paint(palette[rng.integers(len(palette))]), 0.8)
        c.rect(x, 0, x + w, h, block)
        if rng.uniform() < 0.6:
            c.polygon([(x - 0.2, h), (x + w / 2, h + rng.uniform(1, 3)), (x + w + 0.2, h)], paint("#6e4a44", sun=0.8))
        for wy in np.arange(1.2, h - 1.2, 2.4):
            for wx in np.arange(x + 0.8, x + w - 1.2, 1.8):
                c.rect(wx, wy, wx + 0.8, wy + 1.2, pane(rng, 0.35))
    return c
