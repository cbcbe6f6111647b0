"""A paper's tables as it prints them, folded, with a star at each doubtful cell and the doubts below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mmlib.claims import Cell, Paper
from mmlib.show.html import tag
from mmlib.show.tables import table


def fold(summary: str, body: str) -> str:
    """A piece of the ledger that opens on request."""
    style = "cursor:pointer;padding:.3em 0;min-height:1.6em"
    return tag("details", tag("summary", escape(summary), style=style) + body, class_="mm-fold")


def context(paper: Paper) -> str:
    """All tables of a paper; "" if it has none."""
    tables = "".join(_printed(paper, name) for name in paper.table_titles)
    return fold(f"{paper.title}: its tables as printed", tables) if tables else ""


def _printed(paper: Paper, name: str) -> str:
    cells = [one for one in paper.cells if one.table == name]
    everywhere = _everywhere(cells)
    columns = list(dict.fromkeys(one.column for one in cells))
    rows: dict[str, dict[str, str]] = {}
    for one in cells:
        star = "*" if set(one.doubts) - everywhere else ""
        instead = f" ({one.instead}?)" if one.instead else ""
        rows.setdefault(one.row, {})[one.column] = f"{one.value or 'missing'}{instead}{star}"
    listed = [[row, *(values[column] for column in columns)] for row, values in rows.items()]
    said = "; ".join([*sorted(everywhere), *(f"* {where}: {doubt}" for doubt, where in places(cells).items())])
    footer = f"As printed ({paper.source})." + (f" Doubts: {said}." if said else "")
    return table(listed, columns=["", *columns], caption=paper.table_titles[name], footer=footer).html


def _everywhere(cells: Sequence[Cell]) -> set[str]:
    """The doubts that all cells share: they concern the table."""
    return set.intersection(*(set(one.doubts) for one in cells))


def places(cells: Sequence[Cell]) -> dict[str, str]:
    """Each doubt that concerns a part of a table, with that part: a row, a column, or single cells."""
    found = {}
    for doubt in dict.fromkeys(doubt for one in cells for doubt in one.doubts if doubt not in _everywhere(cells)):
        with_it = [one for one in cells if doubt in one.doubts]
        rows, columns = {one.row for one in with_it}, {one.column for one in with_it}
        if len(with_it) == sum(one.column in columns for one in cells):
            found[doubt] = ", ".join(dict.fromkeys(one.column for one in with_it))
        elif len(with_it) == sum(one.row in rows for one in cells):
            found[doubt] = ", ".join(dict.fromkeys(one.row for one in with_it))
        else:
            found[doubt] = ", ".join(f"{one.row} {one.column}" for one in with_it)
    return found
