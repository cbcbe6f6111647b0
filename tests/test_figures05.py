"""Chapter 5's figures: they say so where records are missing, and the lottery counts what it says it counts."""

import json
import re
from html import unescape

import pytest
from results_toy import numbers_of

from mmlib import show
from mmlib.book import figures05
from mmlib.train import train

SCORES = {"rgb": [0.50, 0.52, 0.51], "rgb_ir": [0.53, 0.51, 0.55], "rgb_shuffled": [0.50, 0.53, 0.50]}


def numbers(scores):
    """A frame as `frame("training", preset="night")` gives, with the same scores by night and by day."""
    metrics = ("night.miou", "day.miou")
    return numbers_of({(variant, metric): values for variant, values in scores.items() for metric in metrics})


def test_a_missing_run_leaves_a_gap_and_trials_are_no_arms():
    found = numbers({"rgb": SCORES["rgb"], "rgb_ir": SCORES["rgb_ir"][:2], "rate_2e3": [0.1, 0.2, 0.3, 0.4]})
    table = figures05.by_seed(found, "night.miou")
    assert list(table.index) == [0, 1, 2] and list(table.columns) == list(figures05.ARMS)
    assert table["rgb_ir"].isna().tolist() == [False, False, True]
    assert "no run is published yet" in figures05.learning(None).text and figures05.quiz_runs({}) == {}
    assert "3 of 10 seeds are there" in figures05.seed_by_seed(numbers(SCORES)).html


def test_the_odds_are_those_of_all_pairs():
    lot = {"a": [53.0, 51.0, 55.0], "b": [50.0, 52.0, 51.0], "truth": 2.0}
    # a - b of equal seeds: 3, -1, 4; of all pairs: 3 1 2, 1 -1 0, 5 3 4
    assert figures05.odds(lot, same=True) == pytest.approx((100 / 3, 200 / 3))
    assert figures05.odds(lot, same=False) == pytest.approx((100 / 9, 400 / 9))


def test_the_lottery_carries_its_runs_and_names_nothing_globally():
    html = figures05.lottery(numbers(SCORES)).html
    runs = json.loads(unescape(re.search(r'data-runs="([^"]*)"', html)[1]))
    assert runs[0]["a"] == [53.0, 51.0, 55.0] and runs[0]["truth"] == pytest.approx(2.0)
    assert len(runs) == html.count("<option>") == 3
    assert " id=" not in html and "<script" not in html and "http" not in html


def test_power_grows_with_seeds_and_shrinks_with_spread():
    assert figures05.power(3, 1.9, 2.0) < figures05.power(12, 1.9, 2.0) < figures05.power(12, 1.9, 1.0)
    assert figures05.power(10, 0.0, 1.0) == pytest.approx(0.025, abs=0.01)


def test_an_excerpt_is_the_source_and_one_that_is_gone_is_noticed():
    shown = show.code(train, "for i in range(first", "scaler.unscale_")
    assert shown.text.startswith("for i in range(first, steps):") and "unscale_" not in shown.text
    assert unescape(re.sub("<[^>]*>", "", shown.html)).strip() == shown.text
    with pytest.raises(ValueError, match="choose another excerpt"):
        show.code(train, "no such line")
