"""Your own pairs: folders of pictures that belong together by name, raw thermal counts, sizes that differ.

pairs = load_pairs(rgb="photos/colour", ir="photos/thermal")
pairs = load_pairs(rgb="vis", ir="counts", ir_range=(7000, 8000), resample="rgb")
"""

import os
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.batches import resize
from mmlib.data.boxes import read_boxes, read_voc
from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import DataMissing
from mmlib.data.pairs import SUFFIXES, read_ir, variant_of
from mmlib.images import read_image, read_labels
from mmlib.images.files import open_picture

TAILS = ("vis", "visible", "vi", "rgb", "ir", "infrared", "thermal", "fused", "fusion", "label", "labels", "mask")
"""Last words of a file's name that say what it shows and not which pair it belongs to: 0007_VIS.png, 0007_IR.png."""

USUAL = {
    "rgb": ("rgb", "vi", "vis", "visible", "colour", "color"),
    "ir": ("ir", "infrared", "thermal"),
    "labels": ("labels", "label", "masks"),
    "boxes": ("boxes", "annotations"),
}
"""What `own_folder` calls the folders of each field, in any case of letters."""


# --- names


def pair_key(stem: str, pattern: str | None = None, tails: Sequence[str] = ()) -> str:
    """What files of one pair share: the name in composed Unicode (NFC), small letters, without one word of TAILS.

    pattern: a regular expression with one group, which is the key instead: r"(\\d+)".  tails: further last words to
    leave out, such as a method's name. ValueError for a pattern without group, or one that a name does not match.
    """
    name = unicodedata.normalize("NFC", stem)
    if pattern is not None:
        found = re.search(pattern, name)
        if found is None or found.re.groups != 1:
            raise ValueError(f"pattern {pattern!r}: expected one group, found in every name; got {stem!r}")
        return found[1]
    name = name.casefold()
    for tail in (*tails, *TAILS):
        shorter = re.sub(rf"[\s_.-]+{re.escape(tail.casefold())}$", "", name)
        if shorter and shorter != name:
            return shorter
    return name


def files_by_key(
    folder: Path | str, pattern: str | None = None, tails: Sequence[str] = (), suffixes: Sequence[str] = SUFFIXES
) -> dict[str, Path]:
    """{pair_key: path} of the files of a folder with these suffixes, sorted by key.

    DataMissing for no such folder or file in it, ValueError for two files with one key.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataMissing(f"{folder}: expected a folder of pictures, there is none; next: check the path")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        key = pair_key(path.stem, pattern, tails)
        if key in found:
            raise ValueError(
                f"{folder}: {found[key].name} and {path.name} both belong to the pair {key!r}; "
                "next: keep one, or say by a pattern which part of the name tells the pair"
            )
        found[key] = path
    if not found:
        some = ", ".join(sorted(path.name for path in folder.iterdir())[:3]) or "nothing"
        raise DataMissing(f"{folder}: expected files in {', '.join(suffixes)}, got {some}; next: check the path")
    return dict(sorted(found.items()))


# --- reading


def read_thermal(
    path: Path, limits: tuple[float, float] | None = None, percentiles: tuple[float, float] | None = None
) -> Tensor:
    """An infrared image (1,H,W) float32 in [0, 1] from 8 or 16 bits, or from a TIFF of floats (counts, degrees).

    limits: the stored values that become 0 and 1; what lies outside is cut.  percentiles: the same, taken from each
    image, (1, 99) for instance; a pair then says nothing about absolute warmth any more. Neither: `read_ir`, the whole
    range of the format; a warning says so when a 16-bit image uses less than a sixteenth of it.
    ValueError for a file that cannot be read, floats without either, or limits that do not rise.
    """
    if limits is None and percentiles is None:
        return read_ir(path)
    values = _stored(path)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(
            f"{path}: expected one channel of finite values, got {values.dtype} {values.shape}; convert it"
        )
    low, high = limits if limits is not None else np.percentile(values, percentiles)
    if not low < high and limits is not None:
        raise ValueError(f"ir_range: expected two numbers that rise, got {limits}; next: (coldest, warmest)")
    scaled = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    return torch.from_numpy(scaled.clip(0, 1).astype(np.float32))[None]


def _stored(path: Path) -> np.ndarray:
    """A picture's values as they are stored."""
    picture, _ = open_picture(path)
    return np.asarray(picture)


def _read_any_boxes(path: Path, image: Path, classes: Sequence[str]) -> tuple[Tensor, Tensor]:
    if path.suffix.lower() == ".xml":
        return read_voc(path, image, {name.lower(): number for number, name in enumerate(classes)})
    return read_boxes(path, image, len(classes))


# --- the set


