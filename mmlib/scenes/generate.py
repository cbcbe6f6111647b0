"""Scenes from seeds: the one entrance to MiniStreet."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from mmlib.scenes import compose, heat, language, light, sensor
from mmlib.scenes.actors import populate
from mmlib.scenes.atlas import atlas
from mmlib.scenes.geometry import motion, views
from mmlib.scenes.ground import pixel_grid
from mmlib.scenes.knobs import Conditions, Knobs, resolve
from mmlib.scenes.layout import build
from mmlib.scenes.splits import draws, split_of, split_seeds
from mmlib.scenes.vocabulary import VERSION
from mmlib.scenes.world import FAR, World

FIELDS = (
    "rgb",
    "rgb_next",
    "ir",
    "ir_next",
    "labels",
    "instances",
    "boxes",
    "box_labels",
    "depth",
    "flow",
    "occlusion",
    "colours",
    "expressions",
)
"""All fields of a sample, in order."""

SMALLEST_BOX = 6
"""A person, rider or car with fewer visible pixels than this has no instance (its labels stay)."""

_LISTS = ("boxes", "box_labels", "colours", "expressions")


def scene(seed: int, *, size: tuple[int, int] = (128, 256), knobs: Knobs | None = None, device: str = "cpu",
          fields: Sequence[str] | None = None) -> dict:  # fmt: skip
    """One street scene, the same for a seed forever (per VERSION); no batch axis.

    Returns a dict with those `fields` (default: all), at size (H, W):
    rgb, rgb_next (3, H, W) and ir, ir_next (1, H, W) float32 in [0, 1], eight-bit steps; labels (H, W) int64, ids
    of CLASSES; instances (H, W) int64, 0 = none, k + 1 for boxes[k]; boxes (N, 4) float32 xyxy in pixels around the
    visible mask (x1, y1 are one past its last pixel); box_labels (N,) int64; depth (1, H, W) metres, inf for the
    sky; flow (2, H, W) pixels (u right, v down) from t to t+1, exact; occlusion (H, W) bool, True where the point
    seen at t is hidden or out of the picture at t+1; colours, the colour word of each box; expressions, a list of
    Expression. H and W are 48 to 2048. Raises TypeError or ValueError for a bad seed, size, knob, device or field.
    """
    split_of(seed)
    size = _checked_size(size)
    fields = _checked_fields(fields)
    return _sample(int(seed), size, resolve(seed, knobs), _checked_device(device), fields)


def scenes(seeds: Sequence[int], *, size: tuple[int, int] = (128, 256), knobs: Knobs | None = None, device: str = "cpu",
           fields: Sequence[str] | None = None) -> dict:  # fmt: skip
    """A batch of scenes: tensors of `scene` stacked; boxes, box_labels and expressions are lists. Each equals
    scene(seed)."""
    samples = [scene(seed, size=size, knobs=knobs, device=device, fields=fields) for seed in seeds]
    if not samples:
        raise ValueError("no seeds: pass at least one, for example split_seeds('train', 8)")
    return {k: [s[k] for s in samples] if k in _LISTS else torch.stack([s[k] for s in samples]) for k in samples[0]}


def fingerprint() -> str:
    """sha256 (hex) of the first two scenes of each split, the same on every machine.

    Hashed are the worlds (every quad, to 0.1 mm), the sentences, and the means of all fields to a hundredth: single
    pixels may differ by a grey level between processors, these do not. A change of drawing too small to move a mean
    is caught by the code's own fingerprint, not by this one.
    """
    digest = hashlib.sha256(VERSION.encode())
    source = atlas()
    for seed in (s for split in ("train", "val", "test") for s in split_seeds(split, 2)):
        c = resolve(seed, None)
        world = build(seed, c, source)
        populate(world, seed, c, source)
        for q in world.quads:
            numbers = (q.x, q.y, q.z, q.width, q.height, *q.velocity, *q.tint, *q.tint2, q.hot, q.glow)
            digest.update(f"{q.asset} {q.label} {q.body} {[round(float(v), 4) for v in numbers]}".encode())
        sample = scene(seed, size=(64, 128))
        for name in ("rgb", "rgb_next", "ir", "ir_next", "labels", "flow", "occlusion"):
            digest.update(f"{name} {float(sample[name].double().mean()):.2f}".encode())
        digest.update("|".join(e.text for e in sample["expressions"]).encode())
    return digest.hexdigest()


def _checked_size(size) -> tuple[int, int]:
    if not (isinstance(size, tuple | list) and len(size) == 2 and all(isinstance(n, int | np.integer) for n in size)):
        raise TypeError(f"size must be two integers (H, W), got {size!r}")
    if not all(48 <= n <= 2048 for n in size):
        raise ValueError(f"size (H, W) must lie in 48 ... 2048 each, got {tuple(size)}")
    return int(size[0]), int(size[1])


def _checked_fields(fields) -> tuple[str, ...]:
    if fields is None:
        return FIELDS
    unknown = [f for f in fields if f not in FIELDS] if not isinstance(fields, str) else [fields]
    if unknown or not fields:
        raise ValueError(f"fields must be a non-empty list out of {FIELDS}, got {fields!r}")
    return tuple(f for f in FIELDS if f in fields)


def _checked_device(device) -> str:
    name = str(torch.device(device))
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} asked for, but torch sees no CUDA device: use device='cpu'")
    return name


def _sample(seed: int, size: tuple[int, int], c: Conditions, device: str, fields: tuple[str, ...]) -> dict:
    """Build, draw, light and describe one scene."""
    source = atlas(device)
    world = build(seed, c, source)
    empty = World(world.street, world.camera, list(world.quads))
    populate(world, seed, c, source)
    both = views(world, size)
    need = set(fields) | ({"ir", "instances", "boxes", "flow"} if "expressions" in fields else set())
    second = bool(need & {"rgb_next", "ir_next", "occlusion"})
    day = light.light(c)
    sky = (day.top, day.horizon, day.halo, 0.3 * c.sun_side)
    frames = list(enumerate(both)) if second else [(0, both[0])]
    looks = bool(need & {"rgb", "rgb_next", "ir", "ir_next"})
    pictures = compose.draw(world, frames, size, c, sky, source, looks)
    behind = [None] * len(frames)
    if c.camouflage > 0 and need & {"rgb", "rgb_next"}:
        # What is behind the things: the street before anybody entered it, so that their shadows are missing too.
        behind = compose.draw(empty, frames, size, c, sky, source)
    out = {}
    _pictures_of(out, need, seed, pictures, behind, both, world, c)
    now = pictures[0]
    out["labels"] = now.label
    out["depth"] = torch.where(now.depth >= 0.5 * FAR, torch.inf, now.depth)[None]
    if need & {"instances", "boxes", "box_labels", "colours"}:
        _things(out, world, now)
    if need & {"flow", "occlusion"}:
        _motion(out, world, pictures, both, size)
    if "expressions" in need:
        out["expressions"] = language.express(seed, out, c)
    return {k: out[k] for k in fields}


def _pictures_of(out, need, seed, pictures, behind, both, world, c) -> None:
    """Render the asked-for rgb and infrared frames; `behind` holds each frame's picture without things, or None."""
    rng = draws(seed, "sensor")
    places = rng.integers(0, 1 << 20, 4).tolist()
    angle, flare, spill = rng.uniform(0, 2 * np.pi), rng.uniform(-0.32, 0.32), rng.uniform(0.7, 1.3)
    shift = c.misregistration * np.cos(angle), c.misregistration * np.sin(angle)
    for k, suffix in enumerate(("", "_next")[: len(pictures)]):
        if "rgb" + suffix in need:
            out["rgb" + suffix] = _visible(pictures[k], behind[k], both[k], world, c, places[k], flare, spill)
        if "ir" + suffix in need:
            out["ir" + suffix] = _infrared(pictures[k], c, places[2 + k], shift)


