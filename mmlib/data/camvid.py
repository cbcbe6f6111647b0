"""CamVid: street video with full semantic labels, a 15 Hz clip, day to dusk lists, and referring templates."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.pairs import listed, one_of, pack_file, paired, present, read_list, variant_of
from mmlib.data.templates import read_expressions, read_templates
from mmlib.images import IGNORE, check_labels, read_image, read_labels

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
"""Ids 0..10; 11 (unlabelled) in the files is read as 255, ignore."""

SPLITS = ("train", "val", "test")
DAY_TO_DUSK = ("source_day_train", "source_day_val", "source_day_test", "target_dusk_unlabelled", "target_dusk_test")
"""Our lists for domain adaptation: the day sequences, and the two halves of the dusk drive 0001TP."""

_TEMPLATES = "referring_templates.jsonl"
_VIDEO_PAIRS = "video_pairs_0016E5_15hz.txt"


def camvid(split: str = "train", expressions: bool = False) -> Dataset:
    """CamVid at 480x360: rgb (3,360,480) and labels (360,480), ids 0..10, 255 = ignore.

    `split`: "train" (367), "val" (101), "test" (233), the SegNet tutorial's; or a list of DAY_TO_DUSK, of which
    "target_dusk_unlabelled" comes without labels, as the task is meant. `expressions=True` adds the referring
    templates of the image: a list of Expression(text, mask, kind). They are made from the labels, not human language.
    ValueError for an unknown split, or expressions where there are no labels.
    """
    one_of("camvid: split", split, SPLITS + DAY_TO_DUSK)
    folder = set_folder("camvid")
    names, files = _samples(folder, split)
    reads = dict(_READS)
    if split == "target_dusk_unlabelled":
        if expressions:
            raise ValueError("camvid: target_dusk_unlabelled has no labels to make expressions from; use another split")
        del files["labels"]
    if expressions:
        path = pack_file(folder / _TEMPLATES, "camvid")
        files["templates"] = dict.fromkeys(files["rgb"], path)  # one file serves all, and counts in the fingerprint
        reads["expressions"] = (partial(_read_expressions, read_templates(verified(folder, path))), "labels")
    variant = variant_of("camvid", files["rgb"], jpg="jpeg92") + ("+templates" if expressions else "")
    return from_files("camvid", split, variant, folder, files, reads, names=names, classes=CLASSES)


def camvid_video() -> Dataset:
    """The 100 pairs of consecutive frames (15 Hz) of sequence 0016E5: rgb, rgb_next, labels, labels_next.

    One drive, and the frames of CamVid's val split: a network that saw val has seen them.
    """
    folder = set_folder("camvid")
    _, files = _samples(folder, "val")
    following = dict(_pair(line) for line in read_list(verified(folder, folder / _VIDEO_PAIRS), "camvid_video"))
    present("camvid_video", _VIDEO_PAIRS, [*following, *following.values()], files["rgb"])
    files |= {
        "rgb_next": {name: files["rgb"][after] for name, after in following.items()},
        "labels_next": {name: files["labels"][after] for name, after in following.items()},
    }
    variant = variant_of("camvid_video", files["rgb"], jpg="jpeg92")
    return from_files("camvid_video", "val", variant, folder, files, _READS, names=tuple(following), classes=CLASSES)


def _samples(folder: Path, split: str) -> tuple[tuple[str, ...], dict[str, dict[str, Path]]]:
    """Names of a split and the files of its home; the lines of a day-to-dusk list name both: train/0006R0_f00930."""
    if split in SPLITS:
        files = paired("camvid", rgb=_sub(folder, split, "images"), labels=_sub(folder, split, "labels"))
        if not (folder / f"{split}.txt").is_file():
            return tuple(files["rgb"]), files
        return listed("camvid", folder, f"{split}.txt", files["rgb"]), files
    path = f"day2dusk/{split}.txt"
    lines = [line.partition("/") for line in read_list(verified(folder, folder / path), "camvid")]
    one_of(f"camvid: {path}", lines[0][0], SPLITS)
    _, files = _samples(folder, lines[0][0])
    return present("camvid", path, [name for _, _, name in lines], files["rgb"]), files


def _sub(folder: Path, split: str, kind: str) -> Path:
    """<split>/images and <split>/labels as repacked, or <split> and <split>annot as published."""
    repacked, published = folder / split / kind, folder / (split if kind == "images" else f"{split}annot")
    for candidate in (repacked, published):
        if candidate.is_dir():
            return candidate
    raise DataMissing(f"camvid: expected {repacked} or {published}, found neither; obtain it with: {command('camvid')}")


def _pair(line: str) -> tuple[str, str]:
    cells = line.split()
    if len(cells) != 2:
        raise ValueError(f"camvid_video: expected 'frame next_frame' in {_VIDEO_PAIRS}, got {line!r}")
    return cells[0], cells[1]


def _read_labels(path: Path) -> Tensor:
    labels = read_labels(path)
    check_labels(labels, len(CLASSES) + 1, name=str(path))
    return torch.where(labels == len(CLASSES), IGNORE, labels)


def _read_expressions(by_image: dict[str, list[dict]], labels: Path) -> list:
    return read_expressions(by_image.get(labels.stem, []), _read_labels(labels))


_READS: Reads = {
    "rgb": (read_image, "rgb"),
    "rgb_next": (read_image, "rgb_next"),
    "labels": (_read_labels, "labels"),
    "labels_next": (_read_labels, "labels_next"),
}
