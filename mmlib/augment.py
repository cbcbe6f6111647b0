"""Random flips, scales, windows, colours and noise for a batch, with every field still true to the others.

    augment = Augment(size=(96, 128), flip=0.5, scale=(0.8, 1.25), colour=0.2)
    batch = augment(batch)

Kornia's `AugmentationSequential` draws the random numbers, composes each sample's matrix and changes the colours. It
has no data key for flow vectors or for sentences that say left and right, and it drops no boxes. So `transform` moves
all fields by Kornia's matrix: in one look-up for flip, scale, rotation and window together, ids by the nearest pixel,
and by copying pixels where the map only flips and cuts.
"""

import math
import re
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.flow import valid_mask

# (B, C, H, W), blended between pixels, 0 outside; target: what a fusion network is to make
IMAGES = ("rgb", "rgb_next", "ir", "ir_next", "fused", "target")
NEAREST = {  # (B, H, W) or (B, C, H, W), never blended; the value of what lies outside
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


@dataclass
class Augment:
    """Draw one random change per sample of a batch and apply it to all fields.

    Args:
        size: (height, width) of the result; None keeps that of the batch.
        flip: probability of a left-right flip.
        scale: smallest and largest magnification.
        rotate: largest angle, in degrees, to either side.
        crop: True puts the window anywhere in the scaled picture (or a smaller picture anywhere in the window),
            False in the middle.
        colour: largest change of brightness, contrast and saturation, as a share; infrared draws a brightness and a
            contrast of its own. Both frames of a pair change alike, because to a flow new light looks like motion.
        noise: largest standard deviation of Gaussian noise, new for each frame.
        visible: a box is dropped when less than this share of its area is left.

    Random numbers come from PyTorch's global generator, which `train` seeds at each step. Without scale and rotation
    pixels are copied, not blended.
    """

    size: tuple[int, int] | None = None
    flip: float = 0.5
    scale: tuple[float, float] = (1.0, 1.0)
    rotate: float = 0.0
    crop: bool = True
    colour: float = 0.0
    noise: float = 0.0
    visible: float = 0.25

    def __post_init__(self) -> None:
        import kornia.augmentation as K

        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f"size must be (height, width), both at least 1; got {self.size}")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be (smallest, largest), both positive; got {self.scale}")
        for name, most in {"flip": 1, "rotate": 180, "colour": 1, "noise": 1}.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must lie in [0, {most}]; got {getattr(self, name)}")

        self._blends = tuple(self.scale) != (1, 1) or self.rotate > 0
        self._places = self._blends or self.size is not None
        steps = [K.RandomHorizontalFlip(p=self.flip)]
        if self._places:
            shift = (0.5, 0.5) if self.crop else None
            steps.append(K.RandomAffine(self.rotate, translate=shift, scale=tuple(self.scale), p=1.0))
        self._geometry = K.AugmentationSequential(*steps, data_keys=["input"])

        factor = (1 - self.colour, 1 + self.colour)
        rgb = [K.ColorJiggle(factor, factor, factor, p=1.0)]
        ir = [K.RandomBrightness(factor, p=1.0), K.RandomContrast(factor, p=1.0)]
        self._colours = {
            "rgb": K.AugmentationSequential(*rgb, data_keys=["input"]),
            "ir": K.AugmentationSequential(*ir, data_keys=["input"]),
        }

    def __call__(self, batch: dict) -> dict:
        """A new batch; the old one is left as it is. See `transform` for what happens to each field."""
        count, frame = check_batch(batch)
        matrix = self.draw(count, frame)
        out = transform(batch, matrix, self.size or frame, visible=self.visible)
        for camera in ("rgb", "ir"):
            frames = [name for name in (camera, f"{camera}_next") if name in out]
            if frames and (self.colour or self.noise):
                self._recolour(out, frames, self._colours[camera])
        return out

    def draw(self, count: int, frame: tuple[int, int]) -> Tensor:
        """Matrices (count, 3, 3) for samples of `frame` = (height, width), float64, on the CPU; see `transform`."""
        picture = torch.empty(1, dtype=torch.float64).expand(count, 1, *frame)  # Kornia looks at its shape
        params = self._geometry.forward_parameters(picture.shape)
        old = torch.tensor(frame).flip(0)
        new = torch.tensor(self.size or frame).flip(0)
        if self._places:
            # Kornia shifts by up to half a frame. We want as far as the scaled picture and the window differ.
            affine = params[-1].data
            affine["translations"] = affine["translations"] / old * (affine["scale"] * old - new)
        to_window = torch.eye(3, dtype=torch.float64)
        to_window[:2, 2] = (new - old) / 2  # from the frame's middle to the window's
        matrix = to_window @ self._geometry.get_transformation_matrix(picture, params, recompute=True)
        return matrix if self._blends else matrix.round()

    def _recolour(self, batch: dict, frames: list[str], colours) -> None:
        """Change the frames (B, C, H, W) of one camera in `batch`; outside the picture they stay black."""
        first = batch[frames[0]]
        params = colours.forward_parameters(first.shape)
        sigma = self.noise * torch.rand(len(first), 1, 1, 1).to(first)
        for name in frames:
            image = batch[name]
            if self.colour:
                image = colours(image, params=params)
            if self.noise:
                image = image + sigma * torch.randn_like(image)
            batch[name] = image.clamp(0, 1).where(batch["valid"][:, None], 0.0)


