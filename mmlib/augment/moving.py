"""Moving every field of a batch by one affine map, each in the way that keeps it true."""

import math

import torch
from torch import Tensor

from mmlib.augment.things import follow, move_boxes, sift
from mmlib.flow import pixel_grid, valid_mask

IMAGES = ("rgb", "rgb_next", "ir", "ir_next", "fused")  # blended between pixels; black outside
FLOWS = ("flow", "flow_back")
COPIED = {  # taken from the nearest pixel; what stands outside
    "labels": 255,
    "labels_next": 255,
    "derived_labels": 255,
    "instances": 0,
    "depth": math.inf,
    "occlusion": True,
    "mask": False,
    "mask_next": False,
    "valid": False,
}
LISTS = ("boxes", "box_labels", "expressions")  # see things.py
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
            (B, 2, H, W); depth (B, 1, H, W); labels, labels_next, derived_labels, instances, occlusion, mask,
            mask_next, valid (B, H, W); lists of length B: boxes (N, 4), box_labels (N,), masks (N, H, W), expressions.
            Other entries are passed on, unless they have pixels.
        matrix: (B, 3, 3), pixel centres of the old frame to those of the new one (see `affine`).
        size: (height, width) of the new frame.
        visible: a thing is kept if at least this share of it stays in the frame: of its pixels, or else of its box.

    Returns:
        A new dict with the same keys, and `valid` (B, H', W') bool: where the new frame shows the old one. Images are
        blended; labels, instances, depth and masks come from the nearest pixel. Outside the old frame images are 0,
        labels 255, instances 0, depth infinite, flow 0, occlusion True, masks False.
        Flow vectors are turned with the picture: if both frames move by p' = A p + t, then u' = A u. Where the two
        sides of a motion boundary would blend into a motion that neither has, the nearest vector stands. Depth keeps
        its metres. A pixel whose target leaves the new frame is occluded.
        Things of which too little is left lose their box and its label. Where there are instances (k + 1 for boxes[k])
        they lose that too, the others are numbered anew and get a tight box; boxes alone are cut to the frame. A flip
        swaps left and right in expressions. An expression goes when its pixels do, and one about size goes when the
        frame cuts anything off.

    Raises:
        ValueError: fields of different sizes, a batch axis missing, matrices of a wrong shape, an unknown field with
            pixels, an instance without a box.
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
    _move_things(out, batch, move, visible)
    return out


class _Move:
    """One affine map per sample, ready to look pixels up."""

    def __init__(self, matrix: Tensor, old: tuple[int, int], new: tuple[int, int], device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.matrix, self.old, self.new = matrix, old, new
        self.linear = matrix[:, :2, :2].to(device, dtype)
        self.growth = torch.linalg.det(matrix[:, :2, :2].double()).tolist()  # of areas; negative in a mirror
        back = torch.linalg.inv(matrix.double()).to(device, dtype)
        grid = pixel_grid(*new, device=device, dtype=dtype)
        there = torch.einsum("bij,njhw->bihw", back[:, :2, :2], grid) + back[:, :2, 2, None, None]
        self.x, self.y = there.unbind(dim=1)
        # A pixel is an area: its centre may lie up to half a pixel beyond the outermost centres.
        within = [(c >= -0.5) & (c <= n - 0.5) for c, n in ((self.x, old[1]), (self.y, old[0]))]
        self.inside = within[0] & within[1]

    def cuts(self, sample: int) -> bool:
        """Whether some of the old frame of a sample lies outside the new one."""
        frame = torch.tensor([[0.0, 0.0, self.old[1], self.old[0]]], dtype=torch.float64)
        return not len(move_boxes(frame, self.matrix[sample], self.new, visible=1 - 1e-9)[0])

    def look(self, field: Tensor, mode: str, outside: float, sample: int | None = None) -> Tensor:
        """Look a field (B, C, H, W) up under the map; with `sample`, a field (1, C, H, W) of that one sample."""
        from kornia.geometry.transform import remap

        part = slice(None) if sample is None else slice(sample, sample + 1)
        x, y, inside = self.x[part], self.y[part], self.inside[part, None]
        found = remap(field.to(x.dtype), x, y, mode=mode, padding_mode="border", align_corners=True)
        return found.where(inside, outside).to(field.dtype)

    def look_masks(self, masks: Tensor, sample: int) -> Tensor:
        """Look the masks (N, H, W) of one sample up; N may be 0."""
        return self.look(masks[None], "nearest", 0.0, sample)[0] if len(masks) else masks.new_zeros((0, *self.new))


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
        return [move.look_masks(m, i) for i, m in enumerate(value)]
    if key in LISTS:
        return list(value)
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


def _move_things(out: dict, batch: dict, move: _Move, visible: float) -> None:
    """Boxes, their labels, instances and expressions of every sample, so that numbers still mean the same things."""
    numbered = "instances" in batch and "boxes" in batch
    for i, growth in enumerate(move.growth):
        keep = ids = None
        if numbered:
            fields = batch["instances"][i], out["instances"][i], batch["boxes"][i]
            ids, out["boxes"][i], keep = sift(*fields, abs(growth), visible)
            out["instances"][i] = ids
        elif "boxes" in batch:
            out["boxes"][i], keep = move_boxes(batch["boxes"][i], move.matrix[i], move.new, visible)
        if keep is not None and "box_labels" in batch:
            out["box_labels"][i] = batch["box_labels"][i][keep]
        if batch.get("expressions") and batch["expressions"][i]:
            masks = move.look_masks(torch.stack([e.mask for e in batch["expressions"][i]]), i)
            known = {"mirrored": growth < 0, "cut": move.cuts(i), "instances": ids, "keep": keep if numbered else None}
            told = [follow(e, m, **known) for e, m in zip(batch["expressions"][i], masks)]
            out["expressions"][i] = [e for e in told if e is not None]
