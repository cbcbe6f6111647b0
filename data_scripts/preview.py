"""Draw a contact sheet of large MiniStreet scenes: day, dusk, night, fog and glare, each as rgb, ir, labels and flow.

python data_scripts/preview.py --out preview.png [--first-seed 0] [--size 384 768] [--split train]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmlib.scenes import PALETTE, Knobs, scene, split_seeds

LOOKS = {
    "day": Knobs(time="day", fog=0.0, glare=0.0, crowding=0.6),
    "dusk": Knobs(time="dusk", fog=0.0, glare=0.0, crowding=0.6),
    "night": Knobs(time="night", fog=0.0, glare=0.0, crowding=0.6),
    "fog": Knobs(time="day", fog=0.6, glare=0.0, crowding=0.6),
    "glare": Knobs(time="night", fog=0.0, glare=0.8, crowding=0.6),
}


def tile(sample: dict) -> np.ndarray:
    """rgb and ir above labels and flow, as one (2H, 2W, 3) uint8 picture."""
    grey = lambda t: (t * 255).round().byte().permute(1, 2, 0).numpy()  # noqa: E731
    rgb, ir = grey(sample["rgb"]), grey(sample["ir"].expand(3, -1, -1))
    labels, flow = PALETTE[sample["labels"].numpy()], flow_picture(sample["flow"])
    return np.vstack([np.hstack([rgb, ir]), np.hstack([labels, flow])])


def flow_picture(flow: torch.Tensor) -> np.ndarray:
    """Direction as hue, length as saturation (strongest motion: fully coloured)."""
    length, angle = torch.hypot(flow[0], flow[1]), torch.atan2(flow[1], flow[0])
    strength = length / length.flatten().quantile(0.99).clamp(min=1e-3)
    hue = (angle / (2 * np.pi) + 0.5) * 255
    hsv = torch.stack([hue, strength.clamp(0, 1) * 255, torch.full_like(hue, 245)], -1).byte().numpy()
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


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
