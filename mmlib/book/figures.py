"""What the figure modules of the papers' chapters share: drawings of boxes and arrows, and figures of their runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from mmlib import show
from mmlib.book.numbers import Runs, by_seed, interval, mean, missing, plus_minus
from mmlib.health import silent
from mmlib.results import Key, Record
from mmlib.results.evidence import DOUBLED_SEEDS
from mmlib.show.html import Html, figure

if TYPE_CHECKING:
    import pandas

DATA, PRESET = "ministreet", "night"
BLUE, ORANGE, GREEN, PLAIN = "#3a7fb044", "#e0803044", "#2fa08044", "#88888822"
"""Tints of boxes: see-through, so that they serve on light and dark pages."""

WRONG = (0.9, 0.1, 0.1)
"""Red, for what is wrong in a picture."""


def count(*parts: nn.Module) -> int:
    """The number of parameters."""
    return sum(weights.numel() for part in parts for weights in part.parameters())


# ---------------------------------------------------------------------------------------------------------------------
# Streets


def busiest_street(size: tuple[int, int], fields: Sequence[str], **knobs: str | float) -> dict:
    """Of 32 test streets the one with the most pixels of people and riders, drawn at `size` with these knobs."""
    from mmlib.scenes import CLASSES, Knobs, drawn, scenes, split_seeds

    seeds = split_seeds("test", 32)
    small = drawn(seeds, size=(48, 64), knobs=Knobs(time=knobs.get("time")), fields=("labels",))["labels"]
    people = torch.isin(small, torch.tensor([CLASSES.index(name) for name in ("person", "rider")]))
    seed = seeds[int(people.sum(dim=(1, 2)).argmax())]
    return scenes([seed], size=size, knobs=Knobs(**knobs), fields=fields)


def two_images(street: Mapping[str, Tensor]) -> Html:
    """One street at night in both images, with a line to drag."""
    return show.compare(
        street["rgb"][0],
        street["ir"][0].expand(3, -1, -1),
        labels=("visible", "infrared"),
        alt="One night street as a colour image, mostly dark, and as an infrared image, in which people glow",
        caption="The same street at night. Drag the line: left of it the visible image, right of it infrared.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Drawings


def box(x: int, y: int, width: int, name: str, tint: str = PLAIN) -> str:
    """A box of 34 units of height with a name in it, as SVG."""
    rect = f'<rect x="{x}" y="{y}" width="{width}" height="34" rx="5" fill="{tint}" stroke="currentColor"/>'
    return rect + f'<text x="{x + width / 2}" y="{y + 22}" fill="currentColor">{escape(name)}</text>'


def arrow(path: str, stroke: str = "currentColor", dashed: bool = False) -> str:
    """A line along an SVG path, which draws its head as well."""
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="1.7"{dash}/>'


def drawing(pieces: Sequence[str], height: int, said: str, caption: str, font: float = 14) -> Html:
    """SVG pieces on a canvas of 360 x `height` units, which fits a phone. said: the drawing in words."""
    svg = (
        f'<svg viewBox="0 0 360 {height}" role="img" aria-label="{escape(said)}" style="width:100%;max-width:28rem;'
        f'height:auto" font-size="{font:g}" font-family="sans-serif" text-anchor="middle">{"".join(pieces)}</svg>'
    )
    return figure(svg, alt=said, caption=caption, kind="drawing", label=False)


# ---------------------------------------------------------------------------------------------------------------------
# Runs


def record(runs: Runs, variant: str, data: str = DATA, seed: int = 0) -> Record | None:
    """The published record of one run at preset night, or None. runs: all of one paper."""
    papers = {key.paper for key in runs}
    return runs.get(Key(papers.pop(), variant, data, PRESET, seed)) if papers else None


def labels_of(picture: str) -> Tensor:
    """The label image, (H, W) int64, in a record's base64 PNG."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    return torch.from_numpy(np.array(image)).long()