def transform(batch: dict, matrix: Tensor, size: tuple[int, int], *, visible: float = 0.25) -> dict:
    """Apply one affine map per sample to every field of a batch.

    Args:
        batch: the fields of `IMAGES` and `NEAREST`; flow (B, 2, H, W) in pixels; lists of length B of boxes (N, 4)
            xyxy, box_labels (N,) and expressions. What has no pixels is passed on.
        matrix: (B, 3, 3), takes pixel centres (x, y, 1) of the old frame to the new one; the first centre is (0, 0).
        size: (height, width) of the new frame.
        visible: a box is dropped when less than this share of its area is left.

    Returns:
        A new dict with the same fields and `valid` (B, H', W') bool: where the new frame shows the old one. Elsewhere
        images and flow are 0, labels 255, instances 0, depth infinite, occlusion True, masks False.

        Both frames of a pair move by p' = A p + t, so a flow vector u becomes A u. A pixel whose target leaves the new
        frame is occluded. Boxes are clipped, and dropped together with their labels; instances are numbered anew, so
        that k + 1 still belongs to boxes[k]. A flip swaps left and right in expressions. An expression is dropped when
        its pixels or instances are gone, and one about size when the frame cuts anything off.

    Raises:
        TypeError, ValueError: what `check_batch` finds, or a matrix of the wrong shape.
    """
    count, frame = check_batch(batch)
    if matrix.shape != (count, 3, 3):
        raise ValueError(f"matrix must have shape ({count}, 3, 3), one map per sample; got {tuple(matrix.shape)}")
    device = next(value.device for value in batch.values() if isinstance(value, Tensor))
    out = dict(batch)
    with torch.autocast(device.type, enabled=False):  # in bfloat16 coordinates would be off by pixels
        lookup = _Lookup(matrix, frame, size, device)
        for name, value in batch.items():
            if name in IMAGES:
                out[name] = lookup.blend(value)
            elif name == "flow":
                out[name] = lookup.flow(value)
            elif name in NEAREST:
                out[name] = lookup.nearest(value, NEAREST[name])
            elif name in ("boxes", "box_labels", "expressions"):
                out[name] = list(value)
        out["valid"] = lookup.inside & out.get("valid", True)
        if "flow" in out and "occlusion" in out:
            out["occlusion"] = out["occlusion"] | ~valid_mask(out["flow"])
        numbers = _move_boxes(out, lookup, visible) if "boxes" in out else None
        if "expressions" in out:
            _move_expressions(out, lookup, numbers)
    return out


