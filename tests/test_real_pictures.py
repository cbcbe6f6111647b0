"""The few real pictures that come with the book: how many, how wide, and the switch that takes them out."""

import pytest
from PIL import Image

from mmlib.book import pages, real


def test_few_small_and_in_pairs():
    files = sorted(real.FOLDER.glob("*"))
    assert {path.name for path in files} == {
        *(f"tno_{number}_{name}.webp" for number in real.TNO for name in ("vis", "ir")),
        *(f"tno_{number}_{method}.webp" for number in real.VOTED for method in real.NETWORKS),
        "rubberwhale_10.webp",
        "rubberwhale_11.webp",
    }
    assert len(real.TNO) <= 8
    assert all(Image.open(path).width <= 400 for path in files)


def test_both_pictures_of_a_pair_have_one_size_and_are_two_pictures():
    for number in real.TNO:
        pair = real.tno(number)
        assert pair["vis"].shape == pair["ir"].shape and pair["vis"].shape[0] == 1
        assert (pair["vis"] - pair["ir"]).abs().mean() > 0.02
    for number in real.VOTED:
        for fused in real.tno_fused(number).values():
            assert fused.shape == real.tno(number)["vis"].shape
            assert all((fused - source).abs().mean() > 0.02 for source in real.tno(number).values())
    first, second = real.rubber_whale()
    assert first.shape == second.shape and 0 < (first - second).abs().mean() < 0.1


@pytest.mark.parametrize("setting, shown", [("none", False), ("0", True), ("1", True)])
def test_one_switch_takes_them_out(setting, shown, monkeypatch, tmp_path):
    monkeypatch.setenv("PUBLISH_REAL_IMAGES", setting)
    assert (real.tno("18") is not None) == shown and (real.rubber_whale() is not None) == shown
    assert (real.tno_fused("18") is not None) == shown
    monkeypatch.setattr(pages, "chapters", lambda: [])
    monkeypatch.setattr(pages, "draw", lambda book: None)
    (tmp_path / "vendor" / "mathjax").mkdir(parents=True)
    staged = pages.stage(tmp_path)
    assert (staged / "book" / "assets" / "logo.svg").is_file()
    assert (staged / "book" / "assets" / "real").exists() == shown


def test_a_missing_folder_is_as_good_as_the_switch(monkeypatch, tmp_path):
    monkeypatch.setattr(real, "FOLDER", tmp_path)
    assert real.tno("18") is None and real.tno_fused("18") is None and real.rubber_whale() is None


def test_other_pairs_are_refused():
    with pytest.raises(ValueError, match=r"load\('tno'\)"):
        real.tno("02")
    with pytest.raises(ValueError, match="fuse"):
        real.tno_fused("01")