def _visible(picture, behind, view, world, c, place, flare, spill) -> torch.Tensor:
    """An rgb frame (3, H, W); camouflage mixes in the light of `behind`, the picture without things."""
    rows, columns = pixel_grid(picture.depth.shape, picture.depth.device)
    linear = _lit(picture, view, world.street, c, spill, rows, columns)
    if behind is not None:
        # Light is mixed, not surfaces: each picture is lit at its own depths, so that neither the headlights nor the
        # fog outline what has faded. `lerp` is exact where the two are equal, and at 1.
        linear = torch.lerp(linear, _lit(behind, view, world.street, c, spill, rows, columns), c.camouflage)
    if c.glare > 0:
        if c.time == "night":
            where, colour = (flare - 0.12, -0.035), (1.0, 0.96, 0.86)
        else:
            where, colour = (0.75 * flare, 0.10), ((1.0, 0.93, 0.76) if c.time == "day" else (1.0, 0.66, 0.34))
        light.glare(linear, view, where, 1.5 * c.glare, colour, rows, columns)
    image = sensor.blur(light.develop(linear, c.style), 0.35 * c.noise)
    sigma = c.noise * {"day": 0.008, "dusk": 0.010, "night": 0.016}[c.time] * (1.6 if c.style == "target" else 1.0)
    return sensor.read_out(image, sigma, place)


