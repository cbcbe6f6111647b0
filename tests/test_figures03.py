"""Chapter 3's figures: what the widgets print before they move is what mmlib computes."""

import json
import re
from html import unescape

import pytest
import torch

from mmlib.book import figures03
from mmlib.metrics import detection


def street(count, size, seed=0):
    """Made-up pairs in the place of drawn streets: (B, 3, H, W) and (B, 1, H, W), whole levels."""
    generator = torch.Generator().manual_seed(3)
    rgb = torch.randint(0, 256, (count, 3, *size), generator=generator) / 255
    ir = torch.randint(0, 256, (count, 1, *size), generator=generator) / 255
    return rgb, ir


@pytest.fixture(autouse=True)
def no_scenes(monkeypatch):
    monkeypatch.setattr(figures03, "night_pairs", street)
    monkeypatch.setattr(figures03, "installed", lambda name: False)


def data(html, name):
    return unescape(re.search(rf'data-{name}="([^"]*)"', html)[1])


def quiet(html):
    return " id=" not in html and "<script" not in html and "http" not in html


def test_the_vote_hides_names_and_knows_each_metrics_favourite():
    html = figures03.vote(2).html
    rounds = json.loads(data(html, "rounds"))
    assert len(rounds) == 2 and html.count('class="mm-round"') == 2 and html.count('mm-round" hidden') == 1
    for one in rounds:
        assert sorted(one["names"]) == ["ReCoNet", "TarDAL", "average", "pyramid"]
        assert set(one["best"]) == set(figures03.SIX) and set(one["best"].values()) <= set(one["names"])
    assert html.count('class="mm-name" style="visibility:hidden') == 8
    assert "Toet" in html and "Real pictures" in html and quiet(html)


def test_without_real_pictures_the_vote_is_on_drawn_streets_and_says_so(monkeypatch):
    monkeypatch.setenv("PUBLISH_REAL_IMAGES", "none")
    html = figures03.vote(1, (48, 64)).html
    assert sorted(json.loads(data(html, "rounds"))[0]["names"]) == sorted(figures03.RULES)
    assert "real pictures can't be shown" in unescape(html) and "Toet" not in html


def test_the_order_of_a_vote_is_not_the_order_of_the_rules():
    orders = [json.loads(data(figures03.vote(3, seed=seed).html, "rounds")) for seed in range(2)]
    assert len({tuple(one["names"]) for rounds in orders for one in rounds}) > 1


def test_the_cheat_starts_from_what_mmlib_computes():
    html = figures03.cheat().html
    grey, heat, field = figures03.cheat_pictures()
    told = figures03._five(field["pyramid"], grey, heat)
    for metric, value in told.items():
        row = re.search(rf'data-metric="{metric}">(.*?)</tr>', html)[1]
        assert f"<td>{value:.2f}</td>" in row
    by_metric = json.loads(data(html, "field"))
    assert set(by_metric) == set(figures03.FIVE) and all(len(values) == 6 for values in by_metric.values())
    assert len(re.findall('type="range"', html)) == 4 and quiet(html)


def test_the_leaderboard_starts_in_order_and_says_how_far_orders_agree():
    by_range = {"255": {"a": 1.0, "b": 0.9, "c": 0.8}, "2": {"a": 0.1, "b": 0.2, "c": 0.3}}
    maps = {L: torch.rand(1, 1, 5, 6) for L in by_range}
    html = figures03.ranges(maps, by_range).html
    boards = json.loads(data(html, "boards"))
    assert [one["ranks"] for one in boards] == [[1, 2, 3], [3, 2, 1]]
    assert [one["tau"] for one in boards] == [1.0, -1.0] and boards[1]["first"] == "c"
    assert html.count("<li") == 3 and quiet(html)


def test_kendall_counts_pairs():
    assert figures03.kendall([1, 2, 3], [1, 2, 3]) == 1 and figures03.kendall([1, 2, 3], [3, 2, 1]) == -1
    assert figures03.kendall([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)


def test_an_interval_of_equal_boards_is_one_and_noise_widens_it():
    generator = torch.Generator().manual_seed(0)
    steady = torch.arange(6.0)[:, None].expand(-1, 10) + torch.zeros(6, 10)
    assert figures03.kendall_interval(steady, steady) == (1.0, 1.0)
    low, high = figures03.kendall_interval(steady, torch.randn(6, 10, generator=generator))
    assert -1 <= low < high <= 1 and high - low > 0.2


def test_the_curve_starts_with_mmlibs_areas():
    right, objects = [1, 0, 1], 4
    html = figures03.precision_curve(right, objects).html
    hits = torch.tensor(right, dtype=torch.float64).cumsum(0)
    precision, recall = hits / torch.arange(1, 4), hits / objects
    for rule in figures03.CURVE_RULES:
        value = detection.average_precision(precision, recall, interpolation=rule)
        assert f"<td>{value:.4f}</td>" in html
    assert html.count('aria-pressed="true"') == 2 and quiet(html)
