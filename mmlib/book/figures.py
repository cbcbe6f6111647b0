"""What the figure modules of the papers' chapters share: drawings of boxes and arrows, and figures of their runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from mmlib import show
from mmlib.book.numbers import Runs, by_seed, interval, mean, missing, plus_minus
from mmlib.health import silent
from mmlib.results import Key, Record, load_claims, read_records, t_interval
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


def in_colour(fused: Tensor, rgb: Tensor) -> Tensor:
    """A fused luma (1, 1, H, W) in the colours of rgb (1, 3, H, W): (3, H, W) in [0, 1]."""
    from mmlib.fusion import add_chroma

    return add_chroma(fused, rgb)[0].clamp(0, 1)


# ---------------------------------------------------------------------------------------------------------------------
# Drawings


def box(x: int, y: int, width: int, name: str, tint: str = PLAIN) -> str:
    """A box of 34 units of height with a name in it, as SVG."""
    rect = f'<rect x="{x}" y="{y}" width="{width}" height="34" rx="5" fill="{tint}" stroke="currentColor"/>'
    return rect + f'<text x="{x + width / 2}" y="{y + 22}" fill="currentColor">{escape(name)}</text>'


def line(path: str, stroke: str = "currentColor", dashed: bool = False) -> str:
    """A line along an SVG path."""
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="1.7"{dash}/>'


HEADS = {(0, 1): "m-4 -7l4 7l4 -7", (0, -1): "m-4 7l4 -7l4 7", (1, 0): "m-7 -4l7 4l-7 4", (-1, 0): "m7 -4l-7 4l7 4"}
"""An arrow's head by where it points: down, up, right and left, as an SVG path that starts at its tip."""


def arrow(*points: tuple[int, int], stroke: str = "currentColor") -> str:
    """A line from point to point, each straight below, above or beside the one before, with a head at the last."""
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    (x0, y0), (x1, y1) = points[-2:]
    tip = ((x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0))
    return line(path + HEADS[tip], stroke)


def drawing(pieces: Sequence[str], height: int, said: str, caption: str, font: float = 14) -> Html:
    """SVG pieces on a canvas of 360 x `height` units, which fits a phone. said: the drawing in words."""
    svg = (
        f'<svg viewBox="0 0 360 {height}" role="img" aria-label="{escape(said)}" style="width:100%;max-width:28rem;'
        f'height:auto" font-size="{font:g}" font-family="sans-serif" text-anchor="middle">{"".join(pieces)}</svg>'
    )
    return figure(svg, alt=said, caption=caption, kind="drawing", label=False)


# ---------------------------------------------------------------------------------------------------------------------
# Runs


def scored(what: str, rows: Sequence[Sequence[object]], **layout: object) -> Html:
    """A table of the rows that hold more than their name, or a sentence where none does.

    what: the table in words.  layout: the other arguments of `mmlib.show.table`.
    """
    rows = [row for row in rows if any(cell is not None for cell in row[1:])]
    return show.table(rows, **layout) if rows else missing(what)


def until_then(shown: Html, what: str) -> Html:
    """A figure in the place of one whose records are missing, and below it the sentence that says so."""
    said = missing(what)
    return Html(shown.html + said.html, f"{shown.text}\n{said.text}")


def record(runs: Runs, variant: str, seed: int = 0) -> Record | None:
    """The published record of one run on MiniStreet at preset night, or None. runs: all of one paper."""
    papers = {key.paper for key in runs}
    return runs.get(Key(papers.pop(), variant, DATA, PRESET, seed)) if papers else None


def steps_of_curve(run: Record) -> list[float]:
    """The middle of each of the 16 parts of a run's loss curve, in steps."""
    part = run.training.steps / len(run.training.curve)
    return [(k + 0.5) * part for k in range(len(run.training.curve))]


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
        return show.health(now, caption="The short training on this page, which is too short to judge a part by.")
    parts = [part for part in published.health if part != without]
    return show.health(published.health, parts, caption="The published run of seed 0.")


