"""CamVid: street video with full semantic labels, a 15 Hz clip, day to dusk lists, and referring templates."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import pack_file, paired, read_list, variant_of
from mmlib.data.templates import read_expressions, read_templates
from mmlib.images import IGNORE, check_labels, read_labels

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
"""Ids 0..10; 11 (unlabelled) in the files is read as 255, ignore."""

SPLITS = ("train", "val", "test")
DAY_TO_DUSK = (
    "source_day_train",
    "source_day_val",
    "source_day_test",
    "target_dusk_unlabelled",
    "target_dusk_test",
)
"""Our lists for domain adaptation: the day sequences, and the two halves of the dusk drive 0001TP."""

_UNLABELLED = len(CLASSES)
_VIDEO_PAIRS = "video_pairs_0016E5_15hz.txt"


def camvid(split: str = "train", expressions: bool = False) -> Dataset:
    """CamVid at 480x360: rgb (3,360,480) and labels (360,480), ids 0..10, 255 = ignore.

    `split`: "train" (367), "val" (101), "test" (233), the SegNet tutorial's; or a list of DAY_TO_DUSK, of which
    "target_dusk_unlabelled" comes without labels, as the task is meant. `expressions=True` adds the referring
    templates of the image: a list of Expression(text, mask, kind). They are made from the labels, not human language.
    ValueError for an unknown split, or expressions where there are no labels.
    """
    if split not in SPLITS + DAY_TO_DUSK:
        raise ValueError(f"camvid: split: expected one of {', '.join(SPLITS + DAY_TO_DUSK)}, got {split!r}")
    folder = set_folder("camvid")
    names, files = _samples(folder, split)
    if split == "target_dusk_unlabelled":
        if expressions:
            raise ValueError("camvid: target_dusk_unlabelled has no labels to make expressions from; use another split")
        del files["labels"]
    readers = _readers(folder, files)
    shared = ()
    if expressions:
        shared = (pack_file(folder / "referring_templates.jsonl", "camvid"),)
        by_image = read_templates(verified(folder, shared[0]))
        readers["expressions"] = partial(read_expressions, by_image, readers["labels"])
    variant = variant_of("camvid", files["rgb"], {".jpg": "jpeg92"}) + ("+templates" if expressions else "")
    every = partial(files_of, files, shared=shared)
    return from_readers("camvid", split, variant, names, readers, folder=folder, files=every, classes=CLASSES)


def camvid_video() -> Dataset:
    """The 100 pairs of consecutive frames (15 Hz) of sequence 0016E5: rgb, rgb_next, labels, labels_next.

    One drive, and the frames of CamVid's val split: a network that saw val has seen them.
    """
    folder = set_folder("camvid")
    _, files = _samples(folder, "val")
    pairs = dict(_pair(line) for line in read_list(verified(folder, folder / _VIDEO_PAIRS), "camvid_video"))
    strange = sorted((set(pairs) | set(pairs.values())) - set(files["rgb"]))
    if strange:
        raise DataMissing(f"camvid_video: frame {strange[0]} is not in val/images; complete with: {command('camvid')}")
    following = {key: {name: by_name[pairs[name]] for name in pairs} for key, by_name in files.items()}
    files |= {f"{key}_next": by_name for key, by_name in following.items()}
    variant = variant_of("camvid_video", files["rgb"], {".jpg": "jpeg92"})
    return from_readers("camvid_video", "val", variant, tuple(pairs), _readers(folder, files), folder=folder,
                        files=partial(files_of, files), classes=CLASSES)  # fmt: skip


def _samples(folder: Path, split: str) -> tuple[tuple[str, ...], dict[str, dict[str, Path]]]:
    """Names of a split and their files; a day-to-dusk list is taken from the split that its lines start with."""
    if split in SPLITS:
        names, files = paired("camvid", rgb=_sub(folder, split, "images"), labels=_sub(folder, split, "labels"))
        listed = folder / f"{split}.txt"
        if listed.is_file():
            _same(split, read_list(verified(folder, listed), "camvid"), names)
        return names, files
    lines = read_list(verified(folder, folder / "day2dusk" / f"{split}.txt"), "camvid")
    home, names = lines[0].partition("/")[0], tuple(line.partition("/")[2] for line in lines)
    _, files = _samples(folder, home if home in SPLITS else "train")
    absent = [n for n in names if n not in files["rgb"]]
    if absent:
        raise DataMissing(
            f"camvid: {split} names absent images, such as {absent[0]}; complete with: {command('camvid')}"
        )
    return names, files


def _sub(folder: Path, split: str, kind: str) -> Path:
    """<split>/images and <split>/labels as repacked, or <split> and <split>annot as published."""
    repacked, published = folder / split / kind, folder / (split if kind == "images" else f"{split}annot")
    for candidate in (repacked, published):
        if candidate.is_dir():
            return candidate
    raise DataMissing(f"camvid: expected {repacked} or {published}, found neither; obtain it with: {command('camvid')}")


def _same(split: str, listed: list[str], names: tuple[str, ...]) -> None:
    missing = sorted(set(listed) - set(names))
    extra = sorted(set(names) - set(listed))
    if missing or extra:
        raise ValueError(
            f"camvid: {split}.txt and the images differ: {len(missing)} listed but absent {missing[:3]}, "
            f"{len(extra)} present but not listed {extra[:3]}; restore the set with: {command('camvid')}"
        )


def _pair(line: str) -> tuple[str, str]:
    cells = line.split()
    if len(cells) != 2:
        raise ValueError(f"camvid_video: expected 'frame next_frame' in {_VIDEO_PAIRS}, got {line!r}")
    return cells[0], cells[1]


def _readers(folder: Path, files: dict[str, dict[str, Path]]) -> dict:
    images = {k: partial(read_field, folder, files[k], 3) for k in files if k.startswith("rgb")}
    return images | {k: partial(_read_labels, folder, files[k]) for k in files if k.startswith("labels")}


def _read_labels(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    labels = read_labels(verified(folder, files[name]))
    check_labels(labels, _UNLABELLED + 1, name=str(files[name]))
    return torch.where(labels == _UNLABELLED, IGNORE, labels)
