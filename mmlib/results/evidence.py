"""When a number may be judged, and the word that it gets: the rules of evidence.

A verdict is given on systems that live, have learned, and could have shown the effect. The rules were written down on
2026-11-29, before the runs that they judge. Those of the first edition had been changed on 2026-11-20, after its runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmlib.results.claims import Cell, Direction, Paper, half_last_digit, load_claims, paper_keys, slug
from mmlib.results.records import Key, Record, doubled, read_records

AGREES, DIFFERS = "agrees", "differs"
HOLDS, CONTRADICTED, UNDECIDED, UNFIT = "holds", "contradicted", "undecided", "unfit"
NOT_ATTEMPTED, UNVERIFIED = "not attempted", "unverified source"
SILENT, WEAK, NO_CONTROL, UNEQUAL, SHORT = "silent", "weak", "no control", "unequal", "short"
REASON_WORDS = {
    SILENT: "a part of the network was silent",
    WEAK: "too weak: no better than a blind guess",
    NO_CONTROL: "its positive control fails",
    UNEQUAL: "the variants weren't treated alike",
    SHORT: "training was too short",
}
"""Why a comparison can be unfit."""
VERDICTS = (HOLDS, CONTRADICTED, UNDECIDED, UNFIT, AGREES, DIFFERS, NOT_ATTEMPTED, UNVERIFIED)

CONFIDENCE = 0.95
DOUBLED_SEEDS = 3
"""Seeds that are trained twice as long."""

LEFT = 0.5
"""The share of a difference that twice the steps must leave. What goes away when both train longer was a head start."""

STARTS = 3
"""How many different starts the runs of an arm must have, if they begin from published weights."""

FALSE_DISCOVERIES = 0.05
"""Of the claims of the whole book that survive, at most this share is expected to be luck (Benjamini-Hochberg)."""

ROUNDING = 1e-9  # floating point, so that a value on the boundary counts as inside


# ---------------------------------------------------------------------------------------------------------------------
# Intervals


@dataclass(frozen=True)
class Interval:
    """A mean over `n` seeds, its 95 % t-interval, and `spread`, the standard deviation from seed to seed."""

    mean: float
    low: float
    high: float
    n: int
    spread: float = 0.0

    @property
    def half(self) -> float:
        """Half the width: with this spread, the smallest effect whose interval would have left out zero."""
        return (self.high - self.low) / 2

    @property
    def p(self) -> float:
        """Probability of a mean at least this far from 0 if the truth were 0 (two-sided t-test)."""
        if self.spread == 0.0:
            return 1.0 if self.mean == 0.0 else 0.0
        return two_sided_p(self.mean / (self.spread / math.sqrt(self.n)), self.n - 1)

    def scaled(self, factor: float) -> Interval:
        """The same interval in another unit, such as percent for a fraction (factor > 0)."""
        return Interval(self.mean * factor, self.low * factor, self.high * factor, self.n, self.spread * factor)

    def for_one_run(self) -> tuple[float, float]:
        """The 95 % prediction interval of one further run. A paper's number is one run, not the mean of many."""
        if self.n == 1:
            return self.low, self.high
        half = t_quantile(self.n - 1) * self.spread * math.sqrt(1 + 1 / self.n)
        return self.mean - half, self.mean + half


def t_quantile(degrees: int) -> float:
    """How many standard errors a 95 % interval reaches to each side, with so many degrees of freedom."""
    from scipy.special import stdtrit  # late: a night starts many processes that need no statistics

    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


