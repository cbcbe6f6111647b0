"""The first page's lens and claims, and chapter 2's figures: what they're made of and what they refuse."""

import json
import re
from html import unescape

import pytest
import torch

from mmlib import show
from mmlib.book import figures02, front, pages
from mmlib.files import ROOT

LAYERS = {"heat": torch.ones(3, 20, 40), "motion": torch.full((3, 20, 40), 0.5)}


def lens(**changes):
    options = {"target": (10, 5, 20, 15), "found": "There.", "alt": "a street", **changes}
    return show.lens(torch.zeros(3, 20, 40), options.pop("layers", LAYERS), **options)


def test_a_lens_shows_one_layer_and_knows_its_target():
    html = lens().html
    assert html.count("clip-path:circle(") == 2
    assert re.findall(r"visibility:(\w+)\"", html) == ["inherit", "hidden"]
    assert json.loads(unescape(re.search(r'data-target="([^"]*)"', html)[1])) == [25.0, 25.0, 50.0, 75.0]
    assert html.count('type="range"') == 2 and html.count("aria-valuetext=") >= 2
    names = re.findall(r"<label[^>]*>(\w+)<input[^>]*aria-label=\"the lens, (\w+)\"", html)
    assert names == [("across", "across"), ("down", "down")], "each slider's name can be seen, and heard"
    assert html.count('aria-pressed="true"') == 1 and 'aria-live="polite"' in html
    assert " id=" not in html and "<script" not in html and "http" not in html


@pytest.mark.parametrize("changes", [{"layers": {}}, {"layers": {"heat": torch.ones(3, 20, 41)}}, {"alt": ""}])
def test_a_wrong_lens_is_refused(changes):
    with pytest.raises(ValueError):
        lens(**changes)


def test_the_first_page_finds_the_walker_by_heat():
    """In infrared the target is brighter than what surrounds it; in light it isn't."""
    pictures = front.senses()
    x0, y0, x1, y1 = (int(v) for v in front.WALKER)
    for name, bright in (("heat", True), ("light", False)):
        grey = pictures[name].mean(0)
        inside = grey[y0:y1, x0:x1].mean()
        beside = torch.cat([grey[y0:y1, x0 - 40 : x0], grey[y0:y1, x1 : x1 + 40]]).mean()
        assert (inside > beside + 0.1) == bright


def test_five_claims_stand_as_in_the_ledger():
    text = front.claims_html()
    for paper in ("Flow2Seg", "SegMiF", "TSJNet", "FuseNet-RIS"):
        assert paper in text
    assert text.count("<tr") == 6 and 'data-label="verdict"' in text


def test_every_mark_of_the_pages_is_filled(tmp_path):
    for name in ("intro.md", "ledger.md", "training_at_scale.md"):
        (tmp_path / name).write_text((ROOT / "book" / name).read_text())
    pages.draw(tmp_path)
    made = {page.name: page.read_text() for page in tmp_path.iterdir()}
    assert "mm-lens" in made["intro.md"] and "Five claims" in made["intro.md"]
    assert "mm-ledger" in made["ledger.md"] or "<table" in made["ledger.md"]
    assert "process time" in made["training_at_scale.md"]
    assert not any("drawn here" in text for text in made.values())


def test_another_first_page_stays_as_it_is(tmp_path):
    page = tmp_path / "intro.md"
    page.write_text("# Toy\n")
    pages.draw(tmp_path)
    assert page.read_text() == "# Toy\n"


def crop(value):
    ramp = torch.linspace(0, value, 30).expand(1, 40, 30)
    return figures02.Crop(ramp, ramp / 2, "here")


def test_the_quiz_knows_the_photograph_and_asks_on_both_sides():
    html = figures02.quiz([crop(1.0)] * 10, [crop(0.5)] * 10).html
    sides = re.findall(r'data-real="(\w+)"', html)
    assert len(sides) == 10 and 3 <= sides.count("left") <= 7
    assert html.count("<img") == 40 and html.count("<button") == 20
    with pytest.raises(ValueError, match="as many"):
        figures02.quiz([crop(1.0)], [])


def test_texture_is_the_mean_step():
    vis, ir = figures02.texture([crop(1.0)])
    assert vis == pytest.approx(255 / 119, rel=0.05) and ir == pytest.approx(vis / 2, rel=0.01)


def test_apparent_temperature_turns_radiance_back():
    from mmlib.scenes.heat import band_radiance

    celsius = torch.tensor([[-20.0, 0.0], [33.0, 60.0]])
    assert torch.allclose(figures02.apparent(band_radiance(celsius)), celsius, atol=0.11)


def test_no_photographs_no_quiz(monkeypatch):
    monkeypatch.setenv("PUBLISH_REAL_IMAGES", "none")
    assert figures02.real_crops() == []
