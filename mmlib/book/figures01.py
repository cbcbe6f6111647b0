"""Chapter 1's figures: the suspects, the table that grows with each sense, and the clip that ends at the scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from mmlib import show
from mmlib.book import real
from mmlib.scenes import CLASSES, Knobs, compose, heat, light, sensor
from mmlib.scenes.actors import populate
from mmlib.scenes.atlas import atlas
from mmlib.scenes.geometry import View, views
from mmlib.scenes.ground import pixel_grid
from mmlib.scenes.knobs import resolve
from mmlib.scenes.layout import build
from mmlib.scenes.splits import draws
from mmlib.show.html import Html

GROUP = "suspect"
PLACES = {
    0.25: "far left",
    0.45: "left of the middle",
    0.55: "in the middle",
    0.8: "right of the middle",
    1.0: "far right",
}
"""Words for a place across the picture, by the share of its width up to which they're said."""


@dataclass(frozen=True)
class Suspect:
    """Somebody in the street: a letter from left to right, where in the picture, and the number in `instances`."""

    letter: str
    place: str
    number: int
    box: tuple[float, float, float, float]  # x0, y0, x1, y1, pixels

    @property
    def name(self) -> str:
        """Letter and place, as the buttons say it."""
        return f"{self.letter}, {self.place}"


def suspects(street: Mapping) -> list[Suspect]:
    """The people and riders of a scene, from left to right.

    Raises:
        ValueError: nobody is there.
    """
    width = street["instances"].shape[-1]
    found = []
    for k, label in enumerate(street["box_labels"].tolist()):
        if CLASSES[label] in ("person", "rider"):
            found.append((street["boxes"][k].tolist(), k + 1))
    if not found:
        raise ValueError("expected somebody in this street, got nobody; next: choose another seed")
    found.sort()
    people = []
    for k, (box, number) in enumerate(found):
        middle = (box[0] + box[2]) / 2 / width
        place = next(words for end, words in PLACES.items() if middle <= end)
        people.append(Suspect(chr(ord("A") + k), place, number, tuple(box)))
    return people


def hunt(street: Mapping, people: Sequence[Suspect]) -> Html:
    """The first picture: the reader points at a suspect."""
    return show.choose(
        street["rgb"],
        torch.tensor([one.box for one in people]),
        [one.name for one in people],
        notes=[f"Noted: {one.name}. The tables below will mark your suspect." for one in people],
        group=GROUP,
        alt="A street at night, seen from a car: a white car ahead, a crossing, a man in an orange jacket on the right",
        caption="The street at night, drawn by MiniStreet. Point at your suspect, or use the buttons.",
        start="You haven't named a suspect yet.",
        miss="Nobody stands here.",
    )


def contrast(image: Tensor, mask: Tensor) -> float:
    """By how many grey levels of 255 a region is brighter than a ring around it. image: (1, H, W). mask: (H, W)."""
    reach = image.shape[-1] // 64
    grown = max_pool2d(mask[None].float(), 2 * reach + 1, 1, reach)[0] > 0
    ring = grown & ~mask
    return 255 * (image[0][mask].mean() - image[0][ring].mean()).item()


def middle(field: Tensor, mask: Tensor) -> float:
    """The median of a field (H, W) over a region (H, W)."""
    return field[mask].median().item()


FORMATS = {
    "light, levels": "+.0f",
    "heat, levels": "+.0f",
    "u, pixels": "+.1f",
    "distance, m": ".0f",
    "own u, pixels": "+.1f",
    "own speed, m/s": "+.1f",
}
"""The rows that the table of suspects may have, and how their numbers are written."""


def accused(values: Sequence[float]) -> int:
    """Whom a sense points at: the number with the largest absolute value."""
    return int(np.argmax(np.abs(values)))