def two_sided_p(t: float, degrees: int) -> float:
    """Probability that Student's t with so many degrees of freedom lies at least this far from 0."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(t)))


def t_interval(values: Sequence[float]) -> Interval:
    """The mean of `values` (one per seed) with its 95 % t-interval. ValueError: fewer than two, or not finite."""
    n = len(values)
    if n < 2:
        raise ValueError(f"expected at least two seeds for an interval, got {n}; next: run more seeds")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"expected finite values, got {list(values)}; next: look at the records of these seeds")
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = t_quantile(n - 1) * spread / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, spread)


def paired_interval(a: Sequence[float], b: Sequence[float]) -> Interval:
    """The interval of the differences a - b, seed by seed.

    What one seed does to both arms (the same order of scenes, the same test scenes) cancels in each difference; an
    interval of two separate means would count it twice. ValueError for different lengths.
    """
    if len(a) != len(b):
        raise ValueError(f"expected as many seeds of a as of b, got {len(a)} and {len(b)}; next: run the missing ones")
    return t_interval([x - y for x, y in zip(a, b)])


# ---------------------------------------------------------------------------------------------------------------------
# Verdicts


@dataclass(frozen=True)
class Fate:
    """What became of one control. `interval`: A minus the control, in the paper's unit; None if it was not run."""

    variant: str
    words: str
    interval: Interval | None


@dataclass(frozen=True)
class Verdict:
    """One word, why, and what it rests on. `interval` is in the paper's unit; `runs` are names of records.

    reasons: of an unfit comparison, out of SILENT, WEAK, NO_CONTROL, UNEQUAL and SHORT; `detail` says them in words.
    """

    word: str
    detail: str = ""
    interval: Interval | None = None
    fates: tuple[Fate, ...] = ()
    survives: bool | None = None
    gap: float | None = None
    command: str = ""
    runs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def controlled(self) -> bool:
        """Whether every control was run and lacks the gain; true where no control belongs to the claim."""
        return all(fate.words.startswith("and not") for fate in self.fates)

    @property
    def sentence(self) -> str:
        """The word; *holds* with the fate of its controls: "holds, and not with shuffled flow". It is never bare."""
        if self.word != HOLDS:
            return self.word
        if self.fates:
            return f"{self.word}, {'; '.join(fate.words for fate in self.fates)}"
        return f"{self.word} (no control belongs to it)"


@dataclass(frozen=True)
class Judged:
    """A row of the claims, its verdict, and what each arm scored (by variant, in the paper's unit)."""

    row: Cell | Direction
    verdict: Verdict
    arms: dict[str, Interval]


class Incomplete(Exception):
    """Runs are missing, or cannot be compared; the text says which and what to do."""


def number_at(record: Record, path: str) -> float:
    """The number at a dotted path such as "test.miou" in a record's values. Incomplete if there is none."""
    value: Any = record.values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise Incomplete(f"expected a number at {path!r} in the record of {record.key}, got {value!r}")
    return float(value)


def arm(records: Mapping[Key, Record], paper: str, variant: str, data: str, preset: str, seeds: int) -> list[Record]:
    """The records of one variant for seeds 0 to `seeds` - 1: all of them, and no others.

    The seeds are fixed beforehand, so that nobody stops when the interval looks right. Incomplete if some are missing.
    """
    keys = [Key(paper, variant, data, preset, seed) for seed in range(seeds)]
    missing = [key for key in keys if key not in records]
    if missing:
        raise Incomplete(f"{seeds - len(missing)} of {seeds} seeds of {variant} are there")
    return [records[key] for key in keys]


