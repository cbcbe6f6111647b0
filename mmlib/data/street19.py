"""The nineteen street classes of Cityscapes, and the way from the ids in its files (and in GTA5's) to theirs."""

from pathlib import Path

import torch
from torch import Tensor

from mmlib.images import IGNORE, read_labels

CLASSES = ("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation",
           "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")  # fmt: skip
"""Train ids 0..18, in Cityscapes' order."""

FILE_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""What the label files hold for each of CLASSES (cityscapesScripts, helpers/labels.py); all else is not evaluated."""

HIGHEST_FILE_ID = 34
"""33 is Cityscapes' last id; GTA5's lists go one further (license plate)."""


def to_train_ids(labels: Tensor, where: str = "labels") -> Tensor:
    """File ids (H,W) int64, 0..34 or 255 -> train ids 0..18, and 255 for every class that is not evaluated.

    ValueError, naming `where`, for other ids: then the file is a colour or an instance image, not labelIds.
    """
    if len(labels) and (labels.min() < 0 or bool(((labels > HIGHEST_FILE_ID) & (labels != IGNORE)).any())):
        raise ValueError(
            f"{where}: expected label ids 0..{HIGHEST_FILE_ID} or {IGNORE}, got {int(labels.min())} to "
            f"{int(labels.max())}; next: take the labelIds image, not the instanceIds or colour one"
        )
    table = torch.full((256,), IGNORE)
    table[torch.tensor(FILE_IDS)] = torch.arange(len(CLASSES))
    return table[labels]


def read_street_labels(path: Path) -> Tensor:
    """A label image of Cityscapes or GTA5 -> train ids (H,W). Errors as `read_labels` and `to_train_ids`."""
    return to_train_ids(read_labels(path), str(path))
