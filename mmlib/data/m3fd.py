"""M3FD: 4200 visible and infrared pairs from a few drives, with boxes of six classes; 300 more pairs for fusion."""

from functools import partial
from pathlib import Path

from mmlib.data.boxes import read_voc
from mmlib.data.dataset import Dataset, from_files
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.pairs import READ_PAIR, beside, listed, one_of, paired, present, require_apart, variant_of
from mmlib.files import read_json

BOX_CLASSES = ("people", "car", "bus", "motorcycle", "lamp", "truck")
"""Our ids 0..5. The releases disagree on the order of classes, so files are mapped by name only."""

_SCENARIO = "meta/scenario.json"
_LISTS = {"train": "meta/train.txt", "val": "meta/val.txt"}
_IDS = {name: i for i, name in enumerate(BOX_CLASSES)} | {"person": 0}


def m3fd(split: str | None = None) -> Dataset:
    """M3FD, mostly 1024x768: rgb (3,H,W), ir (1,H,W), boxes (N,4) xyxy in pixels, box_labels (N,), ids of BOX_CLASSES.

    `split`: None for all 4200 pairs; "train" or "val", by recording; "fusion" for the 300 pairs of the fusion part,
    which have no boxes and are said to be among the 4200: train nothing on neighbours of what they test.

    The frames come from few drives, so a random split tests on what it trained on. No official split exists. Read is
    meta/scenario.json, in which each scene (a recording, as ranges of frame numbers) has the mode "train" or "val";
    else meta/train.txt and meta/val.txt, lists of names made of whole runs of frames (our recipe takes
    DAMSDet's). A scene in two splits is a ValueError.

    Layout: Vis/NAME.png, Ir/NAME.png, Annotation/NAME.xml (VOC), and fusion/{Vis,Ir}, as others describe the archives;
    the files themselves and any scenario.json were unseen when this was written. ValueError for an unknown split or
    class name and for a picture without its partner, DataMissing where folders or lists are absent.
    """
    one_of("m3fd: split", split, (None, "train", "val", "fusion"))
    folder = set_folder("m3fd")
    if split == "fusion":
        files = paired("m3fd", rgb=folder / "fusion/Vis", ir=folder / "fusion/Ir")
        return from_files("m3fd", split, variant_of("m3fd", files["rgb"]) + "+fusion", folder, files, READ_PAIR)
    files = paired("m3fd", rgb=folder / "Vis", ir=folder / "Ir")
    files["boxes"] = beside("m3fd", files["rgb"], folder / "Annotation", ".xml")
    names = _split(folder, split, files["rgb"]) if split else None
    reads = READ_PAIR | {("boxes", "box_labels"): (partial(read_voc, classes=_IDS), "boxes", "rgb")}
    return from_files(
        "m3fd", split, variant_of("m3fd", files["rgb"]), folder, files, reads, names=names, box_classes=BOX_CLASSES
    )


def read_scenes(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """meta/scenario.json -> ({frame name: scene}, {"train" and "val": frame names}).

    The file is a list of {name, scene: [{name, mode, range: [{min, max}]}]}, as TarDAL's code reads it: any mode but
    "train" is validation. ValueError for other content, or a frame that is in two scenes.
    """
    scenes: dict[str, str] = {}
    splits: dict[str, list[str]] = {"train": [], "val": []}
    try:
        for scenario in read_json(path):
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


def _split(folder: Path, split: str, samples: dict[str, Path]) -> tuple[str, ...]:
    """The samples of "train" or "val", in order, once it is sure that no recording lies in both."""
    if (folder / _SCENARIO).is_file():
        scenes, splits = read_scenes(verified(folder, folder / _SCENARIO))
        require_apart("m3fd", scenes, splits)
        return tuple(sorted(present("m3fd", f"{split} of {_SCENARIO}", splits[split], samples)))
    if not all((folder / path).is_file() for path in _LISTS.values()):
        raise DataMissing(
            f"m3fd: no split by recording: expected {_SCENARIO}, or {_LISTS['train']} and {_LISTS['val']} in {folder}; "
            f"obtain them with: {command('m3fd')}"
        )
    splits = {part: listed("m3fd", folder, path, samples) for part, path in _LISTS.items()}
    require_apart("m3fd", {}, splits)
    return tuple(sorted(splits[split]))
