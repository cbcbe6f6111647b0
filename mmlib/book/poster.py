"""The ledger's poster: each claim as one line, with our interval and the paper's number on one scale.

Here it is decided what stands where; `poster.html.j2` says what it looks like.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule

from mmlib.book.cells import check_cells, printed_by_papers
from mmlib.files import ROOT
from mmlib.results import tables
from mmlib.results.claims import Cell, Paper, load_claims, paper_keys
from mmlib.results.evidence import (
    AGREES,
    CONTRADICTED,
    DIFFERS,
    HOLDS,
    NO_CONTROL,
    REASON_WORDS,
    SHORT,
    SILENT,
    UNDECIDED,
    UNEQUAL,
    UNFIT,
    UNVERIFIED,
    WEAK,
    Interval,
    Judged,
    judge_book,
)

FARTHEST = 60.0
"""The largest difference on the scale, in points."""

TICKS = (-30, -10, -3, 0, 3, 10, 30)

FATES = {
    "held": "held",
    "shared": "held, but not past its control",
    "failed": "failed",
    "undecided": "undecided",
    "differs": "number differs",
    "unfit": "unfit",
    "elsewhere": "cannot be tested here",
    "waiting": "not run yet",
}
"""What can become of a claim, and its words on the scoreboard."""

ABOUT = {"about the claim": 4, "about the paper": 1, "about us": 1, "nothing yet": 2}
"""What the fates speak about: how many columns of the scoreboard, in their order, stand under each heading."""

SHAPES = {SILENT: "square", WEAK: "triangle", NO_CONTROL: "diamond", UNEQUAL: "star", SHORT: "hourglass"}
"""The mark of an unfit comparison, by its first reason."""

REASONS = {SHAPES[reason]: words for reason, words in REASON_WORDS.items()} | {
    "cross": "needs data that isn't at hand, or a source that we have not seen",
    "ring": "not run yet",
}
"""What the marks other than the plain dot mean."""

EDGE = 0.05
"""How far from the middle a printed number's line reaches, as a share of that number."""

EXAMPLE = "training.infrared_helps_at_night"
"""The claim that the page explains step by step."""


def poster_html(claims: Path | None = None, results: Path | None = None) -> str:
    """The scoreboard, what the marks mean, and a line per claim, as HTML.

    `claims` and `results` are other folders than the project's own. ValueError: a claims file or a record is damaged.
    """
    papers = {key: load_claims(key, claims) for key in paper_keys(claims)}
    book = judge_book(claims, results)
    board = scoreboard(papers, book)
    totals = Counter()
    for row in board:
        totals.update(row["counts"])
    checks = check_cells(papers, book)
    cells = [cell.id for cell in printed_by_papers(papers)]
    wrong = sum(name in checks and not checks[name].right for name in cells)
    return str(_template().poster(board, parts(papers, book), totals, {"wrong": wrong, "cells": len(cells)}))


def example_html() -> str:
    """One judged claim of chapter 5 with its line, read step by step. ValueError: it has no verdict."""
    key = EXAMPLE.split(".")[0]
    one = next(one for one in judge_book()[key] if one.row.id == EXAMPLE)
    ours, paper = one.verdict.interval, load_claims(key)
    if fate(one) != "held" or not one.verdict.fates:
        raise ValueError(f"expected {EXAMPLE} to hold with a control, it is {one.verdict.sentence}; next: rewrite this")
    control = one.verdict.fates[0]
    numbers = {
        "mean": tables.number(ours.mean, ours),
        "low": tables.number(ours.low, ours),
        "high": tables.number(ours.high, ours),
        "seeds": ours.n,
        "a": paper.label(one.row.a),
        "b": paper.label(one.row.b[0]),
        "control": paper.label(control.variant),
        "over": tables.number(control.interval.mean, control.interval),
        "correction": tables.correction(one),
    }
    return str(_template().example(_line(one, paper), numbers))


def _template() -> TemplateModule:
    """The macros of the template."""
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    pages.globals |= {"place": place, "ticks": TICKS, "fates": FATES, "about": ABOUT, "reasons": REASONS}
    return pages.get_template("poster.html.j2").module


def place(points: float) -> float:
    """Where a difference lies on the scale, from 0 to 1, with no difference at 0.5: logarithmic to both sides."""
    size = math.log1p(min(abs(points), FARTHEST)) / math.log1p(FARTHEST)
    return 0.5 + math.copysign(size, points) / 2