def check_batch(batch: dict) -> tuple[int, tuple[int, int]]:
    """B and (H, W) of a batch; TypeError or ValueError where its fields do not fit together."""
    fields = {name: batch[name] for name in (*IMAGES, "flow", *NEAREST) if isinstance(batch.get(name), Tensor)}
    if not fields:
        raise ValueError(f"no field with pixels among {sorted(batch)}: expected rgb, ir, labels, ... (see transform)")
    for name, value in fields.items():
        if value.ndim != 4 and not (value.ndim == 3 and name in NEAREST):
            raise ValueError(f"{name} has shape {tuple(value.shape)}, not a batch's: add the axis with [None]")
        if name not in NEAREST and not value.is_floating_point():
            raise TypeError(f"{name} must be float, images in [0, 1]; got {value.dtype}: use mmlib.images.from_uint8")
    shapes = {name: (len(value), *value.shape[-2:]) for name, value in fields.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"all fields must share (B, H, W); got {shapes}")
    count, height, width = next(iter(shapes.values()))
    for name, value in batch.items():
        if name not in fields and isinstance(value, Tensor) and value.shape[-2:] == (height, width):
            raise ValueError(f"unknown field {name!r} has pixels: leave it out, or name it beside IMAGES")
    return count, (height, width)


_MOVING = r"(?:mov|go|turn|driv|rid|walk|runn?|head|fac|look|point|lean|veer|cross|pass)(?:e|es|s|ing)?"
_SIDE = r"(?:side|half|lane|edge|end|corner|part|third|bend|turn|kerb|curb|arm|leg|foot|hand|wheel|door|mirror|light)s?"
_NO_SIDE = r"(?:of way|next|behind|in front|before|after|here|there|now|away|at|by|on|under|above|below|between|beside)"
_BEFORE = re.compile(
    rf"(?:\b(?:the|far|upper|lower|top|bottom|front|rear|to|from|on|its|his|her|their|my|your)[ -]"
    rf"|\b{_MOVING}(?: (?:slightly|further|straight|sharply))?\s"
    r"|\b(?:left|right) (?:and|or|to)\s"
    r"|(?:^|[,;:(]\s*))$",
    re.IGNORECASE,
)
"""What stands before a left or right that names a side: an article, a place, a motion, its opposite, or nothing."""
_AFTER = re.compile(rf"(?:most|wards?|-?hand(?:ed)?)\b| of\b(?! way)| {_SIDE}\b", re.IGNORECASE)
_NEVER = re.compile(rf" {_NO_SIDE}\b| (?:angle|way|time|size|answer|moment|thing)s?\b", re.IGNORECASE)


def mirror(text: str) -> str:
    """Swap left and right in a sentence where they name a side: "the leftmost car" becomes "the rightmost car".

    "The man who left", "right of way" and "right next to the car" stay as they are. English has more ways to use these
    words than a few rules know; those of the rules are tested.
    """

    def other(word: re.Match) -> str:
        before, after = text[: word.start()], text[word.end() :]
        sided = _AFTER.match(after)
        if not sided and (not _BEFORE.search(before) or _never(word.group(), before, after)):
            return word.group()
        swapped = "right" if word.group().lower() == "left" else "left"
        return swapped.capitalize() if word.group()[0].isupper() else swapped

    return re.sub(r"\b(?:left|right)(?=(?:most|wards?|-?hand(?:ed)?)?\b)", other, text, flags=re.IGNORECASE)


def _never(word: str, before: str, after: str) -> bool:
    """Whether "right" means correct or exactly here, as in "the right way" or "right behind the car"."""
    moves = re.search(rf"\b{_MOVING}\s$", before, re.IGNORECASE)
    return word.lower() == "right" and not moves and bool(_NEVER.match(after))


