"""The picture that a link to the book shows elsewhere: one street of MiniStreet, seen by four senses.

    python -m mmlib.book.card

It writes book/assets/card.png, which is committed; `mmlib.book.sphinx_ext` names it in the head of each page.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from mmlib.files import ROOT
from mmlib.flow import flow_to_rgb
from mmlib.scenes import Knobs, scene
from mmlib.show.colours import labels_to_rgb

CARD = ROOT / "book" / "assets" / "card.png"
SIZE = (630, 1200)
"""Height and width that such pictures have by custom, in pixels."""

SEED = 1_000_025
KNOBS = Knobs(time="dusk", fog=0.0, glare=0.0, crowding=0.7)
BAND = 150
"""Height of the dark band with the title, in pixels."""

TITLE = "Fuse, Flow, Refer"
SUBTITLE = "When does a second sense help a machine to see, and how would you know?"


def views() -> torch.Tensor:
    """The street in four upright strips: RGB, infrared, flow, labels; (3, 630, 1200) in [0, 1]."""
    street = scene(SEED, size=SIZE, knobs=KNOBS, fields=("rgb", "ir", "flow", "labels"))
    infrared = street["ir"].expand(3, -1, -1)
    motion = flow_to_rgb(street["flow"][None], max_flow=24.0)[0]
    labels = labels_to_rgb(street["labels"][None])[0]
    width = SIZE[1] // 4
    strips = []
    for number, view in enumerate((street["rgb"], infrared, motion, labels)):
        strip = view[:, :, number * width : (number + 1) * width].clone()
        if number:
            strip[:, :, :4] = 1.0  # a white line between two senses
        strips.append(strip)
    return torch.cat(strips, dim=2)


def draw_card() -> Image.Image:
    """The card, 1200 x 630 pixels, in 256 colours, so that it stays small."""
    pixels = (255 * views()).round().to(torch.uint8).permute(1, 2, 0)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    height, width = SIZE
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, height - BAND, width, height), fill=(22, 24, 34))
    drawing.text((48, height - BAND + 22), TITLE, font=ImageFont.load_default(60), fill="white")
    drawing.text((50, height - BAND + 98), SUBTITLE, font=ImageFont.load_default(29), fill=(206, 210, 224))
    return picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def main() -> int:
    """Write the card."""
    CARD.parent.mkdir(parents=True, exist_ok=True)
    draw_card().save(CARD, optimize=True)
    print(f"{CARD.relative_to(ROOT)}: {CARD.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
