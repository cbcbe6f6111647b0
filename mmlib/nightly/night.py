"""One night from beginning to end; safe to kill and start again at any moment."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from mmlib.book.lock import locked
from mmlib.claims import Key, Paper, read_records
from mmlib.nightly.assessing import Outcome, assess, collect
from mmlib.nightly.planning import (
    RESULTS,
    Plan,
    at_hand,
    chosen,
    fingerprint,
    make_plan,
    notebook_of,
    parse,
    read_plan,
    replay_of,
    write_plan,
)
from mmlib.nightly.publishing import publish, remember
from mmlib.nightly.report import summary, write_report
from mmlib.nightly.running import run_all
from mmlib.nightly.sizes import changed
from mmlib.runs.fingerprint import ROOT
from mmlib.runs.states import add_certificate, certify


def alone(build: str) -> AbstractContextManager[int]:
    """Wait until no other night, nor its Snakemake, uses this build folder."""
    return locked(ROOT / build / "night" / ".lock", "another night is running; waiting for it")


def night(
    *,
    preset: str,
    build: str = "_build",
    chapter: str | None = None,
    only: dict[str, Any] | None = None,
    force: bool = False,
    jobs: str | None = None,
    extra: list[str] | None = None,
) -> int:
    """Plan, replay, run, judge, publish and report; the exit status is 0 only if nothing failed or drifted.

    Args:
        preset: the preset of the runs.
        build: the build folder, relative to the root.
        chapter: one chapter, or all that have claims.
        only: restrict to some ``data``, ``variant`` or ``seed``.
        force: run what is current, too.
        jobs: how many runs at once; default as many as there are processors.
        extra: further arguments for Snakemake.
    """
    jobs, extra = jobs or str(os.cpu_count() or 1), [*(extra or []), *(["--forcerun", "night_run"] if force else [])]
    with alone(build) as lock:
        papers = chosen(chapter)
        plan = make_plan(papers, preset=preset, only=only, force=force)
        notes = [] if force else _replays(plan, papers, build, jobs, extra, lock)
        if notes:
            plan = make_plan(papers, preset=preset, only=only)
        _run(plan, build, jobs, extra, lock)
        outcome = assess(plan, papers, ROOT / build)
        publish(outcome, ROOT / build)
        remember(outcome)
        return finish(plan, outcome, notes, build)


def finish(plan: Plan, outcome: Outcome, notes: list[str], build: str) -> int:
    """Write the report, say where it is, and return the exit status."""
    path = write_report(plan, outcome, notes, ROOT / build)
    print(summary(plan, outcome, notes))
    print(f"the report: {path.relative_to(ROOT)}")
    return 0 if outcome.well else 1


def _run(plan: Plan, build: str, jobs: str, extra: list[str], lock: int) -> None:
    write_plan(plan, ROOT / build)
    if plan.runs:
        print(f"{len(plan.runs)} runs, {jobs} at a time", flush=True)
        run_all(build, jobs, extra, lock)


def _replays(
    plan: Plan, papers: list[Paper], build: str, jobs: str, extra: list[str], lock: int
) -> list[str]:  # fmt: skip
    """Try to re-certify stale records by replaying the small runs that were published with them; what came of it."""
    replays, stored, notes = Plan(), {}, []
    for paper in (one for one in papers if one.key not in plan.broken):
        notebook, records = notebook_of(paper), read_records(paper.key)
        stale = [parse(name) for name in plan.runs if parse(name) in records and parse(name).paper == paper.key]
        served: dict[Key, list[Key]] = {}
        for key in (key for key in stale if key.preset != "smoke" and replay_of(key) in records):
            served.setdefault(replay_of(key), []).append(key)
        for key, served_runs in served.items():
            if notebook is None or not at_hand(key.data):
                continue
            why = next(filter(None, (changed(records[run], notebook) for run in served_runs)), None)
            if why:
                notes.append(f"not re-certified: {key.paper}/{key.variant}-{key.data}: {why}")
            else:
                replays.runs[str(key)], stored[key] = fingerprint(notebook), records[key]
    if not replays.runs:
        return notes
    _run(replays, build, jobs, extra, lock)
    made = collect(replays, ROOT / build).made
    for key, then in stored.items():
        try:
            if key not in made:
                raise ValueError("the replay failed")
            add_certificate(key.paper, certify(then, made[key]))
            notes.append(f"re-certified: {key.paper}/{key.variant}-{key.data}")
        except ValueError as error:
            notes.append(f"not re-certified: {key.paper}/{key.variant}-{key.data}: {error}")
    return notes


def accept(claims: list[str], build: str = "_build") -> int:
    """Publish what a night held back because these claims drifted, and let a new band begin for them.

    Raises:
        ValueError: the last night did not measure one of them.
    """
    with alone(build):
        papers, plan = chosen(), read_plan(ROOT / build)
        outcome = assess(plan, papers, ROOT / build, accepted=claims)
        if lost := [claim for claim in claims if claim not in outcome.entries]:
            measured = ", ".join(outcome.entries) or "nothing"
            raise ValueError(f"expected claims that the last night measured ({measured}), got {lost[0]!r}")
        publish(outcome, ROOT / build)
        remember(outcome, RESULTS, only=claims)
        return finish(plan, outcome, [f"accepted: {claim}" for claim in claims], build)
