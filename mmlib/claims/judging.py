"""Join claims with records: every row that can be judged gets its verdict, every other its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mmlib.claims.interval import Interval, paired_interval, t_interval
from mmlib.claims.joining import Incomplete, Key, Record, arm, key_of, number_at, read_records, sibling
from mmlib.claims.loading import slug
from mmlib.claims.schema import Cell, Direction, Paper
from mmlib.claims.undertrained import rivals, score, undertrained
from mmlib.claims.verdicts import (
    CONTRADICTED,
    NOT_ATTEMPTED,
    UNDECIDED,
    UNDERTRAINED,
    UNVERIFIED,
    Verdict,
    direction_verdict,
    value_verdict,
)


@dataclass(frozen=True)
class Judged:
    """A row of the claims, its verdict, and what each arm scored (by variant, in the paper's unit)."""

    row: Cell | Direction
    verdict: Verdict
    arms: dict[str, Interval]


def command_for(row: Cell | Direction, chapter: str) -> str:
    """The command that makes the runs a row asks for."""
    if row.command:
        return row.command
    runs = row if isinstance(row, Direction) else row.measure
    preset, data = (runs.preset, runs.data) if runs else ("paper", slug(row.data))
    return f"make reproduce CHAPTER={chapter} PRESET={preset} DATA={data}"


def judge(paper: Paper, records: Mapping[Key, Record] | None = None) -> list[Judged]:
    """Every row of a paper that is not context, with its verdict.

    Args:
        paper: from :func:`mmlib.claims.load`.
        records: by key; default: the published ones in ``results/``.
    """
    records = read_records(paper.key) if records is None else records
    return list(_judged(paper, records))


def _judged(paper: Paper, records: Mapping[Key, Record]) -> Iterator[Judged]:
    for row in paper.directions:
        yield _direction(row, records, command_for(row, paper.chapter))
    for cell in paper.cells:
        if cell.kind == "value":
            yield _value(cell, records, command_for(cell, paper.chapter))


def _comparable(runs: Sequence[Record]) -> None:
    """Refuse runs that saw different test data."""
    if len({run["data_fingerprint"] for run in runs}) > 1:
        raise Incomplete("the runs saw different data: their fingerprints differ")


def _names(runs: Sequence[Record]) -> tuple[str, ...]:
    return tuple(str(key_of(run)) for run in runs)


def _direction(row: Direction, records: Mapping[Key, Record], command: str) -> Judged:
    if row.grade == "L":
        return Judged(row, Verdict(UNVERIFIED, "the statement is known at second hand only", command=command), {})
    try:
        arms = {v: arm(records, row.paper, v, row.data, row.preset, row.seeds) for v in (row.a, *row.b)}
        runs = [run for one in arms.values() for run in one]
        _comparable(runs)
        measured = _difference(row, arms)
        scores = {v: t_interval([score(run, row) for run in one]).scaled(row.scale) for v, one in arms.items()}
        doubt = undertrained(row, arms, records, measured) if row.trained else None
    except Incomplete as error:
        detail = str(error) if _any_run(row, records) else row.reason or "not run yet"
        return Judged(row, Verdict(NOT_ATTEMPTED, detail, command=command), {})
    verdict = Verdict(UNDERTRAINED, doubt, measured) if doubt else direction_verdict(measured)
    if verdict.word == CONTRADICTED and not _one_rival_leads(row, arms):
        detail = "in each seed the luckiest rival was ahead, but no single rival over all seeds"
        verdict = Verdict(UNDECIDED, detail, measured)
    return Judged(row, replace(verdict, command=command, runs=_names(runs)), scores)


def _difference(row: Direction, arms: Mapping[str, Sequence[Record]]) -> Interval:
    """The interval of A minus the best rival of each seed, in the paper's unit."""
    seeds = [rivals(row, {name: arms[name][seed] for name in (row.a, *row.b)}) for seed in range(row.seeds)]
    return paired_interval(*zip(*seeds)).scaled(row.scale)


def _one_rival_leads(row: Direction, arms: Mapping[str, Sequence[Record]]) -> bool:
    """Whether a single rival is ahead of A over the seeds.

    The best of several equal rivals is ahead of A in most seeds by luck alone. That makes *holds* harder to reach, as
    it should, but must not make *contradicted* easier.
    """
    return any(_difference(replace(row, b=(name,)), arms).high < 0 for name in row.b)


def _any_run(row: Direction, records: Mapping[Key, Record]) -> bool:
    return any(key.variant in (row.a, *row.b) and key.data == row.data for key in records)


def _value(cell: Cell, records: Mapping[Key, Record], command: str) -> Judged:
    if cell.grade == "L":
        return Judged(cell, Verdict(UNVERIFIED, "the number is known at second hand only", command=command), {})
    measure = cell.measure
    ours = None
    try:
        if measure is None:
            raise Incomplete(cell.reason or "no run of ours has the paper's test data")
        runs = arm(records, cell.paper, measure.variant, measure.data, measure.preset, measure.seeds)
        _comparable(runs)
        ours = t_interval([number_at(run, measure.path) for run in runs]).scaled(cell.scale)
        _same_protocol(cell, measure.path, runs)
    except Incomplete as error:
        detail = cell.reason if cell.reason and ours is None else str(error)
        return Judged(cell, Verdict(NOT_ATTEMPTED, detail, ours, command=command), {})
    verdict = value_verdict(cell.value or "", ours)
    return Judged(cell, replace(verdict, command=command, runs=_names(runs)), {measure.variant: ours})


def _same_protocol(cell: Cell, path: str, runs: Sequence[Record]) -> None:
    """A value is judged only where test data, split and convention are the paper's."""
    if cell.value is None:
        raise Incomplete("the paper's cell is missing")
    if cell.withheld:
        raise Incomplete(cell.withheld)
    if cell.measure and cell.measure.data != cell.data:
        raise Incomplete(f"our test data are {cell.measure.data}, the paper's {cell.data}")
    for name in ("split", "convention"):
        ours, theirs = {str(sibling(run, path, name)) for run in runs}, getattr(cell, name)
        if ours != {theirs}:
            raise Incomplete(f"our {name} is {', '.join(sorted(ours))}, the paper's {theirs}")