def with_weights(paper: str, made: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Those of the networks, by variant, whose weights are published, ready to use and not to be trained."""
    from mmlib.results import load_weights

    found = {}
    for variant, net in made.items():
        try:
            net.load_state_dict(load_weights(f"{paper}/{variant}"))
        except (FileNotFoundError, RuntimeError):  # not there, or those of another network
            continue
        found[variant] = net.eval().requires_grad_(False)
    return found


def run_health(published: Record | None, now: Mapping, without: str = "") -> Html:
    """The health of a published run, or else that of the run which the page has just made. without: a part left out."""
    if published is None:
        return show.health(now, caption="The short training on this page.")
    parts = [part for part in published.health if part != without]
    return show.health(published.health, parts, caption="The published run of seed 0.")


def seed_by_seed(
    numbers: pandas.DataFrame,
    metric: str,
    names: Mapping[str, str],
    looks: Mapping[str, dict],
    *,
    axis: str,
    alt: str,
    caption: str,
    lines: bool = True,
    luck: float | None = None,
    limits: tuple[float | None, float | None] = (None, None),
) -> Html:
    """One mark per run of each arm; a line joins the runs of a seed.

    names: of the arms, from below.  looks: colour and marker of each.  luck: where a blind choice would be, if marked.
    """
    points = by_seed(numbers, metric, list(names))
    if points.empty:
        return missing("The arms seed by seed")

    def draw(ax) -> None:
        if lines:
            for seed in points.index:
                ax.plot(points.loc[seed], range(len(names)), color="C6", linewidth=0.8, alpha=0.6)
        for y, arm in enumerate(names):
            values = points[arm].dropna()
            ax.plot(values, [y] * len(values), linestyle="", alpha=0.8, markersize=7, **looks[arm])
        if luck is not None:
            ax.axvline(luck, color="C6", linestyle="--", linewidth=1.2)
            ax.text(luck + 1, len(names) - 0.6, "luck", va="center")
        ax.set(yticks=range(len(names)), yticklabels=list(names.values()), ylim=(-0.5, len(names) - 0.4))
        ax.set(xlabel=axis, xlim=limits)

    return show.plot(draw, alt=alt, caption=caption)


def twice(numbers: pandas.DataFrame, metric: str, names: Mapping[str, str], caption: str, footer: str = "") -> Html:
    """What twice the steps change, on the seeds that have both. names: of the arms.  footer: what else to know."""
    rows = []
    for arm, name in names.items():
        once = by_seed(numbers, metric, [arm])[arm].dropna()
        longer = by_seed(numbers, metric, [arm], longer=2)[arm].dropna()
        seeds = sorted(set(once.index) & set(longer.index))
        if seeds:
            rows.append([name, once[seeds].mean(), longer[seeds].mean(), (longer[seeds] - once[seeds]).mean()])
    if not rows:
        return missing("Twice the steps")
    return show.table(
        rows,
        columns=["network", "once", "twice", "moved"],
        formats={"once": ".1f", "twice": ".1f", "moved": "+.1f"},
        caption=caption,
        footer=f"Seeds 0 to {DOUBLED_SEEDS - 1} of each network. {footer}".strip(),
    )


READINGS = {
    "never": ("units that never fire, %", 100, max, ".0f"),
    "varies": ("output varies", 1, min, ".2f"),
    "entropy": ("entropy", 1, max, ".2f"),
}
"""Readings of `mmlib.health`: heading, unit, which seed is the worst, and how it is written."""


def judged_health(
    runs: Runs,
    names: Mapping[str, str],
    parts: Sequence[str],
    readings: Sequence[str] = ("never", "varies"),
    caption: str = "The parts at the end of training: the worst seed of each network",
    footer: str | None = None,
) -> Html:
    """The worst reading of each part at the end of training, over all judged runs of each arm."""
    rows = []
    for arm, name in names.items():
        judged = [run for key, run in runs.items() if (key.variant, key.preset, key.data) == (arm, PRESET, DATA)]
        for part in parts:
            ends = [run.health[part]["end"] for run in judged if part in run.health]
            if not ends:
                continue
            row = [name, part]
            for reading in readings:
                _, unit, worst, _ = READINGS[reading]
                row.append(worst((unit * end[reading] for end in ends if reading in end), default=None))
            dead = sum(part in silent(run.health) for run in judged)
            rows.append([*row, f"{dead} of {len(ends)}"])
    if not rows:
        return missing("Health")
    return show.table(
        rows,
        columns=["network", "part", *(READINGS[reading][0] for reading in readings), "silent"],
        formats={READINGS[reading][0]: READINGS[reading][3] for reading in readings},
        caption=caption,
        footer=footer,
        cards=True,
    )


def scores(
    numbers: pandas.DataFrame, names: Mapping[str, str], columns: Mapping[str, str], what: str, first: str, caption: str
) -> Html:
    """Every arm's scores with half the width of their intervals; arms without runs are left out.

    columns: heading of each metric, by its path.  what: the table in words.  first: heading of the arms.
    """
    rows = []
    for arm, name in names.items():
        found = [interval(numbers, arm, metric) for metric in columns]
        if any(one is not None for one in found):
            rows.append([name, *(plus_minus(one) for one in found)])
    if not rows:
        return missing(what)
    return show.table(rows, columns=[first, *columns.values()], caption=caption)


def classes(numbers: pandas.DataFrame, names: Mapping[str, str], metric: str, caption: str) -> Html:
    """IoU of each class of MiniStreet, mean over seeds. metric: the path above the classes' names."""
    from mmlib.scenes import CLASSES

    rows = [[name, *(mean(numbers, arm, f"{metric}.{name}") for arm in names)] for name in CLASSES]
    rows = [row for row in rows if any(cell is not None for cell in row[1:])]
    if not rows:
        return missing("Single classes")
    return show.table(rows, columns=["class", *names.values()], formats=".1f", caption=caption)