class _Lookup:
    """Where each pixel of the new frames comes from in the old ones."""

    def __init__(self, matrix: Tensor, frame: tuple[int, int], size: tuple[int, int], device: torch.device) -> None:
        self.matrix = matrix.double().cpu()
        self.frame, self.size = frame, size
        linear = self.matrix[:, :2, :2]
        self.linear = linear.to(device, torch.float32)[..., None, None]
        self.copies = bool((self.matrix == self.matrix.round()).all() and (linear.abs() == torch.eye(2)).all())
        self.windows = self._windows() if self.copies else None
        if self.windows is not None:
            self.inside = torch.ones(len(matrix), *size, dtype=torch.bool, device=device)
            return
        height, width = frame
        back = torch.linalg.inv(self.matrix).to(device, torch.float32)[..., None, None]
        column = torch.arange(size[1], device=device)[None]
        row = torch.arange(size[0], device=device)[:, None]
        self.x = back[:, 0, 0] * column + back[:, 0, 2]  # (B, 1, W')
        self.y = back[:, 1, 1] * row + back[:, 1, 2]  # (B, H', 1)
        if linear[:, 0, 1].any() or linear[:, 1, 0].any():
            self.x = self.x + back[:, 0, 1] * row  # (B, H', W')
            self.y = self.y + back[:, 1, 0] * column
        # A pixel is an area: its centre may lie up to half a pixel beyond the outermost centres.
        inside_x = (self.x >= -0.5) & (self.x <= width - 0.5)
        inside_y = (self.y >= -0.5) & (self.y <= height - 0.5)
        self.inside = inside_x & inside_y  # (B, H', W')
        nearest_x = self.x.round().long().clamp(0, width - 1)
        nearest_y = self.y.round().long().clamp(0, height - 1)
        self.index = nearest_y * width + nearest_x  # (B, H', W')

    def _windows(self) -> list[tuple[slice, slice, bool]] | None:
        """Rows, columns and flips of maps that only flip and cut; None if one leaves the frame."""
        mirrored = self.matrix[:, 0, 0] < 0
        upside_down = self.matrix[:, 1, 1] < 0
        left = -self.matrix[:, 0, 2]
        left = torch.where(mirrored, 1 - self.size[1] - left, left)
        top = -self.matrix[:, 1, 2]
        start = torch.stack([top, left], dim=1)
        room = torch.tensor(self.frame) - torch.tensor(self.size)
        if upside_down.any() or (start < 0).any() or (start > room).any():
            return None
        height, width = self.size
        return [
            (slice(row, row + height), slice(column, column + width), flipped)
            for (row, column), flipped in zip(start.long().tolist(), mirrored.tolist())
        ]

    def nearest(self, field: Tensor, outside: float, samples: slice = slice(None)) -> Tensor:
        """Copy the nearest pixel of a field (B, H, W) or (B, C, H, W) of any dtype."""
        if self.windows is not None:
            parts = []
            for image, (rows, columns, flipped) in zip(field, self.windows[samples]):
                part = image[..., rows, columns]
                parts.append(part.flip(-1) if flipped else part)
            return torch.stack(parts)
        index, inside = self.index[samples], self.inside[samples]
        if field.ndim == 4:
            index, inside = index[:, None], inside[:, None]
        index = index.flatten(-2).expand(*field.shape[:-2], -1)
        found = field.flatten(-2).gather(-1, index).unflatten(-1, self.size)
        return found.where(inside, outside)

    def blend(self, field: Tensor) -> Tensor:
        """Interpolate a field (B, C, H, W); a map that moves by whole pixels copies it."""
        if self.copies:
            return self.nearest(field, 0.0)
        height, width = self.frame
        x = 2 * self.x / max(width - 1, 1) - 1
        y = 2 * self.y / max(height - 1, 1) - 1
        grid = torch.stack(torch.broadcast_tensors(x, y), dim=-1)
        found = F.grid_sample(field.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)
        return found.to(field.dtype).where(self.inside[:, None], 0.0)

    def flow(self, flow: Tensor) -> Tensor:
        """Move the vectors to their new places, and turn them: u' = A u."""
        moved = self.nearest(flow, 0.0)
        if not self.copies:
            # Across a motion boundary, or next to unknown vectors (NaN), a blend is a motion that nothing has.
            blend = self.blend(flow)
            change_u, change_v = (blend - moved).abs().unbind(dim=1)
            smooth = (change_u <= 0.5) & (change_v <= 0.5)
            moved = blend.where(smooth[:, None], moved)
        a = self.linear
        u, v = moved.unbind(dim=1)
        return torch.stack([a[:, 0, 0] * u + a[:, 0, 1] * v, a[:, 1, 0] * u + a[:, 1, 1] * v], dim=1)

    def boxes(self, boxes: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Boxes (N, 4) xyxy for each sample, clipped, and the share of each one's area that is left, (N,).

        Box sides are pixel edges, half a pixel off the centres that the matrix speaks of: a flip takes x to W - x, not
        to W - 1 - x. Under a rotation a box becomes the smallest around the turned one.
        """
        counts = [len(b) for b in boxes]
        together = torch.cat(boxes)
        matrix = self.matrix.repeat_interleave(torch.tensor(counts), dim=0).to(together)
        a, b, c = matrix[:, None, :2].unbind(dim=-1)  # the columns of the matrix, (N, 1, 2)
        x = together[:, [0, 2, 2, 0], None] - 0.5  # the corners, (N, 4, 1)
        y = together[:, [1, 1, 3, 3], None] - 0.5
        corners = a * x + b * y + c + 0.5
        moved = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
        limit = moved.new_tensor([self.size[1], self.size[0]]).repeat(2)
        clipped = moved.clamp(min=0).minimum(limit)
        area = (moved[:, 2:] - moved[:, :2]).prod(dim=1)
        left = (clipped[:, 2:] - clipped[:, :2]).prod(dim=1)
        return list(clipped.split(counts)), list((left / area).split(counts))


def _move_boxes(out: dict, lookup: _Lookup, visible: float) -> list[Tensor]:
    """Boxes, their labels and instances, in `out`; for each sample the new number of each old instance, 0: dropped."""
    boxes, left = lookup.boxes(out["boxes"])
    numbers = []
    for i, share in enumerate(left):
        keep = (share > 0) & (share >= visible)
        out["boxes"][i] = boxes[i][keep]
        if "box_labels" in out:
            out["box_labels"][i] = out["box_labels"][i][keep]
        number = F.pad(keep.cumsum(0) * keep, (1, 0))
        if "instances" in out:
            instances = out["instances"][i]
            if int(instances.max()) > len(keep):
                raise ValueError(f"instance {int(instances.max())} has no box: {len(keep)} boxes, k + 1 is of boxes[k]")
            instances.copy_(number.to(instances)[instances.long()])
        numbers.append(number)
    return numbers


def _move_expressions(out: dict, lookup: _Lookup, numbers: list[Tensor] | None) -> None:
    """Masks, words and instances of the expressions, in `out`; those that mean nothing any more are dropped."""
    frame = torch.tensor([[0.0, 0.0, lookup.frame[1], lookup.frame[0]]])
    _, left = lookup.boxes([frame] * len(lookup.matrix))
    for i, expressions in enumerate(out["expressions"]):
        if not expressions:
            continue
        masks = torch.stack([expression.mask for expression in expressions])[None]
        masks = lookup.nearest(masks, False, samples=slice(i, i + 1))[0]
        mirrored = bool(torch.linalg.det(lookup.matrix[i]) < 0)
        cut = bool(left[i] < 1 - 1e-6)
        kept = []
        for expression, mask in zip(expressions, masks):
            changed = {"mask": mask}
            if mirrored:
                changed["text"] = mirror(expression.text)
            if numbers is not None and getattr(expression, "instances", ()):
                for name in ("instances", "candidates"):
                    ids = numbers[i][list(getattr(expression, name))].tolist()
                    changed[name] = tuple(k for k in ids if k)
            lost = not mask.any() or changed.get("instances") == ()
            resized = cut and getattr(expression, "kind", "") == "size"  # what was cut off may have been larger
            if not lost and not resized:
                kept.append(replace(expression, **changed))
        out["expressions"][i] = kept
