"""MiniStreet's streets with all that a small grammar can say about them, drawn once and kept on disk.

A street is a map of *segments*: each class, and each person, rider and car by itself. A phrase means some of them. So a
phrase is a short list of numbers, and its mask is read off the map when it is needed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.loading import load
from mmlib.files import ROOT, locked, read_sealed, write_sealed
from mmlib.scenes import CLASSES, THINGS, Knobs, scene
from mmlib.scenes.drawn import _code
from mmlib.scenes.knobs import resolve
from mmlib.scenes.language import PLURAL, STUFF, Thing, measure
from mmlib.scenes.vocabulary import VERSION

SEGMENTS = 64
"""Values of a segment map: 0 to 10 are CLASSES, 11 and above the things of a street."""

KINDS = ("class", "group", "colour", "place", "size", "nearness", "motion", "heat", "combination")
"""What a phrase goes by."""

COLOURS = ("black", "blue", "green", "grey", "orange", "purple", "red", "white", "yellow")

LEAST = 24
"""Of how many pixels a thing must be in sight to be meant by itself. Smaller ones still compete."""

OPPOSITES = {"left": "right", "largest": "smallest", "nearest": "farthest", "warmest": "coldest"}
OPPOSITES |= {second: first for first, second in OPPOSITES.items()}


@dataclass(frozen=True)
class Phrase:
    """A sentence about a street, and what it means.

    noun: the class it names.  segments: what it means, as values of the segment map.  rivals: all things of that class,
    the meant one among them, if it means one of several; else ().
    """

    text: str
    kind: str
    noun: str
    segments: tuple[int, ...]
    rivals: tuple[int, ...] = ()


def segment_map(labels: Tensor, instances: Tensor) -> Tensor:
    """Labels and instances (H, W) as one map: the class where there is no thing, 10 + k on thing k. int64."""
    return torch.where(instances > 0, instances + len(CLASSES) - 1, labels)


def mask_of(segments: Tensor, meant: Sequence[int]) -> Tensor:
    """The pixels of a segment map (H, W) that a phrase means, bool (H, W)."""
    return torch.isin(segments, torch.tensor(meant, dtype=segments.dtype))


# ---------------------------------------------------------------------------------------------------------------------
# The grammar


def coloured(noun: str, colour: str) -> str:
    """ "the red car", "the person in red"."""
    return f"the {colour} car" if noun == "car" else f"the {noun} in {colour}"


def placed(noun: str, side: str, colour: str = "") -> str:
    """ "the car on the left", "the red car on the left"."""
    thing = coloured(noun, colour) if colour else f"the {noun}"
    return f"{thing} on the {side}"


def graded(noun: str, grade: str, colour: str = "") -> str:
    """ "the nearest car", "the nearest red car", "the nearest person in red"."""
    thing = coloured(noun, colour) if colour else f"the {noun}"
    return thing.replace("the ", f"the {grade} ", 1)


def moving(noun: str, side: str) -> str:
    """ "the car that moves left"."""
    return f"the {noun} that moves {side}"


def noun_only(phrase: Phrase) -> str:
    """What is left of a phrase about one thing without what singles it out: "the red car" -> "the car"."""
    return f"the {phrase.noun}" if phrase.noun in THINGS and phrase.kind != "group" else phrase.text


def all_phrases() -> list[str]:
    """Everything that the grammar can say, whether or not it is true of any street; in a fixed order."""
    found = [STUFF[name] for name in CLASSES if name in STUFF]
    for noun in THINGS:
        found += [f"the {noun}", f"all {PLURAL[noun]}"]
        sides = ("left", "right")
        grades = ("largest", "smallest", "nearest", "farthest", "warmest", "coldest")
        found += [placed(noun, side) for side in sides]
        found += [graded(noun, grade) for grade in grades]
        found += [moving(noun, side) for side in sides]
        for colour in COLOURS:
            found.append(coloured(noun, colour))
            found += [placed(noun, side, colour) for side in sides]
            found += [graded(noun, grade, colour) for grade in grades[:4]]
    return found


def phrases_of(
    things: Sequence[Thing], present: Sequence[str], width: int, time: str, least: int = LEAST
) -> list[Phrase]:
    """All phrases that are true of a street, each of exactly what it means.

    Args:
        things: from `mmlib.scenes.language.measure`; all of a class compete, however small.
        present: names of the classes in sight.
        width: of the picture, in pixels.
        time: at "night" nobody can tell colours.
        least: pixels that a thing must have to be meant by itself.
    """
    found = []
    for number, name in enumerate(CLASSES):
        if name in STUFF and name in present:
            found.append(Phrase(STUFF[name], "class", name, (number,)))
    for noun in THINGS:
        same = [thing for thing in things if thing.name == noun]
        segments = tuple(_segment(thing) for thing in same)
        if len(same) > 1:
            found.append(Phrase(f"all {PLURAL[noun]}", "group", noun, segments))
        for text, kind, thing in _single(noun, same, width, time):
            if thing.area >= least:
                rivals = segments if len(same) > 1 else ()
                found.append(Phrase(text, kind, noun, (_segment(thing),), rivals))
    return found


def _segment(thing: Thing) -> int:
    return thing.number + len(CLASSES) - 1


def _single(noun: str, same: list[Thing], width: int, time: str) -> list[tuple[str, str, Thing]]:
    """(text, kind, thing) for everything that singles out one thing of a class, each by a clear margin."""
    found = []
    if len(same) == 1:
        found.append((f"the {noun}", "class", same[0]))
    for text, kind, thing in _graded(noun, same, width):
        found.append((text, kind, thing))
    for side, sign in (("left", -1), ("right", 1)):
        movers = [thing for thing in same if thing.motion * sign > 0.002 * width]
        if len(movers) == 1 and movers[0].motion * sign > 0.004 * width:
            found.append((moving(noun, side), "motion", movers[0]))
    if time == "night":
        return found
    for colour in sorted({thing.colour for thing in same}):
        fit = [thing for thing in same if thing.colour == colour]
        if len(fit) == 1:
            found.append((coloured(noun, colour), "colour", fit[0]))
        for text, kind, thing in _graded(noun, fit, width, colour):
            if kind != "heat":  # a colour and a warmth need two cameras
                found.append((text, "combination", thing))
    return found


def _graded(noun: str, same: list[Thing], width: int, colour: str = "") -> list[tuple[str, str, Thing]]:
    """The outermost, largest, nearest and warmest of some things, where one leads clearly, and their opposites."""
    rules = (
        (placed(noun, "left", colour), "place", [-thing.x for thing in same], 0.04 * width),
        (placed(noun, "right", colour), "place", [thing.x for thing in same], 0.04 * width),
        (graded(noun, "largest", colour), "size", [math.log(thing.area) for thing in same], math.log(1.25)),
        (graded(noun, "smallest", colour), "size", [-math.log(thing.area) for thing in same], math.log(1.25)),
        (graded(noun, "nearest", colour), "nearness", [-math.log(thing.depth) for thing in same], math.log(1.1)),
        (graded(noun, "farthest", colour), "nearness", [math.log(thing.depth) for thing in same], math.log(1.1)),
        (graded(noun, "warmest", colour), "heat", [thing.heat for thing in same], 0.025),
        (graded(noun, "coldest", colour), "heat", [-thing.heat for thing in same], 0.025),
    )
    found = []
    for text, kind, values, margin in rules:
        order = sorted(range(len(values)), key=values.__getitem__)
        if len(order) > 1 and values[order[-1]] - values[order[-2]] >= margin:
            found.append((text, kind, same[order[-1]]))
    return found


def opposite(text: str) -> str | None:
    """The phrase that asks for the other end: "the nearest car" -> "the farthest car"; None if there is none."""
    words = re.findall("|".join(OPPOSITES), text)
    if len(words) != 1 or "moves" in text:
        return None
    return text.replace(words[0], OPPOSITES[words[0]])


# ---------------------------------------------------------------------------------------------------------------------
# Streets


def spoken(
    seeds: Sequence[int],
    *,
    size: tuple[int, int],
    fields: Sequence[str] = ("rgb",),
    knobs: Knobs | None = None,
    folder: Path | str | None = None,
) -> dict:
    """Streets with their phrases, from disk if these were drawn before.

    Args:
        seeds, size, knobs: as in `mmlib.scenes.scenes`.
        fields: some of rgb (N, 3, H, W) and ir (N, 1, H, W), float32 in [0, 1], and flow (N, 2, H, W) in pixels.
        folder: where drawn streets lie; default $MMLIB_DRAWN, else _build/drawn. It can be deleted at any moment.

    Returns a dict with these fields, labels and segments (N, H, W) uint8, and phrases, a list of lists of Phrase.
    ValueError for another field, or a street with more things than a segment map can name.
    """
    if unknown := sorted(set(fields) - {"rgb", "ir", "flow"}):
        raise ValueError(f"expected fields out of rgb, ir and flow, got {unknown[0]!r}; next: draw it with scenes()")
    folder = Path(folder or os.environ.get("MMLIB_DRAWN") or ROOT / "_build" / "drawn")
    about = {"version": VERSION, "code": _code(), "seeds": [int(seed) for seed in seeds], "size": [*size]}
    about |= {"knobs": asdict(knobs or Knobs()), "kept": "phrases"}
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]
    path = folder / f"{name}.safetensors"
    with locked(folder / f"{name}.lock"):
        if not path.is_file():
            write_sealed(path, *_draw(seeds, size, knobs))
        facts, tensors = read_sealed(path)
    made = {"labels": tensors["labels"], "segments": tensors["segments"]}
    for field in fields:
        # eight-bit steps, as the generator computes them to the last bit
        made[field] = tensors[field].float() if field == "flow" else tensors[field].float() * (1 / 255)
    made["phrases"] = []
    for street in facts["streets"]:
        things = [Thing(**told) for told in street["things"]]
        made["phrases"].append(phrases_of(things, street["present"], size[1], street["time"]))
    return made


def _draw(seeds: Sequence[int], size: tuple[int, int], knobs: Knobs | None) -> tuple[dict[str, Tensor], dict]:
    """The streets as tensors that take little room, and what was measured on their things."""
    drawn = {name: [] for name in ("rgb", "ir", "flow", "labels", "segments")}
    streets = []
    fields = ("rgb", "ir", "flow", "labels", "instances", "boxes", "box_labels", "depth", "colours")
    for seed in seeds:
        street = scene(seed, size=size, knobs=knobs, fields=fields)
        segments = segment_map(street["labels"], street["instances"])
        if int(segments.max()) >= SEGMENTS:
            raise ValueError(f"expected at most {SEGMENTS - len(CLASSES)} things in a street, got more in {seed}")
        for name in ("rgb", "ir"):
            drawn[name].append((street[name] * 255).round().to(torch.uint8))
        drawn["flow"].append(street["flow"].half())
        drawn["labels"].append(street["labels"].to(torch.uint8))
        drawn["segments"].append(segments.to(torch.uint8))
        present = [CLASSES[number] for number in street["labels"].unique().tolist()]
        things = [asdict(thing) for thing in measure(street)]
        streets.append({"things": things, "present": present, "time": resolve(seed, knobs).time})
    return {name: torch.stack(values) for name, values in drawn.items()}, {"streets": streets}


def things_of(segments: Tensor, rgb: Tensor) -> Tensor:
    """What is true of the thing at each pixel, (B, 6, H, W), NaN where there is no thing.

    The way to the thing's middle, right and down, in shares of the picture; a tenth of the logarithm of the thing's
    share of all pixels; and its mean colour, R, G and B, less 0.5.

    segments: maps (B, H, W).  rgb: the picture (B, 3, H, W), in [0, 1].
    """
    height, width = segments.shape[-2:]
    y = torch.arange(height, device=segments.device)[:, None].expand(height, width) / height
    x = torch.arange(width, device=segments.device).expand(height, width) / width
    found = []
    for one, picture in zip(segments.long(), rgb):
        pixels = one.flatten().bincount(minlength=SEGMENTS).clamp(min=1)
        middle_x = one.flatten().bincount(x.flatten(), minlength=SEGMENTS) / pixels
        middle_y = one.flatten().bincount(y.flatten(), minlength=SEGMENTS) / pixels
        area = (pixels / one.numel()).log() / 10
        colour = [one.flatten().bincount(channel.flatten(), minlength=SEGMENTS) / pixels - 0.5 for channel in picture]
        facts = torch.stack([middle_x[one] - x, middle_y[one] - y, area[one], *(mean[one] for mean in colour)])
        found.append(facts.where(one >= len(CLASSES), torch.nan))
    return torch.stack(found)


# ---------------------------------------------------------------------------------------------------------------------
# Real streets

CAMVID_NOUNS = {"car": "car", "pedestrian": "person", "bicyclist": "rider"}


def camvid_phrases(size: tuple[int, int], every: int = 1) -> Iterator[tuple[Tensor, list[tuple[str, str, Tensor]]]]:
    """CamVid's test pictures whose templates single out one car, pedestrian or bicyclist, in the grammar's words.

    Yields rgb (3, H, W) at `size`, and (text, noun, mask (H, W) bool) for each template. every: takes each so manieth
    picture. DataMissing, with the command that obtains it, where CamVid is absent.
    """
    photographs = load("camvid", "test", expressions=True)
    for number in range(0, len(photographs), every):
        sample = photographs[number]
        asked = []
        for expression in sample["expressions"]:
            words = re.fullmatch(r"the (leftmost|rightmost|largest) (\w+)", expression.text)
            noun = CAMVID_NOUNS.get(words[2]) if words else None
            if noun:
                side = words[1].removesuffix("most")
                text = graded(noun, side) if side == "largest" else placed(noun, side)
                mask = F.interpolate(expression.mask[None, None].float(), size, mode="nearest-exact")[0, 0] > 0
                if mask.any():
                    asked.append((text, noun, mask))
        if asked:
            rgb = F.interpolate(sample["rgb"][None], size, mode="bilinear", antialias=True)
            yield rgb[0].clamp(0, 1), asked
