"""All pictures, plots, tables and sliders of the book.

Every function returns a small HTML object that a notebook displays when it is the last line of a cell, and
that is the same in the printed page: real text for titles, an alternative text for everything drawn,
readable on a phone and in the dark, nothing loaded from elsewhere. ``say`` displays at once.

With a running kernel ``explore`` recomputes; in the built book (``MMLIB_STATIC=1``) its pictures are drawn
beforehand, and the slider still moves.
"""

from mmlib.show.choose import choose, chosen
from mmlib.show.code import code
from mmlib.show.colours import boxes, colour, flow_key, labels_to_rgb, legend, overlay
from mmlib.show.health import health
from mmlib.show.html import Html, is_static
from mmlib.show.images import images
from mmlib.show.lens import lens
from mmlib.show.phrasebook import Answer, phrasebook
from mmlib.show.plots import plot
from mmlib.show.tables import table
from mmlib.show.text import say
from mmlib.show.widgets import compare, explore, frames, pick

__all__ = [
    "Answer",
    "Html",
    "boxes",
    "choose",
    "chosen",
    "code",
    "colour",
    "compare",
    "explore",
    "flow_key",
    "frames",
    "health",
    "images",
    "is_static",
    "labels_to_rgb",
    "legend",
    "lens",
    "overlay",
    "phrasebook",
    "pick",
    "plot",
    "say",
    "table",
]
