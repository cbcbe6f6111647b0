"""After the runs: which are good, what they say about each claim, and whether that is drift. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmlib.claims import Judged, Key, Paper, judge, read_records
from mmlib.nightly.planning import RESULTS, Plan, is_done, keys_of, parse, replay_of
from mmlib.nightly.running import checked_record, results_folder
from mmlib.runs.history import drift, entries, read_history

Record = dict[str, Any]


@dataclass
class Outcome:
    """What a night found: by run, and by claim."""

    made: dict[Key, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    drifted: dict[str, str] = field(default_factory=dict)
    unjudged: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    runs_of: dict[str, list[Key]] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether nothing failed, drifted, or could not be judged although its runs are there."""
        return not (self.failed or self.drifted or self.unjudged)

    def publishable(self) -> list[Key]:
        """The runs that serve a claim that holds still and none that drifted, with the replays that belong to them."""
        good = {key for claim in self.entries if claim not in self.drifted for key in self.runs_of[claim]}
        bad = {key for claim in self.drifted for key in self.runs_of[claim]}
        runs = [key for key in self.made if key in good - bad]
        replays = {replay_of(key) for key in runs} - set(runs)
        return runs + [key for key in self.made if key in replays]


def why_failed(name: str, build: Path | str) -> str:
    """The last line that a failed run left in its log."""
    log = Path(build) / "night" / "log" / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    said = [line.strip() for line in lines if line.strip()]
    told = [line for line in said if line.startswith("mmlib.nightly:")]
    return (told or said or ["it left no word; see night/snakemake.log"])[-1].removeprefix("mmlib.nightly: ")


def collect(plan: Plan, build: Path | str) -> Outcome:
    """The planned runs, each with its checked record or the reason why there is none."""
    outcome = Outcome(failed=dict(plan.broken))
    for name, code in plan.runs.items():
        if not is_done(name, code, build):
            outcome.failed[name] = why_failed(name, build)
            continue
        try:
            outcome.made[parse(name)] = checked_record(parse(name), results_folder(build))
        except (ValueError, FileNotFoundError) as error:
            outcome.failed[name] = str(error)
    return outcome


def entry_of(judged: Judged) -> dict[str, Any] | None:
    """A verdict as a night's history keeps it; ``None`` if no interval stands behind it."""
    interval = judged.verdict.interval
    if interval is None:
        return None
    numbers = {"mean": interval.mean, "low": interval.low, "high": interval.high, "error": interval.standard_error}
    return {"word": judged.verdict.word, **numbers, "n": interval.n}


def assess(
    plan: Plan,
    papers: Iterable[Paper],
    build: Path | str,
    *,
    results: Path = RESULTS,
    accepted: Iterable[str] = (),
) -> Outcome:
    """Judge every claim that tonight's runs serve, and compare it with the band of its own history.

    Args:
        plan: what was planned.
        papers: those whose claims the plan came from.
        build: the build folder.
        results: the published records.
        accepted: claims whose change somebody has looked at and accepts; they begin a new band.
    """
    outcome = collect(plan, build)
    for paper in papers:
        made = {key: record for key, record in outcome.made.items() if key.paper == paper.key}
        if not made:
            continue
        try:
            _assess_paper(outcome, paper, {**read_records(paper.key, results), **made}, results, set(accepted))
        except ValueError as error:  # a damaged record or history: this paper cannot be judged, others can
            outcome.failed[paper.key] = str(error)
    return outcome


def _assess_paper(
    outcome: Outcome, paper: Paper, records: Mapping[Key, Record], results: Path, accepted: set[str]
) -> None:
    nights = read_history(paper.key, results)
    for judged in judge(paper, records):
        claim, keys = judged.row.id, keys_of(judged.row)
        if not set(keys) & set(outcome.made):
            continue
        outcome.runs_of[claim] = keys
        missing = [str(key) for key in keys if str(key) in outcome.failed or key not in records]
        entry = entry_of(judged)
        if missing:
            outcome.incomplete[claim] = f"{len(missing)} of {len(keys)} runs are missing, first {missing[0]}"
        elif entry is None:
            outcome.unjudged[claim] = judged.verdict.detail
        else:
            outcome.entries[claim] = entry | ({"accepted": True} if claim in accepted else {})
            reason = None if claim in accepted else drift(entries(nights, claim), entry)
            outcome.drifted |= {claim: reason} if reason else {}
