"""Referring expressions from the scene graph: sentences, the mask each means, and sentences that mean too much."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.splits import draws
from mmlib.scenes.vocabulary import CLASSES, THINGS

KINDS = ("class", "group", "colour", "place", "size", "nearness", "motion", "heat")
SMALLEST = 12
"""Instances smaller than this many visible pixels are never meant by an expression about one thing."""

PLURAL = {"person": "people", "rider": "riders", "car": "cars"}
STUFF = {
    "road": "the road",
    "sidewalk": "the sidewalk",
    "building": "the buildings",
    "wall": "the wall",
    "fence": "the fence",
    "sign": "the signs and poles",
    "vegetation": "the plants",
    "sky": "the sky",
}


@dataclass(frozen=True)
class Expression:
    """A sentence and the pixels it means.

    `instances` lists the ids (values in the `instances` map) that it means; empty for classes without instances.
    `candidates` lists the ids that fit the words: more than `instances` where the wording is ambiguous.
    """

    text: str
    mask: torch.Tensor  # (H, W) bool
    kind: str
    instances: tuple[int, ...] = ()
    candidates: tuple[int, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the words fit more than what is meant."""
        return len(self.candidates) > len(self.instances)


@dataclass(frozen=True)
class Thing:
    """What can be said about one instance, measured on the sample's own fields."""

    number: int  # its value in `instances`
    name: str  # class
    colour: str
    area: int  # visible pixels
    x: float  # middle of its box
    depth: float  # median over its mask, m
    motion: float  # median of the horizontal flow over its mask, pixels
    heat: float  # mean infrared grey value over its mask


def measure(sample: dict, colours: list[str]) -> list[Thing]:
    """The things of a sample, from `instances`, `boxes`, `box_labels`, `depth`, `flow` and `ir`."""
    flat = sample["instances"].reshape(-1)
    seen = torch.nonzero(flat)[:, 0]
    numbers = flat[seen].cpu().numpy()
    columns = [sample[k].reshape(-1)[at][seen].cpu().numpy() for k, at in
               (("depth", slice(None)), ("flow", slice(0, flat.numel())), ("ir", slice(None)))]  # fmt: skip
    boxes = sample["boxes"].cpu().numpy()
    things = []
    for k, label in enumerate(sample["box_labels"].tolist()):
        mine = numbers == k + 1
        depth, motion, heat = (c[mine] for c in columns)
        things.append(Thing(k + 1, CLASSES[label], colours[k], int(mine.sum()), float(boxes[k, 0] + boxes[k, 2]) / 2,
                            float(np.median(depth)), float(np.median(motion)), float(heat.mean(dtype=np.float64))))  # fmt: skip
    return things


def express(seed: int, sample: dict, colours: list[str], conditions) -> list[Expression]:
    """All expressions of a sample: each class in sight, then what singles out one thing among its class."""
    rng = draws(seed, "language")
    width = sample["instances"].shape[1]
    things = [t for t in measure(sample, colours) if t.area >= SMALLEST]
    out = [Expression(STUFF[n], sample["labels"] == k, "class") for k, n in enumerate(CLASSES)
           if n in STUFF and bool((sample["labels"] == k).any())]  # fmt: skip
    for name in THINGS:
        same = [t for t in things if t.name == name]
        if not same:
            continue
        out += _groups(name, same, sample)
        meant = _single(name, same, width, conditions)
        out += [_one(text, kind, thing, [thing], sample) for text, kind, thing in meant]
        wanted = [rng.uniform() < conditions.ambiguity for _ in range(2)]
        if len(same) > 1 and any(wanted):
            thing = same[int(rng.integers(len(same)))]
            out.append(_one(f"the {name}", "class", thing, same, sample))
    return out


def _one(text, kind, thing, candidates, sample) -> Expression:
    mask = sample["instances"] == thing.number
    return Expression(text, mask, kind, (thing.number,), tuple(t.number for t in candidates))


def _groups(name, same, sample) -> list[Expression]:
    """ "The car" if there is one; "all cars", and colours that several share, if there are more."""
    if len(same) == 1:
        return [_one(f"the {name}", "class", same[0], same, sample)]
    numbers = tuple(t.number for t in same)
    return [Expression(f"all {PLURAL[name]}", torch.isin(sample["instances"], torch.tensor(numbers, device=sample["instances"].device)),
                       "group", numbers, numbers)]  # fmt: skip


def _clear(values: list[float], margin: float) -> int | None:
    """Index of the largest value if it leads by `margin`, else None."""
    order = np.argsort(values)
    return int(order[-1]) if len(values) > 1 and values[order[-1]] - values[order[-2]] >= margin else None


def _single(name, same, width, conditions):
    """(text, kind, thing) for every property that singles out one of several things of a class."""
    found = []
    if len(same) > 1:
        rules = (
            (f"the {name} on the left", "place", [-t.x for t in same], 0.04 * width),
            (f"the {name} on the right", "place", [t.x for t in same], 0.04 * width),
            (f"the largest {name}", "size", [np.log(t.area) for t in same], np.log(1.25)),
            (f"the smallest {name}", "size", [-np.log(t.area) for t in same], np.log(1.25)),
            (f"the nearest {name}", "nearness", [-np.log(t.depth) for t in same], np.log(1.1)),
            (f"the farthest {name}", "nearness", [np.log(t.depth) for t in same], np.log(1.1)),
            (f"the warmest {name}", "heat", [t.heat for t in same], 0.025),
            (f"the coldest {name}", "heat", [-t.heat for t in same], 0.025),
        )
        for text, kind, values, margin in rules:
            best = _clear(values, margin)
            if best is not None:
                found.append((text, kind, same[best]))
    for word, sign in (("left", -1), ("right", 1)):
        movers = [t for t in same if t.motion * sign > 0.004 * width]
        if len(movers) == 1 and all(
            abs(t.motion - movers[0].motion) > 0.002 * width for t in same if t is not movers[0]
        ):
            found.append((f"the {name} that moves {word}", "motion", movers[0]))
    if conditions.time != "night":
        found += _by_colour(name, same)
    return found


def _by_colour(name, same):
    """ "The red car"; "the person in red"."""
    for colour in sorted({t.colour for t in same}):
        fit = [t for t in same if t.colour == colour]
        if len(fit) == 1:
            yield (f"the {colour} car" if name == "car" else f"the {name} in {colour}"), "colour", fit[0]
