"""Referring expressions from the scene graph: sentences, the mask each means, and sentences that mean too much."""

from dataclasses import dataclass

import numpy as np
import torch

from mmlib.scenes.knobs import Conditions
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


def measure(sample: dict) -> list[Thing]:
    """The things of a sample, from `instances`, `boxes`, `box_labels`, `colours`, `depth`, `flow` and `ir`."""
    flat = sample["instances"].reshape(-1)
    seen = torch.nonzero(flat)[:, 0]
    numbers = flat[seen].cpu().numpy()
    maps = (sample["depth"], sample["flow"][0], sample["ir"])
    depth, motion, heat = (m.reshape(-1)[seen].cpu().numpy() for m in maps)
    middle = ((sample["boxes"][:, 0] + sample["boxes"][:, 2]) / 2).tolist()
    things = []
    for k, label in enumerate(sample["box_labels"].tolist()):
        mine = numbers == k + 1
        medians = float(np.median(depth[mine])), float(np.median(motion[mine]))
        warmth = float(heat[mine].mean(dtype=np.float64))
        things.append(Thing(k + 1, CLASSES[label], sample["colours"][k], int(mine.sum()), middle[k], *medians, warmth))
    return things


def express(seed: int, sample: dict, conditions: Conditions) -> list[Expression]:
    """All expressions of a sample: each class in sight, then what singles out one thing among all of its class.

    Every instance competes, however small; only one of SMALLEST pixels or more is ever meant by itself.
    """
    rng = draws(seed, "language")
    width = sample["instances"].shape[1]
    present = torch.bincount(sample["labels"].reshape(-1), minlength=len(CLASSES)).tolist()
    out = [
        Expression(STUFF[n], sample["labels"] == k, "class") for k, n in enumerate(CLASSES) if n in STUFF and present[k]
    ]
    things = measure(sample)
    for name in THINGS:
        same = [t for t in things if t.name == name]
        wanted, which = rng.uniform() < conditions.ambiguity, rng.uniform()
        if not same:
            continue
        out += _all(name, same, sample)
        found = [f for f in _single(name, same, width, conditions.time) if f[2].area >= SMALLEST]
        out += [_one(text, kind, thing, [thing], sample) for text, kind, thing in found]
        if len(same) > 1 and wanted:
            out.append(_one(f"the {name}", "class", same[int(which * len(same))], same, sample))
    return out


def _one(text, kind, thing, candidates, sample) -> Expression:
    mask = sample["instances"] == thing.number
    return Expression(text, mask, kind, (thing.number,), tuple(t.number for t in candidates))


def _all(name, same, sample) -> list[Expression]:
    """ "All cars" where there are several, every instance of them."""
    if len(same) == 1:
        return []
    numbers = tuple(t.number for t in same)
    instances = sample["instances"]
    meant = torch.zeros(len(sample["boxes"]) + 1, dtype=torch.bool, device=instances.device)
    meant[list(numbers)] = True
    mask = meant.index_select(0, instances.reshape(-1)).view(instances.shape)
    return [Expression(f"all {PLURAL[name]}", mask, "group", numbers, numbers)]


def _clear(values: list[float], margin: float) -> int | None:
    """Index of the largest value if it leads by `margin`, else None."""
    order = np.argsort(values)
    return int(order[-1]) if len(values) > 1 and values[order[-1]] - values[order[-2]] >= margin else None


def _single(name: str, same: list[Thing], width: int, time: str) -> list[tuple[str, str, Thing]]:
    """(text, kind, thing) for every property that singles out one thing of a class, each by a clear margin."""
    if len(same) == 1:
        return [(f"the {name}", "class", same[0]), *_movers(name, same, width), *_by_colour(name, same, time)]
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
    best = [(text, kind, _clear(values, margin)) for text, kind, values, margin in rules]
    found = [(text, kind, same[k]) for text, kind, k in best if k is not None]
    return [*found, *_movers(name, same, width), *_by_colour(name, same, time)]


def _movers(name, same, width):
    """ "The car that moves left": the only one of its class whose picture moves that way, camera motion included."""
    for word, sign in (("left", -1), ("right", 1)):
        movers = [t for t in same if t.motion * sign > 0.002 * width]
        if len(movers) == 1 and movers[0].motion * sign > 0.004 * width:
            yield f"the {name} that moves {word}", "motion", movers[0]


def _by_colour(name, same, time):
    """ "The red car", "the person in red"; not at night, when colours cannot be told."""
    for colour in sorted({t.colour for t in same}) if time != "night" else ():
        fit = [t for t in same if t.colour == colour]
        if len(fit) == 1:
            yield (f"the {colour} car" if name == "car" else f"the {name} in {colour}"), "colour", fit[0]
