"""GTA5 ("Playing for Data"): frames of a game with labels in Cityscapes' ids, the source of GTA5 -> Cityscapes."""

from mmlib.data.dataset import Dataset, from_files
from mmlib.data.folders import set_folder
from mmlib.data.pairs import listed, one_of, paired, variant_of
from mmlib.data.street19 import CLASSES, read_street_labels
from mmlib.images import read_image

MISFITS = frozenset(f"{i:05d}" for i in (15188, 17705, *range(20801, 20861)))
"""Frames whose image and label image differ in size, as public code that leaves them out lists them; unseen by us."""


def gta5(split: str | None = None, misfits: bool = False) -> Dataset:
    """GTA5, mostly 1914x1052: rgb (3,H,W) and labels (H,W), train ids 0..18, 255 = ignore; names "00001" to "24966".

    `split`: None for everything, which is what adaptation papers train on, or "train", "val", "test", the authors' own
    lists (split.mat, as train.txt, val.txt, test.txt: our recipe writes them). `misfits=True` keeps the 62
    frames that are said to have labels of another size; reading one is then an error.

    The label images have a palette: the stored indices are the ids, and any reading as a picture destroys them.
    Layout: images/NNNNN.png and labels/NNNNN.png; the files themselves were unseen when this was written. ValueError
    for an unknown split or ids that are none of Cityscapes', DataMissing where files or lists are absent.
    """
    one_of("gta5: split", split, (None, "train", "val", "test"))
    folder = set_folder("gta5")
    files = paired("gta5", rgb=folder / "images", labels=folder / "labels")
    names = listed("gta5", folder, f"{split}.txt", files["rgb"]) if split else tuple(files["rgb"])
    if not misfits:
        names = tuple(name for name in names if name not in MISFITS)
    variant = variant_of("gta5", files["rgb"]) + ("+misfits" if misfits else "")
    reads = {"rgb": (read_image, "rgb"), "labels": (read_street_labels, "labels")}
    return from_files("gta5", split, variant, folder, files, reads, names=names, classes=CLASSES)