def lineup(people: Sequence[Suspect], evidence: Mapping[str, Sequence[float]], caption: str) -> Html:
    """The table of suspects, one column each, with the evidence found so far; the reader's own suspect is marked."""
    places = []
    for k, one in enumerate(people):
        places.append(Html(escape(one.place) + show.chosen(GROUP, k, "yours"), one.place))
    rows = [["place", *places]]
    for name, values in evidence.items():
        written = [format(round(value, 1) + 0.0, FORMATS[name]).replace("-", "\N{MINUS SIGN}") for value in values]
        rows.append([name, *written])
    return show.table(
        rows,
        columns=["", *(one.letter for one in people)],
        caption=caption,
        footer="MiniStreet, one scene, exact fields. Light and heat: against a ring around; the rest: medians.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# The clip


def camera(number: int, size: tuple[int, int], knobs: Knobs) -> View:
    """The camera of a scene at time t, in pixels."""
    conditions = resolve(number, knobs)
    return views(build(number, conditions, atlas()), size)[0]


def clip(number: int, size: tuple[int, int], knobs: Knobs, times: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """Frames of a scene at whole times, t = 0 being `rgb` and t = 1 `rgb_next`: pairs of rgb and infrared.

    The generator moves its camera and its people evenly between two frames; here the same motion goes on before and
    after. At 0 and 1 the frames are those of `scene`, without glare.
    """
    conditions, source = resolve(number, knobs), atlas()
    world = build(number, conditions, source)
    populate(world, number, conditions, source)
    first, second = views(world, size)
    moving = [(time, _at(first, second, time)) for time in times]
    day = light.light(conditions)
    sky = (day.top, day.horizon, day.halo, 0.3 * conditions.sun_side)
    pictures = compose.draw(world, moving, size, conditions, sky, source)
    # The generator's own random numbers, in its order, so that its two frames come out equal.
    rng = draws(number, "sensor")
    places = rng.integers(0, 1 << 20, 4).tolist()
    rng.uniform(0, 2 * np.pi)
    rng.uniform(-0.32, 0.32)
    spill = rng.uniform(0.7, 1.3)
    frames = []
    for (time, view), picture in zip(moving, pictures):
        place = time if time not in (0, 1) else 0
        seen = _seen(picture, view, world.street, conditions, spill, places[time % 2] + 977 * place)
        warm = _warm(picture, conditions, places[2 + time % 2] + 977 * place)
        frames.append((seen, warm))
    return frames


def _at(first: View, second: View, time: int) -> View:
    """The camera at a time, moving on evenly."""
    return View(
        f=first.f,
        cx=first.cx + time * (second.cx - first.cx),
        cy=first.cy + time * (second.cy - first.cy),
        x=first.x,
        height=first.height,
        z=time * second.z,
    )


def _seen(picture, view, street, conditions, spill, place) -> Tensor:
    """A frame in visible light (3, H, W)."""
    rows, columns = pixel_grid(picture.depth.shape, picture.depth.device)
    linear = light.illuminate(picture.surfaces, picture.depth, view, street, conditions, rows, columns)
    linear = light.air(linear, picture.depth, view, conditions, rows)
    if conditions.time != "day":
        lamps = picture.surfaces[3:6] * (picture.depth < 5e5)  # nothing in the sky is a lamp
        strength = 0.25 if conditions.time == "night" else 0.12
        light.bloom(linear, lamps, spill * strength * (1 + 1.5 * conditions.fog))
    image = sensor.blur(light.develop(linear, conditions.style), 0.35 * conditions.noise)
    sigma = {"day": 0.008, "dusk": 0.010, "night": 0.016}[conditions.time]
    return sensor.read_out(image, conditions.noise * sigma, place)


def _warm(picture, conditions, place) -> Tensor:
    """A frame in infrared (1, H, W)."""
    image = heat.expose(heat.radiance(picture.surfaces, picture.depth, conditions), conditions)[None]
    image = sensor.blur(image, min(1.0, 0.8 * conditions.noise))
    return sensor.read_out(image, 0.018 * conditions.noise, place)


def film(frames: Sequence[tuple[Tensor, Tensor]], times: Sequence[int]) -> Html:
    """The clip as a slider with a play button, light above heat."""
    names = {0: "now", 1: "the next frame"}
    said = [names.get(time, f"{-time} frame{'s' if time < -1 else ''} ago") for time in times]
    return show.frames(
        [[(rgb, "light"), (ir, "heat")] for rgb, ir in frames],
        names=said,
        alt="The street, from a camera that drives on",
        caption=f"{len(frames)} frames, 15 a second. The last but one is the picture that you know.",
        play=True,
        start=list(times).index(0),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Real pairs


def real_pair(number: str, words: str) -> Html:
    """A TNO pair with its average, credited; where none may be shown, the title says so."""
    pair = real.tno(number)
    if pair is None:
        text = "No photograph here: this build leaves real pictures out"
        return Html(f'<p class="mm-missing"><strong>{text}.</strong></p>', text)
    vis, ir = pair["vis"], pair["ir"]
    return show.images(
        [(vis, "visible"), (ir, "infrared"), ((vis + ir) / 2, "average of both")],
        columns=3,
        width=400,
        alt=words,
        caption=f"A real pair. {real.CREDIT}",
    )
