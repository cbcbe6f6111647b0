"""Chapter 8's figures: they say so where records are missing, and show what the records say where they are there."""

from types import SimpleNamespace

import pytest
import torch

from mmlib.book import figures, figures08
from mmlib.fusion.measure import APART, column
from mmlib.metrics.fusion import CONVENTIONS, HIGHER_IS_BETTER
from mmlib.results import Key, frame, load_claims

NOTHING = frame("tsjnet", preset="night").iloc[:0]


def test_what_needs_more_than_records_says_so_without_them(monkeypatch):
    monkeypatch.setattr(figures08, "read_records", lambda paper: {})
    monkeypatch.setattr(figures, "read_records", lambda paper: {})
    assert "no run is published yet" in figures08.own_loss(NOTHING, {}).text
    for draw in (figures08.rivals_judged, figures08.vif_variants, figures08.cost, figures08.real_boxes):
        assert "no run is published yet" in draw().text
    assert "no run is published yet" in figures08.leaderboard({}, "roadscene").text
    assert "no run is published yet" in figures08.five_rankings("roadscene").text
    assert "no run is published yet" in figures08.where_methods_end_up().text
    assert figures08.orders_kept(["roadscene"]) == (0, 0)
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


def measured(quality: dict[str, list[float]], names: list[str]) -> SimpleNamespace:
    """A public method's record in which every metric is `quality["any"]`, or what `quality` says of its column."""
    pictures = {}
    for convention, metrics in CONVENTIONS.items():
        for metric in metrics:
            key = column(convention, metric)
            values = [v if HIGHER_IS_BETTER[metric] else -v for v in quality.get(key, quality["any"])]
            pictures[key] = [[v, v] if metric in APART else v for v in values]
    return SimpleNamespace(values={"names": names, "pictures": pictures})


def test_methods_are_ranked_under_each_convention(monkeypatch):
    names = ["a", "b", "c", "d"]
    better, worse = {"any": [0.6, 0.7, 0.8, 0.9]}, {"any": [0.1, 0.2, 0.3, 0.4]}
    odd = {"any": [0.35, 0.45, 0.55, 0.65]} | {
        column("tang", "ssim"): [1.0, 1.0, 1.0, 1.0]
    }  # wins one metric of tang's
    runs = {"ifcnn": better, "densefuse": worse, "didfuse": odd}
    there = {Key("rivals", name, "tno-png95", "night", 0): measured(found, names) for name, found in runs.items()}
    monkeypatch.setattr(figures, "read_records", lambda paper: there)
    ranks = figures08.by_convention("tno")
    assert [ranks["cddfuse"][name][0] for name in ("IFCNN-MAX", "DIDFuse", "DenseFuse")] == [1, 2, 3]
    assert ranks["cddfuse"]["IFCNN-MAX"][1] == 0, "ahead on every pair: no draw of pairs changes its rank"
    count = len(CONVENTIONS["tang"])
    assert ranks["tang"]["DIDFuse"][0] == pytest.approx((2 * (count - 1) + 1) / count)
    text = figures08.five_rankings("tno").text
    assert text.index("IFCNN-MAX") < text.index("DIDFuse") < text.index("DenseFuse")
    assert figures08.orders_kept(["tno"]) == (3, 3)
    assert "IFCNN-MAX" in figures08.where_methods_end_up().html
    flipped = {column("vifb", metric): worse["any"] for metric in CONVENTIONS["vifb"]}
    there[Key("rivals", "ifcnn", "tno-png95", "night", 0)] = measured(better | flipped, names)
    assert figures08.orders_kept(["tno"])[0] < 3, "under one convention another method is ahead"


def test_the_loss_of_rules_has_its_terms_and_their_sum():
    losses = figures08.rule_losses((64, 96), 2)
    assert losses["maximum"]["grey"] == 0 < losses["average"]["grey"]
    for terms in losses.values():
        assert terms["sum"] == pytest.approx(terms["grey"] + terms["edges"] + terms["structure"])
    assert "on 2 streets" in figures08.loss_of_rules(losses, 2).text


def test_a_page_without_runs_shows_images_and_says_what_is_missing():
    shown = figures08.what_an_image_carries(NOTHING)
    assert "false colour" in shown.html and "no run is published yet" in shown.text


def test_cells_come_out_within_a_hundredth(monkeypatch):
    lrrnet = {"ssim": 0.584, "psnr": 12.0, "mse": 4400.0, "vif": 0.24, "cc": 0.62, "qcv": 629.0}
    record = SimpleNamespace(values={"test": lrrnet})
    there = {Key("rivals", "lrrnet", "roadscene-original", "night", 0): record}
    monkeypatch.setattr(figures08, "read_records", lambda paper: there)
    assert figures08.cells_that_come_out() == {"LRRNet": (4, 5)}, "PSNR is off by 1.5 %; VIF isn't counted"


def test_red_marks_boxes_that_hit_nothing():
    image = torch.zeros(3, 20, 20)
    found = {"boxes": torch.tensor([[0.0, 0, 8, 8], [10.0, 10, 18, 18]])}
    shown = figures08._marked(image, found, torch.tensor([[0.0, 0, 8, 9]]))
    assert tuple(shown[:, 10, 10].tolist()) == pytest.approx(figures.WRONG)
    assert tuple(shown[:, 0, 0].tolist()) != pytest.approx(figures.WRONG)
