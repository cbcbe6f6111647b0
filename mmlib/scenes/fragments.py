"""Fragments: the pixels that each quad covers, and the texels they show."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from mmlib.scenes.atlas import Atlas
from mmlib.scenes.geometry import CLOSEST, Shapes, View, columns_of, footprints, levels
from mmlib.scenes.world import World


@dataclass
class Fragments:
    """One entry per pixel that a quad may cover, quads from far to near, each quad's frames together.

    `pixel` counts through all frames; `quad` is the index in the world; `texel` (N, 12) is premultiplied by alpha.
    """

    pixel: torch.Tensor
    quad: torch.Tensor
    depth: torch.Tensor
    texel: torch.Tensor


def fragments(world: World, frames: list[tuple[int, View]], size: tuple[int, int], source: Atlas) -> Fragments | None:
    """All fragments of a world in some (time, view) pairs, or None if nothing is in sight."""
    if not world.quads:
        return None
    shapes = Shapes(world)
    boxes = np.stack([footprints(shapes, view, time, size) for time, view in frames], 1)  # (quads, frames, 4)
    row, image = np.nonzero((boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1]))
    if row.size == 0:
        return None
    boxes = boxes[row, image]
    for k, (time, view) in enumerate(frames):
        mine = image == k
        boxes[mine] = _trim(shapes, row[mine], boxes[mine], view, time, size)
    lines = _lines(boxes, image, shapes.number[row], size)
    tables = _columns(shapes, boxes, row, image, frames, source)
    device = source.table.device
    return _expand(*(torch.from_numpy(a).to(device) for a in (lines, *tables)), source)


def _trim(shapes, row, boxes, view: View, time: int, size: tuple[int, int]) -> np.ndarray:
    """Cut off the left and right columns of boxes that houses and walls hide wholly; boxes of one frame, far to near.

    In each pixel column at most one facade of the street is seen; what is drawn before it and does not rise above
    the top of its opaque part there is hidden.
    """
    top, rank = np.full(size[1], np.inf), np.full(size[1], -1)
    front = np.nonzero(shapes.blind[row] > 0)[0]
    box, at = _spans(boxes[front, 2] - boxes[front, 0])
    box = front[box]
    pixel = boxes[box, 0] + at
    depth, s, *_ = columns_of(shapes, row[box], pixel.astype(np.float64), view, time)
    here = (s >= 0) & (s <= 1) & (depth > CLOSEST)
    edge = view.cy + view.f * (view.height - shapes.blind[row[box]]) / np.where(here, depth, 1.0)
    top[pixel[here]], rank[pixel[here]] = edge[here], box[here]  # later entries are nearer, and win
    hidden = (np.arange(row.size)[:, None] < rank) & (boxes[:, 1:2] >= top + 1)
    columns = np.arange(size[1])
    shown = ~hidden & (columns >= boxes[:, :1]) & (columns < boxes[:, 2:3])
    out = boxes.copy()
    out[:, 0] = np.where(shown.any(1), shown.argmax(1), boxes[:, 0])
    out[:, 2] = np.where(shown.any(1), size[1] - shown[:, ::-1].argmax(1), boxes[:, 0])
    return out


def _spans(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For runs of these lengths laid end to end: the run of each element, and its place within the run."""
    run = np.repeat(np.arange(lengths.size), lengths)
    return run, np.arange(run.size) - (np.cumsum(lengths) - lengths)[run]


def _lines(boxes, image, quad, size) -> np.ndarray:
    """The pixel rows of all boxes, (5, lines) int64: first flat pixel, y, first column entry, width, quad."""
    wide = boxes[:, 2] - boxes[:, 0]
    box, at = _spans(boxes[:, 3] - boxes[:, 1])
    y = boxes[box, 1] + at
    first = np.cumsum(wide) - wide
    return np.stack([(image[box] * size[0] + y) * size[1] + boxes[box, 0], y, first[box], wide[box], quad[box]]).astype(
        np.int32
    )


def _columns(shapes, boxes, row, image, frames, source) -> tuple[np.ndarray, np.ndarray]:
    """Per pixel column of all boxes: floats (4, K): where texel rows start, rows per pixel, share of the right texel,
    distance; whole numbers (4, K): addresses of the left and right texel of row 0, texels per row, last row (-2:
    nothing here)."""
    box, at = _spans(boxes[:, 2] - boxes[:, 0])
    row, image, pixel = row[box], image[box], (boxes[box, 0] + at).astype(np.float64)
    asset = shapes.asset[row]
    depth, s, top, per_row = np.empty((4, box.size))
    level = np.empty(box.size, np.int64)
    for k, (time, view) in enumerate(frames):
        mine = image == k
        depth[mine], s[mine], top[mine], per_row[mine] = columns_of(shapes, row[mine], pixel[mine], view, time)
        texels = tuple(table[asset[mine], 0] for table in source.layout[1:])
        level[mine] = levels(shapes, row[mine], depth[mine], texels, view, time)
    start, rows, wide = (table[asset, level] for table in source.layout)
    x = s * wide - 0.5
    left = np.floor(x)
    first, second = (np.clip(left + k, 0, wide - 1).astype(np.int64) for k in (0, 1))
    here = (s > -0.5 / wide) & (s < 1 + 0.5 / wide) & (depth > CLOSEST)
    floats = np.stack([top * rows - 0.5, per_row * rows, x - left, depth]).astype(np.float32)
    return floats, np.stack([start + first, start + second, wide, np.where(here, rows - 1, -2)]).astype(np.int32)


def _expand(lines, floats, whole, source: Atlas) -> Fragments:
    """From rows and columns to single pixels: bilinear texels, with pixels outside the picture dropped."""
    pixel0, y0, column0, width, quad = lines
    first = width.cumsum(0, dtype=torch.int32) - width
    line = torch.repeat_interleave(width)
    place = torch.arange(line.numel(), dtype=torch.int32, device=line.device)
    column = place + (column0 - first).index_select(0, line)
    start, step, share, depth = floats
    y = step.index_select(0, column).mul_(y0.to(start.dtype).index_select(0, line)).add_(start.index_select(0, column))
    last = whole[3].index_select(0, column)
    kept = torch.nonzero((y > -1.0) & (y < last + 1))[:, 0]
    line, place, column, y, last = (v.index_select(0, kept) for v in (line, place, column, y, last))
    low = torch.floor(y)
    fy, fx = y - low, share.index_select(0, column)
    low = low.int()
    upper, lower = torch.minimum(low.clamp(min=0), last), torch.minimum(low + 1, last)
    left, right, wide = (whole[k].index_select(0, column) for k in (0, 1, 2))
    upper, lower = upper.mul_(wide), lower.mul_(wide)
    index = torch.stack([upper + left, upper + right, lower + left, lower + right], 1)
    gx, gy = 1 - fx, 1 - fy
    weight = torch.stack([gx * gy, fx * gy, gx * fy, fx * fy], 1)
    texel = F.embedding_bag(index, source.table, per_sample_weights=weight, mode="sum")
    pixel = place.add_((pixel0 - first).index_select(0, line))
    return Fragments(pixel.long(), quad.long().index_select(0, line), depth.index_select(0, column), texel)
