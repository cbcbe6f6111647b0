"""Records as one tidy data frame, and claims with their verdicts as the tables that chapters and ledger show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmlib.results.claims import Cell, Direction, Paper, load_claims, paper_keys
from mmlib.results.evidence import Interval, Judged, judge_book
from mmlib.results.records import Record, read_records, split_variant

if TYPE_CHECKING:
    import pandas

    from mmlib.show import Html

MINUS = "\N{MINUS SIGN}"


def frame(paper: str | None = None, folder: Path | None = None, **only: Any) -> pandas.DataFrame:
    """Every number of every record, one per row: paper, variant, longer, data, preset, seed, metric, value, and more.

    Args:
        paper: one paper's records, or all that have claims.
        folder: of records; default results/.
        only: keep rows in which a column has this value: frame("training", preset="night", metric="night.miou").

    `metric` is the dotted path in the record's values; health is under "health.PART.WHEN.NUMBER". `longer` is 2 for
    runs with twice the steps. An empty frame has the same columns.
    """
    import pandas

    papers = [paper] if paper else paper_keys()
    rows = [row for key in papers for record in read_records(key, folder).values() for row in _rows(record)]
    columns = ["paper", "variant", "longer", "data", "preset", "seed", "metric", "value", "wall_s", "made"]
    made = pandas.DataFrame(rows, columns=columns)
    for column, value in only.items():
        made = made[made[column] == value]
    return made.reset_index(drop=True)


def _rows(record: Record) -> Iterator[tuple]:
    variant, longer = split_variant(record.variant)
    about = (record.paper, variant, longer, record.data, record.preset, record.seed)
    for metric, value in _numbers(record.values):
        yield (*about, metric, value, record.wall_s, record.made)
    for metric, value in _numbers(record.health, "health"):
        yield (*about, metric, value, record.wall_s, record.made)


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested dicts and lists, with its dotted path."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, float(value)
        return
    for key, inner in items:
        yield from _numbers(inner, f"{name}.{key}" if name else str(key))


# ---------------------------------------------------------------------------------------------------------------------
# Words


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
    return f"{value:{sign}.{digits}f}".replace("-", MINUS)


def ours(judged: Judged) -> str:
    """Our mean with its interval, in the paper's unit; "" where there is none."""
    interval = judged.verdict.interval
    if interval is None:
        return ""
    sign = "+" if isinstance(judged.row, Direction) else ""
    if interval.n == 1:
        return f"{interval.mean:{sign}.4g}".replace("-", MINUS)
    low, high = number(interval.low, interval), number(interval.high, interval)
    return f"{number(interval.mean, interval, sign)} [{low}, {high}]"


def seeds(judged: Judged) -> str:
    """Number of seeds and unit of a measurement; "" where there is none."""
    interval, row = judged.verdict.interval, judged.row
    unit = f", {row.unit}" if isinstance(row, Direction) and row.unit else ""
    if interval is None:
        return ""
    return f"one run, nothing in it is random{unit}" if interval.n == 1 else f"n = {interval.n} seeds{unit}"


def correction(judged: Judged) -> str:
    """Whether a decided verdict survives the correction for the number of claims in the book; "" where it is none."""
    verdict = judged.verdict
    if verdict.survives is None or verdict.word == "undecided":
        return ""
    return "survives Benjamini-Hochberg" if verdict.survives else "does not survive Benjamini-Hochberg"


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def results_table(
    key: str,
    rows: Sequence[str],
    *,
    yours: Mapping[str, float] | None = None,
    caption: str | None = None,
    claims: Path | None = None,
    results: Path | None = None,
) -> Html:
    """A table *claim | verdict | paper | published | your run* of some rows of a paper's claims.

    Args:
        key: the paper, such as "flow2seg".
        rows: ids of directions or printed cells, without the paper's key.
        yours: what the reader's own run gave, by id, in the paper's unit. The column is left out of built pages and
            where nothing is given.
        caption: what the table shows.
        claims, results: other folders than claims/ and results/.

    Raises:
        KeyError: an id is unknown, or names context, which is never judged.
    """
    from mmlib.show import is_static, table

    paper, live = load_claims(key, claims), bool(yours) and not is_static()
    judged = {one.row.id: one for one in judge_book(claims, results)[key]}
    listed = []
    for name in rows:
        if f"{key}.{name}" not in judged:
            raise KeyError(f"expected a direction or a value of {key}, got {name!r}; next: look into claims/{key}.yml")
        one = judged[f"{key}.{name}"]
        verdict = "; ".join(filter(None, [one.verdict.sentence, correction(one), one.verdict.detail]))
        published = ", ".join(filter(None, [ours(one), seeds(one)])) or None
        cells = [name_of(one.row, paper), verdict, printed(one.row, paper)[0], published]
        listed.append([*cells, (yours or {}).get(name)] if live else cells)
    columns = ["claim", "verdict", "paper", "published", *(["your run (one seed)"] if live else [])]
    where = ", ".join(sorted({data_name(judged[f"{key}.{name}"].row.data) for name in rows}))
    footer = f"On {where}. {last_verified(key, results=results)}"
    return table(listed, columns=columns, caption=caption, footer=footer, cards=True)


def last_verified(key: str, *, results: Path | None = None) -> str:
    """One sentence: when and by which commit a paper's published records were made."""
    records = list(read_records(key, results).values())
    if not records:
        return "No run is published yet."
    latest, first = max(records, key=lambda r: r.made), min(records, key=lambda r: r.made)
    if len(records) == 1:
        made = f"by commit {latest.commit[:8]}, with one record"
        return f"Last verified {latest.made[:10]}, {made}. The ledger says whether it still stands."
    return (
        f"Last verified {latest.made[:10]}, by commit {latest.commit[:8]}: the latest of {len(records)} records made "
        f"since {first.made[:10]}. The ledger says which of them still stand."
    )
