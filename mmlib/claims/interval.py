"""What several seeds say together: a mean and its 95 % t-interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mmlib.claims.student import t_quantile

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` seeds and the 95 % t-interval around it."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width: with this spread, the smallest effect whose interval would have left out zero."""
        return (self.high - self.low) / 2

    @property
    def standard_error(self) -> float:
        """The standard error of the mean."""
        return self.half / t_quantile(0.5 + CONFIDENCE / 2, self.n - 1)

    def scaled(self, factor: float) -> Interval:
        """The same interval in another unit, such as percent for a fraction (factor > 0)."""
        return Interval(self.mean * factor, self.low * factor, self.high * factor, self.n)


def t_interval(values: Sequence[float]) -> Interval:
    """The mean of ``values`` (one per seed) with its 95 % t-interval.

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"expected at least two seeds for an interval, got {n}; next: run more seeds")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"expected finite values, got {list(values)}; next: look at the records of these seeds")
    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = t_quantile(0.5 + CONFIDENCE / 2, n - 1) * math.sqrt(variance / n)
    return Interval(mean, mean - half, mean + half, n)


def paired_interval(a: Sequence[float], b: Sequence[float]) -> Interval:
    """The interval of the differences a - b, seed by seed.

    What one seed does to both arms (the same initial weights, the same order of scenes, the same test scenes) cancels
    in each difference; an interval of two separate means would count it twice.

    Raises:
        ValueError: the two have different lengths, or :func:`t_interval` refuses.
    """
    if len(a) != len(b):
        raise ValueError(f"expected as many seeds of a as of b, got {len(a)} and {len(b)}; next: run the missing ones")
    return t_interval([x - y for x, y in zip(a, b)])
