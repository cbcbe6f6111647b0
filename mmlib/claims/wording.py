"""Claims and measurements in words, the same in a chapter's table and in the ledger."""

from __future__ import annotations

from mmlib.claims.interval import Interval
from mmlib.claims.judging import Judged
from mmlib.claims.schema import Cell, Direction, Paper


def name_of(row: Cell | Direction, paper: Paper) -> str:
    """What a row is about."""
    if isinstance(row, Direction):
        return row.statement
    return f"{paper.table_titles[row.table]}: {row.row}, {row.column}"


def data_name(data: str) -> str:
    """A data variant as a reader knows it."""
    return "MiniStreet" if data == "ministreet" else data


def printed(row: Cell | Direction, paper: Paper) -> tuple[str, str]:
    """What the paper prints for a row, and a second line about it ("" if there is none)."""
    if isinstance(row, Cell):
        return row.value or "missing", f"perhaps {row.instead}" if row.instead else ""
    values = [paper.cell(name).value or "missing" for name in row.cells]
    against = f"{values[0]} against {', '.join(values[1:])}" if len(values) > 1 else ""
    if row.printed is None:
        return against or "no number", ""
    return (row.printed if row.printed[0] in "+-" else f"+{row.printed}"), against


def number(value: float, interval: Interval, sign: str = "") -> str:
    """A number with as many digits as its interval supports: two significant ones of the half width."""
    digits = 0
    while interval.half * 10**digits < 10 and digits < 3:
        digits += 1
    return f"{value:{sign}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def ours(judged: Judged) -> str:
    """Our mean with its interval, in the paper's unit; "" where there is none."""
    interval = judged.verdict.interval
    if interval is None:
        return ""
    sign = "+" if isinstance(judged.row, Direction) else ""
    low, high = number(interval.low, interval), number(interval.high, interval)
    return f"{number(interval.mean, interval, sign)} [{low}, {high}]"


def seeds(judged: Judged) -> str:
    """Number of seeds and unit of a measurement; "" where there is none."""
    interval, row = judged.verdict.interval, judged.row
    unit = f", {row.unit}" if isinstance(row, Direction) and row.unit else ""
    return f"n = {interval.n} seeds{unit}" if interval else ""
