"""What each night measured, and the band that a claim's own history draws: outside of it is drift.

``results/history/PAPER.jsonl`` has a line per night. From five entries of a claim on there is a band: the median of its
means, plus and minus three robust standard deviations of them (1.4826 times the median absolute deviation), and never
narrower than one standard error over seeds, for a smaller change cannot matter to a verdict. Median and deviation are
used because one bad night must not widen the band for the next.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mmlib.runs.atomic import replace_file
from mmlib.runs.fingerprint import ROOT

ENOUGH = 5
LATEST = 30  # entries a band looks back on, so that it follows slow, accepted change
DEVIATIONS = 3.0
ROBUST = 1.4826  # makes the median absolute deviation a standard deviation for normal values
NUMBERS = ("mean", "low", "high", "error")


@dataclass(frozen=True)
class Band:
    """Where a claim's mean has lain so far."""

    low: float
    high: float
    n: int


def history_file(paper: str, folder: Path | str | None = None) -> Path:
    """Where the history of a paper lies."""
    return Path(folder or ROOT / "results") / "history" / f"{paper}.jsonl"


def check_night(night: Any, where: str = "night") -> dict[str, Any]:
    """Return ``night`` if it is ``{"made", "commit", "device", "claims": {id: {"word", "mean", ...}}}``.

    Raises:
        ValueError: it is not, or a number in it is not finite.
    """
    good = isinstance(night, dict) and all(isinstance(night.get(k), str) for k in ("made", "commit", "device"))
    good = good and isinstance(night.get("claims"), dict)
    for entry in night["claims"].values() if good else ():
        good = good and isinstance(entry, dict) and isinstance(entry.get("word"), str)
        good = good and all(_is_number(entry.get(name)) for name in NUMBERS)
    if not good:
        raise ValueError(f"{where}: expected a night's line of history, got {str(night)[:80]!r}; next: take it out")
    return night


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def read_history(paper: str, folder: Path | str | None = None) -> list[dict[str, Any]]:
    """All nights of a paper, oldest first; [] before the first.

    Raises:
        ValueError: a line is damaged.
    """
    path = history_file(paper, folder)
    nights = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.is_file() else (), 1):
        try:
            night = json.loads(line)
        except ValueError:
            night = line
        nights.append(check_night(night, f"{path}:{number}"))
    return nights


def add_night(paper: str, night: Mapping[str, Any], folder: Path | str | None = None) -> None:
    """Append a night to a paper's history: the whole line or nothing.

    Raises:
        ValueError: it is no valid night.
    """
    path = history_file(paper, folder)
    before = path.read_bytes() if path.is_file() else b""
    line = json.dumps(check_night(dict(night)), allow_nan=False)
    replace_file(path, before + line.encode() + b"\n")


def entries(nights: Sequence[Mapping[str, Any]], claim: str) -> list[dict[str, Any]]:
    """The entries of one claim, oldest first, from the last one on that somebody accepted as a new start."""
    found = [night["claims"][claim] for night in nights if claim in night["claims"]]
    starts = [index for index, entry in enumerate(found) if entry.get("accepted")]
    return found[starts[-1] :] if starts else found


def band(past: Sequence[Mapping[str, Any]]) -> Band | None:
    """The band of a claim's past entries; ``None`` while there are fewer than five."""
    past = past[-LATEST:]
    if len(past) < ENOUGH:
        return None
    means = [entry["mean"] for entry in past]
    centre = median(means)
    spread = ROBUST * median(abs(mean - centre) for mean in means)
    half = max(DEVIATIONS * spread, median(entry["error"] for entry in past))
    return Band(centre - half, centre + half, len(past))


def drift(past: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> str | None:
    """Why tonight's entry of a claim is drift; ``None`` if it is not, or if there is no band yet.

    Drift is a mean outside the band, or a verdict that no night of the band had.
    """
    limits = band(past)
    if limits is None:
        return None
    edge = 1e-9 * max(1.0, abs(limits.low), abs(limits.high))
    if not limits.low - edge <= entry["mean"] <= limits.high + edge:
        where = f"its band over {limits.n} nights is {limits.low:.4g} to {limits.high:.4g}"
        return f"the mean is {entry['mean']:.4g}, {where}"
    words = sorted({old["word"] for old in past[-LATEST:]})
    if entry["word"] not in words:
        return f"the verdict is {entry['word']!r}, over {limits.n} nights it was {' or '.join(map(repr, words))}"
    return None
