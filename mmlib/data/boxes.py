"""Box files in YOLO's text format: one object a line, class and normalised centre and size."""

from pathlib import Path

import torch
from torch import Tensor


def read_boxes(path: Path, height: int, width: int, num_classes: int) -> tuple[Tensor, Tensor]:
    """A YOLO box file (class xc yc w h, normalised to [0, 1]) -> boxes (N,4) float32 xyxy pixels, labels (N,) int64.

    An empty file is an image without objects. ValueError, with the line, for anything else than five numbers, an
    unknown class id, or a box outside the image by more than a pixel.
    """
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            rows.append(_row(line.split(), f"{path}:{number}", num_classes))
    values = torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)
    centre, size = values[:, 1:3], values[:, 3:5]
    scale = torch.tensor([width, height], dtype=torch.float64)
    boxes = torch.cat([(centre - size / 2) * scale, (centre + size / 2) * scale], 1)
    if len(boxes) and (boxes.min() < -1 or (boxes[:, 2:] > scale + 1).any()):
        raise ValueError(
            f"{path}: a box leaves the {width}x{height} image; expected centre and size normalised to [0, 1]"
        )
    return boxes.clamp(min=0).minimum(scale.repeat(2)).float(), values[:, 0].long()


def _row(cells: list[str], where: str, num_classes: int) -> list[float]:
    try:
        row = [float(c) for c in cells]
    except ValueError:
        row = []
    if len(row) != 5 or row[0] not in range(num_classes) or not all(0 <= v <= 1 for v in row[1:]):
        raise ValueError(
            f"{where}: expected 'class xc yc w h' with class 0..{num_classes - 1} and numbers in [0, 1], "
            f"got {' '.join(cells)!r}; restore the file"
        )
    return row
