"""Boxes, instances and sentences after a move: numbered, cut and sifted together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmlib.augment.words import mirror

if TYPE_CHECKING:
    from mmlib.scenes import Expression

BY_SIZE = ("size", "largest")  # kinds of expressions that compare sizes


def sift(old: Tensor, new: Tensor, boxes: Tensor, growth: float, visible: float) -> tuple[Tensor, Tensor, Tensor]:
    """Things that are drawn as instances, before (H, W) and after (H', W') a move that scales areas by `growth`.

    Returns the new instances numbered anew, the box around each (N', 4), and which of the N things stayed (N,) bool:
    those of which at least the share `visible` is in sight.

    Raises:
        ValueError: an instance without a box; instance k + 1 belongs to boxes[k].
    """
    if int(old.max()) > len(boxes):
        raise ValueError(f"instance {int(old.max())} has no box: instance k + 1 belongs to boxes[k]; got {len(boxes)}")
    before, after = (torch.bincount(ids.flatten(), minlength=len(boxes) + 1)[1:] for ids in (old, new))
    keep = (after > 0) & (after >= visible * growth * before)
    number = torch.zeros(len(boxes) + 1, dtype=new.dtype, device=new.device)
    number[1:][keep] = torch.arange(1, int(keep.sum()) + 1, dtype=new.dtype, device=new.device)
    instances = number[new]
    return instances, tight(instances, int(keep.sum())).to(boxes), keep


def tight(instances: Tensor, count: int) -> Tensor:
    """The boxes (count, 4), xyxy along pixel edges, around the instances 1 to `count` of (H, W)."""
    y, x = instances.nonzero().unbind(dim=1)
    mine = instances[y, x] - 1
    sides = ((x, "amin"), (y, "amin"), (x + 1, "amax"), (y + 1, "amax"))
    none = torch.zeros(count, dtype=x.dtype, device=x.device)
    return torch.stack([none.scatter_reduce(0, mine, s, how, include_self=False) for s, how in sides], dim=1).float()


def move_boxes(boxes: Tensor, matrix: Tensor, size: tuple[int, int], visible: float) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) xyxy of which nothing else is known, cut to the frame: those that stay, and which (N,) they were.

    Box sides are pixel edges, half a pixel off the centres that the matrix speaks of. Forgetting that is the classical
    off-by-one of a flip: x' = W - 1 - x is right for centres, x' = W - x for edges. Under a rotation a box becomes the
    smallest that holds the turned one, which is more than its thing needs.
    """
    matrix = matrix.to(boxes)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].view(-1, 4, 2) - 0.5
    corners = corners @ matrix[:2, :2].T + matrix[:2, 2] + 0.5
    moved = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    cut = moved.clamp(min=0).minimum(moved.new_tensor([size[1], size[0]]).repeat(2))
    area, left = ((b[:, 2:] - b[:, :2]).prod(dim=1) for b in (moved, cut))
    keep = (left > 0) & (left >= visible * area)
    return cut[keep], keep


def follow(
    expression: Expression,
    mask: Tensor,
    *,
    mirrored: bool,
    cut: bool,
    instances: Tensor | None,
    keep: Tensor | None,
) -> Expression | None:
    """An expression after a move, or None where its words or its pixels are gone.

    Args:
        expression: a dataclass with `text` and `mask`; perhaps `kind`, and `instances` and `candidates` (ids).
        mask: its moved mask.
        mirrored: whether left and right changed places.
        cut: whether the frame cut anything off, so that sizes may have changed.
        instances, keep: the new numbers, and which of the old things stayed (see `sift`), where there are any.
    """
    changed = {"mask": mask}
    if mirrored:
        changed |= {k: mirror(getattr(expression, k)) for k in ("text", "kind") if hasattr(expression, k)}
    if keep is not None and getattr(expression, "instances", ()):
        number = (keep.cumsum(0) * keep).tolist()
        for name in ("instances", "candidates"):
            changed[name] = tuple(number[k - 1] for k in getattr(expression, name) if number[k - 1])
        changed["mask"] = torch.isin(instances, torch.tensor(changed["instances"], device=instances.device))
    if not changed["mask"].any() or (cut and getattr(expression, "kind", "") in BY_SIZE):
        return None
    return dataclasses.replace(expression, **changed)
