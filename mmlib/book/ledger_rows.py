"""The ledger's cells: one claim, one printed value, one reason, each as a few words of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mmlib.claims import Cell, Direction, Judged, Paper
from mmlib.claims.schema import GRADES
from mmlib.claims.verdicts import AGREES, CONTRADICTED, DIFFERS, HOLDS, UNVERIFIED
from mmlib.claims.wording import data_name, name_of, number, ours, printed, seeds
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


def claim_cell(judged: Judged, paper: Paper) -> Html:
    """The statement, where it comes from and what is doubtful about it."""
    row = judged.row
    if isinstance(row, Direction):
        kind = "control" if row.control_of else "headline claim" if row.headline else "further claim"
        about = f"{paper.title}, {kind}, on {data_name(row.data)}"
    else:
        about = f"{paper.title}, value, {row.metric} on {data_name(row.data)} ({row.split})"
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
    text, second = printed(row, paper)
    return cell(escape(text) + quiet(second), text)


def ours_cell(judged: Judged, provenance: str) -> Html:
    """Our mean, interval and number of seeds, what each arm scored, and, folded, the records behind them."""
    arms = ", ".join(f"{arm} {number(i.mean, i)}" for arm, i in judged.arms.items()) if len(judged.arms) > 1 else ""
    text = ours(judged)
    main = tag("span", escape(text), style="white-space:nowrap")
    return cell(main + quiet(seeds(judged)) + quiet(arms) + provenance, text)


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
    own = f"(ours {ours(judged)})" if judged.verdict.interval else ""
    if isinstance(judged.row, Direction):
        return own
    return f"{judged.row.column} {judged.row.value or 'missing'} {own}".strip()
