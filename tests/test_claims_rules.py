"""The arithmetic of verdicts: quantiles against published tables, every boundary from both sides."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlib.claims import direction_verdict, paired_interval, t_interval, value_verdict
from mmlib.claims.interval import Interval
from mmlib.claims.schema import half_last_digit
from mmlib.claims.student import t_quantile
from mmlib.claims.verdicts import AGREES, CONTRADICTED, DIFFERS, HOLDS, UNDECIDED

# Two-sided 95 % points as printed in any statistics table.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 10: 2.228, 29: 2.045, 120: 1.980}


@pytest.mark.parametrize("degrees", TABLE)
def test_quantiles_are_those_of_the_tables(degrees):
    assert t_quantile(0.975, degrees) == pytest.approx(TABLE[degrees], abs=5e-4)


def test_quantiles_where_the_distribution_has_a_formula():
    # One degree is Cauchy: tan(pi (p - 1/2)); two degrees: (2p - 1) / sqrt(2 p (1 - p)).
    for p in (0.55, 0.9, 0.975, 0.999):
        assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-10)
        assert t_quantile(p, 2) == pytest.approx((2 * p - 1) / math.sqrt(2 * p * (1 - p)), rel=1e-10)
        assert t_quantile(1 - p, 7) == pytest.approx(-t_quantile(p, 7), rel=1e-12)
    assert t_quantile(0.5, 5) == 0


def test_quantiles_agree_with_an_independent_implementation():
    stats = pytest.importorskip("scipy.stats")
    for degrees in (1, 2, 5, 9, 50, 1000):
        for p in (0.6, 0.95, 0.975, 0.9995):
            assert t_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), rel=1e-9)


@pytest.mark.parametrize(("p", "degrees"), [(0, 3), (1, 3), (0.5, 0)])
def test_quantiles_outside_their_range_are_refused(p, degrees):
    with pytest.raises(ValueError, match="expected a probability"):
        t_quantile(p, degrees)


def test_an_interval_worked_by_hand():
    # 1, 2, 3: mean 2, s = 1, half = 4.3027 / sqrt(3)
    interval = t_interval([1.0, 2.0, 3.0])
    assert (interval.mean, interval.n) == (2.0, 3)
    assert interval.high - interval.mean == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert interval.half == pytest.approx(interval.high - 2.0)
    assert interval.standard_error == pytest.approx(1 / math.sqrt(3))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_one_run_is_no_result(values):
    with pytest.raises(ValueError, match="expected"):
        t_interval(values)


def test_pairing_takes_out_what_a_seed_does_to_both_arms():
    easy_and_hard = [0.0, 10.0, 20.0, 30.0]
    b = [x + e for x, e in zip(easy_and_hard, (0.00, 0.01, -0.01, 0.02))]
    a = [x + 1.0 for x in easy_and_hard]
    assert direction_verdict(paired_interval(a, b)).word == HOLDS
    apart = t_interval(a).mean - t_interval(b).mean
    assert abs(apart) < t_interval(a).half, "two separate intervals would have hidden the difference"
    with pytest.raises(ValueError, match="as many seeds"):
        paired_interval(a, b[:-1])


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12), st.floats(0.01, 100))
def test_an_interval_follows_a_change_of_unit(values, factor):
    scaled, direct = t_interval(values).scaled(factor), t_interval([v * factor for v in values])
    assert scaled.low == pytest.approx(direct.low, abs=1e-6) and scaled.high == pytest.approx(direct.high, abs=1e-6)


def between(low: float, high: float, n: int = 3) -> Interval:
    """An interval with these ends."""
    return Interval((low + high) / 2, low, high, n)


@pytest.mark.parametrize(
    ("printed", "half"), [("52.1", 0.05), ("46", 0.5), ("0.70", 0.005), ("2404.92", 0.005), ("+1.9", 0.05)]
)
def test_half_the_last_digit(printed, half):
    assert half_last_digit(printed) == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("printed", ["", "about 3", "1,5", "NaN"])
def test_a_printed_number_is_a_number(printed):
    with pytest.raises(ValueError, match="printed number"):
        half_last_digit(printed)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (52.0, 53.0, AGREES),
        (52.15, 53.0, AGREES),  # exactly half a digit above: the printed value may have been rounded down to 52.1
        (52.151, 53.0, DIFFERS),
        (51.0, 52.05, AGREES),
        (51.0, 52.049, DIFFERS),
    ],
)
def test_a_value_agrees_up_to_half_its_last_digit_and_no_further(low, high, word):
    assert value_verdict("52.1", between(low, high)).word == word


def test_the_gap_has_our_sign():
    assert value_verdict("52.1", between(40, 41)).gap == pytest.approx(-11.6)
    assert value_verdict("52.1", between(60, 61)).gap == pytest.approx(8.4)


def test_more_printed_digits_leave_less_room():
    ours = between(52.13, 52.14)
    assert value_verdict("52.1", ours).word == AGREES and value_verdict("52.10", ours).word == DIFFERS


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1e-9, 1.0, HOLDS),
        (0.0, 1.0, UNDECIDED),
        (-1.0, 1.0, UNDECIDED),
        (-1.0, 0.0, UNDECIDED),
        (-1.0, -1e-9, CONTRADICTED),
    ],
)
def test_a_direction_needs_its_whole_interval_on_one_side(low, high, word):
    assert direction_verdict(between(low, high)).word == word


def test_undecided_says_what_could_have_been_seen():
    seen = direction_verdict(between(-0.3, 0.5, n=10))
    assert "under 0.4" in seen.detail and "10 seeds" in seen.detail
    # A mean difference just above that size, with the same spread, would have been seen; one below would not.
    assert direction_verdict(between(0.41 - 0.4, 0.41 + 0.4)).word == HOLDS
    assert direction_verdict(between(0.39 - 0.4, 0.39 + 0.4)).word == UNDECIDED
