"""GTA5 ("Playing for Data"): frames of a game with labels in Cityscapes' ids, the source of GTA5 -> Cityscapes."""

from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import paired, read_list, variant_of
from mmlib.data.street19 import CLASSES, to_train_ids
from mmlib.images import read_labels

SPLITS = ("train", "val", "test")
COUNT = 24966

MISFITS = frozenset(f"{i:05d}" for i in (15188, 17705, *range(20801, 20861)))
"""Frames whose image and label image differ in size, as public code that leaves them out lists them; unseen by us."""


def gta5(split: str | None = None, misfits: bool = False) -> Dataset:
    """GTA5, mostly 1914x1052: rgb (3,H,W) and labels (H,W), train ids 0..18, 255 = ignore; names "00001" to "24966".

    `split`: None for everything, which is what adaptation papers train on, or "train", "val", "test", the authors' own
    lists (split.mat, as train.txt, val.txt, test.txt: data_scripts/gta5.py writes them). `misfits=True` keeps the 62
    frames that are said to have labels of another size; reading one is then an error.

    The label images have a palette: the stored indices are the ids, and any reading as a picture destroys them.
    Layout: images/NNNNN.png and labels/NNNNN.png; the files themselves were unseen when this was written. ValueError
    for an unknown split or ids that are none of Cityscapes', DataMissing where files or lists are absent.
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"gta5: split: expected None, {', '.join(SPLITS)}, got {split!r}")
    folder = set_folder("gta5")
    names, files = paired("gta5", rgb=folder / "images", labels=folder / "labels")
    names = tuple(n for n in _chosen(folder, split, names) if misfits or n not in MISFITS)
    readers = {"rgb": partial(read_field, folder, files["rgb"], 3),
               "labels": partial(_read_labels, folder, files["labels"])}  # fmt: skip
    variant = variant_of("gta5", files["rgb"], {}) + ("+misfits" if misfits else "")
    every = partial(files_of, files)
    return from_readers("gta5", split, variant, names, readers, folder=folder, files=every, classes=CLASSES)


def _chosen(folder: Path, split: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    if split is None:
        return names
    listed = [line.removesuffix(".png") for line in read_list(verified(folder, folder / f"{split}.txt"), "gta5")]
    absent = sorted(set(listed) - set(names))
    if absent:
        raise DataMissing(
            f"gta5: {split}.txt names {len(absent)} absent frames, such as {absent[0]}; complete the set with: "
            f"{command('gta5')}"
        )
    return tuple(listed)


def _read_labels(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return to_train_ids(read_labels(verified(folder, files[name])), str(files[name]))
