"""One interface for every data set: a list of names, and a function that reads the asked fields of one of them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from mmlib.data.folders import manifest, sha256, verified

IMAGES = ("rgb", "rgb_next", "rgb_previous", "ir", "ir_next", "fused")
LABELS = ("labels", "labels_next", "derived_labels")
MASKS = ("mask", "mask_next", "valid", "occlusion")
PIXELS = (*IMAGES, *LABELS, *MASKS, "flow", "depth", "points", "instances")
"""The fields whose last two dimensions are height and width; `fused` may be a dict of such images."""

Reads = dict[str | tuple[str, ...], tuple]
"""Field -> (function, kind of file, ...): the field is the function's value, given a path of each kind. A tuple of
fields stands for a function that returns as many values: {("boxes", "box_labels"): (read_boxes, "boxes", "rgb")}."""


@dataclass(frozen=True, repr=False)
class Dataset:
    """A data set, or a part of one. `ds[i]` decodes the asked fields of one sample and nothing else.

    len(ds), ds[3], ds[-1], ds["00537D"] (by name), ds[:10] (a smaller Dataset) and iteration work; so does
    torch.utils.data.DataLoader with `collate_fn=mmlib.data.collate`. A sample is a dict of the book's vocabulary:
    name (str); rgb, rgb_next (3,H,W) and ir (1,H,W) float32 in [0, 1]; labels (H,W) int64, 255 = ignore; mask (H,W)
    bool; flow (2,H,W) float32 in pixels; boxes (N,4) float32 xyxy in pixels, box_labels (N,) int64; expressions, a
    list.

    `files` is {kind of file: {name: path}}. `variant` names the exact data ("msrs-jpeg92"), `classes` the ids of
    labels, `box_classes` those of box_labels, `note` says what a number measured on this set must not be called.
    `content` is the fingerprint of what is not in files.
    """

    name: str
    split: str | None
    variant: str
    names: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[str, tuple[str, ...]], dict]
    folder: Path | None = None
    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    box_classes: tuple[str, ...] = ()
    note: str = ""
    content: str = ""

    def __repr__(self) -> str:
        part = f", split {self.split}" if self.split else ""
        return f"<{self.variant}{part}: {len(self)} samples of {', '.join(self.fields)}>"

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int | str | slice) -> "dict | Dataset":
        if isinstance(index, slice):
            return replace(self, names=self.names[index])
        name = self._name(index)
        sample = {"name": name} | self.read(name, self.fields)
        _check_sizes(sample, self.name)
        return sample

    def __iter__(self) -> Iterator[dict]:
        return (self[i] for i in range(len(self)))

    def select(self, *fields: str) -> "Dataset":
        """The same set decoding only these fields (and `name`): ds.select("rgb"). ValueError for an unknown field."""
        unknown = [f for f in fields if f not in self.fields]
        if unknown:
            raise ValueError(f"{self.name}: no field {', '.join(unknown)}; expected some of {', '.join(self.fields)}")
        return replace(self, fields=fields)

    def subset(self, names: Sequence[str]) -> "Dataset":
        """The samples of these names, in this order. KeyError, with examples, for a name that is not in the set."""
        return replace(self, names=tuple(self._name(n) for n in names))

    @property
    def fingerprint(self) -> str:
        """sha256 hex over variant, names and the bytes of their files (from MANIFEST.sha256 where it lists them)."""
        digest = hashlib.sha256(f"{self.variant}\n{self.content}\n".encode())
        for name in self.names:
            digest.update(f"{name}\n".encode())
            for paths in self.files.values():
                digest.update(self._digest(paths[name]).encode())
        return digest.hexdigest()

    def _digest(self, path: Path) -> str:
        listed = manifest(self.folder).get(path.relative_to(self.folder).as_posix()) if self.folder else None
        return listed or sha256(path)

    def _name(self, index: int | str) -> str:
        if not isinstance(index, str):
            return self.names[index]
        if index not in self.names:
            some = ", ".join(self.names[:3])
            raise KeyError(f"{self.name}: no sample {index!r} among {len(self)}; names look like {some}")
        return index


def from_files(
    name: str,
    split: str | None,
    variant: str,
    folder: Path,
    files: dict[str, dict[str, Path]],
    reads: Reads,
    *,
    names: Sequence[str] | None = None,
    **about: Any,
) -> Dataset:
    """A Dataset of files below `folder`, each compared with the set's manifest before it is read.

    files: {kind: {sample: path}}; every file of a sample counts in the fingerprint, in this order.
    reads: how fields come from files, see `Reads`, in the order of the fields. A field of a kind of file that is not
        in `files` is left out: one table serves all ways to load a set.
    names: the samples of this split; None: all that the first kind has. `about`: classes, box_classes, note.
    """
    names = tuple(next(iter(files.values())) if names is None else names)
    reads = {key: read for key, read in reads.items() if files.keys() >= set(read[1:])}
    fields = tuple(field for key in reads for field in ((key,) if isinstance(key, str) else key))
    read = partial(_read_files, folder, files, reads)
    return Dataset(name, split, variant, names, fields, read, folder=folder, files=files, **about)


def _read_files(
    folder: Path, files: dict[str, dict[str, Path]], reads: Reads, name: str, fields: Sequence[str]
) -> dict:
    sample = {}
    for key, (function, *kinds) in reads.items():
        filled = (key,) if isinstance(key, str) else key
        if set(filled) & set(fields):
            value = function(*[verified(folder, files[kind][name]) for kind in kinds])
            sample |= {key: value} if isinstance(key, str) else dict(zip(key, value))
    return {field: sample[field] for field in fields}


def _check_sizes(sample: dict, owner: str) -> None:
    """All pixel fields of one sample share one height and width; a pair that does not is not aligned."""
    sizes = {k: tuple(v.shape[-2:]) for k, v in sample.items() if k in PIXELS and isinstance(v, Tensor)}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{k} {h}x{w}" for k, (h, w) in sizes.items())
        raise ValueError(
            f"{owner}/{sample['name']}: expected one height x width, got {listed}; the files are not aligned"
        )
