"""Chapter 7's figures: they say so where records are missing, and show what the records say where they are there."""

from types import SimpleNamespace

import pytest
import torch
from results_toy import numbers_of

from mmlib.book import figures, figures07, figures08
from mmlib.fusion.measure import APART, column
from mmlib.metrics.fusion import CONVENTIONS
from mmlib.results import Key, frame, read_records
from mmlib.results.fingerprint import CURRENT, state
from mmlib.show.html import Html

NOTHING = frame("segmif", preset="night").iloc[:0]


def test_what_needs_more_than_records_says_so_without_them():
    assert "no run is published yet" in figures07.learned_rivals({}, "msrs-jpeg92", "roadscene").text
    assert "no run is published yet" in figures07.what_hia_selects({}, (48, 64)).text


def test_the_papers_tables_stand_without_records_and_say_what_is_from_memory():
    text = figures07.paper_table("mfnet").text
    assert "56.1" in text and "SegMiF [L]" in text
    assert "GMNet [L]" in figures07.paper_table("fmb_others").text
    drawn = figures07.spread()
    assert isinstance(drawn, Html) and "52.4 to 62.28" in drawn.text


def test_classes_are_helped_and_hurt_only_beyond_the_interval():
    seeds = [0.0, 0.01, -0.01]
    scores = {}
    for name, (rgb, ir, fused) in {
        "person": (0.3, 0.5, 0.6),
        "car": (0.5, 0.5, 0.502),
        "sign": (0.6, 0.2, 0.4),
        "road": (0.8, 0.2, 0.5),
    }.items():
        for arm, value in (("rgb", rgb), ("ir", ir), ("segmif", fused)):
            scores[arm, f"test.night.iou.{name}"] = [value + seed * (arm == "segmif") for seed in seeds]
    found = numbers_of(scores)
    figures07_classes = ("person", "car", "sign", "road")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmlib.scenes.CLASSES", figures07_classes)
        helped, hurt = figures07.helped_and_hurt(found)
    # Signs and roads are behind the better single image, RGB, though ahead of infrared: fusion costs there.
    assert (helped, hurt) == (["person"], ["sign", "road"])
    assert figures07.helped_and_hurt(NOTHING) is None


def test_places_on_vifb_are_mean_ranks_by_the_direction_of_each_metric(monkeypatch):
    board = {"en": {"A": [1.0, 3.0], "B": [5.0, 5.0]}, "ce": {"A": [1.0, 1.0], "B": [4.0, 4.0]}}
    key = Key("measuring", "default", "vifb-original", "laptop", 0)
    published = SimpleNamespace(values={"scores": {"vifb": board}})
    monkeypatch.setattr(figures07, "read_records", lambda paper: {key: published})
    means = {"fused": {"en": 6.0, "ce": 5.0}, "target": {"en": 4.0, "ce": 2.0}, "average": {"en": 1.0, "ce": 9.0}}
    runs = {
        Key("segmif", "segmif", "msrs-jpeg92", "night", seed): SimpleNamespace(values={"vifb": {"mean": means}})
        for seed in range(2)
    }
    places = figures07.vifb_places(runs, "msrs-jpeg92")
    assert places == {"A": 2.5, "B": 2.5, "SegMiF": 2.5, "its target": 2.5, "average": 5.0}
    assert figures07.vifb_places(runs, "roadscene-original") is None


def rival(scores, names):
    """A public method's record, in what a ranking reads; both sources give the same value."""
    pictures = {column("tsjnet", metric): [None] * len(names) for metric in CONVENTIONS["tsjnet"]}
    for metric, values in scores.items():
        pictures[column("tsjnet", metric)] = [[value, value] if metric in APART else value for value in values]
    return SimpleNamespace(values={"names": names, "pictures": pictures})


def test_methods_are_ranked_on_the_pairs_and_metrics_that_all_have(monkeypatch):
    there = {
        Key("rivals", "reconet", "tno-png", "night", 0): rival(
            {"ssim": [0.5, 0.5, 9.0], "psnr": [1, 1, 1]}, ["a", "b", "c"]
        ),
        Key("rivals", "lrrnet", "tno-png", "night", 0): rival({"ssim": [0.9, 0.3]}, ["a", "b"]),
        Key("rivals", "lrrnet", "msrs-jpeg92", "night", 0): rival({"ssim": [5.0, 5.0]}, ["a", "b"]),
    }
    monkeypatch.setattr(figures, "read_records", lambda paper: there)
    seeds = [{"names": ["b", "a"], "pictures": {"fused": {"ssim": [0.2, 0.4]}}},
             {"names": ["b", "a"], "pictures": {"fused": {"ssim": [0.4, 0.6]}}}]  # fmt: skip
    methods = figures.public_methods(figures.public_runs("tno")) | {"ours": figures.pair_by_pair(seeds, "fused")}
    text = figures.ranking(methods, "TNO", "").text
    assert "2 pairs of TNO" in text and "psnr" not in text.split() and "5" not in text.split()
    order = sorted(("LRRNet", "ReCoNet", "ours"), key=text.index)
    assert order == ["LRRNet", "ReCoNet", "ours"] and "0.6" in text and "3.3" not in text


def test_the_real_pairs_of_the_pages_are_there(shared_data, monkeypatch):
    from mmlib.data import load

    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    assert {figures.REAL_NIGHT, "00537D"} <= set(load("msrs", boxes=None).names)


def test_red_marks_what_is_wrong_and_nothing_without_a_label():
    image = torch.full((3, 4, 6), 0.5)
    labels = torch.zeros(4, 6, dtype=torch.int64)
    labels[0] = 255
    found = labels.clone()
    found[0], found[2, 3] = 1, 1
    shown = figures07._mistakes(image, labels, found)
    red = (shown[0] - shown[1]) > 0.3
    assert red[2, 3] and not red[0].any() and not red[3, 0]


@pytest.mark.parametrize("drawn", [figures07, figures08])
def test_current_weights_fit_the_networks_that_the_page_makes(drawn):
    """Weights that don't fit are left out of a page without a word, as those of stale records must be."""
    current = [run for run in read_records(drawn.PAPER).values() if state(run).word == CURRENT]
    weights = {name.split("/")[1] for run in current for name in run.values.get("weights", {})}
    assert weights, "no published run has weights"
    assert weights == weights & set(drawn.published())
