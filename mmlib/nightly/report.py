"""The night's report: what ran, how long, with how much memory, what failed, what drifted. Text and one HTML page."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path
from typing import Any

from mmlib.nightly.assessing import Outcome
from mmlib.nightly.planning import Plan, parse
from mmlib.runs.atomic import replace_file

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The night's report</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>
:root {{ color-scheme: light dark; }} body {{ font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 60rem;
padding: 0 1rem; overflow-wrap: break-word; }} th, td {{ border-bottom: 1px solid #8888; }}</style></head>
<body><h1>The night's report</h1>{body}</body></html>
"""


def measured(name: str, build: Path | str) -> dict[str, str]:
    """What Snakemake measured of a run: seconds ("s"), largest memory in MiB ("max_rss"), and more; {} if nothing."""
    path = Path(build) / "night" / "log" / f"{name}.tsv"
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file, delimiter="\t"), {})


def run_rows(plan: Plan, outcome: Outcome, build: Path | str) -> list[list[Any]]:
    """One row per planned run: name, what became of it, seconds, MiB of memory, and of a GPU's where it was noted."""
    listed = []
    for name in plan.runs:
        record = outcome.made.get(parse(name), {})
        seen = {} if name in outcome.failed else measured(name, build)
        memory = max(_number(seen.get("max_rss")) or 0.0, record.get("peak_memory_mib", 0.0)) or None
        fate = "failed" if name in outcome.failed else "published" if name in outcome.published else "waits"
        gpu = record.get("values", {}).get("speed", {}).get("peak_gpu_mib")
        listed.append([name, fate, _number(seen.get("s")) or record.get("wall_s"), memory, gpu])
    return listed


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def problems(outcome: Outcome) -> list[str]:
    """Everything that makes a night a bad one, a sentence each."""
    said = [f"failed: {name}: {reason}" for name, reason in outcome.failed.items()]
    said += [f"drifted: {claim}: {reason}" for claim, reason in outcome.drifted.items()]
    said += [f"not judged: {claim}: {reason}" for claim, reason in outcome.unjudged.items()]
    return said + [f"incomplete: {claim}: {reason}" for claim, reason in outcome.incomplete.items()]


def summary(plan: Plan, outcome: Outcome, notes: list[str]) -> str:
    """The report for a terminal."""
    counts = f"{len(plan.runs)} runs planned, {len(outcome.made)} made, {len(outcome.failed)} failed, "
    counts += (
        f"{len(outcome.published)} published, {len(plan.kept)} kept as they are, {len(plan.skipped)} not attempted"
    )
    reasons = sorted(set(plan.skipped.values()))
    waits = [f"to accept a drift after looking at it: python -m mmlib.nightly accept {' '.join(outcome.drifted)}"]
    lines = [counts, *notes, *(f"not attempted: {reason}" for reason in reasons), *problems(outcome)]
    return "\n".join([*lines, *(waits if outcome.drifted else [])])


def write_report(plan: Plan, outcome: Outcome, notes: list[str], build: Path | str) -> Path:
    """Write ``night/report.html`` and return its path."""
    from mmlib.show import table

    text = "".join(f"<p>{escape(line)}</p>" for line in summary(plan, outcome, notes).splitlines())
    runs = run_rows(plan, outcome, build)
    total = sum(row[2] or 0.0 for row in runs)
    body = f"<h2>What happened</h2>{text}<h2>What ran</h2>"
    caption = f"{len(runs)} runs, {total / 60:.1f} minutes of computing in all"
    columns = ["run", "outcome", "seconds", "memory (MiB)", "on the GPU (MiB)"]
    body += table(runs, columns=columns, caption=caption, formats=".0f", sortable=True).html if runs else "<p>None.</p>"
    claims = [
        [claim, e["word"], e["mean"], e["low"], e["high"], e["n"], outcome.drifted.get(claim, "")]
        for claim, e in outcome.entries.items()
    ]
    if claims:
        columns = ["claim", "verdict", "mean", "low", "high", "seeds", "drift"]
        body += "<h2>What it says</h2>" + table(claims, columns=columns, formats=".3g", sortable=True).html
    path = Path(build) / "night" / "report.html"
    replace_file(path, PAGE.format(body=body).encode())
    return path
