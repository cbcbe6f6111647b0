"""Student's t distribution: the one quantile that every interval of the book rests on."""

from __future__ import annotations

import math


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Lentz's evaluation of the continued fraction behind the incomplete beta function (DLMF 8.17.22)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(1.0 - (a + b) * x / (a + 1.0), tiny)
    value = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + numerator * d
            c = 1.0 + numerator / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for a, b > 0 and x in [0, 1]."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):  # the fraction converges fast on this side only
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1.0 - x) / b


def t_quantile(probability: float, degrees: int) -> float:
    """The value below which a t variable with ``degrees`` degrees of freedom falls with ``probability``.

    Args:
        probability: in (0, 1).
        degrees: 1 or more.

    Raises:
        ValueError: outside these ranges.
    """
    if not 0.0 < probability < 1.0 or degrees < 1:
        raise ValueError(f"expected a probability in (0, 1) and degrees >= 1, got {probability} and {degrees}")
    if probability == 0.5:
        return 0.0
    tail = 2.0 * min(probability, 1.0 - probability)  # P(|T| > t) = I_{n / (n + t^2)}(n / 2, 1 / 2)
    low, high = 0.0, 1.0
    while incomplete_beta(degrees / 2, 0.5, degrees / (degrees + high * high)) > tail:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = (low + high) / 2
        if incomplete_beta(degrees / 2, 0.5, degrees / (degrees + middle * middle)) > tail:
            low = middle
        else:
            high = middle
    return math.copysign((low + high) / 2, probability - 0.5)
