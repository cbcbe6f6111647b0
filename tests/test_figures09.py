"""Chapter 9's figures: they say so where records are missing, and the paper's table gives itself away."""

from types import SimpleNamespace

import pytest
import torch
from results_toy import numbers_of

from mmlib.book import figures09
from mmlib.data.phrases import all_phrases, mask_of
from mmlib.results import Key


def test_what_needs_whole_records_or_answers_says_so_too(monkeypatch):
    monkeypatch.setattr(figures09, "published", lambda: None)
    assert "no run is published yet" in figures09.trials({}, ["gates"]).text
    assert "no run is published yet" in figures09.demonstration(figures09.STREETS[0]).text
    assert "no run is published yet" in figures09.demonstration_scores().text


@pytest.mark.parametrize("heading, culprit", [("Sign", "light"), ("vege", "bus"), ("fence", "bike")])
def test_one_class_and_no_other_fits_a_misnamed_column(heading, culprit):
    claims = figures09.load_claims("fusenet_ris")
    for column in figures09.COLUMNS:
        same = []
        for printed, published in (("crst", "crst"), ("uta", "intrada")):
            ours = claims.cell(f"results.{printed}.{figures09.PRINTED[heading]}").value
            same.append(ours == claims.cell(f"published.{published}.{column}").value)
        assert all(same) == (column == culprit), (heading, column)
    assert figures09.detective(heading).html.count("<table") == 19


def test_the_printed_mean_leaves_38_points_for_the_hidden_classes():
    text = figures09.means().text
    assert "Ours" in text and "62.45" in text and "37.9" in text
    assert "48.1" in figures09.printed_table().text


def test_a_table_of_arms():
    scores = {}
    for arm, right in {"fusenet_ris": 0.8, "noun_only": 0.4}.items():
        for metric, value in {"pairs.both": right / 2, "which.right": right, "pairs.luck": 0.1}.items():
            scores[arm, metric] = [value, value + 0.01, value + 0.02]
        scores[arm, "pairs.pairs"] = [335] * 3
    text = figures09.pairs(numbers_of(scores)).text
    assert "41.0 ±" in text and "81.0" in text and "21.0 ±" in text
    one = figures09.pairs(numbers_of({name: values[:1] for name, values in scores.items() if name[0] == "fusenet_ris"}))
    assert "40.0 " in one.text and "±" not in one.text, "a single run is shown without an interval"
    assert "of the 335 pairs" in one.html


def test_one_setting_alone_is_no_comparison():
    seen = {
        "kinds": {kind: {"right": 0.5} for kind in ("colour", "place", "combination")},
        "learning": {"right": [0.5]},
    }
    runs = {
        Key("fusenet_ris", name, "ministreet", "night", 0): SimpleNamespace(values=seen) for name in ("fusenet_ris",)
    }
    assert "no run is published yet" in figures09.trials(runs, ["gates"]).text
    runs |= {Key("fusenet_ris", "gates_all", "ministreet", "night", 0): SimpleNamespace(values=seen)}
    text = figures09.trials(runs, ["gates", "encoder"]).text
    assert "tanh on all three" in text and "encoder" not in text


def test_masks_are_packed_and_come_back():
    mask = torch.rand(6, 8, generator=torch.Generator().manual_seed(0)) > 0.5
    packed = figures09._packed(mask)
    assert packed.shape == (6,) and packed.dtype == torch.uint8
    assert torch.equal(figures09._unpacked(packed, (6, 8)), mask)
    assert torch.equal(figures09._inflated(figures09._deflated(packed)), packed)


def test_a_word_weighs_as_much_as_the_mask_changes_without_it():
    whole = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    half = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    none = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    weights = figures09._weights(torch.stack([whole, whole, half, none]))
    assert weights[:4].tolist() == [0, 50, 100, 0]


def test_frozen_answers_are_those_that_were_given(monkeypatch):
    street = figures09.street_of(figures09.STREETS[0], (192, 256))
    told = {phrase.text: phrase for phrase in street["phrases"]}

    def say(rgb, texts):
        """Always right about the first street, and empty where nothing is meant."""
        masks = torch.zeros(len(texts), 192, 256)
        if torch.equal(rgb[0], street["rgb"]):
            for k, text in enumerate(texts):
                if text in told:
                    masks[k] = mask_of(street["segments"].long(), told[text].segments).float()
        return masks, torch.full((len(texts), 12, 16), 0.5)

    monkeypatch.setattr("mmlib.data.phrases.all_phrases", lambda: all_phrases()[:12])
    kept = figures09.freeze(say, (192, 256))
    assert sum(t.nbytes for t in kept.values()) < 12_000
    found = figures09.answers(kept, figures09.STREETS[0])
    for text, (answer, overlap) in found.items():
        assert (overlap is None) == (text not in told)
        assert overlap is None or overlap > 0.4, "at half the size thin things lose their edges"
        assert len(answer.weights) == len(text.split())
