"""Colours for what has none: labels, scalar maps, masks, boxes."""

from collections.abc import Sequence
from html import escape

import torch

from mmlib.show.html import Html, tag

IGNORE = 255
IGNORE_COLOUR = (24, 24, 24)  # nearly black: no class has it
BAD = 0.5  # grey for NaN and infinite values
MARK = (1.0, 0.85, 0.1)  # a yellow that stands out from streets by day and by night


def labels_to_rgb(labels: torch.Tensor, palette: torch.Tensor | None = None) -> torch.Tensor:
    """Paint labels (H, W) or (B, H, W), whole numbers, as (3, H, W) or (B, 3, H, W) floats in [0, 1].

    ``palette`` is (classes, 3) uint8, by default MiniStreet's; label 255 (ignore) is nearly black.

    Raises:
        ValueError: for floats, another shape, or a label that the palette does not have.
    """
    if labels.is_floating_point() or labels.ndim not in (2, 3):
        raise ValueError(f"expected whole-number labels (H, W) or (B, H, W), got {labels.dtype} {tuple(labels.shape)}")
    table = _palette(palette)
    labels = labels.detach().cpu().long()
    wrong = labels[(labels != IGNORE) & ((labels < 0) | (labels >= len(table)))]
    if len(wrong):
        raise ValueError(f"expected labels 0 to {len(table) - 1}, or {IGNORE} for ignore; got {int(wrong[0])}")
    table = torch.cat([table, torch.tensor([IGNORE_COLOUR], dtype=torch.float32) / 255])
    painted = table[torch.where(labels == IGNORE, len(table) - 1, labels)]
    return painted.movedim(-1, -3)


def legend(
    classes: Sequence[str] | None = None, palette: torch.Tensor | None = None, *, only: torch.Tensor | None = None
) -> Html:
    """A row of colour swatches with the class names as text.

    ``classes`` and ``palette`` default to MiniStreet's; ``only``: labels of any shape, to list just the classes
    that occur in them.
    """
    if classes is None:
        from mmlib.scenes import CLASSES as classes
    table = _palette(palette)
    if len(classes) > len(table):
        raise ValueError(f"expected a colour for each of {len(classes)} classes, got {len(table)}")
    ids = range(len(classes)) if only is None else [int(i) for i in only.unique() if int(i) < len(classes)]
    items = "".join(_swatch(classes[i], table[i]) for i in ids)
    style = "display:flex;flex-wrap:wrap;gap:.2em 1em;list-style:none;margin:.5em 0;padding:0;font-size:.9em"
    return Html(tag("ul", items, class_="mm-legend", style=style), "[legend] " + ", ".join(classes[i] for i in ids))


def flow_key(longest: float) -> Html:
    """The key to a picture of flow, to stand below it: a small colour wheel, and what it means in words.

    ``longest``: the length in pixels that has the full colour, `max_flow` of `mmlib.flow.flow_to_rgb`.
    """
    from mmlib.flow import flow_legend
    from mmlib.show.pixels import encode

    words = f"Hue: the direction of motion. White stands still, full colour moves {longest:.3g} pixels, darker is more."
    alt = "A colour wheel: red is motion to the right, yellow-green down, cyan to the left, violet up, white none"
    wheel = tag("div", encode(flow_legend(112)).img(alt), style="flex:0 0 56px")
    style = "display:flex;align-items:center;gap:.8em;margin:.5em 0;font-size:.9em"
    return Html(tag("div", wheel + tag("span", words), class_="mm-legend", style=style), f"[flow key] {words}")


