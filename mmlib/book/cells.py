"""Which of the papers' printed numbers has anybody checked? Counted from the claims and the verdicts, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmlib.results.claims import GRADES, Cell, Paper
from mmlib.results.evidence import AGREES, DIFFERS, Judged
from mmlib.show import Html, table

HERE = "made again here"
WEIGHTS = "measured with its authors' weights"
FIRST = "looked up where it was first published"
EVIDENCE = "contradicted by other evidence"
WAYS = (HERE, WEIGHTS, FIRST, EVIDENCE)
"""How a printed number can be checked."""

COMPARED = {("fusenet_ris", "published"), ("segmif", "quoted")}
"""Tables that stand in a paper's claims to compare with; the paper does not print them."""

ALIASES = {"misl": "mlsl", "uta": "intrada", "traffic_light": "light", "bicycle": "bike"}
"""Rows and columns that FuseNet-RIS's table names otherwise than their first publication does."""

LEGIBLE, FROM_MEMORY = "S", "L"


@dataclass(frozen=True)
class Check:
    """How a printed number was checked, one of WAYS, and whether it came out again."""

    way: str
    right: bool


def check_cells(papers: Mapping[str, Paper], book: Mapping[str, Sequence[Judged]]) -> dict[str, Check]:
    """The checks of all printed cells that were checked, by the cell's id.

    papers: all claims. book: their verdicts, from `judge_book`. A verdict counts more than what was looked up.
    """
    found: dict[str, Check] = {}
    for paper in papers.values():
        known = {cell.id: cell for cell in paper.cells}
        for cell in paper.cells:
            first = known.get(_published(cell))
            if first is not None and first.grade != FROM_MEMORY and cell.value is not None:
                found[cell.id] = Check(FIRST, cell.value == first.value)
            if cell.instead:
                found[cell.id] = Check(EVIDENCE, False)
    judged = [one for rows in book.values() for one in rows if one.verdict.word in (AGREES, DIFFERS)]
    for one in judged:
        original = _original(one.row, papers)
        way = HERE if original == one.row.id else WEIGHTS
        found[original] = Check(way, one.verdict.word == AGREES)
    return found


def _published(cell: Cell) -> str:
    """The id that a cell of FuseNet-RIS's table has among the numbers that were published before."""
    paper, name, row, column = cell.id.split(".")
    if (paper, name) != ("fusenet_ris", "results"):
        return ""
    return f"fusenet_ris.published.{ALIASES.get(row, row)}.{ALIASES.get(column, column)}"


def _original(cell: Cell, papers: Mapping[str, Paper]) -> str:
    """The id of the printed cell that a cell repeats; its own where it repeats none.

    A number that is only context in its paper may be judged in another file of that paper, as TSJNet's rivals are.
    """
    name = cell.id.split(".", 1)[1]
    for paper in papers.values():
        context = {one.id for one in paper.cells if one.kind == "context"}
        same = paper.cite == papers[cell.paper].cite
        if paper.cite and same and f"{paper.key}.{name}" in context:
            return f"{paper.key}.{name}"
    return cell.id


def printed_by_papers(papers: Mapping[str, Paper]) -> list[Cell]:
    """Each number that a paper prints in its own tables, once."""
    repeated = {paper.key for paper in papers.values() for cell in paper.cells if _original(cell, papers) != cell.id}
    own = [paper for paper in papers.values() if paper.key not in repeated]
    return [cell for paper in own for cell in paper.cells if (paper.key, cell.table) not in COMPARED]


def checked_html(papers: Mapping[str, Paper], checks: Mapping[str, Check]) -> str:
    """One row for each table that a paper prints: how many cells, how many were checked, how it came out; as HTML."""
    printed = printed_by_papers(papers)
    rows, sums = [], Counter()
    for key, paper in papers.items():
        for name, title in paper.table_titles.items():
            cells = [cell for cell in printed if (cell.paper, cell.table) == (key, name)]
            if not cells:
                continue
            counts = count(cells, checks)
            sums += counts
            weak = [GRADES[grade] for grade in dict.fromkeys(cell.grade for cell in cells) if grade != LEGIBLE]
            source = f" ({', '.join(weak)})" if weak else ""
            rows.append([f"{paper.title}: {title}{source}", *_row(counts)])
    rows.append(["All tables", *_row(sums)])
    made = table(
        rows,
        columns=["table", "cells", "✓", "✗", "open", "in doubt"],
        caption="Which printed numbers has anybody checked?",
        footer="✓ checked, and it came out again. ✗ checked, and another number came out. Open: nobody has, neither "
        "we nor a source that we have seen. In doubt: for a reason of its own, such as a digit that a scan destroyed; "
        "the tables below name each doubt. Checked: " + "; ".join(f"{sums[way]} {way}" for way in WAYS) + ".",
    )
    return made.html


def count(cells: Sequence[Cell], checks: Mapping[str, Check]) -> Counter:
    """How many cells there are, are missing, doubtful, checked, right, and checked in each way."""
    common = set.intersection(*(set(cell.doubts) for cell in cells))
    found = Counter(cells=len(cells))
    for cell in cells:
        found["doubtful"] += bool(set(cell.doubts) - common)
        if check := checks.get(cell.id):
            found["checked"] += 1
            found["right"] += check.right
            found[check.way] += 1
    return found


def _row(counts: Counter) -> list[int]:
    wrong = counts["checked"] - counts["right"]
    nobody = counts["cells"] - counts["checked"]
    return [counts["cells"], counts["right"], wrong, nobody, counts["doubtful"]]


def sign(check: Check | None) -> Html | str:
    """The mark of a printed cell: ✓ where it came out again, ✗ where another number did, "" where nobody looked."""
    if check is None:
        return ""
    mark, said = ("✓", "came out again") if check.right else ("✗", "another number came out")
    words = f"{check.way}: {said}"
    return Html(f'&nbsp;<span role="img" aria-label="{words}" title="{words}">{mark}</span>', f" {mark} ({words})")
