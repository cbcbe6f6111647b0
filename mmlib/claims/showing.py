"""What a chapter shows of its claims: the table beside the paper, what a run costs, and when it was last verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from mmlib.claims.joining import read_records
from mmlib.claims.judging import judge
from mmlib.claims.loading import load
from mmlib.claims.wording import data_name, name_of, ours, printed, seeds

if TYPE_CHECKING:
    from mmlib.show import Html


def results_table(
    key: str,
    rows: Sequence[str],
    *,
    yours: Mapping[str, float] | None = None,
    caption: str | None = None,
    claims: Path | None = None,
    results: Path | None = None,
) -> Html:
    """A table *paper | published | verdict | your run* of some rows of a paper's claims.

    Args:
        key: the paper, such as "flow2seg".
        rows: ids of directions or printed cells, without the paper's key.
        yours: what the reader's own run gave, by id, in the paper's unit. The column is left out of built pages and
            where nothing is given.
        caption: what the table shows.
        claims: the folder of claims files; default ``claims/``.
        results: the folder of records; default ``results/``.

    Raises:
        KeyError: an id is unknown, or names context, which is never judged.
    """
    from mmlib.show import is_static, table

    paper, live = load(key, claims), bool(yours) and not is_static()
    records = read_records(key, results)
    judged = {one.row.id: one for one in judge(paper, records)}
    listed = []
    for name in rows:
        if f"{key}.{name}" not in judged:
            raise KeyError(f"expected a direction or a value of {key}, got {name!r}; next: look into claims/{key}.yml")
        one = judged[f"{key}.{name}"]
        published = ", ".join(filter(None, [ours(one), seeds(one)])) or None
        cells = [name_of(one.row, paper), printed(one.row, paper)[0], published, one.verdict.word]
        listed.append([*cells, (yours or {}).get(name)] if live else cells)
    columns = ["claim", "paper", "published", "verdict", *(["your run (one seed)"] if live else [])]
    where = ", ".join(sorted({data_name(one.row.data) for one in map(judged.get, (f"{key}.{r}" for r in rows))}))
    footer = f"On {where}. {last_verified(key, results=results)}"
    return table(listed, columns=columns, caption=caption, footer=footer, cards=True)


def last_verified(key: str, *, results: Path | None = None) -> str:
    """One sentence: when and by which commit a paper's published records were made."""
    records = list(read_records(key, results).values())
    if not records:
        return "No run is published yet."
    latest, first = (pick(records, key=lambda record: record["made"]) for pick in (max, min))
    return (
        f"Last verified {latest['made'][:10]}, by commit {latest['commit'][:8]}: the latest of {len(records)} records "
        f"made since {first['made'][:10]}. The ledger says which of them still stand."
    )


def cost(key: str, preset: str, *, results: Path | None = None) -> dict[str, Any]:
    """What the published runs of one preset took: ``runs``, median ``seconds`` and ``mib`` of one, and ``device``.

    Raises:
        FileNotFoundError: none is published.
    """
    records = [record for one, record in read_records(key, results).items() if one.preset == preset]
    if not records:
        raise FileNotFoundError(f"expected records of {key} at {preset}, got none; next: make reproduce CHAPTER=...")
    seconds, mib = (median(record[name] for record in records) for name in ("wall_s", "peak_memory_mib"))
    devices = ", ".join(sorted({record["device"] for record in records}))
    return {"runs": len(records), "seconds": seconds, "mib": mib, "device": devices}
