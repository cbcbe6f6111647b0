"""VIFB's leaderboard with a row of ours: the methods as chapter 3 measured them, and one network of this book."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib.claims.joining import Key, read_records
from mmlib.metrics.fusion import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from mmlib.show import Html

OURS = "this chapter"
MEASURED = Key("measuring", "default", "vifb-original", "laptop", 0)
SHOWN = {"en": "EN", "mi": "MI", "sd": "SD", "ag": "AG", "qabf": "Qabf", "ssim": "SSIM", "qcv": "Qcv"}
Rows = dict[str, dict[str, float]]


def leaderboard(ours: Mapping[str, float] | None, *, results: Path | None = None) -> Rows | None:
    """The mean over VIFB's 21 pairs of each of its thirteen measures, by method, under VIFB's convention.

    Args:
        ours: the same means of the network at hand, or None if it has no run yet.
        results: the folder of records (default: the project's).

    None where either record is missing. Raises KeyError if `ours` lacks a measure.
    """
    others = read_records("measuring", results).get(MEASURED)
    if others is None or ours is None:
        return None
    scores = others["values"]["scores"]["vifb"]
    rows = {m: {k: sum(v[m]) / len(v[m]) for k, v in scores.items()} for m in next(iter(scores.values()))}
    return rows | {OURS: {k: ours[k] for k in scores}}


def mean_rank(rows: Rows) -> dict[str, float]:
    """The mean rank of each method over all measures, 1 is best; methods in that order, best first."""
    total = dict.fromkeys(rows, 0.0)
    measures = list(next(iter(rows.values())))
    for k in measures:
        for place, m in enumerate(sorted(rows, key=lambda m: rows[m][k], reverse=HIGHER_IS_BETTER[k]), 1):
            total[m] += place / len(measures)
    return dict(sorted(total.items(), key=lambda item: item[1]))


def leaderboard_table(rows: Rows, key: str) -> Html:
    """The methods by mean rank, with some of the measures; `key` is the paper whose network stands among them."""
    from mmlib import show

    return show.table(
        [[m, *(rows[m][k] for k in SHOWN), rank] for m, rank in mean_rank(rows).items()],
        columns=["method", *SHOWN.values(), "mean rank"],
        formats=dict.fromkeys([*SHOWN.values(), "mean rank"], ".2f") | {"SD": ".1f", "Qcv": ",.0f"},
        sortable=True,
        caption="VIFB, 21 real pairs, VIFB's convention; mean rank over its thirteen measures",
        footer=f"Records results/measuring and results/{key}. Lower is better for Qcv and the mean rank.",
    )
