"""LLVIP: 15488 aligned pairs at night from above the street, visible and infrared, with boxes of persons."""

from functools import partial

from mmlib.data.boxes import read_voc
from mmlib.data.dataset import Dataset, from_files
from mmlib.data.folders import set_folder
from mmlib.data.pairs import READ_PAIR, beside, one_of, paired, variant_of


def llvip(split: str = "train") -> Dataset:
    """LLVIP at 1280x1024: rgb (3,1024,1280), ir (1,1024,1280), boxes (N,4) xyxy in pixels, box_labels (N,), 0 = person.

    `split`: "train" (12025) or "test" (3463), the authors' own, counted by others; the first two digits of a name tell
    the place. A box without area is left out (others count five), and two files are said to hold no box.

    Layout: {visible,infrared}/{train,test}/NAME.jpg and Annotations/NAME.xml (VOC), as others describe the archive; the
    files themselves were unseen when this was written. ValueError for an unknown split or class name and for a picture
    without its partner, DataMissing where folders or box files are absent.
    """
    one_of("llvip: split", split, ("train", "test"))
    folder = set_folder("llvip")
    files = paired("llvip", rgb=folder / "visible" / split, ir=folder / "infrared" / split)
    files["boxes"] = beside("llvip", files["rgb"], folder / "Annotations", ".xml")
    reads = READ_PAIR | {("boxes", "box_labels"): (partial(read_voc, classes={"person": 0}), "boxes", "rgb")}
    variant = variant_of("llvip", files["rgb"], jpg="original")
    return from_files("llvip", split, variant, folder, files, reads, box_classes=("person",))
