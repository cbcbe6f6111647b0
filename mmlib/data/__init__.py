"""Data sets, real and synthetic, behind one interface and one vocabulary.

    from mmlib import data
    ds = data.load("msrs", boxes="fusion")
    ds[0]["rgb"].shape, ds.variant, ds.fingerprint

Real sets are looked for under $MMLIB_DATA, else data/; data_scripts/NAME.py obtains them. MiniStreet needs no file.
"""

from mmlib.data.batches import batches, collate, crop, pad, resize
from mmlib.data.dataset import Dataset
from mmlib.data.folders import DataMissing, data_root, installed
from mmlib.data.loading import NAMES, available, load
from mmlib.data.weights import WEIGHTS, weights

__all__ = [
    "NAMES",
    "WEIGHTS",
    "DataMissing",
    "Dataset",
    "available",
    "batches",
    "collate",
    "crop",
    "data_root",
    "installed",
    "load",
    "pad",
    "resize",
    "weights",
]