def keys_of(row: Cell | Direction) -> list[Key]:
    """The runs that one row of the claims asks for, those with twice the steps included."""
    if row.grade == "L":
        return []
    if isinstance(row, Cell):
        measure = row.measure if row.kind == "value" else None
        seeds = range(measure.seeds) if measure else ()
        return [Key(row.paper, measure.variant, measure.data, measure.preset, seed) for seed in seeds]
    arms = list(dict.fromkeys(map(row.variant, row.arms)))
    made = [Key(row.paper, name, row.data, row.preset, seed) for seed in range(row.seeds) for name in arms]
    if row.trained:
        longer = min(DOUBLED_SEEDS, row.seeds)
        made += [Key(row.paper, doubled(name), row.data, row.preset, seed) for seed in range(longer) for name in arms]
    return made


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
        paper: from :func:`mmlib.results.load_claims`.
        records: by key; default: the published ones in results/.
    """
    if records is None:
        records = {} if paper.remeasured else read_records(paper.key)
    found: dict[str, Judged] = {}
    # A positive control is judged before what rests on it.
    needed = {row.positive for row in paper.directions}
    for row in sorted(paper.directions, key=lambda row: row.id.split(".", 1)[1] not in needed):
        positive = found.get(f"{paper.key}.{row.positive}") if row.positive else None
        found[row.id] = _direction(row, paper, records, positive)
    judged = [found[row.id] for row in paper.directions]
    return judged + [_value(cell, paper, records) for cell in paper.cells if cell.kind == "value"]


def judge_book(claims: Path | None = None, results: Path | None = None) -> dict[str, list[Judged]]:
    """All papers, with what survives the correction for the number of claims of the whole book, by paper."""
    papers = [load_claims(key, claims) for key in paper_keys(claims)]
    book = {}
    for paper in papers:
        records = {} if paper.remeasured else read_records(paper.key, results)
        book[paper.key] = judge(paper, records)
    decided = (HOLDS, CONTRADICTED, UNDECIDED)
    judged = [one for rows in book.values() for one in rows if one.verdict.word in decided]
    tested = {one.row.id: one.verdict.interval.p for one in judged}
    kept = benjamini_hochberg(tested)
    for key, rows in book.items():
        book[key] = [
            replace(one, verdict=replace(one.verdict, survives=one.row.id in kept)) if one.row.id in tested else one
            for one in rows
        ]
    return book


def benjamini_hochberg(p: Mapping[str, float], q: float = FALSE_DISCOVERIES) -> set[str]:
    """The names whose p-values survive at false discovery rate `q` (Benjamini and Hochberg, 1995)."""
    ordered = sorted(p, key=lambda name: p[name])
    last = 0
    for place, name in enumerate(ordered, 1):
        if p[name] <= q * place / len(ordered):
            last = place
    return set(ordered[:last])


# ---------------------------------------------------------------------------------------------------------------------
# Directions


def _score(record: Record, row: Direction, name: str) -> float:
    value = number_at(record, row.path(row.metric, name))
    if row.less:
        value -= number_at(record, row.path(row.less, name))
    return value if row.better == "higher" else -value


def _difference(row: Direction, arms: Mapping[str, Sequence[Record]], rivals: Sequence[str]) -> Interval:
    """The interval of A minus the best of `rivals` in each seed, in the paper's unit; above 0 is for the statement."""
    ahead = [_score(run, row, row.a) for run in arms[row.a]]
    best = [max(_score(arms[name][seed], row, name) for name in rivals) for seed in range(len(ahead))]
    return paired_interval(ahead, best).scaled(row.scale)


def _direction(row: Direction, paper: Paper, records: Mapping[Key, Record], positive: Judged | None) -> Judged:
    command = command_for(row, paper.chapter)
    if row.grade == "L":
        return Judged(row, Verdict(UNVERIFIED, "the statement is known at second hand only", command=command), {})
    if paper.remeasured:
        return Judged(row, Verdict(NOT_ATTEMPTED, paper.remeasured), {})
    try:
        names = (row.a, *row.b)
        arms = {name: arm(records, row.paper, row.variant(name), row.data, row.preset, row.seeds) for name in names}
        _same_data(arms)
        measured = _difference(row, arms, row.b)
        scores = {name: _arm_interval(row, one, name) for name, one in arms.items()}
    except Incomplete as error:
        ours = {row.variant(name) for name in (row.a, *row.b)}
        some = any(key.variant in ours and key.data == row.data for key in records)
        detail = str(error) if some else row.reason or "not run yet"
        return Judged(row, Verdict(NOT_ATTEMPTED, detail, command=command), {})

    fates = []
    for name in row.controls:
        try:
            control = {name: arm(records, row.paper, row.variant(name), row.data, row.preset, row.seeds)}
            _same_data(arms | control)
            fates.append(_fate(row, paper, arms | control, name))
            scores[name] = _arm_interval(row, control[name], name)
            arms |= control
        except Incomplete:
            fates.append(Fate(name, f"control not run ({paper.label(name)})", None))
    runs = tuple(dict.fromkeys(str(run.key) for one in arms.values() for run in one))
    made = {"fates": tuple(fates), "command": command, "runs": runs}
    doubts = _unfit(row, arms, records, positive, measured)
    if doubts:
        reasons = tuple(dict.fromkeys(reason for reason, _ in doubts))
        detail = "; ".join(words for _, words in doubts)
        return Judged(row, Verdict(UNFIT, detail, measured, reasons=reasons, **made), scores)
    word, detail = _word(row, arms, measured)
    return Judged(row, Verdict(word, detail, measured, **made), scores)


