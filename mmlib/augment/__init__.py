"""Augmentation that keeps every sense of a scene true to the others.

`Geometric` moves all fields of a batch by one affine map per sample; `Photometric` changes what the two cameras read
and nothing else. Both take a batch, a dict in the book's vocabulary, and an explicit generator, and return a new dict.
"""

from mmlib.augment.geometric import Geometric, affine
from mmlib.augment.moving import transform
from mmlib.augment.photometric import Photometric
from mmlib.augment.words import mirror

__all__ = ["Geometric", "Photometric", "affine", "mirror", "transform"]
