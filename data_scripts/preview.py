"""Draw a contact sheet of large MiniStreet scenes: day, dusk, night, fog and glare, each as rgb, ir, labels and flow.

python data_scripts/preview.py --out preview.png [--first-seed 0] [--size 384 768] [--split train]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmlib.flow import flow_to_rgb
from mmlib.scenes import Knobs, scene, split_seeds
from mmlib.show import labels_to_rgb
from mmlib.show.pixels import to_uint8

LOOKS = {
    "day": Knobs(time="day", fog=0.0, glare=0.0, crowding=0.6),
    "dusk": Knobs(time="dusk", fog=0.0, glare=0.0, crowding=0.6),
    "night": Knobs(time="night", fog=0.0, glare=0.0, crowding=0.6),
    "fog": Knobs(time="day", fog=0.6, glare=0.0, crowding=0.6),
    "glare": Knobs(time="night", fog=0.0, glare=0.8, crowding=0.6),
}


def tile(sample: dict) -> np.ndarray:
    """rgb and ir above labels and flow, as one (2H, 2W, 3) uint8 picture."""
    above = torch.cat([sample["rgb"], sample["ir"].expand(3, -1, -1)], dim=2)  # (3, H, 2W)
    below = torch.cat([labels_to_rgb(sample["labels"]), flow_to_rgb(sample["flow"][None])[0]], dim=2)
    return to_uint8(torch.cat([above, below], dim=1))


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("preview.png"))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--split", choices=("train", "val", "test"), default="train")
    parser.add_argument("--size", type=int, nargs=2, default=(384, 768), metavar=("H", "W"))
    parser.add_argument("--looks", nargs="+", choices=tuple(LOOKS), default=tuple(LOOKS))
    chosen = parser.parse_args()
    seeds = split_seeds(chosen.split, len(chosen.looks), chosen.first_seed)
    rows = [tile(scene(s, size=tuple(chosen.size), knobs=LOOKS[look])) for s, look in zip(seeds, chosen.looks)]
    Image.fromarray(np.vstack(rows)).save(chosen.out)
    print(f"{chosen.out}: {', '.join(chosen.looks)} (seeds {seeds.start} to {seeds.stop - 1} of {chosen.split})")


if __name__ == "__main__":
    main()