def _same_data(arms: Mapping[str, Sequence[Record]]) -> None:
    if len({run.data_fingerprint for runs in arms.values() for run in runs}) > 1:
        raise Incomplete("the runs saw different data: their fingerprints differ")


def _arm_interval(row: Direction, runs: Sequence[Record], name: str) -> Interval:
    sign = 1.0 if row.better == "higher" else -1.0
    return t_interval([sign * _score(run, row, name) for run in runs]).scaled(row.scale)


def _word(row: Direction, arms: Mapping[str, Sequence[Record]], measured: Interval) -> tuple[str, str]:
    """**holds** if the interval of A - B lies above 0, **contradicted** if below, **undecided** if 0 is in it."""
    if measured.low > 0:
        return HOLDS, ""
    if measured.high < 0:
        # The best of several equal rivals is ahead of A in most seeds by luck alone. That makes *holds* harder to
        # reach, as it should, but must not make *contradicted* easier: one fixed rival must lead.
        if any(_difference(row, arms, [name]).high < 0 for name in row.b):
            return CONTRADICTED, ""
        return UNDECIDED, "in each seed the luckiest rival was ahead, but no single rival over all seeds"
    return UNDECIDED, f"an effect under {measured.half:.2g} could not have been seen with {measured.n} seeds"


def _fate(row: Direction, paper: Paper, arms: Mapping[str, Sequence[Record]], control: str) -> Fate:
    """What became of a control: does A beat it, and does the control itself beat B?"""
    label = paper.label(control)
    over = _difference(row, arms, [control])
    gain = _difference(row.model_copy(update={"a": control}), arms, row.b)
    if over.high < 0:
        return Fate(control, f"but {label} does better", over)
    if gain.low > 0:
        return Fate(control, f"but so does {label}{', by less' if over.low > 0 else ''}", over)
    if over.low > 0:
        return Fate(control, f"and not with {label}", over)
    return Fate(control, f"but {label} cannot be told from it", over)


# ---------------------------------------------------------------------------------------------------------------------
# The rules: each returns sentences that say why a comparison is unfit, or nothing


def _unfit(
    row: Direction,
    arms: Mapping[str, Sequence[Record]],
    records: Mapping[Key, Record],
    positive: Judged | None,
    measured: Interval,
) -> list[tuple[str, str]]:
    """Why the comparison is unfit, as (reason, words); nothing if it is fit."""
    # A control learns to overlook what tells it nothing: a silent part, or a score on the floor, is right there.
    compared = {name: arms[name] for name in (row.a, *row.b)}
    found = [
        (SILENT, _dead(row, compared)),
        (WEAK, _below_the_floor(row, compared)),
        (NO_CONTROL, _without_positive_control(positive)),
    ]
    if row.trained:
        found.append((UNEQUAL, _unequal(arms)))
        found.append((UNEQUAL, _same_start(arms)))
        found.append((SHORT, _still_learning(row, arms, records, measured)))
    # Arms of one network, as in chapter 10, have the same runs, and would say the same thing several times.
    return list(dict.fromkeys((reason, words) for reason, sentences in found for words in sentences))


def _dead(row: Direction, arms: Mapping[str, Sequence[Record]]) -> Iterable[str]:
    """Alive: the parts that the statement is about must work at the end of every run of the arms that have them."""
    from mmlib.health import silent

    for part in row.parts:
        having = [name for name, runs in arms.items() if any(part in run.health for run in runs)]
        if not having:
            yield f"no run says whether its {part} lives"
        runs = list({run.key: run for name in having for run in arms[name]}.values())
        if untold := [run.key for run in runs if "end" not in run.health.get(part, {})]:
            yield f"{len(untold)} of {len(runs)} runs do not say whether their {part} lives"
        dead = {run.key: why for run in runs if (why := silent(run.health).get(part))}
        if dead:
            key, why = next(iter(dead.items()))
            yield f"{part} is silent in {len(dead)} of {len(runs)} runs ({key.variant}, seed {key.seed}: {why})"
    if row.trained and not row.parts and not all(run.health for run in arms[row.a]):
        yield "its runs do not say whether their parts live"