def load_pairs(
    rgb: Path | str,
    ir: Path | str,
    labels: Path | str | None = None,
    boxes: Path | str | None = None,
    *,
    pattern: str | None = None,
    name: str = "own",
    classes: Sequence[str] = (),
    box_classes: Sequence[str] = (),
    ir_range: tuple[float, float] | None = None,
    ir_percentiles: tuple[float, float] | None = None,
    resample: str | None = None,
) -> Dataset:
    """Your own aligned pairs as a data set with the fields rgb and ir, and labels and boxes where you have them.

    Args:
        rgb, ir, labels, boxes: folders. Files belong together by `pair_key`: the case of letters, the suffix, and a
            last word such as _VIS or _IR do not matter. Boxes are VOC's .xml or YOLO's .txt.
        pattern: a regular expression with one group, if the part of a name that tells the pair is another.
        name: of the set; its variant is "own-png", "own-jpg", "own-mixed".
        classes: of the labels, by their ids; with them other ids than these and 255 (ignore) are refused.
        box_classes: of the boxes, by their ids.
        ir_range, ir_percentiles: see `read_thermal`, for raw 16-bit counts or degrees.
        resample: "rgb" brings the infrared image to the size of the visible one, "ir" the visible one, with labels and
            boxes, to that of the infrared one. None: a pair of two sizes is an error. Pairs must show the same pixels:
            resampling mends another resolution, never another view.

    DataMissing for a folder that is absent or empty. ValueError for a picture without its partner, boxes without
    box_classes, and when they are read, files that are wrong.
    """
    if resample not in (None, "rgb", "ir"):
        raise ValueError(f"resample: expected None, 'rgb' or 'ir', got {resample!r}")
    if boxes is not None and not box_classes:
        raise ValueError("boxes: expected box_classes beside them, such as ('person', 'car'), got none")
    folders = {"rgb": rgb, "ir": ir, "labels": labels, "boxes": boxes}
    found: dict[str, dict[str, Path]] = {}
    for field, folder in folders.items():
        if folder is not None:
            suffixes = (".xml", ".txt") if field == "boxes" else SUFFIXES
            found[field] = files_by_key(folder, pattern, suffixes=suffixes)
    _need_partners(found, folders)
    files: dict[str, dict[str, Path]] = {}
    names = {key: unicodedata.normalize("NFC", path.stem) for key, path in found["rgb"].items()}
    for field, by_key in found.items():
        files[field] = {names[key]: by_key[key].resolve() for key in names}
    together = Path(os.path.commonpath([path.parent for by_name in files.values() for path in by_name.values()]))
    reads: Reads = {
        "rgb": (read_image, "rgb"),
        "ir": (partial(read_thermal, limits=ir_range, percentiles=ir_percentiles), "ir"),
        "labels": (partial(read_labels, num_classes=len(classes) or None), "labels"),
        ("boxes", "box_labels"): (partial(_read_any_boxes, classes=tuple(box_classes)), "boxes", "rgb"),
    }
    pairs = from_files(
        name,
        None,
        variant_of(name, files["rgb"]),
        together,
        files,
        reads,
        classes=tuple(classes),
        box_classes=tuple(box_classes),
        content=f"{ir_range} {ir_percentiles} {resample}",
    )
    return replace(pairs, read=partial(_resampled, pairs.read, resample)) if resample else pairs


def own_folder(folder: Path | str, **options: object) -> Dataset:
    """`load_pairs` of a folder with subfolders by their usual names: rgb or visible, ir or thermal, labels, boxes.

    The classes of labels are the lines of classes.txt in the folder, those of boxes the lines of box_classes.txt, by
    their ids from 0 on. options: those of `load_pairs`. DataMissing, with the names that are known, where rgb or ir is
    missing.
    """
    folder = Path(folder)
    present = {path.name.casefold(): path for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else {}
    for listed in ("classes", "box_classes"):
        if (folder / f"{listed}.txt").is_file() and listed not in options:
            options[listed] = tuple((folder / f"{listed}.txt").read_text(encoding="utf-8").split())
    chosen = {}
    for field, usual in USUAL.items():
        hit = next((present[name] for name in usual if name in present), None)
        if hit is not None and (field != "boxes" or options.get("box_classes")):
            chosen[field] = hit
    if not {"rgb", "ir"} <= chosen.keys():
        wanted = " and ".join("one of " + ", ".join(f"{name}/" for name in USUAL[field]) for field in ("rgb", "ir"))
        raise DataMissing(f"{folder}: expected {wanted}, got {', '.join(sorted(present)) or 'no folders'}; rename them")
    return load_pairs(**chosen, **options)


def _need_partners(found: Mapping[str, Mapping[str, Path]], folders: Mapping[str, Path | str | None]) -> None:
    for field, by_key in found.items():
        for other, theirs in found.items():
            lonely = [path.name for key, path in by_key.items() if key not in theirs]
            if lonely:
                some = ", ".join(lonely[:5])
                raise ValueError(
                    f"{len(lonely)} of {len(by_key)} files in {folders[field]} have no partner in {folders[other]}, "
                    f"such as {some}; there the pairs are called {', '.join(list(theirs)[:3])}; "
                    "next: complete them, or say by a pattern which part of a name tells the pair"
                )


def _resampled(
    read: Callable[[str, tuple[str, ...]], dict], like: str, name: str, fields: tuple[str, ...]
) -> dict[str, Tensor]:
    """Read a sample and bring all of it to the size of its field `like`. Labels and boxes are on the grid of rgb."""
    sample = read(name, tuple({*fields, like}))
    size = tuple(sample[like].shape[-2:])
    if like == "rgb":
        moved = {"ir": sample["ir"]} if "ir" in sample else {}
    else:
        moved = {field: value for field, value in sample.items() if field != "ir"}
        if not {"rgb", "labels"} & moved.keys() and "boxes" in moved:
            moved["rgb"] = read(name, ("rgb",))["rgb"]  # whose size tells what the boxes' pixels are
    sample |= resize({"name": name} | moved, size) if moved else {}
    return {field: sample[field] for field in fields}
