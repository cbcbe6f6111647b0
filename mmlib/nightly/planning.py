"""Which runs the claims ask for, which of them are stale, and which cannot be made here.

A plan is chapter x data x seed x variant, read from the claims files alone. It is written to ``_build/night/plan.json``
and read from there by the Snakefile, by every run, and by the end of the night.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmlib.claims import Cell, Direction, Key, Paper, load, names, read_records
from mmlib.runs import PRESETS, code_fingerprint
from mmlib.runs.atomic import replace_file
from mmlib.runs.fingerprint import ROOT
from mmlib.runs.states import STALE, State, pinned_versions, read_certificates, state
from mmlib.runs.variants import doubled, split_variant

RESULTS = ROOT / "results"
KEY = re.compile(rf"([a-z0-9_]+)/([a-z0-9_]+)-([a-z0-9_-]+)-({'|'.join(PRESETS)})-(\d+)")


@dataclass
class Plan:
    """Runs to make, by name, with the fingerprint of the code they are made by; and why others are not made.

    ``broken`` holds the papers that could not be planned: a chapter that is no Python, a damaged record.
    """

    runs: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def keys(self) -> list[Key]:
        """The runs to make."""
        return [parse(name) for name in self.runs]


def parse(name: str) -> Key:
    """The key of a run named PAPER/VARIANT-DATA-PRESET-SEED.

    Raises:
        ValueError: it is no such name.
    """
    match = KEY.fullmatch(name)
    if match is None:
        raise ValueError(f'expected a run such as "toy/flow-ministreet-laptop-0", got {name!r}')
    return Key(match[1], match[2], match[3], match[4], int(match[5]))


def replay_of(key: Key) -> Key:
    """The small run that is kept beside published ones, so that they can be re-certified by replaying it."""
    return Key(key.paper, split_variant(key.variant)[0], key.data, "smoke", 0)


def keys_of(row: Cell | Direction) -> list[Key]:
    """The runs that one row of the claims asks for, longer ones of the training guard included."""
    if row.grade == "L":
        return []
    if isinstance(row, Cell):
        measure = row.measure if row.kind == "value" else None
        seeds = range(measure.seeds) if measure else ()
        return [Key(row.paper, measure.variant, measure.data, measure.preset, seed) for seed in seeds]
    arms = (row.a, *row.b)
    made = [Key(row.paper, arm, row.data, row.preset, seed) for arm in arms for seed in range(row.seeds)]
    return made + [Key(row.paper, doubled(arm), row.data, row.preset, 0) for arm in arms if row.trained]


def rows(paper: Paper) -> list[Cell | Direction]:
    """Every row of a paper that runs could judge."""
    return [*paper.directions, *(cell for cell in paper.cells if cell.kind == "value")]


def wanted(paper: Paper) -> list[Key]:
    """All runs that a paper's rows ask for, each once, headline claims first."""
    ordered = sorted(rows(paper), key=lambda row: not getattr(row, "headline", False))
    return list(dict.fromkeys(key for row in ordered for key in keys_of(row)))


def notebook_of(paper: Paper) -> Path | None:
    """The chapter that makes a paper's runs; ``None`` while it is not written."""
    path = ROOT / "nbs" / f"{paper.chapter}.ipynb"
    return path if path.is_file() else None


def at_hand(data: str) -> bool:
    """Whether a data variant such as "msrs-jpeg92" can be read here."""
    if data == "ministreet":
        return True
    from mmlib.data import NAMES, available

    name = data.split("-")[0]
    return name in NAMES and available(name)


def fingerprint(notebook: Path) -> str:
    """What the runs of a chapter are made by: its code, and the pinned versions."""
    pins = hashlib.sha256((ROOT / "constraints.txt").read_bytes()).hexdigest()
    return f"{code_fingerprint(notebook)}-{pins[:16]}"


def states(paper: Paper, keys: Iterable[Key], notebook: Path, results: Path = RESULTS) -> dict[Key, State | None]:
    """The state of each run's published record; ``None`` where there is none."""
    code, allowed = code_fingerprint(notebook), pinned_versions()
    certificates, records = read_certificates(paper.key, results), read_records(paper.key, results)
    known = {"code": code, "allowed": allowed, "certificates": certificates}
    return {key: state(records[key], **known) if key in records else None for key in keys}


def make_plan(papers: Iterable[Paper], *, preset: str, only: dict[str, Any] | None = None, force: bool = False) -> Plan:
    """The plan for one preset.

    Args:
        papers: from :func:`chosen`.
        preset: runs of this preset, and the replays that belong to them.
        only: restrict to some ``data``, ``variant`` or ``seed``.
        force: plan what is current, too.
    """
    plan = Plan()
    for paper in papers:
        keys = [key for key in wanted(paper) if key.preset == preset and _matches(key, only or {})]
        notebook = notebook_of(paper)
        if notebook is None:
            plan.skipped |= {str(key): f"nbs/{paper.chapter}.ipynb is not written yet" for key in keys}
            continue
        try:
            _plan_paper(plan, paper, keys, notebook, force)
        except (SyntaxError, ValueError) as error:
            plan.broken[paper.key] = f"{type(error).__name__}: {error}"
    return plan


def _plan_paper(plan: Plan, paper: Paper, keys: list[Key], notebook: Path, force: bool) -> None:
    code, absent = fingerprint(notebook), {key.data for key in keys if not at_hand(key.data)}
    trained = {key for row in rows(paper) if getattr(row, "trained", True) for key in keys_of(row)}
    for key, now in states(paper, keys, notebook).items():
        if key.data in absent:
            plan.skipped[str(key)] = f"the data set {key.data} is not here; next: book/datasets.md says how to get it"
        elif now is None or now.word == STALE or force:
            plan.runs |= {str(one): code for one in ([key, replay_of(key)] if key in trained else [key])}
        else:
            plan.kept[str(key)] = now.word


def _matches(key: Key, only: dict[str, Any]) -> bool:
    return all(value is None or getattr(key, name) == value for name, value in only.items())


def chosen(chapter: str | None = None) -> list[Paper]:
    """The papers of all claims files, or the one that a chapter's number, name or key means.

    Raises:
        FileNotFoundError: no claims file answers to that name.
    """
    papers = [load(key) for key in names()]
    if not chapter:
        return papers
    word = Path(chapter).stem
    hits = [p for p in papers if word in (p.key, p.chapter, p.chapter[3:]) or f"{word:0>2}_" == p.chapter[:3]]
    if len(hits) != 1:
        known = ", ".join(paper.chapter for paper in papers)
        raise FileNotFoundError(f"expected one of the chapters with claims {known}; got {chapter!r}")
    return hits


def plan_file(build: Path | str) -> Path:
    """Where the plan of a night lies."""
    return Path(build) / "night" / "plan.json"


def write_plan(plan: Plan, build: Path | str) -> None:
    """Write the plan for the Snakefile."""
    replace_file(plan_file(build), json.dumps(vars(plan), indent=1).encode() + b"\n")


def read_plan(build: Path | str) -> Plan:
    """The plan of the night; an empty one where there is none."""
    path = plan_file(build)
    return Plan(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Plan()


def marker(name: str, build: Path | str) -> Path:
    """The file that says that a run is done; it holds the fingerprint that the run was made by."""
    return Path(build) / "night" / "done" / f"{name}.done"


def is_done(name: str, code: str, build: Path | str) -> bool:
    """Whether a planned run was made by the code of the plan."""
    path = marker(name, build)
    return path.is_file() and path.read_text(encoding="utf-8").strip() == code
