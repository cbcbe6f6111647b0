"""Which published runs were made again, drawn into the page on how the book is made from `results/history/`."""

from __future__ import annotations

import json
from pathlib import Path

from mmlib.files import ROOT
from mmlib.show import table

HISTORY = ROOT / "results" / "history"
SHOWN = 12
"""How many reruns the page shows, the latest first."""


def reruns_html(history: Path = HISTORY) -> str:
    """The table of the latest reruns, as HTML; a sentence where there is none.

    history: the folder of what `make nightly` writes, one file per paper with one line of JSON per day.
    """
    found = []
    for path in history.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            found += [(told["day"], entry) for entry in told.get("compared", [])]
    if not found:
        return "<p>No published run has been made again yet.</p>"
    found.sort(key=lambda one: (one[0], one[1]["run"]), reverse=True)
    rows = []
    for day, entry in found[:SHOWN]:
        machine = entry["machine"]
        where = f"{machine['instructions']}, {machine['precision']}, threads: {machine['threads']}"
        moved = [abs(now - then) for then, now in entry.get("scores", {}).values() if now != then]
        mean = sum(moved) / len(moved) if moved else None
        rows.append([entry["run"], day, where, entry["word"], mean, max(moved, default=None)])
    made = table(
        rows,
        columns=["run", "day", "made again on", "it is", "scores moved by", "at most"],
        formats=".4f",
        caption="Published runs that were made again",
        footer="The last two columns are the mean and the largest difference of the main scores that aren't equal; "
        "scores lie between 0 and 1.",
        cards=True,
    )
    return made.html
