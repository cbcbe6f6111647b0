"""How visible things are, measured the same way on real boxes and on MiniStreet's."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from mmlib.scenes.generate import scene
from mmlib.scenes.knobs import Knobs
from mmlib.scenes.splits import split_seeds
from mmlib.scenes.vocabulary import CLASSES

SENSES = ("rgb", "ir")
THINGS = ("person", "car")
TIMES = ("day", "night")
LUMA = (0.299, 0.587, 0.114)

SMALLEST = (0.06, 0.015)
"""Boxes lower than 0.06 image heights or narrower than 0.015 image widths are not measured."""


RECORD = Path(__file__).resolve().parents[2] / "results" / "scenes" / "calibration.json"


def published() -> dict:
    """The published calibration: what data_scripts/calibrate.py measured on real data and on MiniStreet.

    Raises FileNotFoundError, naming the command, where it is absent.
    """
    if not RECORD.is_file():
        raise FileNotFoundError(f"expected {RECORD}; make it with: python data_scripts/calibrate.py")
    return json.loads(RECORD.read_text(encoding="utf-8"))


def contrast(grey: np.ndarray, box: Sequence[float]) -> float | None:
    """Signed contrast of a box against its surroundings: median of its core minus median of a ring around it.

    grey: (H, W) in [0, 1]; box: xyxy in pixels. The core is the middle half of the box in width and height (a box holds
    background in its corners); the ring is the box enlarged to 1.6 times its size about its centre, cut off at the
    picture's edge, without the box. Returns None where the box is too small (SMALLEST) or the ring is empty.
    """
    h, w = grey.shape
    x0, y0, x1, y1 = (float(v) for v in box)
    bw, bh = x1 - x0, y1 - y0
    if bh < SMALLEST[0] * h or bw < SMALLEST[1] * w:
        return None
    core = _cut(grey, x0 + bw / 4, y0 + bh / 4, x1 - bw / 4, y1 - bh / 4)
    ring = np.ones_like(grey, bool)
    outer = [
        int(round(v))
        for v in (max(x0 - 0.3 * bw, 0), max(y0 - 0.3 * bh, 0), min(x1 + 0.3 * bw, w), min(y1 + 0.3 * bh, h))
    ]
    ring[int(round(y0)) : int(round(y1)), int(round(x0)) : int(round(x1))] = False
    around = grey[outer[1] : outer[3], outer[0] : outer[2]][ring[outer[1] : outer[3], outer[0] : outer[2]]]
    if core.size == 0 or around.size == 0:
        return None
    return float(np.median(core) - np.median(around))


def _cut(grey, x0, y0, x1, y1) -> np.ndarray:
    """The pixels of a box, at least one in each direction."""
    left, top = int(np.floor(max(x0, 0))), int(np.floor(max(y0, 0)))
    return grey[top : max(int(np.ceil(y1)), top + 1), left : max(int(np.ceil(x1)), left + 1)]


def summary(contrasts: Iterable[float]) -> dict[str, float]:
    """Quartiles of |contrast|, the share that can hardly be seen (|contrast| < 0.04), the share brighter than
    around."""
    values = np.array(list(contrasts), np.float64)
    if values.size == 0:
        raise ValueError("no contrasts to summarise: no box was large enough")
    size = np.abs(values)
    low, middle, high = np.percentile(size, (25, 50, 75))
    return {
        "n": int(values.size),
        "low": round(float(low), 4),
        "median": round(float(middle), 4),
        "high": round(float(high), 4),
        "hardly_seen": round(float((size < 0.04).mean()), 4),
        "brighter": round(float((values > 0).mean()), 4),
    }


def ministreet_contrasts(time: str, n: int, size: tuple[int, int] = (192, 256), knobs: dict | None = None) -> dict:
    """Contrast summaries {"person rgb": {...}, ...} of the first `n` train scenes at a time of day, other knobs as
    they are."""
    found: dict[str, list[float]] = {f"{thing} {sense}": [] for thing in THINGS for sense in SENSES}
    for seed in split_seeds("train", n):
        sample = scene(
            seed, size=size, knobs=Knobs(time=time, **(knobs or {})), fields=("rgb", "ir", "boxes", "box_labels")
        )
        greys = {"rgb": np.tensordot(LUMA, sample["rgb"].numpy(), 1), "ir": sample["ir"][0].numpy()}
        for box, label in zip(sample["boxes"].tolist(), sample["box_labels"].tolist()):
            for sense in SENSES:
                value = contrast(greys[sense], box)
                if CLASSES[label] in THINGS and value is not None:
                    found[f"{CLASSES[label]} {sense}"].append(value)
    return {name: summary(values) for name, values in found.items()}


def ministreet_shares(n: int, size: tuple[int, int] = (96, 128)) -> dict[str, float]:
    """Share of pixels of each class (per cent) over the first `n` train scenes with the default knobs."""
    counts = torch.zeros(len(CLASSES), dtype=torch.int64)
    for seed in split_seeds("train", n):
        labels = scene(seed, size=size, fields=("labels",))["labels"]
        counts += torch.bincount(labels.flatten(), minlength=len(CLASSES))
    return {name: round(100 * float(c) / float(counts.sum()), 3) for name, c in zip(CLASSES, counts)}


def ministreet_flow(n: int, size: tuple[int, int] = (180, 240)) -> dict[str, float]:
    """Flow magnitude per mille of the image width, over visible pixels below the sky, first `n` train scenes."""
    values = []
    for seed in split_seeds("train", n):
        sample = scene(seed, size=size, fields=("flow", "depth"))
        values.append(sample["flow"].norm(dim=0).flatten()[::7] / size[1] * 1000)
    return magnitudes(torch.cat(values).numpy())


def magnitudes(values: np.ndarray) -> dict[str, float]:
    """Percentiles of flow magnitudes."""
    return {f"p{p}": round(float(np.percentile(values, p)), 3) for p in (25, 50, 75, 95)}
