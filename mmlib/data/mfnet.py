"""MFNet: road scenes by day and night in four channels, red, green, blue and thermal, with nine label ids."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of
from mmlib.data.msrs import CLASSES
from mmlib.data.pairs import read_list
from mmlib.images import from_hwc, read_labels

SPLITS = ("train", "val", "trainval", "test", "test_day", "test_night")
COUNTS = {"train": 784, "val": 392, "test": 393}
"""1176 = train + val and 393 = test are confirmed by others; how the 1176 divide is recollection."""

_TIMES = {"D": "day", "N": "night"}


def mfnet(split: str = "train") -> Dataset:
    """MFNet at 640x480: rgb (3,480,640), ir (1,480,640), labels (480,640), ids of mmlib.data.msrs.CLASSES, and `time`.

    `split`: "train", "val", "test", "test_day", "test_night" (the authors' lists), or "trainval", the first two
    together, which some papers train on; they then have nothing left to choose by. Names end in D (day) or N (night).

    Layout: images/NAME.png with four channels, labels/NAME.png, and NAME lists train.txt, ... (the authors' code reads
    it so); the files themselves were unseen when this was written. ValueError for an unknown split, an image without
    four channels, ids above 8, or a name that tells no time; DataMissing where lists or files are absent.
    """
    if split not in SPLITS:
        raise ValueError(f"mfnet: split: expected one of {', '.join(SPLITS)}, got {split!r}")
    folder = set_folder("mfnet")
    lists = ("train", "val") if split == "trainval" else (split,)
    names = tuple(n for part in lists for n in _listed(folder, part))
    files = {key: {n: folder / sub / f"{n}.png" for n in names} for key, sub in
             (("images", "images"), ("labels", "labels"))}  # fmt: skip
    _require(files, folder, split)
    readers = {
        "rgb": partial(_read_channels, folder, files["images"], slice(0, 3)),
        "ir": partial(_read_channels, folder, files["images"], slice(3, 4)),
        "labels": partial(_read_labels, folder, files["labels"]),
        "time": _time,
    }
    every = partial(files_of, files)
    return from_readers("mfnet", split, "mfnet-png", names, readers, folder=folder, files=every, classes=CLASSES)


def read_rgbt(path: Path) -> Tensor:
    """A PNG of four 8-bit channels -> (4,H,W) float32 in [0, 1]: red, green, blue, thermal.

    The fourth is stored where viewers expect transparency, so no ordinary reader may be asked. ValueError for another
    number of channels and for truncated files.
    """
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.array(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path}: truncated or damaged image ({error}); delete it and obtain it again") from None
    if mode != "RGBA":
        raise ValueError(f"{path}: expected four channels (RGB and thermal), got mode {mode}; is this the original?")
    return torch.cat([from_hwc(np.ascontiguousarray(part)) for part in (pixels[:, :, :3], pixels[:, :, 3])])


def _listed(folder: Path, split: str) -> list[str]:
    return [line.removesuffix(".png") for line in read_list(verified(folder, folder / f"{split}.txt"), "mfnet")]


def _require(files: dict[str, dict[str, Path]], folder: Path, split: str) -> None:
    absent = [path for by_name in files.values() for path in by_name.values() if not path.is_file()]
    if absent:
        raise DataMissing(
            f"mfnet: {split}: {len(absent)} listed files missing, such as {absent[0].relative_to(folder)}; complete "
            f"the set. How: {command('mfnet')}"
        )


def _read_channels(folder: Path, files: dict[str, Path], channels: slice, name: str) -> Tensor:
    return read_rgbt(verified(folder, files[name]))[channels]


def _read_labels(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return read_labels(verified(folder, files[name]), len(CLASSES))


def _time(name: str) -> str:
    letter = name.removesuffix("_flip")[-1:]
    if letter not in _TIMES:
        raise ValueError(f"mfnet: expected names that end in D (day) or N (night), got {name!r}")
    return _TIMES[letter]
