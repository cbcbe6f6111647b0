"""The ledger's cells: one claim, one printed value, one reason, each as a few words of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mmlib.claims import Cell, Direction, Interval, Judged, Paper
from mmlib.claims.schema import GRADES
from mmlib.claims.verdicts import AGREES, CONTRADICTED, DIFFERS, HOLDS, UNVERIFIED
from mmlib.show.html import Html, tag

# A sign beside the word, so that colour is not needed.
SIGNS = {HOLDS: "✓", AGREES: "✓", CONTRADICTED: "✗", DIFFERS: "✗", UNVERIFIED: "?"}
QUIET = "display:block;font-size:.85em;opacity:.8"


def quiet(text: str) -> str:
    """A second line in small letters."""
    return tag("span", escape(text), style=QUIET) if text else ""


def cell(content: str, text: str, **data: str) -> Html:
    """A finished cell; ``data`` is what the filter looks at."""
    return Html(tag("span", content, **{f"data_{name}": value for name, value in data.items()}), text)


def name_of(row: Cell | Direction, paper: Paper) -> str:
    """What a row is about, in words."""
    if isinstance(row, Direction):
        return row.statement
    return f"{paper.table_titles[row.table]}: {row.row}, {row.column}"


def claim_cell(judged: Judged, paper: Paper) -> Html:
    """The statement, where it comes from and what is doubtful about it."""
    row = judged.row
    if isinstance(row, Direction):
        kind = "control" if row.control_of else "headline claim" if row.headline else "further claim"
        about = f"{paper.title}, {kind}, on {row.data}"
    else:
        about = f"{paper.title}, value, {row.metric} on {row.data} ({row.split})"
    words = f"{about}; source: {GRADES[row.grade]}"
    html = escape(name_of(row, paper)) + quiet(words) + doubts(row.doubts)
    filtered = {"paper": paper.key, "verdict": judged.verdict.word.split(":")[0]}
    return cell(html, name_of(row, paper), **filtered)


def doubts(said: Sequence[str]) -> str:
    """Doubts, folded behind one word."""
    return folded("doubts", "; ".join(dict.fromkeys(said))) if said else ""


def folded(word: str, text: str) -> str:
    """A word that opens on a sentence."""
    summary = tag("summary", escape(word), style="cursor:pointer")
    return tag("details", summary + escape(text), style="font-size:.85em")


def paper_cell(row: Cell | Direction, paper: Paper) -> Html:
    """What the paper prints."""
    if isinstance(row, Cell):
        instead = f"perhaps {row.instead}" if row.instead else ""
        return cell(escape(row.value or "missing") + quiet(instead), row.value or "missing")
    printed = row.printed if row.printed is None or row.printed[0] in "+-" else f"+{row.printed}"
    values = [paper.cell(name).value for name in row.cells]
    against = f"{values[0]} against {', '.join(map(str, values[1:]))}" if len(values) > 1 else ""
    text = printed or against or "no number"
    return cell(escape(text) + quiet(against if printed else ""), text)


def ours_text(judged: Judged) -> str:
    """Our mean with its interval, in the paper's unit; "" where there is none."""
    interval = judged.verdict.interval
    if interval is None:
        return ""
    sign = "+" if isinstance(judged.row, Direction) else ""
    low, high = number(interval.low, interval), number(interval.high, interval)
    return f"{number(interval.mean, interval, sign)} [{low}, {high}]"


def ours_cell(judged: Judged, provenance: str) -> Html:
    """Our mean, interval and number of seeds, what each arm scored, and, folded, the records behind them."""
    interval, row = judged.verdict.interval, judged.row
    unit = f", {row.unit}" if isinstance(row, Direction) and row.unit else ""
    seeds = f"n = {interval.n} seeds{unit}" if interval else ""
    arms = ", ".join(f"{arm} {number(i.mean, i)}" for arm, i in judged.arms.items()) if len(judged.arms) > 1 else ""
    text = ours_text(judged)
    return cell(tag("span", escape(text), style="white-space:nowrap") + quiet(seeds) + quiet(arms) + provenance, text)


def number(value: float, interval: Interval, sign: str = "") -> str:
    """A number with as many digits as its interval supports: two significant ones of the half width."""
    digits = 0
    while interval.half * 10**digits < 10 and digits < 3:
        digits += 1
    return f"{value:{sign}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def verdict_cell(judged: Judged, history: str) -> Html:
    """The word, its sign, and why; below it the claim's history."""
    verdict = judged.verdict
    word = f"{SIGNS.get(verdict.word, '')} {verdict.word}".strip()
    below = tag("span", history, style=QUIET)
    return cell(tag("strong", escape(word)) + quiet(verdict.detail) + below, verdict.word)


def reason_item(reason: str, command: str, judged: Sequence[Judged], paper: Paper) -> str:
    """Rows that wait for the same thing: the reason and the command once, then the rows."""
    rows: dict[str, list[str]] = {}
    for one in judged:
        rows.setdefault(_heading(one.row, paper), []).append(_waits(one))
    word = judged[0].verdict.word
    items = [": ".join(filter(None, [head, ", ".join(filter(None, values))])) for head, values in rows.items()]
    body = "".join(tag("li", escape(text), data_paper=paper.key, data_verdict=word) for text in items)
    head = tag("p", escape(reason[:1].upper() + reason[1:]) + ".", style="margin:.6em 0 .2em")
    code = tag("pre", tag("code", escape(command)), style="overflow-x:auto;margin:.2em 0", tabindex=0)
    return tag("div", head + code + tag("ul", body, style="margin:.2em 0"), class_="mm-waiting")


def _heading(row: Cell | Direction, paper: Paper) -> str:
    return row.statement if isinstance(row, Direction) else f"{paper.table_titles[row.table]}: {row.row}"


def _waits(judged: Judged) -> str:
    """A printed value by its column, with ours where there is one; nothing for a direction without a number."""
    ours = f"(ours {ours_text(judged)})" if judged.verdict.interval else ""
    if isinstance(judged.row, Direction):
        return ours
    return f"{judged.row.column} {judged.row.value or 'missing'} {ours}".strip()
