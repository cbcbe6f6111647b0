"""Chapter 10's figures: they say so where records are missing, and the map marks what isn't information."""

import json
import re
from types import SimpleNamespace

import pandas
import pytest
import torch
from results_toy import numbers_of

from mmlib.book import figures10
from mmlib.results import Key, frame

NOTHING = frame("senses", preset="night").iloc[:0]
SEEDS = [0.0, 0.01, 0.02]


def full(**levels: float):
    """Numbers of three seeds: every set of senses scores 0.5 everywhere but for what `levels` says of it."""
    scores = {}
    names = [*figures10.SETS, *(f"rgb_{sense}_shuffled" for sense in figures10.SENSES), "floor", "ceiling"]
    for time in figures10.TIMES:
        for condition in figures10.ROWS:
            for name in names:
                for what in figures10.WHAT:
                    level = levels.get(name, 0.5)
                    scores["senses", f"{time}.{condition}.{name}.{what}"] = [level + luck for luck in SEEDS]
    for name in ("rgb", *figures10.SENSES, "all"):
        scores["senses", f"parameters.{name}"] = [1152.0] * 3
        scores["senses", f"speed.ms.{name}"] = [0.25] * 3
    for name in figures10.SETS:
        scores["senses", f"everywhere.{name}.miou"] = [levels.get(name, 0.5) + luck for luck in SEEDS]
    return numbers_of(scores)


def test_a_figure_without_records_says_so():
    scores = figures10.by_metric(NOTHING)
    for draw in (figures10.the_map, figures10.set_conditions, figures10.costs, figures10.alone):
        assert "no run is published yet" in draw(scores).text
    assert "no run is published yet" in figures10.specialists(NOTHING).text
    assert "no run is published yet" in figures10.twice(NOTHING).text
    assert "no run is published yet" in figures10.expectations(scores).text
    assert "no run is published yet" in figures10.learning({}).text
    assert "no run is published yet" in figures10.tuning({}).text
    assert "no run is published yet" in figures10.predictions({}, {}).text


def test_a_gain_is_paired_and_in_points():
    scores = figures10.by_metric(full(rgb_ir=0.6, rgb_ir_shuffled=0.55))
    gain = figures10.worth(scores, "ir", "night.clear")
    assert gain.mean == pytest.approx(10.0) and gain.half == pytest.approx(0.0, abs=1e-9), "luck cancels seed by seed"
    assert figures10.over_shuffled(scores, "ir", "night.clear", "movers").mean == pytest.approx(5.0)
    assert figures10.over_the_day(scores, "ir", "clear") == pytest.approx(10.0)
    assert figures10.worth(scores, "ir", "night.nowhere") is None
    assert figures10.worth(scores.iloc[:1], "ir", "night.clear") is None, "one seed has no interval"


def cell(numbers, sense: str = "ir"):
    """One cell of the map."""
    return figures10._cell(figures10.by_metric(numbers), sense, "day.fog_full", "miou")


def wobbling():
    """Infrared gains 1 point on average, and now more, now less than nothing."""
    numbers = full()
    for seed, change in enumerate((-0.05, 0.02, 0.06)):
        rows = (numbers.metric == "day.fog_full.rgb_ir.miou") & (numbers.seed == seed)
        numbers.loc[rows, "value"] += change
    return numbers


def test_a_cell_is_coloured_only_if_its_gain_is_information():
    good = cell(full(rgb_ir=0.6))
    assert good.text == "+10.0 ±0.0" and figures10.BLUE in good.html
    bad = cell(full(rgb_ir=0.4, rgb_ir_shuffled=0.3))
    assert bad.text.startswith("\N{MINUS SIGN}10.0") and figures10.ORANGE in bad.html
    shared = cell(full(rgb_ir=0.6, rgb_ir_shuffled=0.6))
    assert shared.text == "+10.0≈ ±0.0" and "transparent" in shared.html
    unsure = cell(wobbling())
    assert unsure.text.startswith("+1.0\N{MIDDLE DOT}") and "transparent" in unsure.html


def test_the_map_has_a_cell_for_every_condition_and_sense():
    shown = figures10.the_map(figures10.by_metric(full(rgb_ir=0.6)))
    assert shown.html.count("<table") == 3, "one for each time of day"
    assert shown.html.count("+10.0") == 3 * len(figures10.ROWS)


def test_the_widget_holds_the_measured_levels_and_starts_at_one():
    html = figures10.set_conditions(figures10.by_metric(full(rgb_ir=0.6, none=0.1, floor=0.05, ceiling=0.8))).html
    facts = json.loads(re.search(r'data-map="([^"]+)"', html)[1].replace("&quot;", '"'))
    levels = facts["scores"]["dusk"]["movers"]["speed"]
    assert len(levels) == 3 and all(len(level) == len(figures10.SETS) + 2 for level in levels)
    names = facts["names"]
    assert levels[0][names.index("RGB, infrared")][0] == 61.0 and levels[0][-1][0] == 81.0
    assert facts["axes"]["misregistration"]["at"] == [0, 4, 8]
    assert [names[row] for row in facts["pairs"]] == [figures10.SETS[f"rgb_{sense}"] for sense in figures10.SENSES]
    assert "Of the pairs, RGB, infrared is best: 61.0, +10.0 over RGB alone." in html


def test_tables_of_one_network():
    numbers = full(ir=0.4, none=0.3)
    scores = figures10.by_metric(numbers)
    assert "+10.0 ± 0.0" in figures10.alone(scores).text and "+20.0 ± 0.0" in figures10.alone(scores).text
    assert "1,152" in figures10.costs(scores).text and "0.25" in figures10.costs(scores).text
    assert "+0.0 ± 0.0" in figures10.expectations(scores).text
    longer = numbers.assign(longer=2, value=numbers.value + 0.05)
    assert "+5.0" in figures10.twice(pandas.concat([numbers, longer[longer.seed < 2]])).text


def test_the_rates_that_were_tried_stand_in_order():
    runs = {}
    for name, level in (("rate_5e4", 0.3), ("rate_1e3", 0.2), ("rate_2e3", 0.1)):
        values = {"val": {watched: level + k / 100 for k, watched in enumerate(figures10.WATCHED)}}
        runs[Key("senses", name, "ministreet", "night", 0)] = SimpleNamespace(values=values)
    assert figures10.tried(runs)["rate_5e4"] == pytest.approx([30, 31, 32, 33])
    lines = figures10.tuning(runs).text.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["0.0005", "0.001", "0.002"]


def test_specialists_are_compared_on_their_own_seeds():
    numbers = full(rgb_ir=0.6)
    more = {}
    for variant, name in figures10.SPECIALISTS.items():
        for place in figures10.PLACES:
            level = 0.75 if name == "rgb_ir" else 0.55
            more[variant, f"{place}.{name}.movers"] = [level + luck for luck in SEEDS[:2]]
    text = figures10.specialists(pandas.concat([numbers, numbers_of(more)])).text
    assert "+10.0 ± 0.0" in text and "+20.0 ± 0.0" in text


def test_a_street_is_shown_by_four_senses():
    street = {"rgb": torch.rand(1, 3, 8, 8), "ir": torch.rand(1, 1, 8, 8), "flow": torch.zeros(1, 2, 8, 8)}
    street["depth"] = torch.full((1, 1, 8, 8), torch.inf)
    pictures = figures10.street_as_shown(street)
    assert [name for _, name in pictures] == ["RGB", "infrared", "flow", "depth"]
    assert all(picture.isfinite().all() for picture, _ in pictures)
