"""Data sets, real and synthetic, behind one interface and one vocabulary.

    from mmlib import data
    ds = data.load("msrs", boxes="fusion")
    ds[0]["rgb"].shape, ds.variant, ds.fingerprint
    mine = data.load_pairs(rgb="photos/colour", ir="photos/thermal")

Real sets are looked for under $MMLIB_DATA, else data/; `python data_scripts/obtain.py NAME` obtains them. MiniStreet
needs no file.

How do I add a data set? For folders of images nothing is needed but `load_pairs`, above. For a set of its own:

1. `mmlib/data/NAME.py` has one function `NAME(split=..., ...)` that returns a `Dataset`: it finds the files of every
   sample (`pairs.paired`), says how each field is read from them (`Reads`), and hands both to `dataset.from_files`.
   `llvip.py` is the shortest to copy.
2. `folders.SETS` gets a line: the name, that module, and the set's folder.
3. `data_scripts/recipes.py` gets a `Recipe`: where the files are, their sha256 (or `unseen`), what goes where.
4. `tests/` gets a made-up tree of a few tiny files in the set's layout, loaded, and once for each way it can be wrong.
   `book/datasets.md` gets a row: terms, what people annotated, and what was not seen.

`python data_scripts/obtain.py NAME`, then `load("NAME")`.
"""

from mmlib.data.batches import collate, crop, pad, resize
from mmlib.data.dataset import Dataset
from mmlib.data.folders import DataMissing, data_root, installed
from mmlib.data.loading import NAMES, available, load
from mmlib.data.own import load_pairs, own_folder
from mmlib.data.pairs import own_images
from mmlib.data.weights import WEIGHTS, weights
from mmlib.data.windows import Crops

__all__ = [
    "NAMES",
    "WEIGHTS",
    "Crops",
    "DataMissing",
    "Dataset",
    "available",
    "collate",
    "crop",
    "data_root",
    "installed",
    "load",
    "load_pairs",
    "own_folder",
    "own_images",
    "pad",
    "resize",
    "weights",
]
