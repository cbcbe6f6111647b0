"""Cityscapes: street scenes of 50 cities with fine labels, the frames around each, and stereo depth."""

import re
from pathlib import Path

from mmlib.data.cityscapes_depth import read_points
from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.flow_files import TOWARDS, with_flow
from mmlib.data.folders import DataMissing, command, set_folder
from mmlib.data.pairs import one_of
from mmlib.data.street19 import CLASSES, read_street_labels
from mmlib.images import read_image

BEFORE, AFTER = 19, 10
"""A labelled frame is the 20th of its 30-frame snippet (the set's own pages); `snippets` counts how often here."""

TEST_NOTE = "the test labels are not public: results on them come from the benchmark's server only"
_TYPES = {
    "leftImg8bit": ("leftImg8bit.png", "leftImg8bit_trainvaltest.zip"),
    "gtFine": ("gtFine_labelIds.png", "gtFine_trainvaltest.zip"),
    "leftImg8bit_sequence": ("leftImg8bit.png", "leftImg8bit_sequence_trainvaltest.zip"),
    "disparity": ("disparity.png", "disparity_trainvaltest.zip"),
    "camera": ("camera.json", "camera_trainvaltest.zip"),
}
"""Folder -> how its file names end, and the archive it comes in (names of the archives as others list them)."""

_NAME = re.compile(r"(?P<city>.+)_(?P<sequence>\d{6})_(?P<frame>\d{6})")
_READS: Reads = {
    "rgb": (read_image, "rgb"),
    "rgb_previous": (read_image, "rgb_previous"),
    "rgb_next": (read_image, "rgb_next"),
    "labels": (read_street_labels, "labels"),
    ("depth", "points"): (read_points, "disparity", "camera"),
}


def cityscapes(
    split: str = "train",
    towards: str = "previous",
    frame: bool = False,
    flow: str | None = None,
    depth: bool = False,
) -> Dataset:
    """Cityscapes at 2048x1024: rgb (3,1024,2048) and labels (1024,2048), train ids 0..18, 255 = ignore.

    Names look like "aachen_000000_000019": city, sequence, frame. `split`: "train" (2975), "val" (500), or "test"
    (1525, without labels, which are not public).

    `frame=True` adds the neighbouring frame of leftImg8bit_sequence, rgb_previous or rgb_next as `towards` says.
    `flow`: a method's name ("dis") adds its precomputed flow towards that neighbour, (2,H,W) in pixels on the labelled
    frame's grid, and `valid` (mmlib.data.flow_files). The neighbour itself is not needed then; augment without it.
    `depth=True` adds `depth` (1,H,W) metres and `points` (3,H,W), X right, Y down, Z forward in metres, from the
    stereo disparity and each image's camera file: NaN where the disparity is unknown. They follow data.crop, pad and
    resize; mmlib.augment refuses points.

    Layout: the archives' own, {leftImg8bit,gtFine,leftImg8bit_sequence,disparity,camera}/SPLIT/CITY/NAME_TYPE.EXT
    (README of cityscapesScripts). The images themselves were unseen when this was written. ValueError for an unknown
    split or direction, DataMissing for archives or files that are absent.
    """
    one_of("cityscapes: split", split, ("train", "val", "test"))
    one_of("cityscapes: towards", towards, TOWARDS)
    folder = set_folder("cityscapes")
    names = _names(folder, split)
    files = {"rgb": {name: _path(folder, split, name, "leftImg8bit") for name in names}}
    if frame:
        step = 1 if towards == "next" else -1
        files[f"rgb_{towards}"] = {name: _neighbour(folder, split, name, step) for name in names}
        _require(files[f"rgb_{towards}"], folder, "leftImg8bit_sequence")
    kinds = {} if split == "test" else {"labels": "gtFine"}
    if depth:
        kinds |= {"disparity": "disparity", "camera": "camera"}
    for field, kind in kinds.items():
        files[field] = {name: _path(folder, split, name, kind) for name in names}
        _require(files[field], folder, kind)
    note = TEST_NOTE if split == "test" else ""
    dataset = from_files("cityscapes", split, "cityscapes-png", folder, files, _READS, classes=CLASSES, note=note)
    return with_flow(dataset, flow, towards) if flow else dataset


def snippets(split: str, folder: Path | None = None) -> dict[str, int]:
    """How many labelled frames of a split have their neighbours here: {labelled, previous, next, whole snippet}.

    "whole snippet" means 19 frames before and 10 after. In a few cities the snippets are cut from long drives, so the
    frame numbers there say nothing about the place in the snippet; the neighbours do.
    """
    folder = folder or set_folder("cityscapes")
    names = _names(folder, split)
    here = [{step for step in range(-BEFORE, AFTER + 1) if _neighbour(folder, split, n, step).is_file()} for n in names]
    whole = BEFORE + AFTER + 1
    return {
        "labelled": len(names),
        "previous": sum(-1 in steps for steps in here),
        "next": sum(1 in steps for steps in here),
        "whole snippet": sum(len(steps) == whole for steps in here),
    }


def _names(folder: Path, split: str) -> tuple[str, ...]:
    ending = f"_{_TYPES['leftImg8bit'][0]}"
    found = sorted(p.name.removesuffix(ending) for p in (folder / "leftImg8bit" / split).glob(f"*/*{ending}"))
    if not found:
        raise DataMissing(
            f"cityscapes: expected images leftImg8bit/{split}/CITY/*{ending} in {folder}, got none; unpack "
            f"{_TYPES['leftImg8bit'][1]} there. How: {command('cityscapes')}"
        )
    strange = [name for name in found if not _NAME.fullmatch(name)]
    if strange:
        raise ValueError(f"cityscapes: expected names CITY_SEQUENCE_FRAME with six digits each, got {strange[0]!r}")
    return tuple(found)


def _path(folder: Path, split: str, name: str, kind: str) -> Path:
    city = _NAME.fullmatch(name)["city"]
    return folder / kind / split / city / f"{name}_{_TYPES[kind][0]}"


def _neighbour(folder: Path, split: str, name: str, step: int) -> Path:
    """The file of the frame `step` frames later in the drive of a labelled frame."""
    at = _NAME.fullmatch(name)
    frame = f"{at['city']}_{at['sequence']}_{int(at['frame']) + step:06d}"
    return _path(folder, split, frame, "leftImg8bit_sequence")


def _require(files: dict[str, Path], folder: Path, kind: str) -> None:
    """DataMissing, with the archive's name, where any file of a kind is absent."""
    absent = [path.relative_to(folder) for path in files.values() if not path.is_file()]
    if absent:
        raise DataMissing(
            f"cityscapes: {len(absent)} of {len(files)} files missing in {kind}/, such as {absent[0]}; unpack "
            f"{_TYPES[kind][1]} in {folder}. How: {command('cityscapes')}"
        )
