"""DAVIS 2016 val: short videos, one moving object each, a mask for every frame."""

import json
from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, verified
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import find_layout, pack_file, paired
from mmlib.images import read_labels

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
    sequences = sequences_of(folder / layout["rgb"])
    if split not in (None, "val", *sequences):
        raise ValueError(f"davis: split: expected None, 'val' or a sequence ({', '.join(sequences)}), got {split!r}")
    files = _files(folder, layout, sequences if split in (None, "val") else [split])
    names = list(files["rgb"])
    if pairs:
        following = {n: m for n, m in zip(names, names[1:]) if n.partition("/")[0] == m.partition("/")[0]}
        names = list(following)
        files |= {f"{key}_next": {n: files[key][following[n]] for n in names} for key in ("rgb", "mask")}
    readers = {k: partial(read_field, folder, files[k], 3) if k.startswith("rgb") else partial(_mask, folder, files[k])
               for k in files}  # fmt: skip
    if expressions:
        readers["expressions"] = partial(_caption, _captions(folder, sequences), readers["mask"])
    variant = ("davis-240p-jpeg88" if layout is _LAYOUTS[0] else "davis-480p") + ("+captions" if expressions else "")
    every = partial(files_of, files, shared=(folder / _CAPTIONS,) if expressions else ())
    return from_readers("davis", split or "val", variant, names, readers, folder=folder, files=every)


def sequences_of(images: Path) -> list[str]:
    """The sequence folders, sorted. DataMissing if there are none."""
    found = sorted(p.name for p in images.iterdir() if p.is_dir())
    if not found:
        raise DataMissing(f"davis: no sequence folders in {images}; obtain the set with: {command('davis')}")
    return found


def _files(folder: Path, layout: dict, sequences: list[str]) -> dict[str, dict[str, Path]]:
    files: dict[str, dict[str, Path]] = {"rgb": {}, "mask": {}}
    for sequence in sequences:
        if not (folder / layout["mask"] / sequence).is_dir():
            raise DataMissing(f"davis: {sequence} has no masks; complete the set with: {command('davis')}")
        names, found = paired("davis", **{k: folder / sub / sequence for k, sub in layout.items()})
        for key in files:
            files[key] |= {f"{sequence}/{n}": found[key][n] for n in names}
    return files


def _mask(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    """Object pixels, (H,W) bool, from ids 0/1 (repacked) or 0/255 (published)."""
    ids = read_labels(verified(folder, files[name]))
    strange = ids[(ids != 0) & (ids != 1) & (ids != 255)]
    if strange.numel() or bool((ids == 1).any() and (ids == 255).any()):
        raise ValueError(
            f"{files[name]}: expected a mask of 0 and 1, or 0 and 255, got ids {ids.unique().tolist()[:6]}"
        )
    return ids > 0


def _captions(folder: Path, sequences: list[str]) -> dict[str, str]:
    path = pack_file(folder / _CAPTIONS, "davis")
    captions = json.loads(verified(folder, path).read_text(encoding="utf-8"))
    missing = [s for s in sequences if s not in captions]
    if missing:
        raise ValueError(f"{path}: no caption for {', '.join(missing)}; restore the file")
    return captions


def _caption(captions: dict[str, str], read_mask, name: str) -> list:
    from mmlib.scenes import Expression

    return [Expression(captions[name.partition("/")[0]], read_mask(name), "caption")]
