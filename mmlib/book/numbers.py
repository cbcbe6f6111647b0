"""What the pages of a paper read from its records: scores by seed, differences, findings, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from mmlib import show
from mmlib.results import Interval, Key, Record, judge, load_claims, paired_interval, read_records, t_interval
from mmlib.results.evidence import keys_of
from mmlib.results.tables import MINUS
from mmlib.show.html import Html, tag

if TYPE_CHECKING:
    import pandas

Runs = Mapping[Key, Record]


def by_seed(numbers: pandas.DataFrame, metric: str, arms: Sequence[str], longer: int = 1) -> pandas.DataFrame:
    """A metric in points (times 100), one row per seed and one column per arm; NaN where a run is missing.

    numbers: from `mmlib.results.frame`.  longer: 2 for the runs with twice the steps.
    """
    rows = numbers[(numbers.metric == metric) & (numbers.longer == longer)]
    points = 100 * rows.pivot(index="seed", columns="variant", values="value")
    return points.reindex(columns=list(arms)).dropna(how="all")


def mean(numbers: pandas.DataFrame, arm: str, metric: str) -> float | None:
    """The mean of an arm over the seeds that are there, in points; None without any."""
    values = by_seed(numbers, metric, [arm])[arm].dropna()
    return float(values.mean()) if len(values) else None


def gain(numbers: pandas.DataFrame, a: str, b: str, metric: str, metric_b: str | None = None) -> Interval | None:
    """Arm `a` minus arm `b`, seed by seed, in points; None with fewer than two seeds that both have.

    metric_b: the metric of `b`, where it isn't that of `a`.
    """
    ahead = by_seed(numbers, metric, [a])[a].dropna()
    behind = by_seed(numbers, metric_b or metric, [b])[b].dropna()
    seeds = sorted(set(ahead.index) & set(behind.index))
    return paired_interval(ahead[seeds].tolist(), behind[seeds].tolist()) if len(seeds) > 1 else None


def interval(numbers: pandas.DataFrame, arm: str, metric: str) -> Interval | None:
    """The mean of an arm over its seeds with its interval, in points; None with fewer than two."""
    values = by_seed(numbers, metric, [arm])[arm].dropna().tolist()
    return t_interval(values) if len(values) > 1 else None


def runs_asked(paper: str) -> tuple[int, int]:
    """How many of the runs that a paper's claims ask for are published, and how many there will be."""
    asked = {key for row in load_claims(paper).directions for key in keys_of(row)}
    return len(asked & read_records(paper).keys()), len(asked)


def complete(paper: str) -> bool:
    """Whether all of them are published, so that sentences about them may be printed."""
    there, asked = runs_asked(paper)
    return there == asked


def waiting(paper: str, what: str) -> None:
    """Say that records are missing. what: "The answer" or whatever rests on them."""
    there, asked = runs_asked(paper)
    published = {0: "none is", 1: "one is"}.get(there, f"{there} are")
    show.say(f"*{what} rests on {asked} runs, of which {published} published so far.*")


def note(text: str) -> Html:
    """A sentence in the place of a figure."""
    return Html(tag("p", tag("em", escape(text))), text)


def missing(what: str) -> Html:
    """In the place of a figure that has nothing to show yet."""
    return note(f"{what}: no run is published yet.")


def absent(what: str, name: str) -> Html:
    """In the place of a figure that needs data which aren't here. name: of the set, as `mmlib.data.load` has it."""
    from mmlib.data.folders import command

    return note(f"{what} needs data that aren't here: {command(name)} obtains them.")


def finding(paper: str, row: str, word: str) -> Interval | None:
    """The measured difference that a sentence states, once all its runs are there; None before.

    row: a direction of the paper's claims.  word: the verdict that the sentence states. AssertionError ("rewrite this
    paragraph") where the records say otherwise.
    """
    claims, there = load_claims(paper), read_records(paper)
    if any(key not in there for key in keys_of(claims.direction(row))):
        return None
    verdict = next(one.verdict for one in judge(claims, there) if one.row.id == f"{paper}.{row}")
    if verdict.word != word:
        raise AssertionError(
            f"{paper}.{row} is now {verdict.sentence!r}, the paragraph says {word!r}; next: rewrite this paragraph"
        )
    return verdict.interval


def signed(value: float) -> str:
    """A difference with its sign: "+1.3"."""
    return f"{value:+.1f}".replace("-", MINUS)


def span(interval: Interval) -> str:
    """An interval in words: "95% interval 0.9 to 1.7, 10 seeds"."""
    low, high = (f"{value:.1f}".replace("-", MINUS) for value in (interval.low, interval.high))
    return f"95% interval {low} to {high}, {interval.n} seeds"


def with_half(interval: Interval | None) -> str | None:
    """A difference with half the width of its interval: "+1.3 ± 0.4"; None stays None."""
    return None if interval is None else f"{signed(interval.mean)} ± {interval.half:.1f}"


def plus_minus(interval: Interval | None) -> str | None:
    """A mean with half the width of its interval: "61.3 ± 0.4"; None stays None."""
    return None if interval is None else f"{interval.mean:.1f} ± {interval.half:.1f}"


def plain(numbers: pandas.DataFrame, arm: str, metric: str) -> float | None:
    """The mean of an arm over its seeds in its own unit, for what is no percentage; None without any."""
    found = mean(numbers, arm, metric)
    return None if found is None else found / 100
