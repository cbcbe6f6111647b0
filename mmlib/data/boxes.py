"""Files of boxes: YOLO's text, one line a box, and Pascal VOC's XML, one <object> a thing."""

import math
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from mmlib.images import image_size

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_boxes(path: Path, image: Path, num_classes: int) -> tuple[Tensor, Tensor]:
    """A YOLO file (class xc yc w h, normalised to [0, 1]) -> boxes (N,4) float32 xyxy pixels, labels (N,) int64.

    `image`: the picture, whose size gives the pixels. An empty file is an image without objects; a box without area is
    left out. ValueError, with the line, for anything else than five numbers, an unknown class id, or a box outside the
    image by more than a pixel.
    """
    lines = [(number, line.split()) for number, line in enumerate(_text(path).splitlines(), 1) if line.strip()]
    rows = [_row(cells, f"{path}:{number}", num_classes) for number, cells in lines]
    values = torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)
    centre, size = values[:, 1:3], values[:, 3:5]
    corners = torch.cat([centre - size / 2, centre + size / 2], 1)  # (N, 4), in [0, 1]
    height, width = image_size(image)
    boxes = corners * torch.tensor([width, height, width, height], dtype=torch.float64)
    return _with_area(_inside(boxes, height, width, path), values[:, 0].long())


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


def read_voc(path: Path, image: Path, classes: Mapping[str, int]) -> tuple[Tensor, Tensor]:
    """A VOC file -> boxes (N,4) float32 xyxy in pixels, labels (N,) int64. `image`: the picture, for its size.

    `classes`: lower-case class name -> id; ids always come from names, since class orders differ between releases.
    Corners are taken as they are written. A stated size of 0x0 means that it is not stated. A file without objects is
    an image without objects; a box without area is left out. ValueError for broken XML, a size other than the image's,
    an unknown class, corners that are no finite numbers, swapped, or outside the image by more than a pixel.
    """
    root = _parse(path)
    height, width = image_size(image)
    _check_size(root, path, height, width)
    things = list(root.iter("object"))
    boxes = torch.tensor([_corners(thing, path) for thing in things], dtype=torch.float64).reshape(-1, 4)
    labels = torch.tensor([_label(thing, path, classes) for thing in things], dtype=torch.int64)
    return _with_area(_inside(boxes, height, width, path), labels)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected lines of text, got {error}; restore the file") from None


def _with_area(boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes that have a width and a height, and their labels: no detector can find the others."""
    some = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return boxes[some], labels[some]


def _inside(boxes: Tensor, height: int, width: int, path: Path) -> Tensor:
    """Boxes (N,4) cut at the border, float32. ValueError for one that lies outside by more than a pixel."""
    limits = torch.tensor([width, height, width, height])
    outside = ((boxes < -1) | (boxes > limits + 1)).any(1)
    if outside.any():
        worst = boxes[outside][0].tolist()
        raise ValueError(f"{path}: the box {worst} leaves the {width}x{height} image; restore the file")
    return boxes.clamp(min=0).minimum(limits).float()


def _parse(path: Path) -> ElementTree.Element:
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError(f"{path}: expected plain VOC XML, got a document type of its own; do not trust this file")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # LookupError: an encoding nobody knows
        raise ValueError(f"{path}: truncated or no XML ({error}); delete it and obtain it again") from None


def _check_size(root: ElementTree.Element, path: Path, height: int, width: int) -> None:
    """The size in the file, where it states one, is the image's: else the boxes belong to another picture."""
    stated = [(root.findtext(f"size/{side}") or "").strip() for side in ("height", "width")]
    if stated == ["0", "0"]:  # as labelling tools write it that never opened the picture
        return
    if all(stated) and stated != [str(height), str(width)]:
        raise ValueError(f"{path}: expected boxes of a {height}x{width} image, got {'x'.join(stated)}; not its file")


def _corners(thing: ElementTree.Element, path: Path) -> list[float]:
    texts = [thing.findtext(f"bndbox/{corner}") for corner in _CORNERS]
    try:
        corners = [float(text) for text in texts]
    except (TypeError, ValueError):
        raise ValueError(f"{path}: expected bndbox with {', '.join(_CORNERS)}, got {texts}; restore the file") from None
    if not all(math.isfinite(corner) for corner in corners):
        raise ValueError(f"{path}: expected finite corners, got {texts}; restore the file")
    if corners[2] < corners[0] or corners[3] < corners[1]:
        raise ValueError(f"{path}: expected xmin <= xmax and ymin <= ymax, got {corners}; restore the file")
    return corners


def _label(thing: ElementTree.Element, path: Path, classes: Mapping[str, int]) -> int:
    name = (thing.findtext("name") or "").strip()
    if name.lower() not in classes:
        raise ValueError(
            f"{path}: unknown class {name!r}; expected one of {', '.join(classes)}; next: look which release this is"
        )
    return classes[name.lower()]
