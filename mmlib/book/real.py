"""The few real pictures that come with the book, and the one switch that takes them out.

`PUBLISH_REAL_IMAGES` has three settings. Unset or 0: built pages show the pictures of `book/assets/real`, and no other
real one. 1: also those of whatever data sets are at hand. none: no real picture at all, and `book/assets/real` isn't
copied into the pages. Deleting that folder does the same as none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib.files import ROOT

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = ROOT / "book" / "assets" / "real"
TNO = ("01", "09", "17", "18", "23", "33", "36", "42")
"""The TNO pairs that come with the book, by their number in the copy of 42 pairs."""

VOTED = ("17", "18", "33")
"""Those of which chapter 3 asks which fusion is best: a walker, somebody under an umbrella, soldiers at a car."""

NETWORKS = {"reconet": "ReCoNet", "tardal": "TarDAL"}
"""The networks whose fusions of those pairs come along: of their weights' publishers two state a licence."""

WIDEST = 400
"""Pixels. Wider pictures were scaled down to this."""

CREDIT = "TNO Image Fusion Dataset, A. Toet (2014), doi:10.6084/m9.figshare.1008029."
WHALE_CREDIT = "RubberWhale, Middlebury optical flow benchmark (Baker et al., 2011)."
HELD_BACK = "Real images stay out of this page. PUBLISH_REAL_IMAGES=1 puts them in, where the data are at hand."


def allowed() -> bool:
    """Whether the pictures that come with the book may be shown."""
    return os.environ.get("PUBLISH_REAL_IMAGES", "0") != "none"


def others_allowed() -> bool:
    """Whether real pictures of the data sets at hand may be shown: in a live kernel always, in a page by the switch."""
    from mmlib.show import is_static  # late: pages are built without it

    return not is_static() or os.environ.get("PUBLISH_REAL_IMAGES") == "1"


def tno(number: str) -> dict[str, Tensor] | None:
    """One pair: `vis` and `ir`, each (1, H, W) floats in [0, 1] and at most 400 wide; None if it may not be shown.

    Raises:
        ValueError: a number that doesn't come with the book.
    """
    if number not in TNO:
        raise ValueError(f"expected one of the pairs {', '.join(TNO)}, got {number!r}; next: load('tno') has all 42")
    files = {"vis": FOLDER / f"tno_{number}_vis.webp", "ir": FOLDER / f"tno_{number}_ir.webp"}
    if not allowed() or not all(path.is_file() for path in files.values()):
        return None
    return {name: _grey(path) for name, path in files.items()}


def tno_fused(number: str) -> dict[str, Tensor] | None:
    """What the networks made of one of the pairs `VOTED`: {title: (1, H, W) in [0, 1]}; None if it may not be shown.

    Raises:
        ValueError: a pair whose fusions don't come with the book.
    """
    if number not in VOTED:
        raise ValueError(f"expected one of the pairs {', '.join(VOTED)}, got {number!r}; next: mmlib.fusion.fuse(...)")
    files = {title: FOLDER / f"tno_{number}_{method}.webp" for method, title in NETWORKS.items()}
    if not allowed() or not all(path.is_file() for path in files.values()):
        return None
    return {title: _grey(path) for title, path in files.items()}


def rubber_whale() -> tuple[Tensor, Tensor] | None:
    """Frames 10 and 11 of RubberWhale, each (3, H, W) floats in [0, 1] and 400 wide; None if they may not be shown."""
    files = [FOLDER / f"rubberwhale_{number}.webp" for number in (10, 11)]
    if not allowed() or not all(path.is_file() for path in files):
        return None
    return _read(files[0]), _read(files[1])


def _grey(path: Path) -> Tensor:
    # WebP has no grey mode: the three channels are equal up to rounding.
    return _read(path).mean(0, keepdim=True)


def _read(path: Path) -> Tensor:
    from mmlib.images import read_image  # late: pages are built without it

    return read_image(path)
