"""What a paper's network costs beside the published code: the records that `benchmarks/` writes, as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmlib.runs.fingerprint import ROOT

if TYPE_CHECKING:
    from mmlib.show import Html


def read_speed(key: str, *, results: Path | None = None) -> dict[str, Any] | None:
    """The published speed record of a paper, ``speed/KEY.json`` under ``results``; None where there is none.

    It holds ``measured`` and ``published``, seconds and MiB by what was done (ours also by the form of the code),
    and ``clean``, whether at least one repetition of each had the machine to itself.
    """
    source = (results or ROOT / "results") / "speed" / f"{key}.json"
    if not source.is_file():
        return None
    record = json.loads(source.read_text())
    forms = [form for forms in record["measured"].values() for form in forms.values()]
    return record | {"clean": all(form["clean"] for form in forms)}


def speed_table(key: str, parts: Mapping[str, str], *, first: str, results: Path | None = None) -> Html | None:
    """Seconds and peak memory of the published code and of each of our forms, a row each.

    Args:
        key: the paper's key.
        parts: ``{what was measured: its words}``, in the order of the rows.
        first: the header of the first column.
        results: the folder of records (default: the project's).

    Without a record it says which command makes one.
    """
    from mmlib import show

    record = read_speed(key, results=results)
    if record is None:
        return show.say(f"`python benchmarks/{key}.py --write` measures this; its record is not published yet.")
    measured, published = record["measured"], record["published"]
    counts = {form["repetitions"] for forms in measured.values() for form in forms.values()}
    return show.table(
        [row for what, words in parts.items() for row in _rows(words, published.get(what), measured[what])],
        columns=[first, "seconds", "of the released", "peak MiB"],
        formats={"seconds": ".2f", "of the released": ".0%", "peak MiB": ",.0f"},
        caption=f"Time and peak memory, {record['threads']} threads, fp32, random weights",
        footer=f"Ours: {record['machine']}, torch {record['torch']}, {record['made'][:10]}, medians of "
        f"{' or '.join(str(count) for count in sorted(counts))} processes, by benchmarks/{key}.py. "
        f"Released: {published['how']}.",
    )


def _rows(words: str, published: dict | None, ours: Mapping[str, dict]) -> list[list]:
    """Rows of one thing measured: the published code first, where it was measured."""
    forms = ({"released": published} if published else {}) | dict(ours)
    whole = published["seconds"] if published else None
    return [
        [f"{words}: {form}", x["seconds"], x["seconds"] / whole if whole else None, float(x["peak_mib"])]
        for form, x in forms.items()
    ]
