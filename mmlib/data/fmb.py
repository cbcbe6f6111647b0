"""FMB: 1500 street pairs, visible and infrared, with fifteen label ids; SegMiF's own set."""

from functools import partial

from mmlib.data.dataset import Dataset, from_files
from mmlib.data.folders import set_folder
from mmlib.data.pairs import READ_PAIR, one_of, paired, part_of_train, variant_of
from mmlib.images import read_labels

CLASSES = ("background", "road", "sidewalk", "building", "traffic lamp", "traffic sign", "vegetation", "sky", "person",
           "car", "truck", "bus", "motorcycle", "bicycle", "pole")  # fmt: skip
"""Ids 0..14; 0 is unlabelled. Bicycle is said to be absent from the test part."""


def fmb(split: str = "train") -> Dataset:
    """FMB at 800x600: rgb (3,600,800), ir (1,600,800), labels (600,800), ids 0..14.

    `split`: "train" (1220) and "test" (280) as released, counts as recollected, one public loader agrees on 1220;
    "fit" and "val", our division of train into what is fitted and a tenth held back to choose by
    (mmlib.data.pairs.held_back), since the release has no validation part.

    Layout: {train,test}/{Visible,Infrared,Label}/NAME.png, as several public loaders read it (`color` holds pictures of
    the labels, not labels); the files themselves were unseen when this was written. ValueError for an unknown split,
    ids above 14, or a picture without its partner; DataMissing where folders are absent.
    """
    one_of("fmb: split", split, ("train", "fit", "val", "test"))
    folder = set_folder("fmb")
    base = folder / ("test" if split == "test" else "train")
    files = paired("fmb", rgb=base / "Visible", ir=base / "Infrared", labels=base / "Label")
    names = part_of_train(split, files["rgb"])
    reads = READ_PAIR | {"labels": (partial(read_labels, num_classes=len(CLASSES)), "labels")}
    return from_files("fmb", split, variant_of("fmb", files["rgb"]), folder, files, reads, names=names, classes=CLASSES)
