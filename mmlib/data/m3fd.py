"""M3FD: 4200 visible and infrared pairs from a few drives, with boxes of six classes; 300 more pairs for fusion."""

import json
from functools import partial
from pathlib import Path

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import Layout, paired, read_list, variant_of
from mmlib.data.sequences import require_apart
from mmlib.data.voc import annotations, box_readers

BOX_CLASSES = ("people", "car", "bus", "motorcycle", "lamp", "truck")
"""Our ids 0..5. The releases disagree on the order of classes, so files are mapped by name only."""

SPLITS = ("train", "val", "fusion")
_SCENARIO, _LISTS = Path("meta/scenario.json"), {"train": Path("meta/train.txt"), "val": Path("meta/val.txt")}
_DETECTION: Layout = {"rgb": "Vis", "ir": "Ir"}
_IDS = {name: i for i, name in enumerate(BOX_CLASSES)} | {"person": 0}


def m3fd(split: str | None = None) -> Dataset:
    """M3FD, mostly 1024x768: rgb (3,H,W), ir (1,H,W), boxes (N,4) xyxy in pixels, box_labels (N,), ids of BOX_CLASSES.

    `split`: None for all 4200 pairs; "train" or "val", by recording; "fusion" for the 300 pairs of the fusion part,
    which have no boxes and are said to be among the 4200: train nothing on neighbours of what they test.

    The frames come from few drives, so a random split tests on what it trained on. No official split exists. Read is
    meta/scenario.json, in which each scene (a recording, as ranges of frame numbers) has the mode "train" or "val";
    else meta/train.txt and meta/val.txt, lists of names made of whole runs of frames (data_scripts/m3fd.py takes
    DAMSDet's). A scene in two splits is a ValueError.

    Layout: Vis/NAME.png, Ir/NAME.png, Annotation/NAME.xml (VOC), and fusion/{Vis,Ir}, as others describe the archives;
    the files themselves and any scenario.json were unseen when this was written. ValueError for an unknown split or
    class name and for a picture without its partner, DataMissing where folders or lists are absent.
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"m3fd: split: expected None, {', '.join(SPLITS)}, got {split!r}")
    folder = set_folder("m3fd")
    base = folder / "fusion" if split == "fusion" else folder
    names, files = paired("m3fd", **{field: base / sub for field, sub in _DETECTION.items()})
    readers = {field: partial(read_field, folder, files[field], 3 if field == "rgb" else 1) for field in files}
    if split != "fusion":
        files["boxes"] = annotations("m3fd", folder / "Annotation", names)
        readers |= box_readers(folder, files["boxes"], files["rgb"], _IDS)
        names = _split(folder, split, names)
    variant = variant_of("m3fd", files["rgb"], {}) + ("+fusion" if split == "fusion" else "")
    return from_readers("m3fd", split, variant, names, readers, folder=folder, files=partial(files_of, files),
                        box_classes=() if split == "fusion" else BOX_CLASSES)  # fmt: skip


def read_scenes(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """meta/scenario.json -> ({frame name: scene}, {"train" and "val": frame names}).

    The file is a list of {name, scene: [{name, mode, range: [{min, max}]}]}, as TarDAL's code reads it: any mode but
    "train" is validation. ValueError for other content, or a frame that is in two scenes.
    """
    scenes: dict[str, str] = {}
    splits: dict[str, list[str]] = {"train": [], "val": []}
    try:
        for scenario in json.loads(path.read_text(encoding="utf-8")):
            for scene in scenario["scene"]:
                frames = [f"{i:05d}" for r in scene["range"] for i in range(int(r["min"]), int(r["max"]) + 1)]
                splits["train" if scene["mode"] == "train" else "val"] += frames
                twice = next((frame for frame in frames if frame in scenes), None)
                if twice:
                    raise ValueError(f"frame {twice} in two scenes")
                scenes |= dict.fromkeys(frames, f"{scenario['name']}/{scene['name']}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: expected scenarios with scenes, modes and ranges, got {error!r}") from None
    return scenes, splits


def _split(folder: Path, split: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    if split is None:
        return names
    if (folder / _SCENARIO).is_file():
        scenes, splits = read_scenes(verified(folder, folder / _SCENARIO))
    elif all((folder / path).is_file() for path in _LISTS.values()):
        lists = {part: read_list(verified(folder, folder / path), "m3fd") for part, path in _LISTS.items()}
        scenes, splits = {}, {part: [n.removesuffix(".png") for n in lines] for part, lines in lists.items()}
    else:
        expected = f"{_SCENARIO}, or {_LISTS['train']} and {_LISTS['val']}"
        raise DataMissing(
            f"m3fd: no split by recording: expected {expected} in {folder}; obtain them with: {command('m3fd')}"
        )
    require_apart("m3fd", scenes, splits)
    absent = sorted(set(splits[split]) - set(names))
    if absent:
        raise DataMissing(f"m3fd: {split} names {len(absent)} absent pairs, such as {absent[0]}: {command('m3fd')}")
    return tuple(sorted(splits[split]))
