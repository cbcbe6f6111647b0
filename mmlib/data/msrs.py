"""MSRS: aligned road pairs by day and night. `msrs`: the test part, with human boxes and three derived kinds of mask;
`msrs_full`: the whole set as published, with its real masks."""

from functools import partial
from pathlib import Path

from mmlib.data.boxes import read_boxes
from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import DataMissing, set_folder
from mmlib.data.pairs import (
    READ_PAIR,
    beside,
    day_or_night,
    find_layout,
    listed,
    one_of,
    pack_file,
    paired,
    part_of_train,
    variant_of,
)
from mmlib.images import read_labels

BOX_CLASSES = ("person", "bicycle", "car")
"""Ids of the boxes, in the order of the box release's own class list."""

CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
"""Ids of the masks, MFNet's numbering. They are not the ids of the boxes: match by name."""

DERIVED = {"weak": ("weak_masks", 4), "mfnet_pseudo": ("mfnet_pseudo", 9), "consensus": ("consensus_masks", 4)}
"""Kind of derived mask -> its folder, and how many of CLASSES it uses."""

DERIVED_NOTE = "derived masks are not ground truth: an IoU against them is agreement with pseudo-labels, not accuracy"
SENSORS = ("fusion", "visible", "infrared")

_LAYOUTS = ({"rgb": "vi", "ir": "ir"}, {"rgb": "test/vi", "ir": "test/ir"})
_REAL_LABELS = ("labels_seg", "Segmentation_labels", "test/Segmentation_labels")
_READS: Reads = {
    **READ_PAIR,
    "labels": (partial(read_labels, num_classes=len(CLASSES)), "labels"),
    "time": (day_or_night, "rgb"),
    ("boxes", "box_labels"): (partial(read_boxes, num_classes=len(BOX_CLASSES)), "boxes", "rgb"),
}


def msrs(
    split: str | None = None, boxes: str | None = "fusion", derived: str | None = None, labels: bool = False
) -> Dataset:
    """The 361 pairs of MSRS's official test split, rgb (3,480,640) and ir (1,480,640), and `time` "day" or "night".

    `split`: None for all 361 (what the fusion papers test on), or "train", "val", "test": our own division of them
    for detection. `boxes`: whose human annotation fills boxes (N,4) xyxy pixels and box_labels (N,), "fusion",
    "visible" or "infrared"; None for none. `derived`: "weak" (boxes -> GrabCut), "mfnet_pseudo" (predictions of a
    trained MFNet) or "consensus" (where both agree, else 255) adds `derived_labels` (H,W). `labels=True` adds the
    real masks as `labels`; they could not be obtained for the data pack, so this raises DataMissing until somebody
    adds them. ValueError for other values of these arguments.
    """
    one_of("msrs: split", split, (None, "train", "val", "test"))
    one_of("msrs: boxes", boxes, (None, *SENSORS))
    one_of("msrs: derived", derived, (None, *DERIVED))
    folder, layout = find_layout("msrs", _LAYOUTS)
    sources = {field: folder / sub for field, sub in layout.items()}
    reads = dict(_READS)
    if derived:
        masks, num_classes = DERIVED[derived]
        sources["derived_labels"] = pack_file(folder / masks, "msrs")
        reads["derived_labels"] = (partial(read_labels, num_classes=num_classes), "derived_labels")
    if labels:
        sources["labels"] = _real_labels(folder)
    files = paired("msrs", **sources)
    if boxes:
        files["boxes"] = _box_files("msrs", folder / "labels_det" / boxes, files["rgb"])
    return from_files(
        "msrs",
        split,
        variant_of("msrs", files["rgb"], jpg="jpeg92") + (f"+{derived}" if derived else ""),
        folder,
        files,
        reads,
        names=listed("msrs", folder, f"splits/{split}.txt", files["rgb"]) if split else None,
        classes=CLASSES if labels or derived else (),
        box_classes=BOX_CLASSES if boxes else (),
        note=DERIVED_NOTE if derived else "",
    )


def msrs_full(split: str = "train", boxes: str | None = None) -> Dataset:
    """MSRS at 640x480: rgb (3,480,640), ir (1,480,640), labels (480,640), ids of CLASSES, and `time`.

    `split`: "train" (1083) and "test" (361) as released; "fit" and "val", our division of train into what is fitted
    and a tenth held back to choose by. The test part shows the scenes of load("msrs"). `boxes`: "fusion", "visible" or
    "infrared", whose boxes are added, boxes (N,4) xyxy pixels and box_labels (N,), ids of BOX_CLASSES.

    Layout: {train,test}/{vi,ir,Segmentation_labels}/NAME.png, and labels_det/SENSOR/{train,test}/NAME.txt with one
    "class xc yc w h" a line. The release has no file for an image without objects; our recipe adds an empty one. The
    images were seen in the repository's list of files, Segmentation_labels only in others' code: unseen. ValueError
    for an unknown split or sensor, ids above 8, or a picture without its partner; DataMissing where files are absent.
    """
    one_of("msrs_full: split", split, ("train", "fit", "val", "test"))
    one_of("msrs_full: boxes", boxes, (None, *SENSORS))
    folder, home = set_folder("msrs_full"), "test" if split == "test" else "train"
    base = folder / home
    files = paired("msrs_full", rgb=base / "vi", ir=base / "ir", labels=base / "Segmentation_labels")
    if boxes:
        files["boxes"] = _box_files("msrs_full", folder / "labels_det" / boxes / home, files["rgb"])
    return from_files(
        "msrs_full",
        split,
        variant_of("msrs_full", files["rgb"]) + (f"-boxes-{boxes}" if boxes else ""),
        folder,
        files,
        _READS,
        names=part_of_train(split, files["rgb"]),
        classes=CLASSES,
        box_classes=BOX_CLASSES if boxes else (),
    )


def _box_files(name: str, folder: Path, images: dict[str, Path]) -> dict[str, Path]:
    return beside(name, images, folder, ".txt", "an image without objects has an empty file; load with boxes=None, or ")


def _real_labels(folder: Path) -> Path:
    for sub in _REAL_LABELS:
        if (folder / sub).is_dir():
            return folder / sub
    raise DataMissing(
        f"msrs: the real masks are not here (looked for {', '.join(_REAL_LABELS)} in {folder}); they could not be "
        f"obtained for the data pack. Put MSRS's own label PNGs (ids 0..8) into {folder / 'labels_seg'}, or load with "
        "derived='consensus'"
    )
