"""A claim's history as a line the size of a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmlib.runs.history import band
from mmlib.show.html import tag

WIDTH, HEIGHT, EDGE = 96, 26, 4


def sparkline(past: Sequence[Mapping[str, Any]], drifted: Sequence[Mapping[str, Any]] = ()) -> str:
    """Inline SVG of a claim's means over nights, oldest left; the grey strip is its band, a ring a night that drifted.

    Args:
        past: the claim's entries (:func:`mmlib.runs.history.entries`).
        drifted: entries of nights that were held back; drawn after the others.

    Returns:
        HTML; words instead of a picture while there are fewer than two nights.
    """
    nights = [*past, *drifted]
    if len(nights) < 2:
        return "first night" if nights else "no night yet"
    limits = band(past)
    means = [night["mean"] for night in nights]
    low, high = min(means), max(means)
    if limits:
        low, high = min(low, limits.low), max(high, limits.high)
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return round(EDGE + (HEIGHT - 2 * EDGE) * (high - value) / span, 1)

    step = (WIDTH - 2 * EDGE) / (len(nights) - 1)
    points = [(round(EDGE + step * i, 1), at(mean)) for i, mean in enumerate(means)]
    body = ""
    if limits:
        top, bottom = at(limits.high), at(limits.low)
        size = {"width": WIDTH, "height": max(round(bottom - top, 1), 1)}
        body += tag("rect", x=0, y=top, fill="currentColor", opacity=".15", **size)
    line = " ".join(f"{x},{y}" for x, y in points[: len(past)])
    body += tag("polyline", points=line, fill="none", stroke="currentColor", stroke_width="1.5")
    for index, (x, y) in enumerate(points):
        if index >= len(past):
            body += tag("circle", cx=x, cy=y, r=3, fill="none", stroke="currentColor", stroke_width="1.5")
        elif index == len(past) - 1:
            body += tag("circle", cx=x, cy=y, r=2.5, fill="currentColor")
    said = f"{len(nights)} nights, from {means[0]:.3g} to {means[-1]:.3g}"
    said += f", band {limits.low:.3g} to {limits.high:.3g}" if limits else ", no band yet"
    said += f", {len(drifted)} drifted" if drifted else ""
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": WIDTH, "height": HEIGHT}
    return tag("svg", body, role="img", aria_label=said, style="vertical-align:middle;max-width:none", **size)