def _below_the_floor(row: Direction, arms: Mapping[str, Sequence[Record]]) -> Iterable[str]:
    """Floor: every arm must be better than a guess that sees no input."""
    if row.floor is None:
        return
    sign = 1.0 if row.better == "higher" else -1.0
    for name, runs in arms.items():
        try:
            path = row.path(row.metric, name)
            over = [sign * (number_at(run, path) - number_at(run, row.floor)) for run in runs]
        except Incomplete as error:
            yield str(error)
            continue
        if t_interval(over).low <= 0:
            yield f"{name} does not clear the blind floor ({math.fsum(over) / len(over) * row.scale:+.2g})"


def _without_positive_control(positive: Judged | None) -> Iterable[str]:
    """Positive control: where only this sense can tell, the system must win; else it is broken."""
    if positive is not None and positive.verdict.word != HOLDS:
        yield f"the positive control is {positive.verdict.word} ({positive.row.statement})"


def _unequal(arms: Mapping[str, Sequence[Record]]) -> Iterable[str]:
    """Same tuning and training for all arms."""
    runs = [run for one in arms.values() for run in one]
    without = [run.key for run in runs if run.training is None]
    if without:
        yield f"{without[0]} does not say how it was trained"
        return
    for name in ("steps", "data_order", "augmentation", "tuning"):
        values = sorted({str(getattr(run.training, name)) for run in runs})
        if len(values) > 1:
            yield f"the arms differ in {name.replace('_', ' ')}: {', '.join(values)}"
    # Differences are taken seed by seed, so seeds may come from different machines, and the arms of one seed may not.
    for seed in sorted({run.key.seed for run in runs}):
        formats = sorted({run.machine.precision for run in runs if run.key.seed == seed})
        if len(formats) > 1:
            yield f"the arms of seed {seed} differ in precision: {', '.join(formats)}"


def _same_start(arms: Mapping[str, Sequence[Record]]) -> Iterable[str]:
    """What a seed depends on is repeated per seed, or at least three times: starts, guides, pretraining."""
    for name, runs in arms.items():
        ours = [{key: sha for key, sha in run.starts.items() if not key.startswith("outside/")} for run in runs]
        different = {tuple(sorted(start.values())) for start in ours}
        if any(ours) and len(different) < min(STARTS, len(runs)):
            yield f"all runs of {name} go back to {len(different)} start(s), expected at least {STARTS}"


def _still_learning(
    row: Direction, arms: Mapping[str, Sequence[Record]], records: Mapping[Key, Record], measured: Interval
) -> Iterable[str]:
    """Learned: twice the steps move no arm by more than the tolerance, and leave at least half of the difference."""
    seeds = min(DOUBLED_SEEDS, row.seeds)
    short = {name: runs[:seeds] for name, runs in arms.items()}
    longer: dict[str, list[Record]] = {}
    for name, runs in short.items():
        try:
            again = arm(records, row.paper, doubled(row.variant(name)), row.data, row.preset, seeds)
            _same_data({name: runs, doubled(name): again})
            _arm_interval(row, again, name)  # all its numbers are there
        except Incomplete as error:
            yield str(error)
            continue
        longer[name] = again
        if {_steps(run) for run in again} != {2 * _steps(runs[0])}:
            yield f"the longer runs of {name} do not have twice its {_steps(runs[0])} steps"
        if [run.machine.precision for run in again] != [run.machine.precision for run in runs]:
            yield f"the longer runs of {name} differ from its others in precision"
        path = row.path(row.metric, name)
        before = math.fsum(number_at(run, path) for run in runs)
        after = math.fsum(number_at(run, path) for run in again)
        moved = (after - before) / seeds * row.scale
        if abs(moved) > row.tolerance:
            yield f"twice the steps move {name} by {moved:+.1f}"
    if not {row.a, *row.b} <= longer.keys() or measured.low <= 0 <= measured.high:
        return
    first, then = _difference(row, short, row.b).mean, _difference(row, longer, row.b).mean
    if first * measured.mean <= 0 or then / first < LEFT:
        yield f"with twice the steps the difference is {then:+.2g}, before it was {first:+.2g} (same seeds)"


