"""MiniStreet: street scenes from seeds, in which every sense is exact.

`scene(seed)` is the same scene forever for one VERSION. See chapter 2 for how it is made and how it was calibrated.
"""

from mmlib.scenes.drawn import drawn
from mmlib.scenes.generate import FIELDS, fingerprint, scene, scenes
from mmlib.scenes.knobs import Knobs
from mmlib.scenes.language import Expression
from mmlib.scenes.splits import split_seeds
from mmlib.scenes.vocabulary import CLASSES, PALETTE, THINGS, VERSION

__all__ = [
    "CLASSES",
    "Expression",
    "FIELDS",
    "Knobs",
    "PALETTE",
    "THINGS",
    "VERSION",
    "drawn",
    "fingerprint",
    "scene",
    "scenes",
    "split_seeds",
]