def learning(
    runs: Runs,
    names: Mapping[str, str],
    looks: Mapping[str, dict],
    score: str,
    *,
    axis: str,
    steps: str = "step",
    limits: tuple[float | None, float | None] = (None, None),
    luck: float | None = None,
    alt: str,
    caption: str,
) -> Html:
    """A score on val streets during the published runs of seed 0.

    names: of the arms.  looks: colour and marker of each.  score: its name in the records' learning curves.  luck: what
    a blind guess scores, in percent, as a dashed line.
    """
    found = {arm: run for arm in names if (run := record(runs, arm)) is not None and score in run.values["learning"]}
    if not found:
        return missing("Learning curves")

    def draw(ax) -> None:
        for arm, run in found.items():
            told = run.values["learning"]
            percent = [100 * value for value in told[score]]
            ax.plot(told["step"], percent, label=names[arm], markersize=5, **looks[arm])
        if luck is not None:
            ax.axhline(luck, color="0.5", linestyle="--", linewidth=1, label="luck")
        ax.set(xlabel=steps, ylabel=axis, ylim=limits)
        ax.legend()

    return show.plot(draw, alt=alt, caption=caption)


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
    return scored(
        "Twice the steps",
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
    columns = ["network", "part", *(READINGS[reading][0] for reading in readings), "silent"]
    first = 1 if len({row[0] for row in rows}) == 1 else 0  # one network needs no name in each row, and fits a phone
    return scored(
        "Health",
        [row[first:] for row in rows],
        columns=columns[first:],
        formats={READINGS[reading][0]: READINGS[reading][3] for reading in readings},
        caption="The parts at the end of training: the worst seed" + ("" if first else " of each network"),
        footer=footer,
        cards=not first,
    )


def scores(
    numbers: pandas.DataFrame, names: Mapping[str, str], columns: Mapping[str, str], what: str, first: str, caption: str
) -> Html:
    """Every arm's scores with half the width of their intervals; arms without runs are left out.

    columns: heading of each metric, by its path.  what: the table in words.  first: heading of the arms.
    """
    rows = []
    for arm, name in names.items():
        rows.append([name, *(plus_minus(interval(numbers, arm, metric)) for metric in columns)])
    return scored(what, rows, columns=[first, *columns.values()], caption=caption)


def classes(numbers: pandas.DataFrame, names: Mapping[str, str], metric: str, caption: str) -> Html:
    """IoU of each class of MiniStreet, mean over seeds. metric: the path above the classes' names."""
    from mmlib.scenes import CLASSES

    rows = [[name, *(mean(numbers, arm, f"{metric}.{name}") for arm in names)] for name in CLASSES]
    return scored("Single classes", rows, columns=["class", *names.values()], formats=".1f", caption=caption)


# ---------------------------------------------------------------------------------------------------------------------
# Fused images of real sets: public methods with their authors' weights beside ours

REAL_NIGHT = "01102N"
"""A pair of MSRS at night with eleven annotated people, bicycles and cars."""

SETS = {"roadscene": "RoadScene", "msrs": "MSRS", "tno": "TNO"}
PairByPair = dict[str, dict[str, float]]
"""{metric: {name of the pair: value}} of one method."""


def public_runs(test: str) -> dict[str, Record]:
    """The records of public methods on a set, by method."""
    found = {}
    for key, run in read_records("rivals").items():
        if key.preset == PRESET and key.data.split("-")[0] == test and key.seed == 0:
            found[key.variant] = run
    return found


def title_of(method: str) -> str:
    """A public method as its paper calls it."""
    from mmlib.fusion import METHODS

    return METHODS[method].title if method in METHODS else method


def pair_by_pair(tested: Sequence[Mapping], kind: str) -> PairByPair:
    """One kind of fused image, pair by pair, mean over seeds. tested: from `measure_fused`, one for each seed."""
    made = {}
    for metric in tested[0]["pictures"][kind]:
        columns = zip(*(one["pictures"][kind][metric] for one in tested))
        made[metric] = {name: fmean(column) for name, column in zip(tested[0]["names"], columns)}
    return made


def public_methods(runs: Mapping[str, Record], convention: str = "tsjnet") -> dict[str, PairByPair]:
    """What public methods score on a set, by their titles, on the metrics that are defined for all of its pairs.

    runs: from `public_runs`.
    """
    from mmlib.fusion.measure import scores

    made = {}
    for method, run in runs.items():
        found = scores(run.values["pictures"], convention).items()
        names = run.values["names"]
        made[title_of(method)] = {metric: dict(zip(names, values)) for metric, values in found if None not in values}
    return made


def of_all(methods: Mapping[str, PairByPair]) -> tuple[list[str], list[str]]:
    """The metrics and the pairs that all methods have."""
    metrics = sorted(set.intersection(*(set(scores) for scores in methods.values())))
    pairs = sorted(set.intersection(*(set(scores[metrics[0]]) for scores in methods.values())))
    return metrics, pairs


def ranking(methods: Mapping[str, PairByPair], what: str, footer: str) -> Html:
    """Methods by their mean rank, on the metrics and pairs that all of them have. what: the set, for the caption."""
    from mmlib.metrics.fusion import HIGHER_IS_BETTER
    from mmlib.metrics.pairs import mean_rank

    metrics, pairs = of_all(methods)
    means = {}
    for method, scores in methods.items():
        means[method] = {metric: fmean(scores[metric][name] for name in pairs) for metric in metrics}
    places = mean_rank(means, metrics, HIGHER_IS_BETTER.__getitem__)
    rows = []
    for method in sorted(places, key=places.get):
        ssim = [methods[method]["ssim"][name] for name in pairs]
        half = t_interval(ssim).half if len(ssim) > 1 else None
        rows.append([method, places[method], half, *means[method].values()])
    return show.table(
        rows,
        columns=["method", "mean rank", "± SSIM", *metrics],
        formats={"mean rank": ".2f", "± SSIM": ".3f"} | dict.fromkeys(metrics, ".4g"),
        best={"mean rank": "min"} | {metric: "max" if HIGHER_IS_BETTER[metric] else "min" for metric in metrics},
        caption=f"{len(pairs)} pairs of {what}",
        footer=footer,
        sortable=True,
    )


# ---------------------------------------------------------------------------------------------------------------------
# The papers' numbers


def printed(paper: str, table: str, first: str, *, caption: str = "", footer: str | None = None) -> Html:
    """A table of a paper's claims as it was printed; numbers known from memory only are marked [L].

    first: heading of the rows.  caption: in the place of the table's title.
    """
    claims = load_claims(paper)
    cells = [cell for cell in claims.cells if cell.table == table]
    columns = list(dict.fromkeys(cell.column for cell in cells))
    rows: dict[str, list] = {}
    for cell in cells:
        name = f"{cell.row} [L]" if cell.grade == "L" else cell.row
        row = rows.setdefault(name, [None] * len(columns))
        row[columns.index(cell.column)] = cell.value
    return show.table(
        [[name, *values] for name, values in rows.items()],
        columns=[first, *columns],
        caption=caption or claims.table_titles[table],
        footer=footer,
    )
