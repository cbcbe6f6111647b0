"""Moving every field of a batch by one affine map, each in the way that keeps it true."""

import dataclasses

import torch
from torch import Tensor

from mmlib.augment.words import mirror
from mmlib.flow import pixel_grid, valid_mask

IMAGES = ("rgb", "rgb_next", "ir", "ir_next", "fused")  # blended between pixels; black outside
FLOWS = ("flow", "flow_back")
COPIED = {  # taken from the nearest pixel: (what stands outside)
    "labels": 255,
    "instances": 0,
    "depth": 0.0,
    "occlusion": True,
    "mask": False,
    "valid": False,
}
BLEND_LIMIT = 0.5  # pixels: a blend of flow vectors further from the nearest vector crosses a motion boundary


def frame_of(batch: dict) -> tuple[int, int, int]:
    """(B, H, W) of a batch. Raises ValueError if it has no field with pixels, or fields of different sizes."""
    sizes = {}
    for key in (*IMAGES, *FLOWS, *COPIED):
        if isinstance(batch.get(key), Tensor):
            axes = batch[key].ndim
            if axes != (3 if key in COPIED and key != "depth" else 4):
                shape = tuple(batch[key].shape)
                raise ValueError(f"{key} has shape {shape}: augmentation works on a batch; add the axis with [None]")
            sizes[key] = (batch[key].shape[0], *batch[key].shape[-2:])
    if not sizes:
        raise ValueError(f"no field with pixels among {sorted(batch)}: expected one of {', '.join((*IMAGES, *COPIED))}")
    if len(set(sizes.values())) > 1:
        raise ValueError(f"all fields must share (B, H, W); got {sizes}")
    return next(iter(sizes.values()))


def transform(batch: dict, matrix: Tensor, size: tuple[int, int], *, visible: float = 0.25) -> dict:
    """Apply one affine map per sample to every field of a batch.

    Args:
        batch: a dict in the book's vocabulary: rgb, rgb_next, ir, ir_next, fused (B, C, H, W); flow, flow_back
            (B, 2, H, W); depth (B, 1, H, W); labels, instances, occlusion, mask, valid (B, H, W); lists of length B:
            boxes (N, 4), box_labels (N,), masks (N, H, W), expressions. Other entries are passed on, unless they have
            pixels.
        matrix: (B, 3, 3), pixel centres of the old frame to those of the new one (see `affine`).
        size: (height, width) of the new frame.
        visible: a box is kept if at least this share of its area stays in the frame.

    Returns:
        A new dict with the same keys, and `valid` (B, H', W') bool: where the new frame shows the old one. Images are
        blended; labels, instances, depth and masks come from the nearest pixel. Outside the old frame images are 0,
        labels 255, instances 0, depth 0 (no reading), flow 0, occlusion True, masks False.
        Flow vectors are turned with the picture: if both frames move by p' = A p + t, then u' = A u. Where the two
        sides of a motion boundary would blend into a motion that neither has, the nearest vector stands. Depth keeps
        its metres. A pixel whose target leaves the new frame is occluded. Boxes are cut to the frame, and dropped with
        their labels when too little is left; under a rotation a box is the smallest that holds the turned one. A flip
        swaps left and right in expressions; they are dropped when nothing of their mask is in sight.

    Raises:
        ValueError: fields of different sizes, a batch axis missing, matrices of a wrong shape, an unknown field with
            pixels.
    """
    count, height, width = frame_of(batch)
    if matrix.shape != (count, 3, 3):
        raise ValueError(f"matrix must have shape ({count}, 3, 3), one map per sample; got {tuple(matrix.shape)}")
    device = next(v.device for k, v in batch.items() if isinstance(v, Tensor))
    move = _Move(matrix, (height, width), size, device)
    out = {key: _moved(key, value, move) for key, value in batch.items()}
    out["valid"] = out.get("valid", True) & move.inside
    if "occlusion" in out and "flow" in out:
        out["occlusion"] = out["occlusion"] | ~valid_mask(out["flow"])
    if "boxes" in out:
        _move_boxes(out, matrix, size, visible)
    return out