def _lit(picture, view, street, c, spill, rows, columns) -> torch.Tensor:
    """Linear light (3, H, W) of a picture that reaches the lens: lit, through the air, with light spilt by lamps."""
    linear = light.illuminate(picture.surfaces, picture.depth, view, street, c, rows, columns)
    linear = light.air(linear, picture.depth, view, c, rows)
    if c.time != "day":
        glow = picture.surfaces[3:6] * (picture.depth < 0.5 * FAR)
        light.bloom(linear, glow, spill * (0.25 if c.time == "night" else 0.12) * (1 + 1.5 * c.fog))
    return linear


def _infrared(picture, c, place, shift) -> torch.Tensor:
    """An infrared frame (1, H, W)."""
    image = heat.expose(heat.radiance(picture.surfaces, picture.depth, c), c)[None]
    image = sensor.shift(image, *shift)
    image = sensor.blur(image, min(1.0, 0.8 * c.noise))
    return sensor.read_out(image, 0.018 * c.noise, place)


def _things(out, world, picture) -> None:
    """Instances, boxes and their labels: bodies with enough visible pixels, numbered from near to far as built."""
    numbers = compose.bodies(world, picture.owner)
    count = len(world.bodies) + 1
    flat = numbers.reshape(-1)
    area = torch.bincount(flat, minlength=count)
    area[0] = 0
    kept = torch.nonzero(area >= SMALLEST_BOX)[:, 0]
    renumber = torch.zeros(count, dtype=torch.int64, device=flat.device)
    renumber[kept] = torch.arange(1, kept.numel() + 1, device=flat.device)
    out["instances"] = renumber[numbers]
    h, w = numbers.shape
    pixel = torch.nonzero(flat)[:, 0]
    mine, y = flat[pixel], torch.div(pixel, w, rounding_mode="floor")
    x = pixel - y * w

    def edge(value, how, start):
        return torch.full((count,), start, device=flat.device).scatter_reduce(0, mine, value, how)

    ends = (edge(x, "amin", w), edge(y, "amin", h), edge(x, "amax", -1) + 1, edge(y, "amax", -1) + 1)
    out["boxes"] = torch.stack(ends, 1)[kept].float()
    kept_list = kept.tolist()
    labels = [world.bodies[k - 1].label for k in kept_list]
    out["box_labels"] = torch.tensor(labels, dtype=torch.int64, device=flat.device)
    out["colours"] = [world.bodies[k - 1].colour for k in kept_list]


def _motion(out, world, pictures, both, size) -> None:
    """Flow from the geometry, and occlusion from what is seen at t+1 where the flow points."""
    h, w = size
    now = pictures[0]
    rows, columns = pixel_grid(size, now.depth.device)
    vx, vz = compose.velocities(world, now.owner)
    vz = torch.where(now.depth >= 0.5 * FAR, 0.0, vz - both[1].z)
    out["flow"] = motion(now.depth, columns, rows, vx, vz, *both)
    if len(pictures) < 2:
        return
    x, y = columns + out["flow"][0], rows + out["flow"][1]
    outside = (x < 0) | (x > w - 1) | (y < 0) | (y > h - 1)
    place = (torch.round(y).clamp(0, h - 1) * w + torch.round(x).clamp(0, w - 1)).long()
    then = pictures[1]
    owner = then.owner.view(-1)[place]
    mine = compose.bodies(world, now.owner)
    same = (owner == now.owner) | ((mine > 0) & (compose.bodies(world, owner) == mine))
    nearer = then.depth.view(-1)[place] < now.depth + vz
    out["occlusion"] = outside | (~same & nearer)


__all__ = ["FIELDS", "fingerprint", "scene", "scenes"]
