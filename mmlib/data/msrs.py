"""MSRS: aligned road pairs by day and night, with human detection boxes; pixel masks of three derived kinds."""

from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.boxes import read_boxes
from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import find_layout, paired, read_list, variant_of
from mmlib.images import image_size, read_labels

BOX_CLASSES = ("person", "bicycle", "car")
"""Ids of the boxes, in the order of the box release's own class list."""

CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
"""Ids of the masks, MFNet's numbering. They are not the ids of the boxes: match by name."""

DERIVED = {"weak": ("weak_masks", 4), "mfnet_pseudo": ("mfnet_pseudo", 9), "consensus": ("consensus_masks", 4)}
"""Kind of derived mask -> its folder, and how many of CLASSES it uses."""

DERIVED_NOTE = "derived masks are not ground truth: an IoU against them is agreement with pseudo-labels, not accuracy"
SENSORS = ("fusion", "visible", "infrared")
SPLITS = ("train", "val", "test")

_LAYOUTS = ({"rgb": "vi", "ir": "ir"}, {"rgb": "test/vi", "ir": "test/ir"})
_REAL_LABELS = ("labels_seg", "Segmentation_labels", "test/Segmentation_labels")


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
    _one_of("split", split, (None, *SPLITS))
    _one_of("boxes", boxes, (None, *SENSORS))
    _one_of("derived", derived, (None, *DERIVED))
    folder, layout = find_layout("msrs", _LAYOUTS)
    sources = {field: folder / sub for field, sub in layout.items()}
    sources |= {"derived_labels": _derived(folder, derived)} if derived else {}
    sources |= {"labels": _real_labels(folder)} if labels else {}
    names, files = paired("msrs", **sources)
    readers = _readers(folder, files, derived)
    readers |= _box_readers(folder, boxes, files["rgb"], names) if boxes else {}
    names = _split(folder, split, names)
    variant = variant_of("msrs", files["rgb"], {".jpg": "jpeg92"}) + (f"+{derived}" if derived else "")
    return from_readers(
        "msrs",
        split,
        variant,
        names,
        readers,
        folder=folder,
        files=partial(_files, files, folder, boxes),
        classes=CLASSES if labels or derived else (),
        box_classes=BOX_CLASSES if boxes else (),
        note=DERIVED_NOTE if derived else "",
    )


def _box_readers(folder: Path, sensor: str, rgb: dict[str, Path], names: tuple[str, ...]) -> dict:
    base = folder / "labels_det" / sensor
    missing = [n for n in names if not (base / f"{n}.txt").is_file()]
    if missing:
        raise DataMissing(
            f"msrs: {len(missing)} box files missing in {base} ({', '.join(missing[:3])}, ...); an image without "
            f"objects has an empty file. Load with boxes=None, or obtain them with: {command('msrs')}"
        )
    return {
        "boxes": partial(_read_boxes, folder, base, rgb, 0),
        "box_labels": partial(_read_boxes, folder, base, rgb, 1),
    }


def _read_boxes(folder: Path, base: Path, rgb: dict[str, Path], part: int, name: str) -> Tensor:
    return read_boxes(verified(folder, base / f"{name}.txt"), *image_size(rgb[name]), len(BOX_CLASSES))[part]


def _readers(folder: Path, files: dict[str, dict[str, Path]], derived: str | None) -> dict:
    readers = {key: partial(read_field, folder, files[key], channels) for key, channels in (("rgb", 3), ("ir", 1))}
    if derived:
        readers["derived_labels"] = partial(_read_mask, folder, files["derived_labels"], DERIVED[derived][1])
    if "labels" in files:
        readers["labels"] = partial(_read_mask, folder, files["labels"], len(CLASSES))
    return readers | {"time": _time}


def _read_mask(folder: Path, files: dict[str, Path], num_classes: int, name: str) -> Tensor:
    return read_labels(verified(folder, files[name]), num_classes)


def _time(name: str) -> str:
    """Day or night from the last letter of MSRS's file names."""
    if name[-1] not in "DN":
        raise ValueError(f"msrs: expected names that end in D (day) or N (night), got {name!r}")
    return "day" if name[-1] == "D" else "night"


def _real_labels(folder: Path) -> Path:
    for sub in _REAL_LABELS:
        if (folder / sub).is_dir():
            return folder / sub
    raise DataMissing(
        f"msrs: the real masks are not here (looked for {', '.join(_REAL_LABELS)} in {folder}); they could not be "
        f"obtained for the data pack. Put MSRS's own label PNGs (ids 0..8) into {folder / 'labels_seg'}, or load with "
        "derived='consensus'"
    )


def _derived(folder: Path, derived: str) -> Path:
    masks = folder / DERIVED[derived][0]
    if not masks.is_dir():
        raise DataMissing(f"msrs: {masks} does not exist; it is part of the data pack: {command('msrs')} --from FOLDER")
    return masks


def _split(folder: Path, split: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    if split is None:
        return names
    chosen = read_list(verified(folder, folder / "splits" / f"{split}.txt"), "msrs")
    strange = sorted(set(chosen) - set(names))
    if strange:
        raise ValueError(
            f"msrs: {split}.txt names {len(strange)} absent images, such as {strange[0]}: {command('msrs')}"
        )
    return tuple(chosen)


def _files(files: dict[str, dict[str, Path]], folder: Path, boxes: str | None, name: str) -> list[Path]:
    return files_of(files, name) + ([folder / "labels_det" / boxes / f"{name}.txt"] if boxes else [])


def _one_of(argument: str, value: str | None, expected: tuple) -> None:
    if value not in expected:
        raise ValueError(f"msrs: {argument}: expected one of {', '.join(map(repr, expected))}, got {value!r}")
