"""Pad, crop and resize a sample with every field true to the others; stack samples into a batch.

from torch.utils.data import DataLoader
loader = DataLoader(ds, batch_size=8, collate_fn=partial(collate, fit="pad"))
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.dataset import IMAGES, LABELS, PIXELS
from mmlib.images import IGNORE

_FILL = dict.fromkeys(LABELS, IGNORE) | {"depth": math.inf, "points": math.nan}  # what means nothing; else 0
_SMOOTH = (*IMAGES, "flow")


def pad(sample: dict, size: tuple[int, int]) -> dict:
    """Extend a sample at the right and bottom to `size` (H,W).

    New pixels are 0 in images, flow, instances and masks (so `valid` is False there), 255 in labels, infinite in
    depth, NaN in points. Boxes stay where they are. ValueError if the sample is larger than `size`.
    """
    height, width = _size(sample)
    if height > size[0] or width > size[1]:
        raise ValueError(f"{sample['name']}: {height}x{width} is larger than {size[0]}x{size[1]}; use crop or resize")
    margin = (0, size[1] - width, 0, size[0] - height)
    return _each(sample, lambda key, value: F.pad(value, margin, value=_FILL.get(key, 0)))


def crop(sample: dict, size: tuple[int, int], at: tuple[int, int] | None = None) -> dict:
    """Cut a window of `size` (H,W) with its top left corner `at` (row, column); None: the centre.

    Boxes move along, are clipped, and those with nothing left inside are dropped with their labels; so are
    expressions whose mask becomes empty. ValueError if the window leaves the sample.
    """
    height, width = _size(sample)
    top, left = at if at is not None else ((height - size[0]) // 2, (width - size[1]) // 2)
    bottom, right = top + size[0], left + size[1]
    if top < 0 or left < 0 or bottom > height or right > width:
        raise ValueError(
            f"{sample['name']}: a {size[0]}x{size[1]} window at {top, left} leaves {height}x{width}; pad first"
        )
    cut = _each(sample, lambda _, value: value[..., top:bottom, left:right])
    if "expressions" in cut:
        cut["expressions"] = [e for e in cut["expressions"] if e.mask.any()]
    if "boxes" in cut:
        boxes = cut["boxes"] - torch.tensor([left, top, left, top])
        boxes = boxes.clamp(min=0).minimum(torch.tensor([size[1], size[0], size[1], size[0]]))
        inside = (boxes[:, 2:] > boxes[:, :2]).all(1)
        cut["boxes"] = boxes[inside]
        if "box_labels" in cut:
            cut["box_labels"] = cut["box_labels"][inside]
    return cut


def resize(sample: dict, size: tuple[int, int]) -> dict:
    """Scale a sample to `size` (H,W): images and flow bilinearly, antialiased; integers, masks, depth to the nearest.

    Flow vectors and boxes are scaled with the picture. `valid` and the flow near unknown pixels become approximate.
    """
    height, width = _size(sample)
    scale = torch.tensor([size[1] / width, size[0] / height])
    out = _each(sample, lambda key, value: _resize(value, size, smooth=key in _SMOOTH))
    if "flow" in out:
        out["flow"] = out["flow"] * scale[:, None, None].to(out["flow"])
    if "boxes" in out:
        out["boxes"] = out["boxes"] * scale.repeat(2).to(out["boxes"])
    return out


def collate(samples: Sequence[dict], fit: str | None = None, size: tuple[int, int] | None = None) -> dict:
    """Stack samples into a batch: tensors (B,...), everything of varying length as lists of length B.

    `fit`: None (sizes are equal), "pad" (to `size`, or to the largest of the batch; the batch gains `sizes` (B,2), the
    true heights and widths), "crop" (the centre) or "resize" to `size` (H,W). ValueError if sizes differ without it,
    if fields do, for an unknown `fit` or a missing `size`.
    """
    if fit not in (None, "pad", "crop", "resize") or (fit in ("crop", "resize") and size is None):
        raise ValueError(f"expected fit None, 'pad', or 'crop' or 'resize' with a size (H,W); got {fit!r}, size {size}")
    keys = list(samples[0])
    if any(list(sample) != keys for sample in samples):
        raise ValueError(f"expected samples with the same fields, got {sorted({tuple(s) for s in samples})}")
    sizes = [_size(sample) for sample in samples]
    if fit == "pad":
        largest = size or (max(height for height, _ in sizes), max(width for _, width in sizes))
        samples = [pad(s, largest) | {"sizes": torch.tensor(true)} for s, true in zip(samples, sizes)]
    elif fit == "crop":
        samples = [crop(s, size) for s in samples]
    elif fit == "resize":
        samples = [resize(s, size) for s in samples]
    elif len(set(sizes)) > 1:
        raise ValueError(
            f"expected samples of one size, got {sorted(set(sizes))}; use collate(..., fit='pad', 'crop' or 'resize')"
        )
    return {key: _stack(key, [sample[key] for sample in samples]) for key in samples[0]}


def _size(sample: dict) -> tuple[int, int]:
    """(H,W) of a sample, from any of its pixel fields."""
    for key in PIXELS:
        if isinstance(sample.get(key), Tensor):
            return tuple(sample[key].shape[-2:])
    raise ValueError(f"{sample.get('name', 'sample')}: no pixel field among {', '.join(sample)}, so no size")


def _each(sample: dict, change: Callable[[str, Tensor], Tensor]) -> dict:
    """The sample with change(key, value) applied to every pixel field, to each fused image and expression's mask."""
    out = dict(sample)
    for key, value in sample.items():
        if key == "fused" and isinstance(value, dict):
            out[key] = {method: change(key, image) for method, image in value.items()}
        elif key == "expressions":
            out[key] = [replace(e, mask=change("mask", e.mask)) for e in value]
        elif key in PIXELS:
            out[key] = change(key, value)
    return out


def _resize(value: Tensor, size: tuple[int, int], smooth: bool) -> Tensor:
    flat = value.reshape(1, -1, *value.shape[-2:])
    if smooth:
        scaled = F.interpolate(flat, size, mode="bilinear", align_corners=False, antialias=True)
    else:
        scaled = F.interpolate(flat.double(), size, mode="nearest-exact").to(value.dtype)
    return scaled.reshape(*value.shape[:-2], *size)


def _stack(key: str, values: list) -> Any:
    if key == "fused" and isinstance(values[0], dict):
        return {method: torch.stack([v[method] for v in values]) for method in values[0]}
    if key in ("boxes", "box_labels") or not isinstance(values[0], Tensor):
        return values
    return torch.stack(values)
