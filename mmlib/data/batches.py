"""From samples to batches: pad, crop and resize that keep every field true, and a walk through a set."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.data.dataset import Dataset
from mmlib.images import IGNORE

IMAGES = ("rgb", "rgb_next", "rgb_previous", "ir", "ir_next")
LABELS = ("labels", "labels_next", "derived_labels")
MASKS = ("mask", "mask_next", "valid", "occlusion")

_FILL = dict.fromkeys(LABELS, IGNORE) | {"depth": math.inf, "points": math.nan}
_SMOOTH = (*IMAGES, "fused", "flow")
_PIXELS = (*IMAGES, *LABELS, *MASKS, "fused", "flow", "depth", "points", "instances")


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
    if top < 0 or left < 0 or top + size[0] > height or left + size[1] > width:
        raise ValueError(
            f"{sample['name']}: a {size[0]}x{size[1]} window at {top, left} leaves {height}x{width}; pad first"
        )
    cut = _each(sample, lambda _, value: value[..., top : top + size[0], left : left + size[1]])
    if "expressions" in cut:
        cut["expressions"] = [e for e in cut["expressions"] if e.mask.any()]
    return cut | _crop_boxes(sample, top, left, size)


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


def collate(samples: Sequence[dict]) -> dict:
    """Stack samples of one size into a batch: tensors (B,...), everything of varying length as lists of length B.

    ValueError if sizes differ (say how to fit them with `batches(..., fit=...)`) or fields do.
    """
    keys = list(samples[0])
    if any(list(sample) != keys for sample in samples):
        raise ValueError(f"expected samples with the same fields, got {sorted({tuple(s) for s in samples})}")
    sizes = {_size(sample) for sample in samples}
    if len(sizes) > 1:
        raise ValueError(
            f"expected samples of one size, got {sorted(sizes)}; use batches(..., fit='pad', 'crop' or 'resize')"
        )
    return {key: _stack(key, [sample[key] for sample in samples]) for key in keys}


def batches(
    dataset: Dataset,
    batch_size: int,
    *,
    fit: str | None = None,
    size: tuple[int, int] | None = None,
    shuffle: int | None = None,
    drop_last: bool = False,
) -> Iterator[dict]:
    """Walk once through a data set; only one batch is in memory at a time.

    `fit`: None (sizes are equal), "pad" (to `size`, or to the largest of the batch; the batch gains `sizes` (B,2),
    the true heights and widths), "crop" (the centre) or "resize" to `size`. `shuffle`: a seed, the order is the same
    for the same seed; None keeps the order. ValueError for batch_size < 1, an unknown `fit`, or a missing `size`.
    """
    if batch_size < 1 or fit not in (None, "pad", "crop", "resize") or (fit in ("crop", "resize") and size is None):
        raise ValueError(f"expected batch_size >= 1 and fit None, 'pad', or 'crop' or 'resize' with a size (H,W); "
                         f"got {batch_size}, {fit!r}, size {size}")  # fmt: skip
    order = list(range(len(dataset)))
    if shuffle is not None:
        order = torch.randperm(len(order), generator=torch.Generator().manual_seed(shuffle)).tolist()
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        if len(chosen) == batch_size or not drop_last:
            yield collate(_fit([dataset[i] for i in chosen], fit, size))


def _fit(samples: list[dict], fit: str | None, size: tuple[int, int] | None) -> list[dict]:
    if fit == "crop":
        return [crop(s, size) for s in samples]
    if fit == "resize":
        return [resize(s, size) for s in samples]
    if fit == "pad":
        sizes = [_size(s) for s in samples]
        size = size or (max(h for h, _ in sizes), max(w for _, w in sizes))
        return [pad(s, size) | {"sizes": torch.tensor(hw)} for s, hw in zip(samples, sizes)]
    return samples


def _size(sample: dict) -> tuple[int, int]:
    """(H,W) of a sample, from any of its pixel fields."""
    for key in _PIXELS:
        if isinstance(sample.get(key), Tensor):
            return tuple(sample[key].shape[-2:])
    raise ValueError(f"{sample.get('name', 'sample')}: no pixel field among {', '.join(sample)}, so no size")


def _each(sample: dict, change) -> dict:
    """The sample with change(key, value) applied to every pixel field, to each fused image and expression's mask."""
    out = dict(sample)
    for key, value in sample.items():
        if key == "fused" and isinstance(value, dict):
            out[key] = {method: change(key, image) for method, image in value.items()}
        elif key == "expressions":
            out[key] = [replace(e, mask=change("mask", e.mask)) for e in value]
        elif key in _PIXELS:
            out[key] = change(key, value)
    return out


def _resize(value: Tensor, size: tuple[int, int], smooth: bool) -> Tensor:
    flat = value.reshape(1, -1, *value.shape[-2:])
    if smooth:
        scaled = F.interpolate(flat, size, mode="bilinear", align_corners=False, antialias=True)
    else:
        scaled = F.interpolate(flat.double(), size, mode="nearest-exact").to(value.dtype)
    return scaled.reshape(*value.shape[:-2], *size)


def _crop_boxes(sample: dict, top: int, left: int, size: tuple[int, int]) -> dict:
    if "boxes" not in sample:
        return {}
    low = torch.zeros(2).repeat(2)
    high = torch.tensor([size[1], size[0]]).repeat(2)
    boxes = (sample["boxes"] - torch.tensor([left, top]).repeat(2)).clamp(low, high)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return {key: (boxes if key == "boxes" else sample[key])[inside] for key in ("boxes", "box_labels") if key in sample}


def _stack(key: str, values: list):
    if key == "fused" and isinstance(values[0], dict):
        return {method: torch.stack([v[method] for v in values]) for method in values[0]}
    if key in ("boxes", "box_labels") or not isinstance(values[0], Tensor):
        return values
    return torch.stack(values)
