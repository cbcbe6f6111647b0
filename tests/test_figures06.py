"""Chapter 6's figures: they say so where records are missing, and the map shows what flow adds to the same layers."""

import pytest
import torch
from results_toy import numbers_of
from torch import nn

from mmlib import data
from mmlib.book import figures06, numbers
from mmlib.results import frame

NOTHING = frame("flow2seg", preset="night").iloc[:0]


def test_what_needs_networks_says_so_without_them():
    for draw in (figures06.hide_slider, figures06.correction, figures06.film_strip):
        assert "no run is published yet" in draw({}, (48, 64)).text


class Picture(nn.Module):
    """Says class 1 everywhere, as PSPNet would; with motion it fails, since a real drive has no true one."""

    def forward(self, rgb, motion=None):
        assert motion is None
        return {"image": torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 6, 8)}


class Both(nn.Module):
    """Says class 1 everywhere, from the motion that is estimated."""

    def forward(self, rgb, motion):
        assert motion.shape[-2:] == rgb.shape[-2:] and motion.isfinite().all()
        return {"both": torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 6, 8)}


def test_the_film_strip_of_a_real_drive_needs_no_true_motion(monkeypatch):
    frame = {"rgb": torch.rand(3, 96, 128), "rgb_next": torch.rand(3, 96, 128)}
    monkeypatch.setattr(data, "available", lambda name: True)
    monkeypatch.setattr(data, "load", lambda name: dict.fromkeys(range(40, 44), frame))
    text = figures06.film_strip({"pspnet": Picture(), "flow2seg_dis": Both()}, (48, 64)).html
    assert text.count("with motion, 4") >= 4 and "with motion, 43" in text


def test_the_posters_tables_stand_without_records():
    assert "79.7" in figures06.poster("1c", {"ResNet101 + PSP": "pspnet"}, NOTHING).text
    assert "81.4" in figures06.poster("2b", {}, NOTHING).text


def test_a_gain_takes_the_seeds_that_both_have():
    found = numbers_of({("a", "x"): [0.5, 0.6, 0.9], ("b", "y"): [0.4, 0.4]})
    made = numbers.gain(found, "a", "b", "x", "y")
    assert made.n == 2 and made.mean == pytest.approx(15.0)
    assert numbers.gain(found, "a", "b", "x") is None
    assert numbers.with_half(made).startswith("+15.0 ±") and numbers.with_half(None) is None


def full_map():
    """Scores of three seeds for every place of the map; flow adds its camouflage less ten times its error."""
    scores = {}
    for percent in figures06.CAMOUFLAGE:
        at = f"camouflage_{percent}"
        scores["extra_layers", f"{at}.movers"] = [0.3, 0.31, 0.32]
        for error in figures06.ERRORS:
            worth = percent / 100 - float(error.replace("_", ".")) / 10
            scores["flow2seg", f"{at}.map.error_{error}.movers"] = [0.3 + worth, 0.31 + worth, 0.32 + worth]
            scores["flow2seg", f"{at}.map.error_{error}.epe"] = [float(error.replace("_", "."))] * 3
        scores["flow2seg_dis", f"{at}.movers"] = [0.35, 0.36, 0.38]
        scores["flow2seg_dis", f"{at}.flow_epe.all"] = [0.8, 0.8, 0.8]
    return numbers_of(scores)


def test_the_map_shows_what_flow_adds_to_the_same_layers():
    found = full_map()
    assert figures06.value_on_map(found, 75, "0") == pytest.approx(75.0)
    assert figures06.value_on_map(found, 0, "8") == pytest.approx(-80.0)
    assert "camouflage" in figures06.the_map(found).text
    text = figures06.value_table(found).text
    assert "+100.0 ± 0.0" in text and "+5.3" in text


def test_the_map_says_how_many_seeds_it_rests_on():
    assert "means of 3 seeds" in figures06.the_map(full_map()).html
    assert "mean of 3 seeds" in figures06.value_table(full_map()).text
    assert figures06.seeds_on_map(NOTHING) == 0
