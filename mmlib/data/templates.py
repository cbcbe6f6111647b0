"""CamVid's referring templates: one sentence, one rule, one mask computed from the label map.

They are derived from the labels by rule (41 sentences), not human language. Rules: "all" pixels of a class; else
among the 8-connected components that are large enough, "only" the single one, "leftmost" and "rightmost" by centroid,
"largest".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmlib.files import parse_json

if TYPE_CHECKING:
    from mmlib.scenes import Expression

MIN_PIXELS = {2: 150, 6: 80, 7: 300, 8: 150, 9: 80, 10: 80}
"""Class id -> smallest component that counts (pole, sign, fence, car, pedestrian, bicyclist)."""

RULES = ("all", "only", "leftmost", "rightmost", "largest")


def read_templates(path: Path) -> dict[str, list[dict]]:
    """{image name: [{"text", "cls", "rule"}, ...]} of a .jsonl file. ValueError with the line number for a bad line."""
    by_image: dict[str, list[dict]] = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = parse_json(line, str(number))
                known = isinstance(entry["text"], str) and isinstance(entry["image"], str)
                known = known and entry["rule"] in RULES and (entry["rule"] == "all" or entry["cls"] in MIN_PIXELS)
                by_image.setdefault(entry["image"], []).append(entry)
            except (ValueError, KeyError, TypeError):
                known = False
            if not known:
                raise ValueError(
                    f"{path}:{number}: expected JSON with image, text, cls and a rule of {', '.join(RULES)}, "
                    f"got {line.strip()[:80]!r}; restore the file"
                )
    return by_image


def referred(labels: Tensor, cls: int, rule: str) -> Tensor:
    """The mask (H,W) bool that a template means in a label map (H,W).

    ValueError for an unknown rule or class, for a rule whose object is not there, and for "only" among several.
    """
    if rule == "all":
        return labels == cls
    if rule not in RULES or cls not in MIN_PIXELS:
        raise ValueError(
            f"expected a rule of {', '.join(RULES)} and a class of {list(MIN_PIXELS)}, got {rule!r}, {cls}"
        )
    parts, areas, centres = _components((labels == cls).numpy(), MIN_PIXELS[cls])
    if not parts or (rule == "only" and len(parts) > 1):
        raise ValueError(
            f"'{rule}' of class {cls}: {len(parts)} objects of at least {MIN_PIXELS[cls]} pixels in this label map"
        )
    if rule == "largest":
        return parts[int(np.argmax(areas))]
    return parts[int(np.argmax(centres) if rule == "rightmost" else np.argmin(centres))]


def read_expressions(entries: list[dict], labels: Tensor) -> list[Expression]:
    """The templates of one image, given its label map, as Expression(text, mask, kind), kind being the rule."""
    from mmlib.scenes import Expression

    return [Expression(e["text"], referred(labels, e["cls"], e["rule"]), e["rule"]) for e in entries]


def _components(mask: np.ndarray, smallest: int) -> tuple[list[Tensor], np.ndarray, np.ndarray]:
    """8-connected components of at least `smallest` pixels: masks, areas, centroid x."""
    import cv2

    _, ids, stats, centroids = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = [i for i in range(1, len(stats)) if stats[i, cv2.CC_STAT_AREA] >= smallest]
    parts = [torch.from_numpy(ids == i) for i in keep]
    return parts, stats[keep, cv2.CC_STAT_AREA], centroids[keep, 0]
