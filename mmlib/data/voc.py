"""Boxes in Pascal VOC's XML: one file an image, one <object> a thing, with a class name and pixel corners."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from mmlib.data.folders import DataMissing, command, verified
from mmlib.images import image_size

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def annotations(set_name: str, folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """{name: its .xml in `folder`}. DataMissing, with the command that obtains the set, where any is absent."""
    files = {name: folder / f"{name}.xml" for name in names}
    absent = [path.name for path in files.values() if not path.is_file()]
    if absent:
        raise DataMissing(
            f"{set_name}: {len(absent)} of {len(files)} pairs have no file in {folder}, such as {absent[0]}; complete "
            f"the set with: {command(set_name)}"
        )
    return files


def box_readers(folder: Path, files: dict[str, Path], images: dict[str, Path], classes: Mapping[str, int]) -> dict:
    """Readers of `boxes` and `box_labels` for a Dataset; `images` tell the sizes, `classes` as in `read_voc`."""
    return {key: partial(_read, folder, files, images, classes, i) for i, key in enumerate(("boxes", "box_labels"))}


def read_voc(path: Path, height: int, width: int, classes: Mapping[str, int]) -> tuple[Tensor, Tensor]:
    """A VOC file of an image of `height` x `width` -> boxes (N,4) float32 xyxy in pixels, labels (N,) int64.

    `classes`: lower-case class name -> id; ids always come from names, since class orders differ between releases.
    Corners are taken as they are written. A file without objects is an image without objects; a box without area is
    left out. ValueError for broken XML, a size other than the image's, an unknown class, corners that are no numbers,
    swapped, or outside the image by more than a pixel.
    """
    root = _parse(path)
    _check_size(root, path, height, width)
    rows, labels = [], []
    for thing in root.iter("object"):
        rows.append(_corners(thing, path))
        labels.append(_label(thing, path, classes))
    boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
    limits = torch.tensor([width, height, width, height], dtype=torch.float32)
    if len(boxes) and (boxes.min() < -1 or bool((boxes > limits + 1).any())):
        worst = boxes[((boxes < -1) | (boxes > limits + 1)).any(1)][0].tolist()
        raise ValueError(f"{path}: the box {worst} leaves the {width}x{height} image; restore the file")
    boxes = boxes.clamp(min=0).minimum(limits)
    some = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return boxes[some], torch.tensor(labels, dtype=torch.int64)[some]


def _parse(path: Path) -> ElementTree.Element:
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError(f"{path}: expected plain VOC XML, got a document type of its own; do not trust this file")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: truncated or no XML ({error}); delete it and obtain it again") from None


def _check_size(root: ElementTree.Element, path: Path, height: int, width: int) -> None:
    """The size in the file, where it states one, is the image's: else the boxes belong to another picture."""
    stated = [(root.findtext(f"size/{side}") or "").strip() for side in ("height", "width")]
    if all(stated) and stated != [str(height), str(width)]:
        raise ValueError(f"{path}: expected boxes of a {height}x{width} image, got {'x'.join(stated)}; not its file")


def _corners(thing: ElementTree.Element, path: Path) -> list[float]:
    texts = [thing.findtext(f"bndbox/{corner}") for corner in _CORNERS]
    try:
        corners = [float(text) for text in texts]
    except (TypeError, ValueError):
        raise ValueError(f"{path}: expected bndbox with {', '.join(_CORNERS)}, got {texts}; restore the file") from None
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


def _read(
    folder: Path, files: dict[str, Path], images: dict[str, Path], classes: Mapping[str, int], part: int, name: str
) -> Tensor:
    return read_voc(verified(folder, files[name]), *image_size(images[name]), classes)[part]