def _steps(run: Record) -> int:
    return run.training.steps if run.training else 0


# ---------------------------------------------------------------------------------------------------------------------
# Values


def _value(cell: Cell, paper: Paper, records: Mapping[Key, Record]) -> Judged:
    command = command_for(cell, paper.chapter)
    if cell.grade == "L":
        return Judged(cell, Verdict(UNVERIFIED, "the number is known at second hand only", command=command), {})
    if paper.remeasured and cell.measure:
        return Judged(cell, Verdict(NOT_ATTEMPTED, paper.remeasured), {})
    measure, ours = cell.measure, None
    try:
        if measure is None:
            raise Incomplete(cell.reason or "no run of ours has the paper's test data")
        runs = arm(records, cell.paper, measure.variant, measure.data, measure.preset, measure.seeds)
        values = [number_at(run, measure.path) for run in runs]
        ours = t_interval(values) if len(values) > 1 else Interval(values[0], values[0], values[0], 1)
        ours = ours.scaled(cell.scale)
        _same_protocol(cell, measure.path, runs)
    except Incomplete as error:
        detail = cell.reason if cell.reason and ours is None else str(error)
        return Judged(cell, Verdict(NOT_ATTEMPTED, detail, ours, command=command), {})
    verdict = value_verdict(cell.value or "", ours, cell.within if measure.seeds == 1 else 0.0)
    names = tuple(str(run.key) for run in runs)
    return Judged(cell, replace(verdict, command=command, runs=names), {measure.variant: ours})


def value_verdict(printed: str, ours: Interval, within: float = 0.0) -> Verdict:
    """**agrees** if the printed number could be one more run of ours, else **differs**.

    The printed number is compared with our prediction interval for one run, widened by half its last digit. Without
    seeds there is no such interval; then ours may be off by the share `within` of the printed number.
    """
    paper, slack = float(printed), half_last_digit(printed)
    edge = ROUNDING * max(1.0, abs(paper))
    low, high = ours.for_one_run()
    gap = ours.mean - paper
    if low - slack - edge <= paper <= high + slack + edge:
        return Verdict(AGREES, f"the paper's {printed} could be one more run of ours", ours, gap=gap)
    detail = f"ours is {abs(gap):.4g} {'above' if gap > 0 else 'below'} the paper's {printed}"
    if abs(gap) <= within * abs(paper):
        return Verdict(AGREES, f"{detail}, within {100 * within:g} %", ours, gap=gap)
    return Verdict(DIFFERS, detail, ours, gap=gap)


def _same_protocol(cell: Cell, path: str, runs: Sequence[Record]) -> None:
    """A value is judged only where test data, split and convention are the paper's."""
    if cell.value is None:
        raise Incomplete("the paper's cell is missing")
    if cell.withheld:
        raise Incomplete(cell.withheld)
    if len({run.data_fingerprint for run in runs}) > 1:
        raise Incomplete("the runs saw different data: their fingerprints differ")
    if cell.measure and cell.measure.data != cell.data:
        raise Incomplete(f"our test data are {cell.measure.data}, the paper's {cell.data}")
    for name in ("split", "convention"):
        ours, theirs = {str(_sibling(run, path, name)) for run in runs}, getattr(cell, name)
        if "None" in ours:
            raise Incomplete(f"a record of ours names no {name}, so it has to be made again; the paper's is {theirs}")
        if ours != {theirs}:
            raise Incomplete(f"our {name} is {', '.join(sorted(ours))}, the paper's {theirs}")


def _sibling(record: Record, path: str, name: str) -> Any:
    """What the record says under `name` beside the number at `path`, such as its split or convention."""
    value: Any = record.values
    for part in path.split(".")[:-1]:
        value = value.get(part, {}) if isinstance(value, Mapping) else {}
    return value.get(name) if isinstance(value, Mapping) else None
