"""LLVIP: 15488 aligned pairs at night from above the street, visible and infrared, with boxes of persons."""

from functools import partial

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import set_folder
from mmlib.data.fusion_sets import files_of, read_field
from mmlib.data.pairs import paired, variant_of
from mmlib.data.voc import annotations, box_readers

BOX_CLASSES = ("person",)
SPLITS = ("train", "test")
COUNTS = {"train": 12025, "test": 3463}
"""As others counted the archive."""


def llvip(split: str = "train") -> Dataset:
    """LLVIP at 1280x1024: rgb (3,1024,1280), ir (1,1024,1280), boxes (N,4) xyxy in pixels, box_labels (N,), 0 = person.

    `split`: "train" (12025) or "test" (3463), the authors' own; the first two digits of a name tell the place. A box
    without area is left out (others count five), and two files are said to hold no box.

    Layout: {visible,infrared}/{train,test}/NAME.jpg and Annotations/NAME.xml (VOC), as others describe the archive; the
    files themselves were unseen when this was written. ValueError for an unknown split or class name and for a picture
    without its partner, DataMissing where folders or box files are absent.
    """
    if split not in SPLITS:
        raise ValueError(f"llvip: split: expected one of {', '.join(SPLITS)}, got {split!r}")
    folder = set_folder("llvip")
    names, files = paired("llvip", rgb=folder / "visible" / split, ir=folder / "infrared" / split)
    readers = {field: partial(read_field, folder, files[field], 3 if field == "rgb" else 1) for field in files}
    files["boxes"] = annotations("llvip", folder / "Annotations", names)
    readers |= box_readers(folder, files["boxes"], files["rgb"], {"person": 0})
    variant, every = variant_of("llvip", files["rgb"], {".jpg": "original"}), partial(files_of, files)
    return from_readers("llvip", split, variant, names, readers, folder=folder, files=every, box_classes=BOX_CLASSES)