def fate(one: Judged) -> str:
    """What became of a claim, as a key of FATES."""
    word = one.verdict.word
    if word == HOLDS:
        return "held" if one.verdict.controlled else "shared"
    if word in (AGREES, CONTRADICTED, DIFFERS, UNDECIDED, UNFIT):
        return {AGREES: "held", CONTRADICTED: "failed"}.get(word, word)
    return "elsewhere" if word == UNVERIFIED or one.row.reason else "waiting"


def shape(one: Judged) -> str:
    """The mark of a claim: a dot if it was judged, else by the reason."""
    if one.verdict.reasons:
        return SHAPES[one.verdict.reasons[0]]
    return {"elsewhere": "cross", "waiting": "ring"}.get(fate(one), "dot")


def scoreboard(papers: Mapping[str, Paper], book: Mapping[str, Sequence[Judged]]) -> list[dict]:
    """One row per paper, as the book has them: how many of its claims and printed numbers met each fate."""
    rows = []
    for key, paper in _ordered(papers):
        counts = dict.fromkeys(FATES, 0)
        for one in book[key]:
            counts[fate(one)] += 1
        if any(counts.values()):
            rows.append({"title": paper.title if paper.cite else f"{paper.title} (our own)", "counts": counts})
    return rows


def parts(papers: Mapping[str, Paper], book: Mapping[str, Sequence[Judged]]) -> list[dict]:
    """What is shown of each paper: its directions, headlines first, and the printed numbers that were measured."""
    made = []
    for key, paper in _ordered(papers):
        shown = [one for one in book[key] if not isinstance(one.row, Cell) or one.verdict.word in (AGREES, DIFFERS)]
        shown.sort(key=lambda one: (isinstance(one.row, Cell), not getattr(one.row, "headline", False)))
        made.append({"title": paper.title, "lines": [_line(one, paper) for one in shown]})
    return made


def _ordered(papers: Mapping[str, Paper]) -> list[tuple[str, Paper]]:
    """Papers in the order of their chapters."""
    return sorted(papers.items(), key=lambda item: item[1].chapter)


def _line(one: Judged, paper: Paper) -> dict:
    """One line of the poster, with places from 0 to 1 on its scale."""
    value, _ = tables.printed(one.row, paper)
    unit = "" if isinstance(one.row, Cell) else one.row.unit
    ours, printed = _differences(one, value)
    numbers = []
    if ours is not None:
        numbers.append(f"ours {tables.ours(one)}")
    if value[-1].isdigit():
        numbers.append(f"the paper prints {value}")
    common = ours is None or unit.startswith(("points", "percent"))
    least = EDGE * abs(float(value)) if isinstance(one.row, Cell) and not common else 0.0
    on_scale = place if common else _own_scale(ours, printed, least)
    became = fate(one)
    return {
        "id": one.row.id,
        "statement": tables.name_of(one.row, paper),
        "href": page_of(one, paper),
        "fate": became,
        "shape": shape(one),
        "word": FATES[became] if became in ("elsewhere", "waiting") else one.verdict.sentence,
        "why": "" if became == "waiting" else one.verdict.detail,
        "numbers": ", ".join(numbers),
        "unit": unit,
        "common": common,
        "ours": None if ours is None else [on_scale(ours.low), on_scale(ours.mean), on_scale(ours.high)],
        "printed": None if printed is None else on_scale(printed),
    }


def _own_scale(ours: Interval, printed: float | None, least: float) -> Callable[[float], float]:
    """The scale of a line that is not in points: its farthest end, or `least`, lies close to the edge."""
    farthest = max(abs(ours.low), abs(ours.high), abs(printed or 0.0), least) or 1.0
    return lambda number: 0.5 + 0.45 * number / farthest


def _differences(one: Judged, value: str) -> tuple[Interval | None, float | None]:
    """Our difference, and the paper's if it prints one. Of a printed number: ours less the paper's, and 0."""
    interval = one.verdict.interval
    if isinstance(one.row, Cell):
        if interval is None:
            return None, None
        low, high = interval.for_one_run()
        paper = float(value)
        return Interval(interval.mean - paper, low - paper, high - paper, interval.n), 0.0
    try:
        return interval, float(value)
    except ValueError:  # it prints none, or two numbers
        return interval, None


def page_of(one: Judged, paper: Paper) -> str:
    """The page and heading that show a claim: the second page of its chapter, where there is one."""
    number = paper.chapter[:2]
    second = next(iter(sorted((ROOT / "nbs").glob(f"{number}b_*.ipynb"))), None)
    page = second.stem if second else paper.chapter
    anchor = getattr(one.row, "shown", None)
    return f"../nbs/{page}.html" + (f"#{anchor}" if anchor else "")
