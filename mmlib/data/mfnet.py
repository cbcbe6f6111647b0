"""MFNet: road scenes by day and night in four channels, red, green, blue and thermal, with nine label ids."""

from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import set_folder
from mmlib.data.msrs import CLASSES
from mmlib.data.pairs import day_or_night, listed, one_of, paired
from mmlib.images import from_hwc, read_labels
from mmlib.images.files import open_picture

SPLITS = ("train", "val", "trainval", "test", "test_day", "test_night")


def mfnet(split: str = "train") -> Dataset:
    """MFNet at 640x480: rgb (3,480,640), ir (1,480,640), labels (480,640), ids of mmlib.data.msrs.CLASSES, and `time`.

    `split`: "train" (784), "val" (392), "test" (393), "test_day", "test_night" (the authors' lists), or "trainval",
    the first two together, which some papers train on; they then have nothing left to choose by. 1176 = train + val
    and 393 are confirmed by others; how the 1176 divide is recollection. Names end in D (day) or N (night).

    Layout: images/NAME.png with four channels, labels/NAME.png, and NAME lists train.txt, ... (the authors' code reads
    it so); the files themselves were unseen when this was written. ValueError for an unknown split, an image without
    four channels or its labels, ids above 8, or a name that tells no time; DataMissing where lists or files are absent.
    """
    one_of("mfnet: split", split, SPLITS)
    folder = set_folder("mfnet")
    files = paired("mfnet", images=folder / "images", labels=folder / "labels")
    names = []
    for part in ("train", "val") if split == "trainval" else (split,):
        names += listed("mfnet", folder, f"{part}.txt", files["images"])
    reads: Reads = {
        ("rgb", "ir"): (read_rgbt, "images"),
        "labels": (partial(read_labels, num_classes=len(CLASSES)), "labels"),
        "time": (day_or_night, "images"),
    }
    return from_files("mfnet", split, "mfnet-png", folder, files, reads, names=names, classes=CLASSES)


def read_rgbt(path: Path) -> tuple[Tensor, Tensor]:
    """A PNG of four 8-bit channels -> rgb (3,H,W) and thermal (1,H,W), float32 in [0, 1].

    The fourth is stored where viewers expect transparency, so no ordinary reader may be asked. ValueError for another
    number of channels or bits, and as `read_image` for files that are no picture.
    """
    picture, storage = open_picture(path)
    if picture.mode != "RGBA" or "16" in storage:
        got = f"mode {picture.mode} ({storage})"
        raise ValueError(f"{path}: expected four channels (RGB and thermal), got {got}; is this the original?")
    pixels = np.array(picture)
    return from_hwc(np.ascontiguousarray(pixels[:, :, :3])), from_hwc(np.ascontiguousarray(pixels[:, :, 3]))
