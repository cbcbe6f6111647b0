"""MiniStreet behind the interface of the real sets: nothing on disk, every sample drawn when it is asked for."""

from functools import partial
from typing import Any

import torch

from mmlib.data.dataset import Dataset

SPLITS = ("train", "val", "test")


def ministreet(
    split: str = "train",
    n: int = 100,
    start: int = 0,
    size: tuple[int, int] = (128, 256),
    knobs: Any = None,
    device: torch.device | str = "cpu",
    fields: tuple[str, ...] | None = None,
) -> Dataset:
    """`n` scenes of a split, from its `start`-th seed on; names are the seeds. Samples are those of mmlib.scenes.scene.

    `size` (H,W), `knobs` (mmlib.scenes.Knobs or None) and `fields` (None: all) as in mmlib.scenes. To draw many scenes
    fast, in batches, call mmlib.scenes.scenes yourself. ValueError for an unknown split or field, or n < 1.
    """
    from mmlib import scenes

    if split not in SPLITS:
        raise ValueError(f"ministreet: split: expected one of {', '.join(SPLITS)}, got {split!r}")
    fields = scenes.FIELDS if fields is None else tuple(fields)
    unknown = [f for f in fields if f not in scenes.FIELDS]
    if unknown or n < 1:
        raise ValueError(f"ministreet: expected n >= 1 and fields of {', '.join(scenes.FIELDS)}, got n={n}, {unknown}")
    names = tuple(str(seed) for seed in scenes.split_seeds(split, n, start))
    read = partial(_draw, tuple(size), knobs, device)
    content = f"{scenes.fingerprint()} {tuple(size)} {knobs!r}"
    return Dataset(
        "ministreet",
        split,
        f"ministreet-{scenes.VERSION}",
        names,
        fields,
        read,
        classes=scenes.CLASSES,
        box_classes=scenes.CLASSES,
        content=content,
    )


def _draw(size: tuple[int, int], knobs: Any, device: torch.device | str, name: str, fields: tuple[str, ...]) -> dict:
    from mmlib import scenes

    return scenes.scene(int(name), size=size, knobs=knobs, device=device, fields=fields)
