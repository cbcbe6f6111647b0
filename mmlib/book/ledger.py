"""The ledger: every claim with its verdict, drawn from claims and records alone when the pages are staged."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from mmlib.book.ledger_context import context, fold
from mmlib.book.ledger_rows import claim_cell, folded, ours_cell, paper_cell, reason_item, verdict_cell
from mmlib.book.sparkline import sparkline
from mmlib.claims import Direction, Judged, Key, Paper, judge, load, names, read_records
from mmlib.claims.verdicts import NOT_ATTEMPTED, UNVERIFIED, VERDICTS
from mmlib.nightly.planning import notebook_of, parse, states
from mmlib.files import ROOT
from mmlib.runs.history import entries, read_history
from mmlib.runs.states import CURRENT, RECERTIFIED, STALE
from mmlib.show.html import Html, tag
from mmlib.show.tables import table

MARK = "<!-- the ledger is drawn here -->"
COLUMNS = ["claim", "verdict, history", "paper", "ours"]  # what matters most stays in sight on a phone
STYLE = "<style>.mm-ledger :is(td,th){vertical-align:top}.mm-ledger tbody th{min-width:10em}"
STYLE += ".mm-ledger :is(select,input,summary,pre):focus-visible{outline:3px solid var(--pst-color-accent,#0072b2);"
STYLE += "outline-offset:2px}</style>"
# `this` is the fieldset. Rows that do not answer to the choice are hidden; folds with an answer open.
FILTER = (
    "const r=this.parentNode,[p,v,q]=['paper','verdict','word'].map(n=>this.querySelector('[name='+n+']').value),"
    "on=p||v||q,w=q.toLowerCase();let n=0;"
    "r.querySelectorAll('[data-verdict]').forEach(e=>{const t=e.closest('tr,li'),"
    "why=t.closest('.mm-waiting')?.firstChild.textContent||'',"
    "ok=(!p||e.dataset.paper==p)&&(!v||e.dataset.verdict==v)&&(why+t.textContent).toLowerCase().includes(w);"
    "t.hidden=!ok;n+=ok});"
    "r.querySelectorAll('.mm-waiting').forEach(d=>d.hidden=!d.querySelector('li:not([hidden])'));"
    "r.querySelectorAll('.mm-tabular').forEach(d=>d.hidden=!!d.querySelector('[data-verdict]')&&"
    "!d.querySelector('tbody tr:not([hidden])'));"
    "r.querySelectorAll('details.mm-fold').forEach(d=>{const some=d.querySelector('[data-verdict]'),"
    "hit=[...d.querySelectorAll('[data-verdict]')].some(e=>!e.closest('tr,li').hidden);"
    "if(some){d.hidden=!!on&&!hit;d.open=!!on&&hit}});"
    "this.querySelector('output').textContent=n+(n==1?' row':' rows')"
)
FIELD = "font:inherit;color:inherit;background:transparent;border:1px solid currentcolor;border-radius:4px;"
FIELD += "padding:.2em .4em;min-height:2.4em;max-width:100%"


def ledger_html(claims: Path | None = None, results: Path | None = None) -> str:
    """The ledger as one piece of HTML: a filter, the judged claims, what waits and why, and the context, folded.

    Args:
        claims: the folder of claims files; default ``claims/``.
        results: the folder of records; default ``results/``.

    Raises:
        ValueError: a claims file, a record or a history is damaged.
    """
    results = results or ROOT / "results"
    papers = [load(key, claims) for key in names(claims)]
    judged = {paper.key: judge(paper, read_records(paper.key, results)) for paper in papers}
    rows = "".join([*_judged_tables(papers, judged, results), *(_waiting(p, judged[p.key]) for p in papers)])
    tables = tag("p", tag("strong", "The papers' tables")) + "".join(context(paper) for paper in papers)
    return tag("div", STYLE + _filter(papers, judged, rows.count("data-verdict=")) + rows + tables, class_="mm-ledger")


def stage(page: Path, html: str | None = None) -> None:
    """Put the ledger into a staged Markdown page, in the place of the mark.

    Raises:
        ValueError: the page has no mark.
    """
    text = page.read_text(encoding="utf-8")
    if MARK not in text:
        raise ValueError(f"{page}: expected the line {MARK!r}, there is none; next: put it where the ledger belongs")
    block = "```{raw} html\n" + (html or ledger_html()) + "\n```"
    page.write_text(text.replace(MARK, block), encoding="utf-8")


def _choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    listed = "".join(tag("option", escape(text), value=value) for value, text in [("", "all"), *options])
    return tag("label", f"{label} " + tag("select", listed, name_=name, style=FIELD))


def _filter(papers: Sequence[Paper], judged: dict[str, list[Judged]], count: int) -> str:
    """Three fields that work without a server: paper, verdict, any word."""
    words = list(dict.fromkeys(word.split(":")[0] for word in VERDICTS))
    found = {one.verdict.word.split(":")[0] for rows in judged.values() for one in rows}
    body = _choice("paper", "Paper", [(paper.key, paper.title) for paper in papers])
    body += _choice("verdict", "Verdict", [(word, word) for word in words if word in found])
    body += tag("label", "Any word " + tag("input", type="search", name_="word", style=FIELD))
    body += tag("output", f"{count} rows", aria_live="polite")
    style = "display:flex;flex-wrap:wrap;gap:.6em 1.2em;align-items:center;border:0;padding:0;margin:1em 0;min-width:0"
    legend = tag("legend", "Show only", style="font-weight:bold;font-size:1em;padding:0")
    return tag("fieldset", legend + body, oninput=FILTER, class_="mm-filter", style=style)


def _judged_tables(papers: Sequence[Paper], judged: dict[str, list[Judged]], results: Path) -> list[str]:
    """Headline claims, then the others, then controls, then values; only rows that have a verdict of their own."""
    groups: dict[str, list[list[Html]]] = {}
    for paper in papers:
        history, provenance = read_history(paper.key, results), _provenance(paper, judged[paper.key], results)
        for one in judged[paper.key]:
            if one.verdict.word not in (NOT_ATTEMPTED, UNVERIFIED):
                cells = [claim_cell(one, paper), verdict_cell(one, _history(history, one.row.id))]
                cells += [paper_cell(one.row, paper), ours_cell(one, provenance[one.row.id])]
                groups.setdefault(_group(one), []).append(cells)
    titles = ("Headline claims", "Further claims", "Negative controls", "Values")
    tables = [
        table(groups[title], columns=COLUMNS, caption=title, cards=True).html for title in titles if title in groups
    ]
    return tables or [tag("p", "No claim has been judged yet: no run that could is published.")]


def _group(one: Judged) -> str:
    if not isinstance(one.row, Direction):
        return "Values"
    return "Negative controls" if one.row.control_of else "Headline claims" if one.row.headline else "Further claims"


def _history(nights: Sequence[dict], claim: str) -> str:
    held_back = [n["drifted"][claim] for n in nights if claim in n.get("drifted", {})]
    return sparkline(entries(nights, claim), held_back)


def _provenance(paper: Paper, judged: Sequence[Judged], results: Path) -> dict[str, str]:
    """For each judged row: how its records stand, by which code, when and where they were made."""
    records, notebook = read_records(paper.key, results), notebook_of(paper)
    known = states(paper, records, notebook, results) if notebook else {}
    cells = {}
    for one in judged:
        keys = [parse(name) for name in one.verdict.runs]
        if keys:
            cells[one.row.id] = _provenance_text([records[key] for key in keys], [known.get(key) for key in keys], keys)
    return cells


def _provenance_text(made: Sequence[dict], now: Sequence, keys: Sequence[Key]) -> str:
    words = [state.word if state else "chapter missing" for state in now]
    worst = next((word for word in ("chapter missing", STALE, RECERTIFIED) if word in words), CURRENT)
    commits = ", ".join(dict.fromkeys(record["commit"][:8] for record in made))
    days = sorted({record["made"][:10] for record in made})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    devices = ", ".join(dict.fromkeys(record["device"] for record in made))
    data = ", ".join(dict.fromkeys(record["data_fingerprint"][:12] for record in made))
    facts = f"{len(made)} records at {keys[0].preset}, {when}, commit {commits}, data {data}, {devices}"
    return folded(worst, facts)


def _waiting(paper: Paper, judged: Sequence[Judged]) -> str:
    """The rows without a verdict of their own, by what they wait for."""
    reasons: dict[tuple[str, str, str], list[Judged]] = {}
    for one in judged:
        if one.verdict.word in (NOT_ATTEMPTED, UNVERIFIED):
            reasons.setdefault((one.verdict.word, one.verdict.detail, one.verdict.command), []).append(one)
    if not reasons:
        return ""
    body = "".join(
        reason_item(f"{word}: {detail}", command, rows, paper) for (word, detail, command), rows in reasons.items()
    )
    return fold(f"{paper.title}: {body.count('data-verdict=')} rows without a verdict, why, and the command", body)
