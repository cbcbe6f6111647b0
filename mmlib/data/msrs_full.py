"""MSRS as published: 1083 training and 361 test pairs with their real masks, and a third party's boxes."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmlib.data.boxes import read_boxes
from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.msrs import BOX_CLASSES, CLASSES, SENSORS
from mmlib.data.pairs import paired, variant_of
from mmlib.data.sequences import part_of_train
from mmlib.images import image_size, read_labels

SPLITS = ("train", "fit", "val", "test")
COUNTS = {"train": 1083, "test": 361}


def msrs_full(split: str = "train", boxes: str | None = None) -> Dataset:
    """MSRS at 640x480: rgb (3,480,640), ir (1,480,640), labels (480,640), ids of mmlib.data.msrs.CLASSES, and `time`.

    `split`: "train" (1083) and "test" (361) as released; "fit" and "val", our division of train into what is fitted
    and a tenth held back to choose by. The test part shows the scenes of load("msrs"). `boxes`: "fusion", "visible" or
    "infrared", whose boxes are added, boxes (N,4) xyxy pixels and box_labels (N,), ids of mmlib.data.msrs.BOX_CLASSES.

    Layout: {train,test}/{vi,ir,Segmentation_labels}/NAME.png, and labels_det/SENSOR/{train,test}/NAME.txt with one
    "class xc yc w h" a line, where an image without objects has no file. The images were seen in the repository's list
    of files, Segmentation_labels only in others' code: unseen. ValueError for an unknown split or sensor, ids above 8,
    or a picture without its partner; DataMissing where folders are absent.
    """
    if split not in SPLITS or boxes not in (None, *SENSORS):
        raise ValueError(
            f"msrs_full: expected a split of {', '.join(SPLITS)} and boxes None, {', '.join(SENSORS)}; "
            f"got {split!r} and {boxes!r}"
        )
    folder = set_folder("msrs_full")
    home = "test" if split == "test" else "train"
    base = folder / home
    names, files = paired("msrs_full", rgb=base / "vi", ir=base / "ir", labels=base / "Segmentation_labels")
    if split != "test":
        names = part_of_train(split, names)
    readers = {key: partial(read_field, folder, files[key], channels) for key, channels in (("rgb", 3), ("ir", 1))}
    readers |= {"labels": partial(_read_labels, folder, files["labels"]), "time": _time}
    every = partial(files_of, files)
    if boxes:
        drawn = _box_files(folder, boxes, home, files["rgb"])
        readers |= {key: partial(_read_boxes, folder, drawn, files["rgb"], part)
                    for part, key in enumerate(("boxes", "box_labels"))}  # fmt: skip
        every = partial(_files, files, drawn)
    variant = variant_of("msrs_full", files["rgb"], {}) + (f"+boxes-{boxes}" if boxes else "")
    return from_readers("msrs_full", split, variant, names, readers, folder=folder, files=every, classes=CLASSES,
                        box_classes=BOX_CLASSES if boxes else ())  # fmt: skip


def _box_files(folder: Path, sensor: str, home: str, images: dict[str, Path]) -> dict[str, Path]:
    """{name: box file} of the images that have objects; a file without its image is an error."""
    base = folder / "labels_det" / sensor / home
    found = {path.stem: path for path in sorted(base.glob("*.txt"))} if base.is_dir() else {}
    if not found:
        raise DataMissing(
            f"msrs_full: expected box files in {base}, got none; load with boxes=None or: {command('msrs_full')}"
        )
    lonely = sorted(set(found) - set(images))
    if lonely:
        raise ValueError(f"msrs_full: {len(lonely)} box files in {base} have no image, such as {lonely[0]}.txt")
    return found


def _read_boxes(folder: Path, drawn: dict[str, Path], rgb: dict[str, Path], part: int, name: str) -> Tensor:
    if name not in drawn:
        return (torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))[part]
    return read_boxes(verified(folder, drawn[name]), *image_size(rgb[name]), len(BOX_CLASSES))[part]


def _files(files: dict[str, dict[str, Path]], drawn: dict[str, Path], name: str) -> list[Path]:
    return [*files_of(files, name), *([drawn[name]] if name in drawn else [])]


def _read_labels(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return read_labels(verified(folder, files[name]), len(CLASSES))


def _time(name: str) -> str:
    if name[-1] not in "DN":
        raise ValueError(f"msrs_full: expected names that end in D (day) or N (night), got {name!r}")
    return "day" if name[-1] == "D" else "night"