class _Move:
    """One affine map per sample, ready to look pixels up."""

    def __init__(self, matrix: Tensor, old: tuple[int, int], new: tuple[int, int], device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.old, self.linear = old, matrix[:, :2, :2].to(device, dtype)
        self.mirrored = (torch.linalg.det(matrix[:, :2, :2].double()) < 0).tolist()
        back = torch.linalg.inv(matrix.double()).to(device, dtype)
        grid = pixel_grid(*new, device=device, dtype=dtype)
        there = torch.einsum("bij,njhw->bihw", back[:, :2, :2], grid) + back[:, :2, 2, None, None]
        self.x, self.y = there.unbind(dim=1)
        # A pixel is an area: its centre may lie up to half a pixel beyond the outermost centres.
        within = [(c >= -0.5) & (c <= n - 0.5) for c, n in ((self.x, old[1]), (self.y, old[0]))]
        self.inside = within[0] & within[1]

    def look(self, field: Tensor, mode: str, outside: float, sample: int | None = None) -> Tensor:
        """Look a field (B, C, H, W) up under the map; with `sample`, a field (1, C, H, W) of that one sample."""
        from kornia.geometry.transform import remap

        part = slice(None) if sample is None else slice(sample, sample + 1)
        x, y, inside = self.x[part], self.y[part], self.inside[part, None]
        found = remap(field.to(x.dtype), x, y, mode=mode, padding_mode="border", align_corners=True)
        return found.where(inside, outside).to(field.dtype)


def _moved(key: str, value, move: _Move):
    """One field of the batch under the map, by what the field means."""
    if key in IMAGES:
        return move.look(value, "bilinear", 0.0)
    if key in FLOWS:
        return _moved_flow(value, move)
    if key in COPIED:
        axis = value.ndim == 3
        found = move.look(value[:, None] if axis else value, "nearest", float(COPIED[key]))
        return found[:, 0] if axis else found
    if key == "masks":
        return [move.look(m[None], "nearest", 0.0, i)[0] for i, m in enumerate(value)]
    if key == "expressions":
        return [_moved_expressions(e, move, i) for i, e in enumerate(value)]
    if isinstance(value, Tensor) and tuple(value.shape[-2:]) == move.old:
        raise ValueError(
            f"unknown field {key!r} has pixels, {tuple(value.shape)}: take it out, or name it in moving.py"
        )
    return value


def _moved_flow(flow: Tensor, move: _Move) -> Tensor:
    """Move the vectors to their new places, and turn them: u' = A u."""
    nearest, blend = move.look(flow, "nearest", 0.0), move.look(flow, "bilinear", 0.0)
    smooth = (blend - nearest).norm(dim=1, keepdim=True) <= BLEND_LIMIT
    return torch.einsum("bij,bjhw->bihw", move.linear.to(flow.dtype), blend.where(smooth, nearest))


def _moved_expressions(expressions: list, move: _Move, sample: int) -> list:
    """Move the masks, mirror the words in a flip, and drop what is no longer in sight."""
    kept = []
    for expression in expressions:
        mask = move.look(expression.mask[None, None], "nearest", 0.0, sample)[0, 0]
        if mask.any():
            text = mirror(expression.text) if move.mirrored[sample] else expression.text
            kept.append(dataclasses.replace(expression, text=text, mask=mask))
    return kept


def _move_boxes(out: dict, matrix: Tensor, size: tuple[int, int], visible: float) -> None:
    """Move, cut and sift the boxes of a batch, and their labels with them."""
    pairs = [_moved_boxes(b, m.to(b.device, b.dtype), size, visible) for b, m in zip(out["boxes"], matrix)]
    out["boxes"] = [boxes for boxes, _ in pairs]
    if "box_labels" in out:
        out["box_labels"] = [labels[keep] for labels, (_, keep) in zip(out["box_labels"], pairs)]


def _moved_boxes(boxes: Tensor, matrix: Tensor, size: tuple[int, int], visible: float) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) xyxy under one map, cut to the frame: those that stay, and which (N,) they were.

    Box sides are pixel edges, half a pixel off the centres that the matrix speaks of. Forgetting that is the classical
    off-by-one of a flip: x' = W - 1 - x is right for centres, x' = W - x for edges.
    """
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].view(-1, 4, 2) - 0.5
    corners = corners @ matrix[:2, :2].T + matrix[:2, 2] + 0.5
    moved = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    limit = moved.new_tensor([size[1], size[0]]).repeat(2)
    cut = moved.clamp(min=0).minimum(limit)
    area, left = ((b[:, 2:] - b[:, :2]).prod(dim=1) for b in (moved, cut))
    keep = (left > 0) & (left >= visible * area)
    return cut[keep], keep
