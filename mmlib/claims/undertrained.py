"""The guard against early conclusions: a comparison counts only if both arms were trained, and alike.

Half-trained nets are easy to rank in any order. So a direction is judged only where both arms had the same steps,
data order, augmentation and tuning, where the worse arm's loss had flattened, and where twice the steps on one seed
leave at least a quarter of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mmlib.claims.interval import Interval
from mmlib.claims.joining import Incomplete, Key, Record, key_of, number_at
from mmlib.claims.schema import Direction
from mmlib.runs.training import SHARED, check_training, last_quarter
from mmlib.runs.variants import doubled

FLAT = 0.05
"""The loss has flattened if it fell by less than this share in the last quarter of the steps."""

LEFT = 0.25
"""The share of a difference that twice the steps must leave. What goes away when both train longer was a head start."""


def score(record: Record, row: Direction) -> float:
    """One run's score in a direction, in the record's unit.

    Raises:
        Incomplete: the record does not hold the number.
    """
    value = number_at(record, row.metric)
    return value - number_at(record, row.less) if row.less else value


def rivals(row: Direction, runs: Mapping[str, Record]) -> tuple[float, float]:
    """The scores of A and of the best of its rivals in one seed, both negated where lower is better."""
    sign = 1.0 if row.better == "higher" else -1.0
    return sign * score(runs[row.a], row), max(sign * score(runs[name], row) for name in row.b)


def _block(record: Record) -> dict:
    try:
        return check_training(record["values"].get("training"))
    except ValueError as error:
        raise Incomplete(f"{key_of(record)}: {error}") from None


def unequal(runs: Sequence[Record]) -> str | None:
    """What differs in how these runs were trained, in words; ``None`` if nothing that should be shared does."""
    blocks = [_block(run) for run in runs]
    for name in SHARED:
        if len({str(block[name]) for block in blocks}) > 1:
            values = ", ".join(sorted({str(block[name]) for block in blocks}))
            return f"the arms differ in {name.replace('_', ' ')}: {values}"
    return None


def still_falling(runs: Sequence[Record]) -> float:
    """The share by which the loss, averaged over seeds, fell in the last quarter."""
    curves = [_block(run)["curve"] for run in runs]
    return last_quarter([math.fsum(part) / len(curves) for part in zip(*curves)])


def undertrained(
    row: Direction, arms: Mapping[str, Sequence[Record]], records: Mapping[Key, Record], measured: Interval
) -> str | None:
    """Why this comparison cannot be judged yet; ``None`` if it can.

    Args:
        row: the statement.
        arms: for each variant of the statement its records, seed 0 first.
        records: all records, among which the doubled runs are looked for.
        measured: the interval of A - B over the seeds. If it contains 0 there is nothing that could go away.
    """
    runs = [run for arm in arms.values() for run in arm]
    if reason := unequal(runs):
        return reason
    sign = 1.0 if row.better == "higher" else -1.0
    worse = min(arms, key=lambda variant: sign * math.fsum(number_at(run, row.metric) for run in arms[variant]))
    fell = still_falling(arms[worse])
    if fell >= FLAT:
        return f"the loss of {worse} still fell by {fell:.1%} in the last quarter of its steps"
    return None if measured.low <= 0 <= measured.high else _goes_away(row, arms, records, measured.mean)


def _goes_away(
    row: Direction, arms: Mapping[str, Sequence[Record]], records: Mapping[Key, Record], mean: float
) -> str | None:
    """Why one seed with twice the steps does not confirm the difference ``mean`` (in the paper's unit), or ``None``."""
    twice = {name: Key(row.paper, doubled(name), row.data, row.preset, 0) for name in arms}
    if missing := [key.variant for key in twice.values() if key not in records]:
        return f"the runs with twice the steps are missing: {', '.join(missing)}"
    longer = {name: records[key] for name, key in twice.items()}
    steps = _block(arms[row.a][0])["steps"]
    if any(_block(run)["steps"] != 2 * steps for run in longer.values()):
        return f"the longer runs do not have twice the {steps} steps"
    ahead, best = rivals(row, longer)
    then = (ahead - best) * row.scale
    if then / mean < LEFT:
        return f"with twice the steps the difference is {then:+.3g}, before it was {mean:+.3g}"
    return None
