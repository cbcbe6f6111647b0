"""Chapter 8's figures: they say so where records are missing, and show what the records say where they are there."""

import pytest
import torch

from mmlib.book import figures, figures08
from mmlib.results import frame, load_claims

NOTHING = frame("tsjnet", preset="night").iloc[:0]


def test_what_needs_more_than_records_says_so_without_them(monkeypatch):
    monkeypatch.setattr(figures08, "read_records", lambda paper: {})
    monkeypatch.setattr(figures, "read_records", lambda paper: {})
    assert "no run is published yet" in figures08.own_loss(NOTHING, {}).text
    for draw in (figures08.rivals_judged, figures08.vif_variants, figures08.cost, figures08.real_boxes):
        assert "no run is published yet" in draw().text
    assert "no run is published yet" in figures08.leaderboard({}, "roadscene").text
    assert not figures08.slips_recorded({})


def test_every_name_of_a_figure_is_a_run_that_the_claims_know():
    claims = load_claims("tsjnet")
    known = claims.variants.keys() | claims.trials.keys()
    assert figures08.NAMES.keys() <= known and set(figures08.SLIPS.values()) <= known


def test_ranks_count_who_is_ahead_in_the_columns_direction():
    msrs = figures08.paper_ranks("msrs")
    assert msrs == {"SSIM": 1, "PSNR": 1, "MSE": 1, "VIF": None, "CC": 2, "CV": 3}
    text = figures08.paper_block("msrs").text
    assert "SuperFusion" in text and "missing" in text and "3 of 8" in text
    assert "10.44 (perhaps 12.34)" in figures08.paper_block("m3fd").text


def test_red_marks_boxes_that_hit_nothing():
    image = torch.zeros(3, 20, 20)
    found = {"boxes": torch.tensor([[0.0, 0, 8, 8], [10.0, 10, 18, 18]])}
    shown = figures08._marked(image, found, torch.tensor([[0.0, 0, 8, 9]]))
    assert tuple(shown[:, 10, 10].tolist()) == pytest.approx(figures.WRONG)
    assert tuple(shown[:, 0, 0].tolist()) != pytest.approx(figures.WRONG)
