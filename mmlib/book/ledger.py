"""The ledger: every claim with its verdict, drawn from claims and records alone when the pages are staged.

Here the rows are put together; `ledger.html.j2` says what they look like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import ascii_lowercase

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmlib.book.cells import Check, check_cells, checked_html, sign
from mmlib.files import ROOT
from mmlib.results import tables
from mmlib.results.claims import GRADES, Cell, Paper, load_claims, paper_keys
from mmlib.results.evidence import HOLDS, NOT_ATTEMPTED, UNVERIFIED, VERDICTS, Judged, Verdict, judge_book
from mmlib.results.fingerprint import STALE, State, state
from mmlib.results.records import Key, Record, read_records
from mmlib.show import Html, table

GROUPS = ("Headline claims", "Further claims", "Positive controls", "Values")
WAITING = (NOT_ATTEMPTED, UNVERIFIED)
SIGNS = {"holds": "✓ ", "agrees": "✓ ", "contradicted": "✗ ", "differs": "✗ "}
WORDS = (tables.correction, tables.data_name, tables.name_of, tables.number, tables.ours, tables.printed, tables.seeds)


def ledger_html(claims: Path | None = None, results: Path | None = None) -> str:
    """The ledger as one piece of HTML: a filter, the judged claims, what waits and why, and the papers' tables.

    `claims` and `results` are other folders than the project's own. ValueError: a claims file or a record is damaged.
    """
    results = results or ROOT / "results"
    papers = {key: load_claims(key, claims) for key in paper_keys(claims)}
    book = judge_book(claims, results)
    states: dict[str, State] = {}
    groups: dict[str, list[dict]] = {title: [] for title in GROUPS}
    for key, paper in papers.items():
        records = {} if paper.remeasured else read_records(key, results)
        for one in book[key]:
            if one.verdict.word not in WAITING:
                runs = [records[Key.parse(name)] for name in one.verdict.runs]
                made = _provenance(runs, [_state(run, results, states) for run in runs])
                groups[_group(one, paper)].append({"paper": paper, "one": one, "made": made})
    found = {one.verdict.word for rows in book.values() for one in rows}
    checks = check_cells(papers, book)
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    pages.globals |= {function.__name__: function for function in WORDS} | {"GRADES": GRADES, "sign": _sign}
    return pages.get_template("ledger.html.j2").render(
        groups={title: rows for title, rows in groups.items() if rows},
        papers=[
            {"paper": paper, **_waiting(paper, book[key]), **_printed(paper, checks)} for key, paper in papers.items()
        ],
        checked=checked_html(papers, checks),
        verdicts=[word for word in VERDICTS if word in found],
    )


def _group(one: Judged, paper: Paper) -> str:
    if isinstance(one.row, Cell):
        return "Values"
    if one.row.id in {f"{paper.key}.{row.positive}" for row in paper.directions}:
        return "Positive controls"
    return "Headline claims" if one.row.headline else "Further claims"


def _sign(verdict: Verdict) -> str:
    """A sign beside the word, so that colour is not needed; none for a claim that a control equals."""
    return SIGNS.get(verdict.word, "") if verdict.controlled or verdict.word != HOLDS else ""


def _state(record: Record, results: Path, known: dict[str, State]) -> State:
    """The state of a record, asked once for all seeds that ran the same code: hashing it takes a while."""
    same = [record.notebook, record.paper, record.variant, record.preset, record.commit]
    key = json.dumps([same, record.code, record.reads, record.starts, record.asked], sort_keys=True)
    if key not in known:
        known[key] = state(record, results)
    return known[key]


def _provenance(runs: Sequence[Record], known: Sequence[State]) -> dict[str, str]:
    """Whether the records behind a verdict still stand, and by which code, when and on which machine they were made."""
    stale = [one for one in known if one.word == STALE]
    days = sorted({run.made[:10] for run in runs})
    machines = [run.machine for run in runs]
    facts = {
        f"{len(runs)} record{'' if len(runs) == 1 else 's'} at": [run.preset for run in runs],
        "made": [days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"],
        "commit": [run.commit[:8] for run in runs],
        "data fingerprint": [run.data_fingerprint[:12] for run in runs],
        "on": [f"{m.device} ({m.cpu}, {m.instructions}, threads: {m.threads}, {m.precision})" for m in machines],
    }
    told = "; ".join(f"{name} {', '.join(dict.fromkeys(values))}" for name, values in facts.items())
    if not stale:
        return {"word": "current", "facts": told}
    return {"word": f"stale: {len(stale)} of {len(runs)} records", "facts": f"{stale[0].reason}. {told}"}


def _waiting(paper: Paper, judged: Sequence[Judged]) -> dict:
    """The rows without a verdict, by reason and command; of a paper that is measured anew only their number."""
    reasons: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    waiting = [one for one in judged if one.verdict.word in WAITING]
    anew = [one for one in waiting if one.verdict.detail == paper.remeasured]
    for one in waiting:
        if one in anew:
            continue
        row, verdict = one.row, one.verdict
        rows = reasons.setdefault((verdict.word, verdict.detail, verdict.command), {})
        value = f"(ours {tables.ours(one)})" if verdict.interval else ""
        heading = row.statement if not isinstance(row, Cell) else f"{paper.table_titles[row.table]}: {row.row}"
        if isinstance(row, Cell):
            value = f"{row.column} {row.value or 'missing'} {value}".strip()
        rows.setdefault(heading, []).extend(filter(None, [value]))
    return {"anew": len(anew), "reasons": reasons, "count": sum(map(len, reasons.values()))}


def _printed(paper: Paper, checks: Mapping[str, Check]) -> dict[str, list[str]]:
    """The paper's tables as printed, with a sign at checked cells, a letter at doubtful ones, and the doubts below."""
    made = []
    for name, title in paper.table_titles.items():
        cells = [one for one in paper.cells if one.table == name]
        common = set.intersection(*(set(one.doubts) for one in cells))
        single = dict.fromkeys(doubt for one in cells for doubt in one.doubts if doubt not in common)
        letters = dict(zip(single, ascii_lowercase, strict=False))
        rows: dict[str, list[Html | str]] = {}
        for one in cells:
            text = (one.value or "missing") + (f" ({one.instead}?)" if one.instead else "")
            marks = ", ".join(letters[doubt] for doubt in one.doubts if doubt in letters)
            shown = Html(f"{escape(text)}<sup>{marks}</sup>", f"{text} [{marks}]") if marks else text
            if mark := sign(checks.get(one.id)):
                known = shown if isinstance(shown, Html) else Html(escape(shown), shown)
                shown = Html(known.html + mark.html, known.text + mark.text)
            rows.setdefault(one.row, [one.row]).append(shown)
        columns = ["", *dict.fromkeys(one.column for one in cells)]
        looked = any(one.id in checks for one in cells)
        doubts = [*sorted(common), *(f"{letter}: {doubt}" for doubt, letter in letters.items())]
        footer = (
            f"As printed ({paper.source})."
            + (" ✓ came out again when it was checked, ✗ did not." if looked else "")
            + (f" Doubts: {'; '.join(doubts)}." if doubts else "")
        )
        made.append(table(list(rows.values()), columns=columns, caption=title, footer=footer).html)
    return {"tables": made}
