"""FMB: 1500 street pairs, visible and infrared, with fifteen label ids; SegMiF's own set."""

from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import paired, variant_of
from mmlib.data.sequences import part_of_train
from mmlib.images import read_labels

CLASSES = (
    "background",
    "road",
    "sidewalk",
    "building",
    "traffic lamp",
    "traffic sign",
    "vegetation",
    "sky",
    "person",
    "car",
    "truck",
    "bus",
    "motorcycle",
    "bicycle",
    "pole",
)
"""Ids 0..14; 0 is unlabelled. Bicycle is said to be absent from the test part."""

SPLITS = ("train", "fit", "val", "test")
COUNTS = {"train": 1220, "test": 280}
"""As recollected; one public loader agrees on 1220."""


def fmb(split: str = "train") -> Dataset:
    """FMB at 800x600: rgb (3,600,800), ir (1,600,800), labels (600,800), ids 0..14.

    `split`: "train" and "test" as released; "fit" and "val", our division of train into what is fitted and a tenth
    held back to choose by (mmlib.data.sequences.held_back), since the release has no validation part.

    Layout: {train,test}/{Visible,Infrared,Label}/NAME.png, as several public loaders read it (`color` holds pictures of
    the labels, not labels); the files themselves were unseen when this was written. ValueError for an unknown split,
    ids above 14, or a picture without its partner; DataMissing where folders are absent.
    """
    if split not in SPLITS:
        raise ValueError(f"fmb: split: expected one of {', '.join(SPLITS)}, got {split!r}")
    folder = set_folder("fmb")
    base = folder / ("test" if split == "test" else "train")
    names, files = paired("fmb", rgb=base / "Visible", ir=base / "Infrared", labels=base / "Label")
    if split != "test":
        names = part_of_train(split, names)
    readers = {key: partial(read_field, folder, files[key], channels) for key, channels in (("rgb", 3), ("ir", 1))}
    readers["labels"] = partial(_read_labels, folder, files["labels"])
    variant, every = variant_of("fmb", files["rgb"], {}), partial(files_of, files)
    return from_readers("fmb", split, variant, names, readers, folder=folder, files=every, classes=CLASSES)


def _read_labels(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return read_labels(verified(folder, files[name]), len(CLASSES))
