"""The rules that turn an interval into a word. Each boundary belongs to one side, and a test stands on both."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmlib.claims.interval import Interval
from mmlib.claims.schema import half_last_digit

AGREES, DIFFERS = "agrees", "differs"
HOLDS, CONTRADICTED, UNDECIDED = "holds", "contradicted", "undecided"
UNDERTRAINED = "undecided: undertrained"
NOT_ATTEMPTED, UNVERIFIED = "not attempted", "unverified source"
VERDICTS = (AGREES, DIFFERS, HOLDS, CONTRADICTED, UNDECIDED, UNDERTRAINED, NOT_ATTEMPTED, UNVERIFIED)
ROUNDING = 1e-9  # floating point, so that a value on the boundary counts as inside


@dataclass(frozen=True)
class Verdict:
    """One word, why, and what it rests on. ``interval`` is in the paper's unit; ``runs`` are names of records."""

    word: str
    detail: str = ""
    interval: Interval | None = None
    gap: float | None = None
    command: str = ""
    runs: tuple[str, ...] = field(default=())


def value_verdict(printed: str, ours: Interval) -> Verdict:
    """**agrees** if the printed number lies in our interval widened by half its last digit, else **differs**.

    Args:
        printed: as the paper prints it, such as "52.1".
        ours: our interval, in the paper's unit.
    """
    paper, slack = float(printed), half_last_digit(printed)
    edge = ROUNDING * max(1.0, abs(paper))
    gap = ours.mean - paper
    if ours.low - slack - edge <= paper <= ours.high + slack + edge:
        return Verdict(
            AGREES, f"the paper's {printed} is among the values that our {ours.n} seeds make plausible", ours, gap
        )
    return Verdict(DIFFERS, f"ours is {gap:+.4g} away from the paper's {printed}", ours, gap)


def direction_verdict(difference: Interval) -> Verdict:
    """**holds** if the interval of A - B lies above 0, **contradicted** if below, **undecided** if 0 is in it.

    An undecided difference says the smallest effect that could have been seen: half the interval's width, for a mean
    difference of at least that size would have left zero outside.
    """
    if difference.low > 0:
        return Verdict(HOLDS, "", difference)
    if difference.high < 0:
        return Verdict(CONTRADICTED, "", difference)
    detail = f"an effect under {difference.half:.2g} could not have been seen with {difference.n} seeds"
    return Verdict(UNDECIDED, detail, difference)
