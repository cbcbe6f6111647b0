"""load(name): from the name of a data set to the data set."""

import importlib
from typing import Any

from mmlib.data.dataset import Dataset
from mmlib.data.folders import installed

_LOADERS = {
    "ministreet": ("mmlib.data.ministreet", "ministreet"),
    "roadscene": ("mmlib.data.fusion_sets", "roadscene"),
    "tno": ("mmlib.data.fusion_sets", "tno"),
    "vifb": ("mmlib.data.fusion_sets", "vifb"),
    "msrs": ("mmlib.data.msrs", "msrs"),
    "camvid": ("mmlib.data.camvid", "camvid"),
    "camvid_video": ("mmlib.data.camvid", "camvid_video"),
    "davis": ("mmlib.data.davis", "davis"),
    "middlebury": ("mmlib.data.middlebury", "middlebury"),
}

NAMES = tuple(_LOADERS)
"""What `load` knows: MiniStreet, drawn on the spot, and eight real sets."""


def load(name: str, split: str | None = None, **options: Any) -> Dataset:
    """The data set of that name; `split` and `options` are those of its own function (see mmlib.data.<name>).

    Reads directories and lists, but no image: samples are decoded when they are asked for. Raises ValueError for an
    unknown name, TypeError for an option the set does not have, DataMissing, with the command that obtains it, where
    it is absent.
    """
    if name not in _LOADERS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(NAMES)}")
    module, function = _LOADERS[name]
    if split is not None:
        options["split"] = split
    return getattr(importlib.import_module(module), function)(**options)


def available(name: str) -> bool:
    """Whether `load(name)` will find its files here; always true of MiniStreet.

    ValueError for an unknown name; DataMissing if MMLIB_DATA is set to something that is not a folder.
    """
    if name not in _LOADERS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(NAMES)}")
    return name == "ministreet" or installed(name)
