"""DAVIS 2016 val: short videos, one moving object each, a mask for every frame."""

from functools import partial
from itertools import pairwise
from pathlib import Path

from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import DataMissing, command, verified
from mmlib.data.pairs import find_layout, one_of, pack_file, paired
from mmlib.files import read_json
from mmlib.images import read_image, read_mask

_LAYOUTS = ({"rgb": "images", "mask": "masks"}, {"rgb": "JPEGImages/480p", "mask": "Annotations/480p"})
_CAPTIONS = "captions_handwritten.json"


def davis(split: str | None = None, pairs: bool = False, expressions: bool = False) -> Dataset:
    """DAVIS 2016 val, 20 sequences x 40 frames at 428x240: rgb (3,240,428), mask (240,428) bool; names "camel/00007".

    `split`: None or "val" for everything, or one sequence ("camel"): report per sequence, frames of one are alike.
    `pairs=True`: every frame that has a next one, with rgb_next and mask_next. `expressions=True`: one Expression per
    frame, a sentence written by hand for the sequence (not the published DAVIS expressions). ValueError for an
    unknown sequence, DataMissing without the captions.
    """
    folder, layout = find_layout("davis", _LAYOUTS)
    sequences = sorted(path.name for path in (folder / layout["rgb"]).iterdir() if path.is_dir())
    if not sequences:
        raise DataMissing(f"davis: no sequence folders in {folder / layout['rgb']}; obtain it with: {command('davis')}")
    one_of("davis: split", split, (None, "val", *sequences))
    files: dict[str, dict[str, Path]] = {"rgb": {}, "mask": {}}
    for sequence in sequences if split in (None, "val") else [split]:
        found = paired("davis", **{field: folder / sub / sequence for field, sub in layout.items()})
        for field, paths in found.items():
            files[field] |= {f"{sequence}/{frame}": path for frame, path in paths.items()}
    names = list(files["rgb"])
    if pairs:
        following = {a: b for a, b in pairwise(names) if Path(a).parent == Path(b).parent}
        names = list(following)
        for field in ("rgb", "mask"):
            files[f"{field}_next"] = {name: files[field][after] for name, after in following.items()}
    reads = dict(_READS)
    if expressions:
        path = pack_file(folder / _CAPTIONS, "davis")
        files["captions"] = dict.fromkeys(files["rgb"], path)  # one file serves all, and counts in the fingerprint
        reads["expressions"] = (partial(_read_caption, _captions(verified(folder, path), sequences)), "mask")
    variant = ("davis-240p-jpeg88" if layout is _LAYOUTS[0] else "davis-480p") + ("+captions" if expressions else "")
    return from_files("davis", split or "val", variant, folder, files, reads, names=names)


def _captions(path: Path, sequences: list[str]) -> dict[str, str]:
    captions = read_json(path)
    if not isinstance(captions, dict):
        raise ValueError(f"{path}: expected {{sequence: caption}}, got a {type(captions).__name__}; restore the file")
    missing = [sequence for sequence in sequences if not isinstance(captions.get(sequence), str)]
    if missing:
        raise ValueError(f"{path}: no caption for {', '.join(missing)}; restore the file")
    return captions


def _read_caption(captions: dict[str, str], mask: Path) -> list:
    from mmlib.scenes import Expression

    return [Expression(captions[mask.parent.name], read_mask(mask), "caption")]


_READS: Reads = {
    "rgb": (read_image, "rgb"),
    "mask": (read_mask, "mask"),
    "rgb_next": (read_image, "rgb_next"),
    "mask_next": (read_mask, "mask_next"),
}
