"""A grid of pictures with real titles."""

from collections.abc import Sequence
from html import escape

import torch

from mmlib.show.html import Html, figure, need_alt, tag
from mmlib.show.pixels import Picture, encode

GAP = 8  # pixels between pictures
SMALL = 320  # a picture narrower than this is enlarged to it
Item = torch.Tensor | tuple[torch.Tensor, str]


def images(
    items: Item | Sequence[Item],
    *,
    alt: str,
    caption: str | None = None,
    columns: int | None = None,
    width: int | None = None,
    pixelated: bool = False,
) -> Html:
    """A responsive grid of pictures.

    Args:
        items: pictures, each a tensor (3, H, W), (1, H, W) or (H, W) with floats in [0, 1] (or uint8 or bool),
            alone or as ``(tensor, title)``. Titles are plain text.
        alt: what the figure shows, in words, for readers who cannot see it.
        caption: plain text under the figure.
        columns: the most columns side by side (default: up to 4); a narrow screen shows fewer.
        width: the widest that one picture gets, in CSS pixels (default: its own width, at least 320).
        pixelated: enlarge with hard pixel edges, for small maps.

    Raises:
        ValueError: for an empty ``alt``, no pictures, or a picture that cannot be shown as it is.
    """
    alt = need_alt(alt)
    pairs = as_pairs(items)
    if not pairs:
        raise ValueError("expected at least one picture, got none")
    body = grid(pairs, alt, columns, width, pixelated)
    return figure(body, alt=alt, caption=caption, kind="images", label=len(pairs) > 1)


def grid(
    pairs: Sequence[tuple[torch.Tensor, str]], alt: str, columns: int | None, width: int | None, pixelated: bool
) -> str:
    """The HTML of the grid alone; see :func:`images`. A picture's own alternative text is its title."""
    columns = min(columns or 4, len(pairs))
    pictures = [encode(image, pixelated=pixelated) for image, _ in pairs]
    cells = [_cell(p, t, _alt(alt, t, i, len(pairs)), pixelated) for i, (p, (_, t)) in enumerate(zip(pictures, pairs))]
    widest = width or max(SMALL, max(p.width for p in pictures))
    return _grid(cells, columns, columns * widest + (columns - 1) * GAP)


def as_pairs(items: Item | Sequence[Item]) -> list[tuple[torch.Tensor, str]]:
    """Any accepted form of ``items`` as a list of ``(tensor, title)``; no title is the empty string."""
    if not isinstance(items, (list, tuple)) or _is_pair(items):
        items = [items]
    return [(item[0], str(item[1])) if _is_pair(item) else (item, "") for item in items]


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str)


def _cell(picture: Picture, title: str, alt: str, pixelated: bool) -> str:
    heading = tag("div", escape(title), class_="mm-title", style="font-size:.9em;line-height:1.3;margin-bottom:2px")
    body = (heading if title else "") + picture.img(alt, pixelated=pixelated)
    return tag("div", body, class_="mm-cell", style="min-width:0;align-self:end")


def _alt(alt: str, title: str, i: int, n: int) -> str:
    if n == 1:
        return alt
    return title or f"{alt} ({i + 1} of {n})"


def _grid(cells: list[str], columns: int, limit: int) -> str:
    # One row holds `columns` pictures until they would get narrower than `least`; then it wraps.
    least = 260 if columns <= 2 else 150
    share = f"calc((100% - {(columns - 1) * GAP}px) / {columns})"
    tracks = f"repeat(auto-fill,minmax(min(100%,max({least}px,{share})),1fr))"
    style = f"display:grid;gap:{GAP}px;grid-template-columns:{tracks};max-width:{limit}px"
    return tag("div", "".join(cells), class_="mm-grid", style=style)