def colour(
    map: torch.Tensor, cmap: str = "viridis", vmin: float | None = None, vmax: float | None = None
) -> torch.Tensor:
    """Paint a scalar map (H, W) or (1, H, W) as (3, H, W) floats in [0, 1] with a Matplotlib colour map.

    ``vmin`` and ``vmax`` default to the smallest and largest finite value; values beyond take the end colours,
    NaN and infinite ones are grey.

    Raises:
        ValueError: for another shape, or ``vmin > vmax``.
    """
    from matplotlib import colormaps

    values = map.detach().cpu().float()
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.ndim != 2:
        raise ValueError(f"expected one map (H, W) or (1, H, W), got {tuple(map.shape)}")
    finite = values[values.isfinite()]
    low = vmin if vmin is not None else (finite.min().item() if len(finite) else 0.0)
    high = vmax if vmax is not None else (finite.max().item() if len(finite) else 1.0)
    if low > high:
        raise ValueError(f"expected vmin <= vmax, got {low} and {high}")
    share = ((values - low) / max(high - low, 1e-12)).nan_to_num(0).clamp(0, 1)
    painted = torch.from_numpy(colormaps[cmap](share.numpy())[..., :3]).float()
    painted[~values.isfinite()] = BAD
    return painted.movedim(-1, 0)


def overlay(
    image: torch.Tensor, mask: torch.Tensor, tint: Sequence[float] = MARK, strength: float = 0.55
) -> torch.Tensor:
    """Tint the pixels of ``mask`` (H, W) bool in ``image`` (3 or 1, H, W), and draw the mask's outline.

    Returns (3, H, W) floats. The rest of the picture is darkened a little, so that a small mask is found at once.
    """
    if mask.dtype != torch.bool or mask.shape != image.shape[-2:]:
        raise ValueError(f"expected a bool mask {tuple(image.shape[-2:])}, got {mask.dtype} {tuple(mask.shape)}")
    rgb = image.detach().cpu().float().expand(3, -1, -1)
    mask = mask.cpu()
    paint = torch.tensor(tint).view(3, 1, 1)
    painted = torch.where(mask, rgb * (1 - strength) + paint * strength, rgb * 0.7)
    grown = torch.nn.functional.max_pool2d(mask[None].float(), 3, stride=1, padding=1)[0] > 0
    return torch.where(grown & ~mask, paint, painted)


def boxes(image: torch.Tensor, boxes: torch.Tensor, tint: Sequence[float] = MARK, thickness: int = 2) -> torch.Tensor:
    """Draw ``boxes`` (N, 4), xyxy in pixels, into a copy of ``image`` (3 or 1, H, W); returns (3, H, W).

    Boxes are clipped to the picture; the lines lie inside the box.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"expected boxes (N, 4), got {tuple(boxes.shape)}")
    rgb = image.detach().cpu().float().expand(3, -1, -1).clone()
    H, W = rgb.shape[-2:]
    paint = torch.tensor(tint).view(3, 1, 1)
    limit = torch.tensor([W, H, W, H])
    for x0, y0, x1, y1 in boxes.detach().cpu().round().long().clamp(min=0).minimum(limit).tolist():
        inside = rgb[:, y0 + thickness : y1 - thickness, x0 + thickness : x1 - thickness].clone()
        rgb[:, y0:y1, x0:x1] = paint
        if inside.numel():
            rgb[:, y0 + thickness : y1 - thickness, x0 + thickness : x1 - thickness] = inside
    return rgb


def _palette(palette: torch.Tensor | None) -> torch.Tensor:
    if palette is None:
        from mmlib.scenes import PALETTE as palette
    table = torch.as_tensor(palette)
    if table.ndim != 2 or table.shape[1] != 3:
        raise ValueError(f"expected a palette (classes, 3), got {tuple(table.shape)}")
    return table.float() / 255


def _swatch(name: str, rgb: torch.Tensor) -> str:
    css = "rgb(" + " ".join(str(round(255 * c)) for c in rgb.tolist()) + ")"
    box = tag("span", "", style=f"width:1em;height:1em;background:{css};border:1px solid #8888;border-radius:2px")
    return tag("li", box + escape(name), style="display:flex;align-items:center;gap:.4em;margin:0")
