"""Random windows of a batch, half of them mirrored, pixel for pixel: what small pictures can bear of augmentation."""

import torch
from torch import Tensor

PIXELS = ("rgb", "ir", "fused", "labels")


def window(batch: dict, size: tuple[int, int] | None = None, *, visible: float = 0.5, unit: int = 1) -> dict:
    """A window of `size` (H', W') somewhere in each sample, mirrored in half of them; None keeps the whole picture.

    batch: rgb, ir, fused (B, C, H, W), labels (B, H, W), boxes and box_labels as lists; other entries are passed on.
    `unit`: pixels from one entry of the tensors to the next, where those are features; boxes stay in pixels.
    Pixels are moved, never blended. A box is cut to the window, and dropped if less than the share `visible` of it is
    left or a side is shorter than a pixel. Draws from torch's global generator, the same draws whatever the batch
    holds. ValueError if the window is larger than the pictures.
    """
    keys = [key for key in PIXELS if key in batch]
    count, (height, width) = len(batch[keys[0]]), batch[keys[0]].shape[-2:]
    tall, wide = size or (height, width)
    if tall > height or wide > width:
        raise ValueError(f"expected a window of at most {height} x {width}, got {tall} x {wide}; next: a smaller size")
    luck = torch.rand(count, 3)
    tops, lefts = (luck[:, 0] * (height - tall + 1)).long(), (luck[:, 1] * (width - wide + 1)).long()
    places = list(zip(tops.tolist(), lefts.tolist(), (luck[:, 2] < 0.5).tolist()))
    out = dict(batch)
    for key in keys:
        out[key] = torch.stack([_cut(image, place, tall, wide) for image, place in zip(batch[key], places)])
    if "boxes" in batch:
        moved = [_moved(b / unit, place, tall, wide, visible, 1 / unit) for b, place in zip(batch["boxes"], places)]
        out["boxes"] = [boxes * unit for boxes, _ in moved]
        out["box_labels"] = [labels[keep] for labels, (_, keep) in zip(batch["box_labels"], moved)]
    return out


def _cut(image: Tensor, place: tuple[int, int, bool], tall: int, wide: int) -> Tensor:
    top, left, mirrored = place
    part = image[..., top : top + tall, left : left + wide]
    return part.flip(-1) if mirrored else part


def _moved(
    boxes: Tensor, place: tuple[int, int, bool], tall: int, wide: int, visible: float, least: float
) -> tuple[Tensor, Tensor]:
    """The boxes in the window that stay, (M, 4), and which of the (N,) they are; `least` is a side's least length."""
    top, left, mirrored = place
    moved = boxes - boxes.new_tensor([left, top, left, top])
    if mirrored:
        x0, y0, x1, y1 = moved.unbind(dim=1)
        moved = torch.stack([wide - x1, y0, wide - x0, y1], dim=1)
    cut = moved.clamp(min=0).minimum(moved.new_tensor([wide, tall, wide, tall]))
    sides = (cut[:, 2:] - cut[:, :2]).clamp(min=0)
    keep = (sides >= least).all(dim=1) & (sides.prod(dim=1) >= visible * (moved[:, 2:] - moved[:, :2]).prod(dim=1))
    return cut[keep], keep
