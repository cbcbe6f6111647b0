"""Make book/assets/real: eight TNO pairs, two networks' fusions of three, and two frames of RubberWhale.

    python data_scripts/bundle.py

Reads the sets `tno`, `middlebury` and `weights` (python data_scripts/obtain.py tno middlebury weights) and writes WebP
files, at most 400 pixels wide. Which pairs, and the switch that takes them out of the pages, stand in
mmlib/book/real.py. Fused pictures are stored without loss, because chapter 3 measures them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmlib.book.real import FOLDER, NETWORKS, TNO, VOTED, WIDEST, tno
from mmlib.data import load
from mmlib.fusion import fuse
from mmlib.images import luma
from mmlib.show.pixels import to_uint8


def small(picture: Tensor) -> Image.Image:
    """A picture (C, H, W) with values in [0, 1], at most `WIDEST` pixels wide."""
    made = Image.fromarray(to_uint8(picture))
    if made.width > WIDEST:
        height = round(made.height * WIDEST / made.width)
        made = made.resize((WIDEST, height), Image.Resampling.LANCZOS)
    return made


def main() -> None:
    """Write every file anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pairs = load("tno")
    for number in TNO:
        pair = pairs[number]
        for name, picture in (("vis", luma(pair["rgb"])), ("ir", pair["ir"])):
            small(picture).save(FOLDER / f"tno_{number}_{name}.webp", quality=88, method=6)
    for number in VOTED:
        pair = tno(number)  # as it has just been written, so that networks and rules see the same pictures
        for method in NETWORKS:
            fused = fuse(pair["vis"][None], pair["ir"][None], method=method)[0]
            small(fused).save(FOLDER / f"tno_{number}_{method}.webp", lossless=True, quality=100, method=6)
    whale = load("middlebury")["RubberWhale"]
    for number, picture in ((10, whale["rgb"]), (11, whale["rgb_next"])):
        small(picture).save(FOLDER / f"rubberwhale_{number}.webp", quality=88, method=6)
    print(f"wrote {len(list(FOLDER.glob('*.webp')))} pictures into {FOLDER}")


if __name__ == "__main__":
    main()
