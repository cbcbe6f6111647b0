"""load(name): from the name of a data set to the data set."""

import importlib
from typing import Any

from mmlib import uses
from mmlib.data.dataset import Dataset
from mmlib.data.folders import SETS, installed

NAMES = tuple(SETS)
"""What `load` knows: MiniStreet, drawn on the spot, and real sets; the last seven are those of preset `paper`."""


def load(name: str, split: str | None = None, **options: Any) -> Dataset:
    """The data set of that name; `split` and `options` are those of its own function (see mmlib.data.<name>).

    Reads directories and lists, but no image: samples are decoded when they are asked for. Raises ValueError for an
    unknown name, TypeError for an option the set does not have, DataMissing, with the command that obtains it, where
    it is absent.
    """
    if name not in SETS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(NAMES)}")
    module, _ = SETS[name]
    uses.note_reader(name, module)
    if split is not None:
        options["split"] = split
    return getattr(importlib.import_module(module), name)(**options)


def available(name: str) -> bool:
    """Whether `load(name)` will find its files here; always true of MiniStreet.

    ValueError for an unknown name; DataMissing if MMLIB_DATA is set to something that is not a folder.
    """
    if name not in SETS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(NAMES)}")
    return name == "ministreet" or installed(name)
