"""One interface for every data set: a list of names, and a function that reads the asked fields of one of them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from mmlib.data.folders import manifest, sha256

_PIXEL_FIELDS = ("rgb", "rgb_next", "rgb_previous", "ir", "ir_next", "labels", "labels_next", "derived_labels", "mask",
                 "mask_next", "flow", "valid", "depth", "points")  # fmt: skip


@dataclass(frozen=True, repr=False)
class Dataset:
    """A data set, or a part of one. `ds[i]` decodes the asked fields of one sample and nothing else.

    len(ds), ds[3], ds[-1], ds["00537D"] (by name), ds[:10] (a smaller Dataset) and iteration work; so does
    torch.utils.data.DataLoader with `collate_fn=mmlib.data.collate`. A sample is a dict of the book's vocabulary:
    name (str); rgb, rgb_next (3,H,W) and ir (1,H,W) float32 in [0, 1]; labels (H,W) int64, 255 = ignore; mask (H,W)
    bool; flow (2,H,W) float32 in pixels; boxes (N,4) float32 xyxy in pixels, box_labels (N,) int64; expressions, a
    list.

    `variant` names the exact data ("msrs-jpeg92"), `classes` the ids of labels, `box_classes` those of box_labels,
    `note` says what a number measured on this set must not be called. `content` is the fingerprint of what is not in
    files.
    """

    name: str
    split: str | None
    variant: str
    names: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[str, tuple[str, ...]], dict]
    folder: Path | None = None
    files: Callable[[str], Sequence[Path]] | None = None
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

    def collate(self, samples: Sequence[dict]) -> dict:
        """Stack samples of one size into a batch (see mmlib.data.collate)."""
        from mmlib.data.batches import collate

        return collate(samples)

    @property
    def fingerprint(self) -> str:
        """sha256 hex over variant, names and the bytes of their files (from MANIFEST.sha256 where it lists them)."""
        digest = hashlib.sha256(f"{self.variant}\n{self.content}\n".encode())
        for name in self.names:
            digest.update(f"{name}\n".encode())
            for path in self.files(name) if self.files else ():
                digest.update(self._digest(path).encode())
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


def from_readers(
    name: str,
    split: str | None,
    variant: str,
    names: Sequence[str],
    readers: dict[str, Callable[[str], Any]],
    **rest: Any,
) -> Dataset:
    """A Dataset whose fields are read one by one: {field: function from a name to its value}; `rest` as in Dataset."""
    return Dataset(name, split, variant, tuple(names), tuple(readers), partial(_read_fields, readers), **rest)


def _read_fields(readers: dict[str, Callable[[str], Any]], name: str, fields: tuple[str, ...]) -> dict:
    return {field: readers[field](name) for field in fields}


def _check_sizes(sample: dict, owner: str) -> None:
    """All pixel fields of one sample share one height and width; a pair that does not is not aligned."""
    sizes = {k: tuple(v.shape[-2:]) for k, v in sample.items() if k in _PIXEL_FIELDS and isinstance(v, Tensor)}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{k} {h}x{w}" for k, (h, w) in sizes.items())
        raise ValueError(
            f"{owner}/{sample['name']}: expected one height x width, got {listed}; the files are not aligned"
        )
